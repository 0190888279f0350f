//! Processes held by plain code: a pid and a mailbox for tests, `main`, and whatever else is no server.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::current;
use crate::exit::{self, Exit};
use crate::link::{self, LinkError};
use crate::monitor::{Down, MonitorRef};
use crate::name::Name;
use crate::node::Node;
use crate::pid::Pid;
use crate::process::AnyProcess;
use crate::process::plain::Plain;
use crate::process_ref::{AsProcess, ProcessRef};
use crate::reason::Reason;
use crate::server::GenServer;
use crate::start::{Start, StartMonitor, start};

// What tests wait for.
mod expect;
// What others hold.
mod sender;

pub use sender::ProbeRef;

/// How long [`Probe::expect`] waits: what the tests of the seeds wait.
///
/// # Examples
///
/// ```
/// use genserver::EXPECT_WITHIN;
/// use std::time::Duration;
///
/// assert_eq!(EXPECT_WITHIN, Duration::from_millis(500));
/// ```
pub const EXPECT_WITHIN: Duration = Duration::from_millis(500);

/// A process that plain code holds: it can be told things, watch, link, and start servers linked to it.
///
/// It is to `main` and to tests what the shell is to Erlang. Its mailbox holds [`Letter`]s: messages of type `M`, `Down`s and
/// trapped exits, in the order they arrived. Dropping it ends the process with the reason `normal`.
///
/// # Examples
///
/// ```
/// use genserver::{Letter, Probe, Reason};
/// # use genserver::{Cx, GenServer, Init, Never};
/// # struct Bucket;
/// # impl GenServer for Bucket {
/// #     type Args = ();
/// #     type Call = Never;
/// #     type Cast = Never;
/// #     type Info = Never;
/// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Bucket) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut probe = Probe::<()>::new();
/// let bucket = genserver::start::<Bucket>(()).await?;
/// let reference = probe.monitor(&bucket);
/// bucket.stop().await?;
///
/// let letters = probe.flush();
/// assert!(matches!(&letters[..], [Letter::Down(down)] if down.reference == reference && down.reason == Reason::Normal));
/// # Ok(())
/// # }
/// ```
pub struct Probe<M: Send + 'static> {
    pub(crate) process: Arc<Plain<M>>,
}

/// What arrives at a [`Probe`].
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::{Letter, Probe};
///
/// let mut probe = Probe::<&str>::new();
/// probe.trap_exits(true);
/// let server = probe.start_link::<Quiet>(()).await?;
/// probe.monitor(&server);
/// server.kill();
/// probe.sender().send("hello")?;
/// for letter in probe.flush() {
///     match letter {
///         Letter::Message(text) => assert_eq!(text, "hello"),
///         Letter::Down(down) => assert_eq!(down.pid, server.pid()),
///         Letter::Exit(exit) => assert_eq!(exit.from, server.pid()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Letter<M> {
    /// A message that somebody sent.
    Message(M),
    /// A process that is watched has ended.
    Down(Down),
    /// A trapped exit.
    Exit(Exit),
}

impl<M: Send + 'static> Probe<M> {
    /// A new process in the node of whoever asks.
    ///
    /// # Panics
    ///
    /// If the thread is in no runtime: a probe waits on one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<u8>::new();
    /// probe.sender().send(1)?;
    /// assert_eq!(probe.expect_message().await, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn new() -> Self {
        Self::on(&Node::current())
    }

    /// A new process in `node`.
    ///
    /// # Panics
    ///
    /// As [`new`](Probe::new).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Node, Probe};
    ///
    /// let node = Node::new();
    /// let probe = Probe::<()>::on(&node);
    /// assert_eq!(probe.process_ref().node().whereis("nobody"), None);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn on(node: &Node) -> Self {
        let home = node.home().expect("a probe waits on a runtime: make it inside one, or in a node that has one");
        Self { process: Plain::held(&home) }
    }

    fn erased(&self) -> Arc<dyn AnyProcess> {
        Arc::clone(&self.process) as Arc<dyn AnyProcess>
    }

    /// The pid of this process.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use genserver::Probe;
    ///
    /// let probe = Probe::<()>::new();
    /// assert_eq!(probe.pid(), probe.sender().pid());
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// This process without the type of its messages.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use genserver::{Probe, Reason};
    ///
    /// let probe = Probe::<()>::new();
    /// let ended = probe.process_ref().ended();
    /// drop(probe);
    /// assert_eq!(ended.await, Reason::Normal);
    /// # }
    /// ```
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(self.erased())
    }

    /// Whether it is alive: an exit that it does not trap ends it.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let probe = Probe::<()>::new();
    /// let server = probe.start_link::<Quiet>(()).await?;
    /// server.kill();
    /// assert!(!probe.is_alive(), "it was linked and does not trap exits");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// Where others send it messages.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<&str>::new();
    /// let sender = probe.sender();
    /// sender.send("hello")?;
    /// assert_eq!(probe.expect_message().await, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn sender(&self) -> ProbeRef<M> {
        ProbeRef::new(Arc::clone(&self.process))
    }

    /// Gives this process a name. It has at most one, until it ends.
    ///
    /// # Errors
    ///
    /// [`RegisterError`](crate::RegisterError) if the name is taken, or this process has one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let probe = Probe::<()>::new();
    /// probe.register("test")?;
    /// assert_eq!(genserver::whereis("test"), Some(probe.process_ref()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn register(&self, name: impl Into<Name>) -> Result<(), crate::RegisterError> {
        self.process.register(name.into())
    }

    /// Watches a process: its `Down` arrives as a [`Letter::Down`]. See [`Cx::monitor`](crate::Cx::monitor).
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut probe = Probe::<()>::new();
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let reference = probe.monitor(&server);
    /// server.kill();
    /// assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn monitor(&mut self, target: &impl AsProcess) -> MonitorRef {
        let reference = MonitorRef(self.process.head.home.node().next_reference());
        let pid = target.pid_or_nobody();
        self.process.expect_down(reference, pid);
        link::watch(reference, pid, target.as_process(), self.erased());
        reference
    }

    /// Takes a monitor back, with its `Down` if that has arrived and was not taken out: OTP's `demonitor` with `flush` and
    /// `info`. Returns whether the monitor was there, or its `Down` was thrown away.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<()>::new();
    /// let server = genserver::start::<Quiet>(()).await?;
    /// let reference = probe.monitor(&server);
    /// server.stop().await?;
    /// assert!(probe.demonitor(reference));
    /// assert!(probe.flush().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn demonitor(&mut self, reference: MonitorRef) -> bool {
        let Some(pid) = self.process.forget_down(reference) else { return false };
        if let Some(process) = pid.as_process() {
            process.process().demonitor(reference);
        }
        true
    }

    /// Links this process with another: see [`Cx::link`](crate::Cx::link).
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the other has ended and this process does not trap exits.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut probe = Probe::<()>::new();
    /// probe.trap_exits(true);
    /// let server = genserver::start::<Quiet>(()).await?;
    /// probe.link(&server)?;
    /// server.stop().await?;
    /// assert_eq!(probe.expect_exit(&server).await.reason, Reason::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn link(&mut self, target: &impl AsProcess) -> Result<(), LinkError> {
        link::link(&self.erased(), target)
    }

    /// Takes a link away. An exit that has arrived already stays. Returns whether there was a link.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<()>::new();
    /// let server = probe.start_link::<Quiet>(()).await?;
    /// assert!(probe.unlink(&server));
    /// server.kill();
    /// assert!(probe.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn unlink(&mut self, target: &impl AsProcess) -> bool {
        link::unlink(&self.erased(), target)
    }

    /// Takes a link away, and throws its exit away if it has arrived. Returns whether one was thrown away.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<()>::new();
    /// probe.trap_exits(true);
    /// let server = probe.start_link::<Quiet>(()).await?;
    /// server.kill();
    /// assert!(probe.unlink_flush(&server));
    /// assert!(probe.flush().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn unlink_flush(&mut self, target: &impl AsProcess) -> bool {
        self.unlink(target);
        self.process.forget_exit(target.pid_or_nobody())
    }

    /// Whether exits arrive as [`Letter::Exit`] from now on, or end this process, which is how it begins.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<()>::new();
    /// probe.trap_exits(true);
    /// let server = probe.start_link::<Quiet>(()).await?;
    /// server.kill();
    /// probe.expect_exit(&server).await;
    /// assert!(probe.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "process_flag")]
    pub fn trap_exits(&mut self, traps: bool) {
        self.process.set_traps_exits(traps);
    }

    /// Sends an exit signal that comes from this process: OTP's `exit/2`.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Probe, Reason};
    ///
    /// let probe = Probe::<()>::new();
    /// let server = genserver::start::<Quiet>(()).await?;
    /// probe.exit(&server, Reason::Shutdown);
    /// assert_eq!(server.ended().await, Reason::Shutdown);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "exit/2")]
    pub fn exit(&self, target: &impl AsProcess, reason: impl Into<Reason>) {
        if let Some(target) = target.as_process() {
            let _entered = current::enter(self.pid());
            exit::send(target.process(), reason.into());
        }
    }

    /// Starts a server linked to this process: OTP's `start_link`.
    ///
    /// # Errors
    ///
    /// As [`start_link`](crate::start_link).
    ///
    /// # Cancel safety
    ///
    /// Dropping a start that is under way kills the process.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let probe = Probe::<()>::new();
    /// let server = probe.start_link::<Quiet>(()).await?;
    /// assert_eq!(server.info().links, [probe.pid()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_link<S: GenServer>(&self, args: S::Args) -> Start<S> {
        start(args).linked_to(self.process_ref())
    }

    /// Starts a server watched by this process: OTP's `start_monitor`. A start that fails leaves no `Down`.
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()).
    ///
    /// # Cancel safety
    ///
    /// Dropping a start that is under way kills the process, and takes the monitor back.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut probe = Probe::<()>::new();
    /// let (server, reference) = probe.start_monitor::<Quiet>(()).await?;
    /// server.stop().await?;
    /// assert_eq!(probe.expect_down(reference).await.reason, Reason::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_monitor<S: GenServer>(&mut self, args: S::Args) -> StartMonitor<'_, S> {
        let reference = MonitorRef(self.process.head.home.node().next_reference());
        let watcher = self.process_ref();
        let process = &self.process;
        // A `Down` that nobody expects is thrown away, so it is expected before the server can end.
        process.expect_down(reference, Pid::NOBODY);
        let mut forget = ForgetDown { process, reference, kept: false };
        StartMonitor::new(start(args).monitored_by(reference, watcher), reference, move |pid| {
            forget.keep(pid);
        })
    }

    /// Runs a future as this process: what it calls and starts is called and started by it.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/quiet.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let probe = Probe::<()>::new();
    /// let server = probe.scope(async { genserver::start_link::<Quiet>(()).await }).await?;
    /// assert_eq!(server.info().parent, Some(probe.pid()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F, M> {
        Scope { pid: self.pid(), future: Box::pin(future) }
    }

    /// Waits for the next letter.
    ///
    /// # Errors
    ///
    /// The reason of this process's end, if it has ended and everything that had arrived is taken out.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Letter, Probe};
    ///
    /// let mut probe = Probe::<u8>::new();
    /// probe.sender().send(7)?;
    /// assert_eq!(probe.recv().await, Ok(Letter::Message(7)));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "receive")]
    pub async fn recv(&mut self) -> Result<Letter<M>, Reason> {
        std::future::poll_fn(|cx| self.process.poll_letter(cx, |_| true)).await
    }

    /// Takes the next letter if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Letter, Probe};
    ///
    /// let mut probe = Probe::<u8>::new();
    /// assert_eq!(probe.try_recv(), None);
    /// probe.sender().send(1)?;
    /// assert_eq!(probe.try_recv(), Some(Letter::Message(1)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv(&mut self) -> Option<Letter<M>> {
        self.process.take_letter(|_| true)
    }

    /// Takes everything that has arrived: what `flush()` does in a shell.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Letter, Probe};
    ///
    /// let mut probe = Probe::<u8>::new();
    /// probe.sender().send(1)?;
    /// probe.sender().send(2)?;
    /// assert_eq!(probe.flush(), [Letter::Message(1), Letter::Message(2)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn flush(&mut self) -> Vec<Letter<M>> {
        std::iter::from_fn(|| self.try_recv()).collect()
    }
}

/// The watcher forgets a monitor whose server did not start.
struct ForgetDown<'a, M: Send + 'static> {
    process: &'a Arc<Plain<M>>,
    reference: MonitorRef,
    kept: bool,
}

impl<M: Send + 'static> ForgetDown<'_, M> {
    fn keep(&mut self, pid: Pid) {
        self.kept = true;
        self.process.name_down(self.reference, pid);
    }
}

impl<M: Send + 'static> Drop for ForgetDown<'_, M> {
    fn drop(&mut self) {
        if !self.kept {
            self.process.forget_down(self.reference);
        }
    }
}

impl<M: Send + 'static> Default for Probe<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// Plain code lets go of its process: it ends, `normal`.
impl<M: Send + 'static> Drop for Probe<M> {
    fn drop(&mut self) {
        self.process.let_go();
    }
}

impl<M: Send + 'static> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Probe({})", self.process.head.title())
    }
}

impl<M: Send + 'static> AsProcess for Probe<M> {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}

/// A future that runs as a process.
pub(crate) struct Scope<F> {
    pub(crate) pid: Pid,
    pub(crate) future: Pin<Box<F>>,
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = current::enter(self.pid);
        self.future.as_mut().poll(cx)
    }
}

/// What a plain process has in its mailbox, and what it expects.
pub(crate) struct Letters<M> {
    pub(crate) queue: VecDeque<Letter<M>>,
    /// How many of them are messages: those count against the bound.
    pub(crate) messages: usize,
    /// How many messages found no room.
    pub(crate) refused: u64,
    pub(crate) downs: BTreeMap<MonitorRef, Pid>,
    /// Linked processes whose exits are in the queue.
    pub(crate) exits: BTreeSet<Pid>,
}

impl<M> Default for Letters<M> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), messages: 0, refused: 0, downs: BTreeMap::new(), exits: BTreeSet::new() }
    }
}
