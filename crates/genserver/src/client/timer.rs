//! Timers: messages that are sent later.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::node::alarm::{self, AlarmKey, Alarmed};
use crate::node::{self, Home};
use crate::process::{Process, Signal};
use crate::server::GenServer;
use crate::sync::parking::Mutex;
use crate::values::pid::Pid;

/// A message that will be sent to a server, made by [`ServerRef::send_after`](crate::ServerRef::send_after).
///
/// Dropping it does not cancel the message. Nothing arrives after a [`cancel`](Timer::cancel) that returned a duration, so there
/// are none of the stale timer messages that OTP's users flush from their mailboxes.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run_paused! {
/// use std::time::Duration;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// let timer = counter.send_after(Duration::from_secs(1), Double);
/// tokio::time::sleep(Duration::from_secs(2)).await;
/// assert_eq!(timer.cancel(), None, "the message has been delivered");
/// assert_eq!(counter.call(Call::Get).await?, 2);
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
        let at = alarm::after(&home, delay);
        let message = Arc::new(Delayed { process: Arc::clone(process), info: Mutex::new(Some(info)) });
        let key = alarm::set(&home, at, message);
        Self { home, to: process.head.pid, key }
    }

    /// Cancels the message and returns the time it still had to go; `None` if it was delivered or the server has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run_paused! {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let timer = counter.send_after(Duration::from_millis(1500), Double);
    /// tokio::time::advance(Duration::from_millis(500)).await;
    /// assert_eq!(timer.read(), Some(Duration::from_secs(1)));
    /// assert_eq!(timer.cancel(), Some(Duration::from_secs(1)));
    /// assert_eq!(timer.cancel(), None);
    /// # }
    /// ```
    #[doc(alias = "cancel_timer")]
    pub fn cancel(&self) -> Option<Duration> {
        let left = self.read();
        // The entry is removed even if the server is dead, which drops the message.
        self.home.alarm().cancel(self.key).then_some(left).flatten()
    }

    /// The time that the message still has to go; `None` if it was delivered or cancelled, or the server has ended.
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
