//! Starts of servers that are watched from the beginning.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Start, StartError};
use crate::monitor::MonitorRef;
use crate::pid::Pid;
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// A start under way whose server is watched from the beginning: OTP's `start_monitor/3,4`.
///
/// # Cancel safety
///
/// As [`start`](crate::start()); the monitor is taken back.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::{Probe, Reason};
///
/// let mut probe = Probe::<()>::new();
/// let (server, reference) = probe.start_monitor::<Quiet>(()).await?;
/// server.kill();
/// assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is started until this is awaited"]
pub struct StartMonitor<'a, S: GenServer> {
    start: Start<S>,
    reference: MonitorRef,
    /// Has the watcher keep what it makes of the `Down`, once the server runs.
    keep: Box<dyn FnMut(Pid) + Send + 'a>,
}

impl<'a, S: GenServer> StartMonitor<'a, S> {
    pub(crate) fn new(start: Start<S>, reference: MonitorRef, keep: impl FnMut(Pid) + Send + 'a) -> Self {
        Self { start, reference, keep: Box::new(keep) }
    }

    /// Sets options of the start: its builder is passed through `set`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<()>::new();
    /// let (server, _) = probe.start_monitor::<Quiet>(()).with(|start| start.name("quiet").mailbox(8)).await?;
    /// assert_eq!(server.name(), Some(&"quiet".into()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with(mut self, set: impl FnOnce(Start<S>) -> Start<S>) -> Self {
        self.start = set(self.start);
        self
    }
}

impl<S: GenServer> Future for StartMonitor<'_, S> {
    type Output = Result<(ServerRef<S>, MonitorRef), StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let server = ready!(Pin::new(&mut this.start).poll(cx))?;
        (this.keep)(server.pid());
        Poll::Ready(Ok((server, this.reference)))
    }
}

impl<S: GenServer> fmt::Debug for StartMonitor<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartMonitor").field("start", &self.start).finish_non_exhaustive()
    }
}
