//! Timers: messages that come later.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alarm::{AlarmKey, Alarmed};
use crate::barrier;
use crate::node::{self, Home};
use crate::pid::Pid;
use crate::process::{Process, Signal};
use crate::server::GenServer;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::parking::Mutex;

/// A message under way to a server, made by [`ServerRef::send_after`](crate::ServerRef::send_after).
///
/// Dropping it does not cancel the message. Nothing arrives after a [`cancel`](Timer::cancel) that returned a duration: the
/// stale timer message that OTP's users flush from their mailboxes does not exist here.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// let timer = counter.send_after(Duration::from_secs(1), Double);
/// tokio::time::sleep(Duration::from_secs(2)).await;
/// assert_eq!(timer.cancel(), None, "the message has been delivered");
/// assert_eq!(counter.call(Call::Get).await?, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Timer {
    home: Arc<Home>,
    to: Pid,
    key: AlarmKey,
}

impl Timer {
    pub(crate) fn start<S: GenServer>(process: &Arc<Process<S>>, delay: Duration, info: S::Info) -> Self {
        let home = Arc::clone(&process.head.home);
        let at = at(&home, delay);
        let message = Arc::new(Delayed { process: Arc::clone(process), info: Mutex::new(Some(info)) });
        let key = set(&home, at, message);
        Self { home, to: process.head.pid, key }
    }

    /// Calls the message off: how long it still had to go, or nothing if it has been delivered or the server has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let timer = counter.send_after(Duration::from_millis(1500), Double);
    /// tokio::time::advance(Duration::from_millis(500)).await;
    /// assert_eq!(timer.read(), Some(Duration::from_secs(1)));
    /// assert_eq!(timer.cancel(), Some(Duration::from_secs(1)));
    /// assert_eq!(timer.cancel(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "cancel_timer")]
    pub fn cancel(&self) -> Option<Duration> {
        let left = self.read();
        // A message to the dead is let go of, too.
        self.home.alarm().cancel(self.key).then_some(left).flatten()
    }

    /// How long the message still has to go, or nothing if it has been delivered or called off, or the server has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let timer = counter.send_after(Duration::from_secs(3), Double);
    /// tokio::time::advance(Duration::from_secs(1)).await;
    /// assert_eq!(timer.read(), Some(Duration::from_secs(2)));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "read_timer")]
    pub fn read(&self) -> Option<Duration> {
        let now = self.home.runtime().now();
        let comes = self.home.alarm().is_set(self.key) && node::find(self.to).is_some();
        comes.then(|| self.key.0.saturating_duration_since(now))
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("left", &self.read()).finish_non_exhaustive()
    }
}

const THIRTY_YEARS: Duration = Duration::from_hours(30 * 365 * 24);

/// When `delay` from now is; a delay beyond all clocks is thirty years.
pub(crate) fn at(home: &Home, delay: Duration) -> Instant {
    let now = home.runtime().now();
    now.checked_add(delay).unwrap_or_else(|| now + THIRTY_YEARS)
}

/// Sets the clock, and makes sure that it does not oversleep.
pub(crate) fn set(home: &Home, at: Instant, who: Arc<dyn Alarmed>) -> AlarmKey {
    let (key, keeper) = home.alarm().set(at, who);
    if let Some(keeper) = keeper {
        barrier::wake(keeper);
    }
    key
}

/// A message from outside that waits for its time.
struct Delayed<S: GenServer> {
    process: Arc<Process<S>>,
    info: Mutex<Option<S::Info>>,
}

impl<S: GenServer> Alarmed for Delayed<S> {
    fn due(self: Arc<Self>, _now: Instant) {
        let info = self.info.lock().take();
        if let Some(info) = info {
            self.process.signal(Signal::Info(info));
        }
    }
}

/// One of a server's own timers, as its context names it.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
/// # watcher! { ();
/// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
///     let reminder = cx.send_after(Duration::from_secs(3600), Info::Tick);
///     let deadline = cx.send_after(Duration::from_secs(1), Info::Line("too late"));
///     assert!(cx.cancel_timer(reminder).is_some() && cx.read_timer(deadline).is_some());
///     Init::Run(Watcher::default())
/// }
/// # }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let watcher = genserver::start::<Watcher>(()).await?;
/// tokio::time::sleep(Duration::from_secs(2)).await;
/// assert_eq!(watcher.call(Heard).await?, ["line too late"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TimerRef(pub(crate) u64);

/// A server's own timer: the message lies in the server's context, and only the news that it is due travels.
pub(crate) struct OwnTimer<S: GenServer> {
    pub(crate) process: Arc<Process<S>>,
    pub(crate) timer: TimerRef,
    /// An interval has one tick under way at most; this says that it has.
    pub(crate) queued: AtomicBool,
}

impl<S: GenServer> Alarmed for OwnTimer<S> {
    fn due(self: Arc<Self>, _now: Instant) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.process.signal(Signal::Timer(self.timer));
        }
    }
}
