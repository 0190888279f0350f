//! Processes that run an async function: OTP's `spawn` and `proc_lib`.

use std::fmt;
use std::future::{self, Future};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::current;
use crate::exit::Exit;
use crate::link;
use crate::monitor::MonitorRef;
use crate::node::{self, Node};
use crate::pid::Pid;
use crate::probe::{Probe, ProbeRef};
use crate::process::plain::{Function, Plain, PlainTask};
use crate::process::{AnyProcess, ExitKind};
use crate::process_ref::{ProcessRef, current_process};
use crate::reason::Reason;
use crate::reply::{Slot, Waiting, erased};
use crate::runtime::Sleep;
use crate::start::{StartError, about};
use crate::stop::Burial;

/// How an async function that runs as a process may end: with nothing, which is `normal`, or with a reason.
pub trait Ending {
    /// The reason, if there is one.
    ///
    /// # Errors
    ///
    /// The reason that the process ends with.
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
/// The function is given its own mailbox. The process ends `normal` with the function, with the reason it returns, or with its
/// panic; an exit signal that it does not trap, or a kill, cuts it off at its next await.
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
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut shell = Probe::<i32>::new();
/// let answer_to = shell.sender();
/// let doubler: ProbeRef<i32> = spawn(move |mut me: Probe<i32>| async move {
///     while let Ok(Letter::Message(number)) = me.recv().await {
///         let _ = answer_to.send(2 * number);
///     }
/// })?;
/// doubler.send(21)?;
/// assert_eq!(shell.expect_message().await, 42);
/// # Ok(())
/// # }
/// ```
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
/// The link is there before it runs. Plain code that holds a [`Probe`] has [`Probe::spawn_link`].
///
/// # Errors
///
/// As [`spawn`]; and [`StartError::NotAProcess`] from plain code.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::{Probe, ProbeRef, Reason, StartError, spawn, spawn_link};
///
/// let mut shell = Probe::<()>::new();
/// let (_parent, reference) = shell.spawn_monitor(|mut parent: Probe<()>| async move {
///     let _child: ProbeRef<()> = spawn_link(|_child: Probe<()>| async { Err(Reason::term("boom")) })?;
///     parent.recv().await.map(drop)
/// })?;
/// assert_eq!(shell.expect_down(reference).await.reason, Reason::term("boom"));
///
/// assert_eq!(spawn_link(|_me: Probe<()>| async {}).unwrap_err(), StartError::NotAProcess);
/// # Ok(())
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

impl<N: Send + 'static> Probe<N> {
    /// Runs an async function as a process linked to this one: OTP's `spawn_link/1`. The link is there before it runs.
    ///
    /// # Errors
    ///
    /// As [`spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut shell = Probe::<()>::new();
    /// shell.trap_exits(true);
    /// let child = shell.spawn_link(|_me: Probe<()>| async { Err(Reason::term("boom")) })?;
    /// assert_eq!(shell.expect_exit(&child).await.reason, Reason::term("boom"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn_link<M, F, T>(&self, function: impl FnOnce(Probe<M>) -> F) -> Result<ProbeRef<M>, StartError>
    where
        M: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        T: Ending,
    {
        launch(Bonds { link: Some(self.process_ref()), ..Bonds::default() }, function)
    }

    /// Runs an async function as a process watched by this one: OTP's `spawn_monitor/1`. The monitor is there before it runs.
    ///
    /// # Errors
    ///
    /// As [`spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Probe, Reason};
    ///
    /// let mut shell = Probe::<()>::new();
    /// let (_child, reference) = shell.spawn_monitor(|_me: Probe<()>| async {})?;
    /// assert_eq!(shell.expect_down(reference).await.reason, Reason::Normal);
    /// # Ok(())
    /// # }
    /// ```
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

/// What a process has with others before it runs.
#[derive(Default)]
struct Bonds {
    link: Option<ProcessRef>,
    watch: Option<Watch>,
    /// Where its starter waits until it is ready.
    ready: Option<Arc<dyn Waiting>>,
}

/// A monitor that waits for its process.
struct Watch {
    reference: MonitorRef,
    watcher: ProcessRef,
    /// Tells the watcher whom the monitor is about.
    name: Box<dyn FnOnce(Pid) + Send>,
}

impl<N: Send + 'static> Probe<N> {
    /// A monitor of a process that is yet to be made.
    fn watch(&self) -> Watch {
        let reference = MonitorRef(self.process.head.home.node().next_reference());
        self.process.expect_down(reference, Pid::NOBODY);
        let own = Arc::clone(&self.process);
        Watch { reference, watcher: self.process_ref(), name: Box::new(move |pid| own.name_down(reference, pid)) }
    }
}

/// Makes the process and its ties, and hands its task to the runtime.
fn launch<M, F, T>(bonds: Bonds, function: impl FnOnce(Probe<M>) -> F) -> Result<ProbeRef<M>, StartError>
where
    M: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Ending,
{
    let Bonds { link, watch, ready } = bonds;
    let known = link.as_ref().or(watch.as_ref().map(|watch| &watch.watcher));
    let node = known.map_or_else(Node::current, ProcessRef::node);
    let home = node.home().ok_or(StartError::NoRuntime)?;
    let parent = link.as_ref().map(ProcessRef::pid).or_else(current::pid);
    let about = about(None, None, parent);
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
        // Whoever is to be linked with it has ended: it gets no turn at all.
        erased.exit(Exit { from: Pid::NOBODY, reason: Reason::NoProc }, ExitKind::Sent);
    }
    let probe = Probe { process: Arc::clone(&process) };
    // The function belongs to the new process also as far as it runs here: its panic is that process's end.
    let body: Function = match catch_unwind(AssertUnwindSafe(|| function(probe))) {
        Ok(body) => Box::pin(async move { body.await.into_ending() }),
        Err(payload) => Box::pin(future::ready(Err(Reason::caught(payload)))),
    };
    home.runtime().spawn(Box::pin(PlainTask::new(Arc::clone(&process), body, std::any::type_name::<F>())));
    if linked { Ok(ProbeRef::new(process)) } else { Err(StartError::NotAProcess) }
}

/// What a process tells its starter when it is ready: see [`start_process`].
pub struct Ack<V: Send + 'static> {
    slot: Option<Arc<Slot<Result<V, Reason>>>>,
}

impl<V: Send + 'static> Ack<V> {
    /// The process is ready: its starter goes on with the value. OTP's `init_ack`.
    #[doc(alias = "init_ack")]
    pub fn ready(mut self, value: V) {
        if let Some(slot) = self.slot.take() {
            slot.fill(Ok(Ok(value)));
        }
    }

    /// The process will not get ready: its starter gets the reason once the process is gone. OTP's `init_fail`.
    ///
    /// # Errors
    ///
    /// Always, with the reason: the function returns it, and the process ends with it.
    #[doc(alias = "init_fail")]
    pub fn fail(mut self, reason: impl Into<Reason>) -> Result<(), Reason> {
        let reason = reason.into();
        // Dropped without an answer: the starter waits for the end.
        self.slot.take();
        Err(reason)
    }
}

impl<V: Send + 'static> fmt::Debug for Ack<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").finish_non_exhaustive()
    }
}

/// Runs an async function as a process, and waits until it says that it is ready: OTP's `proc_lib:start`.
///
/// # Errors
///
/// [`StartError::Failed`] with the reason if the process ends before it is ready, [`StartError::Timeout`] if it takes longer
/// than [`timeout`](StartProcess::timeout) allows and was killed. In both cases the process is gone, and neither an exit nor a
/// `Down` of it is left behind.
///
/// # Examples
///
/// ```
/// use genserver::{Ack, Probe, start_process};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (process, port) = start_process(|mut me: Probe<()>, ack: Ack<u16>| async move {
///     ack.ready(8080);
///     let _ = me.recv().await;
/// })
/// .await?;
/// assert_eq!(port, 8080);
/// assert!(process.is_alive());
/// # Ok(())
/// # }
/// ```
pub fn start_process<M, V, F, T>(function: impl FnOnce(Probe<M>, Ack<V>) -> F + Send + 'static) -> StartProcess<M, V>
where
    M: Send + 'static,
    V: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Ending + 'static,
{
    StartProcess {
        launch: Some(Box::new(move |bonds, slot| {
            let bonds = Bonds { ready: Some(erased(&slot)), ..bonds };
            launch(bonds, move |probe| function(probe, Ack { slot: Some(slot) }))
        })),
        link: None,
        links_with_starter: false,
        watch: None,
        timeout: None,
        under_way: None,
    }
}

type Launch<M, V> = Box<dyn FnOnce(Bonds, Arc<Slot<Result<V, Reason>>>) -> Result<ProbeRef<M>, StartError> + Send>;

/// A process that is getting ready, made by [`start_process`].
#[must_use = "nothing is started until this is awaited"]
pub struct StartProcess<M: Send + 'static, V: Send + 'static> {
    launch: Option<Launch<M, V>>,
    link: Option<ProcessRef>,
    /// It is to be linked with whoever polls the start.
    links_with_starter: bool,
    watch: Option<Watch>,
    timeout: Option<Duration>,
    under_way: Option<GettingReady<M, V>>,
}

struct GettingReady<M: Send + 'static, V: Send + 'static> {
    process: ProbeRef<M>,
    slot: Arc<Slot<Result<V, Reason>>>,
    ended: crate::stop::Ended,
    sleep: Option<Sleep>,
    /// It took too long and was killed.
    burial: Option<Burial>,
}

impl<M: Send + 'static, V: Send + 'static> StartProcess<M, V> {
    /// Links it with the process that runs on this thread when the start is awaited: OTP's `proc_lib:start_link`.
    ///
    /// From plain code the start fails with [`StartError::NotAProcess`]. As with [`linked_to`](Self::linked_to), a start that
    /// fails is told by its error alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Ack, Probe, start_process};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let shell = Probe::<()>::new();
    /// let port = start_process(|mut me: Probe<()>, ack: Ack<u16>| async move {
    ///     ack.ready(8080);
    ///     let _ = me.recv().await;
    /// });
    /// let (process, _port) = shell.scope(async { port.link().await }).await?;
    /// assert_eq!(process.process_ref().info().links, [shell.pid()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn link(mut self) -> Self {
        self.links_with_starter = true;
        self
    }

    /// Links it with `starter`: OTP's `proc_lib:start_link`.
    ///
    /// A start that fails is told by its error alone: unlike in OTP a starter that does not trap exits lives on.
    pub fn linked_to<N: Send + 'static>(mut self, starter: &Probe<N>) -> Self {
        self.link = Some(starter.process_ref());
        self
    }

    /// Has `watcher` watch it: OTP's `proc_lib:start_monitor`. The monitor is there before the function runs.
    ///
    /// Its one `Down` comes also if the start fails, as in OTP.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Ack, Probe, Reason, start_process};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut shell = Probe::<()>::new();
    /// let start = start_process(|_me: Probe<()>, ack: Ack<()>| async move { ack.ready(()) });
    /// let (start, reference) = start.monitored_by(&mut shell);
    /// start.await?;
    /// assert_eq!(shell.expect_down(reference).await.reason, Reason::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn monitored_by<N: Send + 'static>(mut self, watcher: &mut Probe<N>) -> (Self, MonitorRef) {
        let watch = watcher.watch();
        let reference = watch.reference;
        self.watch = Some(watch);
        (self, reference)
    }

    /// Kills it if it is not ready by then.
    ///
    /// A function is cut off at an await. One that computes all the time is waited for for another second.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A start that did not succeed leaves no trace with a starter that traps exits.
    fn unlink(&self, process: &ProbeRef<M>) {
        if let Some(starter) = &self.link {
            let own = Arc::clone(starter.process());
            link::unlink(&own, process);
        }
    }
}

impl<M: Send + 'static, V: Send + 'static> Unpin for StartProcess<M, V> {}

impl<M: Send + 'static, V: Send + 'static> Future for StartProcess<M, V> {
    type Output = Result<(ProbeRef<M>, V), StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(launch) = this.launch.take() {
            if this.links_with_starter {
                this.link = Some(current_process().ok_or(StartError::NotAProcess)?);
            }
            let slot = Arc::new(Slot::new(crate::Pid::NOBODY));
            let bonds = Bonds { link: this.link.clone(), watch: this.watch.take(), ready: None };
            let process = launch(bonds, Arc::clone(&slot))?;
            let home = node::find(process.pid()).map(|process| Arc::clone(&process.head().home));
            let sleep = match (this.timeout, home) {
                (Some(timeout), Some(home)) => Some(home.runtime().sleep_until(crate::timer::at(&home, timeout))),
                _ => None,
            };
            let ended = process.process_ref().ended();
            this.under_way = Some(GettingReady { process, slot, ended, sleep, burial: None });
        }
        let Some(under_way) = &mut this.under_way else { return Poll::Pending };
        let server = under_way.process.process_ref().process().head().subject();
        if let Some(burial) = &mut under_way.burial {
            ready!(Pin::new(burial).poll(cx));
            this.under_way = None;
            return Poll::Ready(Err(StartError::Timeout { server, after: this.timeout.unwrap_or_default() }));
        }
        if let Poll::Ready(Ok(Ok(value))) = under_way.slot.poll(cx, None) {
            let process = under_way.process.clone();
            this.under_way = None;
            return Poll::Ready(Ok((process, value)));
        }
        if let Poll::Ready(reason) = Pin::new(&mut under_way.ended).poll(cx) {
            // It may have got ready and ended since the slot was looked into.
            let started = match under_way.slot.take() {
                Some(Ok(Ok(value))) => Ok((under_way.process.clone(), value)),
                _ => Err(StartError::Failed { server, reason }),
            };
            this.under_way = None;
            return Poll::Ready(started);
        }
        let Some(sleep) = &mut under_way.sleep else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        let process = under_way.process.clone();
        under_way.burial = Some(Burial::new(Arc::clone(process.process_ref().process())));
        this.unlink(&process);
        process.kill();
        self.poll(cx)
    }
}

/// Nobody will ever know the process: it goes.
impl<M: Send + 'static, V: Send + 'static> Drop for StartProcess<M, V> {
    fn drop(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            self.unlink(&under_way.process);
            under_way.process.kill();
        }
    }
}

impl<M: Send + 'static, V: Send + 'static> fmt::Debug for StartProcess<M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartProcess").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
