//! Processes whose starter waits until they are ready: OTP's `proc_lib:start`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Bonds, Ending, Watch, launch};
use crate::client::stop::EndAfterKill;
use crate::node;
use crate::node::current;
use crate::node::cut;
use crate::node::link;
use crate::node::process_ref::ProcessRef;
use crate::node::reply::{Slot, erased};
use crate::runtime::Sleep;
use crate::start::options::Link;
use crate::start::probe::{Probe, ProbeRef};
use crate::start::{StartError, starter_ends};
use crate::values::monitor::MonitorRef;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// The handle with which a process tells its starter that it is ready: see [`start_process`].
///
/// If the process drops it unused and goes on, the start fails at once with [`StartError::NoAck`] and the process is
/// killed, because nothing will ever refer to it. In OTP the starter would go on waiting.
///
/// # Examples
///
/// ```
/// use genserver::{Ack, Probe, StartError, start_process};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let forgets = start_process(|mut me: Probe<()>, _ack: Ack<()>| async move {
///     let _ = me.recv().await;
/// });
/// assert!(matches!(forgets.await, Err(StartError::NoAck { .. })));
/// # }
/// ```
pub struct Ack<V: Send + 'static> {
    /// The slots in which the starter waits; `None` once it was told.
    door: Option<Door<V>>,
    /// The process that holds it.
    pid: Pid,
}

/// The slots in which a starter waits for a process to get ready.
struct Door<V> {
    ready: Arc<Slot<V>>,
    /// Filled if the process will never be ready: with the reason, if it gave one.
    never: Arc<Slot<Option<Reason>>>,
}

impl<V> Door<V> {
    fn new() -> Self {
        Self { ready: Arc::new(Slot::new(Pid::NOBODY)), never: Arc::new(Slot::new(Pid::NOBODY)) }
    }
}

impl<V> Clone for Door<V> {
    fn clone(&self) -> Self {
        Self { ready: Arc::clone(&self.ready), never: Arc::clone(&self.never) }
    }
}

impl<V: Send + 'static> Ack<V> {
    /// The process is ready: its starter goes on with the value. OTP's `init_ack`.
    #[doc(alias = "init_ack")]
    pub fn ready(mut self, value: V) {
        if let Some(door) = self.door.take() {
            door.ready.fill(Ok(value));
        }
    }

    /// The process will not be ready: its starter gets the reason once the process is gone. OTP's `init_fail`.
    ///
    /// The function must clean up before it calls this and must return the result: at its next await it is killed.
    ///
    /// # Errors
    ///
    /// Always, with the reason: the function returns it, and the process ends with it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use genserver::{Ack, Probe, Reason, StartError, start_process};
    ///
    /// let start = start_process(|_me: Probe<()>, ack: Ack<u16>| async move {
    ///     ack.fail(Reason::term("the port is taken"))
    /// });
    /// let Err(StartError::Failed { reason, .. }) = start.await else { unreachable!() };
    /// assert_eq!(reason, Reason::term("the port is taken"));
    /// # }
    /// ```
    #[doc(alias = "init_fail")]
    pub fn fail(mut self, reason: impl Into<Reason>) -> Result<(), Reason> {
        let reason = reason.into();
        if let Some(door) = self.door.take() {
            door.never.fill(Ok(Some(reason.clone())));
        }
        Err(reason)
    }
}

// If the end of the process drops it, nothing is sent: the end itself tells the starter. A panic counts as the end.
impl<V: Send + 'static> Drop for Ack<V> {
    fn drop(&mut self) {
        if let Some(door) = self.door.take()
            && !node::is_ending(self.pid)
            && !std::thread::panicking()
        {
            door.never.fill(Ok(None));
        }
    }
}

impl<V: Send + 'static> fmt::Debug for Ack<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").finish_non_exhaustive()
    }
}

/// Runs an async function as a process, and waits until it reports that it is ready: OTP's `proc_lib:start`.
///
/// # Errors
///
/// [`StartError::Failed`] with the reason if the process ends before it is ready, [`StartError::NoAck`] if it dropped its
/// [`Ack`] unused and was killed, [`StartError::Timeout`] if it took longer than [`timeout`](StartProcess::timeout)
/// allows and was killed. In each case the process is gone, and no exit of it arrives.
///
/// # Cancel safety
///
/// Dropping the start before the process is ready kills the process, because nothing could refer to it. `select!` and a timeout
/// around the start do that. It is different if the start is dropped because its starter ends: as in OTP, the process goes on,
/// and only a link with the starter delivers the reason. The process is then not killed for dropping its [`Ack`].
///
/// # Examples
///
/// ```
/// use genserver::{Ack, Probe, start_process};
///
/// # genserver_doc::run! {
/// let (process, port) = start_process(|mut me: Probe<()>, ack: Ack<u16>| async move {
///     ack.ready(8080);
///     let _ = me.recv().await;
/// })
/// .await?;
/// assert_eq!(port, 8080);
/// assert!(process.is_alive());
/// # }
/// ```
#[doc(alias = "proc_lib")]
pub fn start_process<M, V, F, T>(function: impl FnOnce(Probe<M>, Ack<V>) -> F + Send + 'static) -> StartProcess<M, V>
where
    M: Send + 'static,
    V: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    T: Ending + 'static,
{
    StartProcess {
        launch: Some(Box::new(move |bonds, door| {
            let bonds = Bonds { ready: Some(erased(&door.ready)), ..bonds };
            launch(bonds, move |probe| {
                let ack = Ack { door: Some(door), pid: probe.pid() };
                function(probe, ack)
            })
        })),
        label: None,
        link: Link::Nobody,
        watch: None,
        timeout: None,
        under_way: None,
    }
}

type Launch<M, V> = Box<dyn FnOnce(Bonds, Door<V>) -> Result<ProbeRef<M>, StartError> + Send>;

/// A process that is getting ready, made by [`start_process`].
#[must_use = "nothing is started until this is awaited"]
pub struct StartProcess<M: Send + 'static, V: Send + 'static> {
    launch: Option<Launch<M, V>>,
    label: Option<Arc<str>>,
    link: Link,
    watch: Option<Watch>,
    timeout: Option<Duration>,
    under_way: Option<GettingReady<M, V>>,
}

struct GettingReady<M: Send + 'static, V: Send + 'static> {
    process: ProbeRef<M>,
    door: Door<V>,
    linked: Option<ProcessRef>,
    /// The process that awaits the start.
    starter: Option<Pid>,
    ended: crate::client::stop::Ended,
    sleep: Option<Sleep>,
    /// Set when it will not be ready and was killed.
    killed: Option<(EndAfterKill, Late)>,
}

impl<M: Send + 'static, V: Send + 'static> GettingReady<M, V> {
    /// Kills a process that nothing will refer to. The link goes first, so that a starter that traps exits sees no exit.
    fn abandon(&self) {
        if let Some(starter) = &self.linked {
            let own = Arc::clone(starter.process());
            link::unlink(&own, &self.process);
        }
        self.process.kill();
    }
}

// Nobody waits for it any more, so from now on a link with a process other than its starter carries its exit.
impl<M: Send + 'static, V: Send + 'static> Drop for GettingReady<M, V> {
    fn drop(&mut self) {
        self.door.ready.close();
        self.door.never.close();
    }
}

/// Why a process was killed before it was ready.
enum Late {
    /// It took too long.
    TimedOut,
    /// It reported that it will never be ready, or dropped its `Ack` unused.
    Never(Option<Reason>),
}

impl<M: Send + 'static, V: Send + 'static> StartProcess<M, V> {
    /// Links it with the process that runs on this thread when the start is awaited: OTP's `proc_lib:start_link`.
    ///
    /// From plain code the start fails with [`StartError::NotAProcess`]. As with [`linked_to`](Self::linked_to), if the start
    /// fails, only its error says so.
    pub fn link(mut self) -> Self {
        self.link = Link::Starter;
        self
    }

    /// Links it with `starter`: OTP's `proc_lib:start_link`.
    ///
    /// If the start fails, only its error says so: unlike in OTP, a starter that does not trap exits lives on.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::{Ack, Probe, Reason, start_process};
    ///
    /// let mut shell = Probe::<()>::new();
    /// shell.trap_exits(true);
    /// let start = start_process(|_me: Probe<()>, ack: Ack<()>| async move { ack.ready(()) });
    /// let (process, ()) = start.linked_to(&shell).await?;
    /// assert_eq!(shell.expect_exit(&process).await.reason, Reason::Normal);
    /// # }
    /// ```
    pub fn linked_to<N: Send + 'static>(mut self, starter: &Probe<N>) -> Self {
        self.link = Link::Process(starter.process_ref());
        self
    }

    /// Makes `watcher` monitor it: OTP's `proc_lib:start_monitor`. The monitor exists before the function runs.
    ///
    /// Its one `Down` comes even if the start fails, as in OTP.
    pub fn monitored_by<N: Send + 'static>(mut self, watcher: &mut Probe<N>) -> (Self, MonitorRef) {
        let watch = watcher.watch();
        let reference = watch.reference;
        self.watch = Some(watch);
        (self, reference)
    }

    /// Kills it if it is not ready by then.
    ///
    /// A function is cut off where it awaits. If it computes without awaiting, the start waits for another second.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Gives the process a label for errors and reports: OTP's `set_label`. It need not be unique.
    #[doc(alias = "set_label")]
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Gives the process a label unless it was given one before. A supervisor labels its children so.
    pub fn default_label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label.get_or_insert_with(|| label.into());
        self
    }
}

impl<M: Send + 'static, V: Send + 'static> Unpin for StartProcess<M, V> {}

impl<M: Send + 'static, V: Send + 'static> Future for StartProcess<M, V> {
    type Output = Result<(ProbeRef<M>, V), StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if cut::is_cut(cx) {
            return Poll::Pending;
        }
        if let Some(launch) = this.launch.take() {
            let linked = std::mem::take(&mut this.link).peer()?;
            let door = Door::new();
            let (label, watch) = (this.label.take(), this.watch.take());
            let bonds = Bonds { label, link: linked.clone(), watch, ready: None };
            let process = launch(bonds, door.clone())?;
            let home = node::find(process.pid()).map(|process| Arc::clone(&process.head().home));
            let sleep = match (this.timeout, home) {
                (Some(timeout), Some(home)) => {
                    Some(home.runtime().sleep_until(crate::node::alarm::after(&home, timeout)))
                }
                _ => None,
            };
            let ended = process.process_ref().ended();
            let starter = current::pid().or(linked.as_ref().map(ProcessRef::pid));
            this.under_way = Some(GettingReady { process, door, linked, starter, ended, sleep, killed: None });
        }
        let Some(under_way) = &mut this.under_way else { return Poll::Pending };
        if let Some((killed, late)) = &mut under_way.killed {
            ready!(Pin::new(killed).poll(cx));
            let error = late.error(&under_way.process.process_ref(), this.timeout);
            this.under_way = None;
            return Poll::Ready(Err(error));
        }
        if let Poll::Ready(Ok(value)) = under_way.door.ready.poll(cx, None) {
            let process = under_way.process.clone();
            this.under_way = None;
            return Poll::Ready(Ok((process, value)));
        }
        if let Poll::Ready(reason) = Pin::new(&mut under_way.ended).poll(cx) {
            // It may have got ready and ended since the slot was checked.
            let started = match under_way.door.ready.take() {
                Some(Ok(value)) => Ok((under_way.process.clone(), value)),
                _ => Err(StartError::Failed {
                    server: under_way.process.process_ref().process().head().subject(),
                    reason,
                }),
            };
            this.under_way = None;
            return Poll::Ready(started);
        }
        let late = match under_way.door.never.poll(cx, None) {
            Poll::Ready(never) => Late::Never(never.unwrap_or_default()),
            Poll::Pending => {
                let Some(sleep) = &mut under_way.sleep else { return Poll::Pending };
                ready!(sleep.as_mut().poll(cx));
                if cut::is_cut(cx) {
                    // The limit belongs to the starter, which is ending.
                    return Poll::Pending;
                }
                Late::TimedOut
            }
        };
        let killed = EndAfterKill::new(Arc::clone(under_way.process.process_ref().process()));
        under_way.killed = Some((killed, late));
        under_way.abandon();
        self.poll(cx)
    }
}

impl Late {
    /// The error of a start whose process was killed before it was ready.
    fn error(&self, process: &ProcessRef, timeout: Option<Duration>) -> StartError {
        let server = process.process().head().subject();
        let never = match self {
            Self::TimedOut => return StartError::Timeout { server, after: timeout.unwrap_or_default() },
            Self::Never(reason) => reason.clone(),
        };
        // It may have ended by itself meanwhile; then its own reason says more than that it was killed.
        let ended = process.process().ended_with().filter(|reason| *reason != Reason::Killed);
        match ended.or(never) {
            Some(reason) => StartError::Failed { server, reason },
            None => StartError::NoAck { server },
        }
    }
}

// Kills the process, to which nothing can refer any more, unless the starter ends: that leaves the process alone.
impl<M: Send + 'static, V: Send + 'static> Drop for StartProcess<M, V> {
    fn drop(&mut self) {
        let Some(under_way) = self.under_way.take() else { return };
        if !starter_ends(under_way.starter) {
            under_way.abandon();
        }
    }
}

impl<M: Send + 'static, V: Send + 'static> fmt::Debug for StartProcess<M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartProcess").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
