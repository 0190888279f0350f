//! Processes that run an async function: OTP's `spawn` and `proc_lib`.

use std::future::{self, Future};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt;

use crate::node::Node;
use crate::node::any_process::{AnyProcess, ExitKind};
use crate::node::current;
use crate::node::link;
use crate::node::process_ref::{ProcessRef, current_process};
use crate::node::reply::Waiting;
use crate::process::plain::{Function, Plain, PlainTask};
use crate::start::probe::{Probe, ProbeRef};
use crate::start::{StartError, about};
use crate::values::exit::Exit;
use crate::values::monitor::MonitorRef;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

// Processes that report when they are ready.
mod ready;

pub use ready::{Ack, StartProcess, start_process};

/// The result of an async function that runs as a process: nothing, which ends it `normal`, or a reason.
///
/// # Examples
///
/// ```
/// # genserver_doc::run! {
/// use genserver::{Probe, ProbeRef, Reason, spawn};
///
/// /// Ends with the error if the text is not a number.
/// async fn parse(text: &'static str) -> Result<(), Reason> {
///     let _number: u32 = text.parse()?;
///     Ok(())
/// }
///
/// let process: ProbeRef<()> = spawn(|_me: Probe<()>| parse("twelve"))?;
/// let reason = process.process_ref().ended().await;
/// assert_eq!(reason.to_string(), "invalid digit found in string");
/// # }
/// ```
pub trait Ending: 'static {
    /// Returns the reason as an error, if there is one.
    ///
    /// # Errors
    ///
    /// The reason with which the process ends.
    fn into_ending(self) -> Result<(), Reason>;
}

impl Ending for () {
    fn into_ending(self) -> Result<(), Reason> {
        Ok(())
    }
}

impl Ending for Result<(), Reason> {
    fn into_ending(self) -> Result<(), Reason> {
        self
    }
}

/// Runs an async function as a process of its own: OTP's `spawn/1`.
///
/// The function is given its own mailbox. The process ends `normal` when the function returns, or with the reason it returns, or
/// with its panic. An exit signal that it does not trap, or a kill, cuts it off at its next await.
///
/// # Errors
///
/// [`StartError::NoRuntime`] if the thread is in no runtime.
///
/// # Examples
///
/// ```
/// use genserver::{Letter, Probe, ProbeRef, spawn};
///
/// # genserver_doc::run! {
/// let mut shell = Probe::<i32>::new();
/// let answer_to = shell.sender();
/// let doubler: ProbeRef<i32> = spawn(move |mut me: Probe<i32>| async move {
///     while let Ok(Letter::Message(number)) = me.recv().await {
///         let _ = answer_to.send(2 * number);
///     }
/// })?;
/// doubler.send(21)?;
/// assert_eq!(shell.expect_message().await, 42);
/// # }
/// ```
#[doc(alias = "proc_lib")]
pub fn spawn<M, F, T>(function: impl FnOnce(Probe<M>) -> F) -> Result<ProbeRef<M>, StartError>
where
    M: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Ending,
{
    launch(Bonds::default(), function)
}

/// Runs an async function as a process linked to the one that runs on this thread: OTP's `spawn_link/1`.
///
/// The link exists before the function runs. Plain code that holds a [`Probe`] uses [`Probe::spawn_link`].
///
/// # Errors
///
/// As [`spawn`]; and [`StartError::NotAProcess`] from plain code.
///
/// # Examples
///
/// ```
/// # genserver_doc::run! {
/// use genserver::{Probe, ProbeRef, Reason, StartError, spawn, spawn_link};
///
/// let mut shell = Probe::<()>::new();
/// let (_parent, reference) = shell.spawn_monitor(|mut parent: Probe<()>| async move {
///     let crash = |_me: Probe<()>| async { Err(Reason::term("boom")) };
///     let _child: ProbeRef<()> = spawn_link(crash)?;
///     parent.recv().await.map(drop)
/// })?;
/// assert_eq!(shell.expect_down(reference).await.reason, Reason::term("boom"));
///
/// assert_eq!(spawn_link(|_me: Probe<()>| async {}).unwrap_err(), StartError::NotAProcess);
/// # }
/// ```
pub fn spawn_link<M, F, T>(function: impl FnOnce(Probe<M>) -> F) -> Result<ProbeRef<M>, StartError>
where
    M: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Ending,
{
    let starter = current_process().ok_or(StartError::NotAProcess)?;
    launch(Bonds { link: Some(starter), ..Bonds::default() }, function)
}

/// As [`spawn_link`], with a label that errors and reports show. A supervisor labels its children so.
///
/// # Errors
///
/// As [`spawn_link`].
pub fn spawn_link_labelled<M, F, T>(
    label: impl Into<Arc<str>>,
    function: impl FnOnce(Probe<M>) -> F,
) -> Result<ProbeRef<M>, StartError>
where
    M: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Ending,
{
    let starter = current_process().ok_or(StartError::NotAProcess)?;
    launch(Bonds { link: Some(starter), label: Some(label.into()), ..Bonds::default() }, function)
}

impl<N: Send + 'static> Probe<N> {
    /// Runs an async function as a process linked to this one: OTP's `spawn_link/1`. The link exists before the function runs.
    ///
    /// # Errors
    ///
    /// As [`spawn`].
    pub fn spawn_link<M, F, T>(&self, function: impl FnOnce(Probe<M>) -> F) -> Result<ProbeRef<M>, StartError>
    where
        M: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        T: Ending,
    {
        launch(Bonds { link: Some(self.process_ref()), ..Bonds::default() }, function)
    }

    /// Runs an async function as a process monitored by this one: OTP's `spawn_monitor/1`. The monitor exists before it runs.
    ///
    /// # Errors
    ///
    /// As [`spawn`].
    pub fn spawn_monitor<M, F, T>(
        &mut self,
        function: impl FnOnce(Probe<M>) -> F,
    ) -> Result<(ProbeRef<M>, MonitorRef), StartError>
    where
        M: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        T: Ending,
    {
        let watch = self.watch();
        let reference = watch.reference;
        let spawned = launch(Bonds { watch: Some(watch), ..Bonds::default() }, function);
        if spawned.is_err() {
            self.process.forget_down(reference);
        }
        Ok((spawned?, reference))
    }
}

/// The ties that a process has before it runs, and its label.
#[derive(Default)]
struct Bonds {
    label: Option<Arc<str>>,
    link: Option<ProcessRef>,
    watch: Option<Watch>,
    /// The slot in which its starter waits until it is ready.
    ready: Option<Arc<dyn Waiting>>,
}

/// A monitor that is set once its process exists.
struct Watch {
    reference: MonitorRef,
    watcher: ProcessRef,
    /// Tells the watcher which process the monitor is for.
    name: Box<dyn FnOnce(Pid) + Send>,
}

impl<N: Send + 'static> Probe<N> {
    /// A monitor of a process that does not exist yet.
    fn watch(&self) -> Watch {
        let reference = MonitorRef(self.process.head.home.node().next_reference());
        self.process.expect_down(reference, Pid::NOBODY);
        let own = Arc::clone(&self.process);
        Watch { reference, watcher: self.process_ref(), name: Box::new(move |pid| own.name_down(reference, pid)) }
    }
}

/// Makes the process and its ties, and spawns its task on the runtime.
fn launch<M, F, T>(bonds: Bonds, function: impl FnOnce(Probe<M>) -> F) -> Result<ProbeRef<M>, StartError>
where
    M: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Ending,
{
    let Bonds { label, link, watch, ready } = bonds;
    let known = link.as_ref().or(watch.as_ref().map(|watch| &watch.watcher));
    let node = known.map_or_else(Node::current, ProcessRef::node);
    let home = node.home().ok_or(StartError::NoRuntime)?;
    let parent = link.as_ref().map(ProcessRef::pid).or_else(current::pid);
    let about = about(None, label, parent);
    let process = Plain::<M>::running(&home, about);
    let erased = Arc::clone(&process) as Arc<dyn AnyProcess>;
    if let (Some(starter), Some(ready)) = (&link, ready) {
        process.set_starter(starter.pid(), ready);
    }
    if let Some(Watch { reference, watcher, name }) = watch {
        name(process.head.pid);
        erased.monitor(reference, Arc::clone(watcher.process()));
    }
    let linked = link.as_ref().is_none_or(|starter| link::tie(&erased, starter.process()));
    if !linked {
        // The process to link with has ended, so the new one never runs.
        erased.exit(Exit { from: Pid::NOBODY, reason: Reason::NoProc }, ExitKind::Sent);
    }
    let probe = Probe { process: Arc::clone(&process) };
    // The part of the function that runs here belongs to the new process already: its panic ends that process.
    let body: Function = match catch_unwind(AssertUnwindSafe(|| function(probe))) {
        // Not an async block, which would have space for the future twice: where it is captured, and where it is awaited.
        Ok(body) => Box::pin(body.map(Ending::into_ending)),
        Err(payload) => Box::pin(future::ready(Err(Reason::caught(payload)))),
    };
    home.runtime().spawn(Box::pin(PlainTask::new(Arc::clone(&process), body, std::any::type_name::<F>())));
    if linked { Ok(ProbeRef::new(process)) } else { Err(StartError::NotAProcess) }
}
