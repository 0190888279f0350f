//! A reference to any process, with a server or plain code in it.

use std::fmt;
use std::sync::Arc;

use crate::node::any_process::{AnyProcess, ExitKind};
use crate::node::current;
use crate::node::find_error::FindError;
use crate::node::link;
use crate::node::name::Name;
use crate::node::subject::Subject;
use crate::node::table::{self, Node};
use crate::values::exit::Exit;
use crate::values::info::ProcessInfo;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A reference to any process: to monitor, link, stop and inspect it, but not to send it messages.
///
/// It neither keeps the process alive nor ends it. Use [`downcast`](ProcessRef::downcast) to get a typed reference.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::{ProcessRef, Reason};
///
/// async fn outlive(process: ProcessRef) -> Reason {
///     process.exit(Reason::Shutdown);
///     process.ended().await
/// }
///
/// let server = genserver::start::<Quiet>(()).await?;
/// assert_eq!(outlive(server.process_ref()).await, Reason::Shutdown);
/// # }
/// ```
#[derive(Clone)]
pub struct ProcessRef {
    process: Arc<dyn AnyProcess>,
}

impl ProcessRef {
    pub(crate) fn new(process: Arc<dyn AnyProcess>) -> Self {
        Self { process }
    }

    pub(crate) fn process(&self) -> &Arc<dyn AnyProcess> {
        &self.process
    }

    /// The pid of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).await?;
    /// assert_eq!(server.process_ref().pid(), server.pid());
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.process.head().pid
    }

    /// The name it was started with, if any. It has none after its end.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).name("quiet").await?;
    /// assert_eq!(server.process_ref().name(), Some(&"quiet".into()));
    /// # }
    /// ```
    pub fn name(&self) -> Option<&Name> {
        self.process.head().name()
    }

    /// The process as an error names it: by its name, if it has one, and its pid.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).name("quiet").await?;
    /// let subject = server.process_ref().subject();
    /// assert_eq!(subject.to_string(), format!("process quiet {}", server.pid()));
    /// # }
    /// ```
    pub fn subject(&self) -> Subject {
        self.process.head().subject()
    }

    /// The node it lives in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let node = genserver::Node::new();
    /// let server = node.start::<Quiet>(()).name("quiet").await?;
    /// assert!(server.process_ref().node().whereis("quiet").is_some());
    /// # }
    /// ```
    pub fn node(&self) -> Node {
        self.process.head().home.node().clone()
    }

    /// Returns whether it takes messages. This is false from the moment its end begins, and so while terminate runs.
    ///
    /// OTP's `is_process_alive` is still true then: it is the opposite of [`has_ended`](ProcessRef::has_ended).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let process = server.process_ref();
    /// assert!(process.is_alive());
    /// server.stop().await?;
    /// assert!(!process.is_alive());
    /// # }
    /// ```
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// Returns whether its end is complete: its state has been dropped, and its names are free.
    ///
    /// Terminate runs between the moment when [`is_alive`](ProcessRef::is_alive) turns false and the moment when this turns true.
    /// After a `Down`, an exit or an error has told of the end, this is true. A table that holds something for a process, such as
    /// its name, checks this to see whether the entry is still valid.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let process = server.process_ref();
    /// assert!(!process.has_ended());
    /// server.stop().await?;
    /// assert!(process.has_ended());
    /// # }
    /// ```
    #[doc(alias = "is_process_alive")]
    pub fn has_ended(&self) -> bool {
        !self.process.holds_name()
    }

    /// Returns a snapshot of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).label("a quiet one").await?;
    /// assert_eq!(server.process_ref().info().label.as_deref(), Some("a quiet one"));
    /// # }
    /// ```
    pub fn info(&self) -> ProcessInfo {
        self.process.info()
    }

    /// Sets what [`ProcessInfo::restarts`] shows.
    ///
    /// It is for supervisors, which call it for each process that they start in the place of another.
    /// [`Child`](crate::supervisor::Child) does it by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let mut server = genserver::start::<Quiet>(()).await?;
    /// for restarts in 1..=2 {
    ///     server.stop().await?;
    ///     server = genserver::start::<Quiet>(()).await?;
    ///     server.process_ref().set_restarts(restarts);
    /// }
    /// assert_eq!(server.info().restarts, 2);
    /// # }
    /// ```
    pub fn set_restarts(&self, restarts: u64) {
        self.process.set_restarts(restarts);
    }

    /// Sends it an exit signal: OTP's `exit/2`. See [`ServerRef::exit`](crate::ServerRef::exit).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Reason;
    ///
    /// let server = genserver::start::<Quiet>(()).await?;
    /// server.process_ref().exit(Reason::Shutdown);
    /// assert_eq!(server.ended().await, Reason::Shutdown);
    /// # }
    /// ```
    #[doc(alias = "exit/2")]
    pub fn exit(&self, reason: impl Into<Reason>) {
        link::send_exit(&self.process, reason.into());
    }

    /// Kills it: no callback runs, and it cannot be trapped. See [`ServerRef::kill`](crate::ServerRef::kill).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Reason;
    ///
    /// let process = genserver::start::<Quiet>(()).await?.process_ref();
    /// process.kill();
    /// assert_eq!(process.ended().await, Reason::Killed);
    /// # }
    /// ```
    pub fn kill(&self) {
        let from = current::sender();
        Arc::clone(&self.process).exit(Exit { from, reason: Reason::Kill }, ExitKind::Kill);
    }

    /// Removes the link between this process and another on both sides: OTP's `unlink/1`, which here any holder of the reference
    /// may call.
    ///
    /// A process does so for itself with `current_process()`, or with [`Cx::unlink`](crate::Cx::unlink). An exit that has been
    /// trapped already is still handled. Returns whether there was a link.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    ///
    /// let parent = Probe::<()>::new();
    /// let server = parent.start_link::<Quiet>(()).await?;
    /// assert!(parent.process_ref().unlink(&server));
    /// server.kill();
    /// assert!(parent.is_alive());
    /// # }
    /// ```
    pub fn unlink(&self, target: &impl AsProcess) -> bool {
        link::unlink(&self.process, target)
    }
}

impl PartialEq for ProcessRef {
    fn eq(&self, other: &Self) -> bool {
        self.pid() == other.pid()
    }
}

impl Eq for ProcessRef {}

impl fmt::Debug for ProcessRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessRef({})", self.process.head().title())
    }
}

/// Refers to one process: a reference, a pid, a name, or a client type of your own.
///
/// `monitor`, `link` and similar functions take it.
///
/// # Examples
///
/// A client type that can be monitored like the server that it wraps:
///
/// ```
/// # use genserver_doc::quiet::*;
/// use genserver::{AsProcess, Probe, ProcessRef, Reason, ServerRef};
///
/// struct Library(ServerRef<Quiet>);
///
/// impl AsProcess for Library {
///     fn as_process(&self) -> Option<ProcessRef> {
///         self.0.as_process()
///     }
/// }
///
/// # genserver_doc::run! {
/// let mut probe = Probe::<()>::new();
/// let library = Library(genserver::start::<Quiet>(()).await?);
/// let reference = probe.monitor(&library);
/// library.0.stop().await?;
/// assert_eq!(probe.expect_down(reference).await.reason, Reason::Normal);
/// # }
/// ```
pub trait AsProcess {
    /// The process, if it exists: a pid or a name may refer to none.
    fn as_process(&self) -> Option<ProcessRef>;

    /// The pid for the messages about a process that does not exist.
    #[doc(hidden)]
    fn pid_or_nobody(&self) -> Pid {
        self.as_process().map_or(Pid::NOBODY, |process| process.pid())
    }

    /// Returns the process, or the error of a request to it.
    #[doc(hidden)]
    fn find_process(&self) -> Result<ProcessRef, FindError> {
        let nobody = || FindError::NoProc { server: Subject::of(self.pid_or_nobody()) };
        self.as_process().ok_or_else(nobody)
    }
}

impl<T: AsProcess + ?Sized> AsProcess for &T {
    fn as_process(&self) -> Option<ProcessRef> {
        (**self).as_process()
    }

    fn pid_or_nobody(&self) -> Pid {
        (**self).pid_or_nobody()
    }

    fn find_process(&self) -> Result<ProcessRef, FindError> {
        (**self).find_process()
    }
}

impl AsProcess for ProcessRef {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.clone())
    }
}

impl AsProcess for Pid {
    fn as_process(&self) -> Option<ProcessRef> {
        table::find(*self).map(ProcessRef::new)
    }

    fn pid_or_nobody(&self) -> Pid {
        *self
    }
}

/// Looks up the process with a name, in the node of the caller or in the space that the name itself says.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// let server = genserver::start::<Quiet>(()).name("quiet").await?;
/// assert_eq!(genserver::whereis("quiet"), Some(server.process_ref()));
/// server.stop().await?;
/// assert_eq!(genserver::whereis("quiet"), None);
/// # }
/// ```
pub fn whereis(name: impl Into<Name>) -> Option<ProcessRef> {
    Node::current().whereis(name)
}

/// The process that runs on this thread: OTP's `self()`. `None` in plain code, and in tasks that a process has spawned.
///
/// # Examples
///
/// ```
/// # genserver_doc::run! {
/// use genserver::{Probe, current_process};
///
/// let probe = Probe::<()>::new();
/// assert_eq!(probe.scope(async { current_process() }).await, Some(probe.process_ref()));
/// assert_eq!(current_process(), None);
/// # }
/// ```
#[doc(alias = "self")]
pub fn current_process() -> Option<ProcessRef> {
    current_pid().and_then(table::find).map(ProcessRef::new)
}

/// The pid of the process that runs on this thread. `None` in plain code, and in tasks that a process has spawned.
///
/// It does not look the process up, as [`current_process`] does. So it costs little, and is there even if the process has ended:
/// code in the [scope](crate::Probe::scope) of a probe goes on after the probe has been dropped.
///
/// # Examples
///
/// ```
/// # genserver_doc::run! {
/// use genserver::{Probe, current_pid, current_process};
///
/// let probe = Probe::<()>::new();
/// let pid = probe.pid();
/// let scope = probe.scope(async { (current_pid(), current_process()) });
/// drop(probe);
/// assert_eq!(scope.await, (Some(pid), None));
/// assert_eq!(current_pid(), None);
/// # }
/// ```
#[doc(alias = "self")]
pub fn current_pid() -> Option<Pid> {
    current::pid()
}
