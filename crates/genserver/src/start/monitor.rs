//! Starts of servers that are monitored from the beginning.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Start, StartError};
use crate::client::server_ref::ServerRef;
use crate::node::process_ref::ProcessRef;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::start::probe::Probe;
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;

/// A start whose server is monitored from the beginning: OTP's `start_monitor/3,4`.
///
/// # Cancel safety
///
/// As [`start`](crate::start()); the monitor is removed.
#[must_use = "nothing is started until this is awaited"]
pub struct StartMonitor<'a, S: GenServer, H = ServerRef<S>> {
    start: Start<S, H>,
    reference: MonitorRef,
    /// Makes the watcher keep its side of the monitor, once the server runs.
    keep: Box<dyn FnMut(Pid) + Send + 'a>,
}

impl<S: GenServer, H> Start<S, H> {
    /// Makes `watcher` monitor the server. The monitor exists before init runs. If the start fails, the monitor is removed.
    ///
    /// The awaited start then returns the monitor beside the server. For a start without options there is
    /// [`Probe::start_monitor`].
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::agent::Agent;
    /// use genserver::{Probe, Reason};
    ///
    /// let mut shell = Probe::<()>::new();
    /// let (agent, reference) = Agent::start(|| 1).name("one").monitored_by(&mut shell).await?;
    /// agent.stop().await?;
    /// assert_eq!(shell.expect_down(reference).await.reason, Reason::Normal);
    /// # }
    /// ```
    #[doc(alias = "start_monitor")]
    pub fn monitored_by<M: Send + 'static>(self, watcher: &mut Probe<M>) -> StartMonitor<'_, S, H> {
        watcher.watch_start(self)
    }

    /// The same for a watcher that is a server: `make` turns the `Down` into one of its infos, as in
    /// [`Cx::monitor`](crate::Cx::monitor).
    #[doc(alias = "start_monitor")]
    pub fn monitored_in<T: GenServer>(
        self,
        cx: &mut Cx<T>,
        make: impl FnOnce(Down) -> T::Info + Send + 'static,
    ) -> StartMonitor<'_, S, H> {
        cx.watch_start(self, make)
    }
}

impl<'a, S: GenServer, H> StartMonitor<'a, S, H> {
    pub(crate) fn new(
        mut start: Start<S, H>,
        reference: MonitorRef,
        watcher: ProcessRef,
        keep: impl FnMut(Pid) + Send + 'a,
    ) -> Self {
        start.options().monitor = Some((reference, watcher));
        Self { start, reference, keep: Box::new(keep) }
    }

    /// Sets options of the start: passes its builder through `set`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<()>::new();
    /// let start = probe.start_monitor::<Quiet>(()).with(|start| start.name("quiet").mailbox(8));
    /// let (server, _) = start.await?;
    /// assert_eq!(server.name(), Some(&"quiet".into()));
    /// # }
    /// ```
    pub fn with(mut self, set: impl FnOnce(Start<S, H>) -> Start<S, H>) -> Self {
        self.start = set(self.start);
        self
    }
}

impl<S: GenServer, H: From<ServerRef<S>>> Future for StartMonitor<'_, S, H> {
    type Output = Result<(H, MonitorRef), StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let server = ready!(this.start.starting.poll(cx))?;
        (this.keep)(server.pid());
        Poll::Ready(Ok((H::from(server), this.reference)))
    }
}

impl<S: GenServer, H> fmt::Debug for StartMonitor<'_, S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartMonitor").field("start", &self.start).finish_non_exhaustive()
    }
}
