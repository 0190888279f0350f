//! A server's own timers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::node::alarm::{self, AlarmKey, Alarmed};
use crate::node::dense::Keyed;
use crate::process::envelope::Signal;
use crate::process::mail::Process;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::sync::atomic::{AtomicBool, Ordering};

/// Identifies one of a server's own timers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TimerRef(pub(crate) u64);

/// A server's own timer: the message stays in the server's context, and only a signal that it is due travels.
pub(crate) struct OwnTimer<S: GenServer> {
    pub(crate) process: Arc<Process<S>>,
    pub(crate) timer: TimerRef,
    /// An interval has at most one tick queued; this says whether it has.
    pub(crate) queued: AtomicBool,
}

impl<S: GenServer> Alarmed for OwnTimer<S> {
    fn due(self: Arc<Self>, _now: Instant) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.process.signal(Signal::Timer(self.timer));
        }
    }
}

/// A timer that is set, with its message.
pub(super) struct OwnTimerEntry<S: GenServer> {
    timer: TimerRef,
    pub(super) key: AlarmKey,
    alarmed: Arc<OwnTimer<S>>,
    message: TimerMessage<S>,
}

impl<S: GenServer> Keyed for OwnTimerEntry<S> {
    type Key = TimerRef;

    fn key(&self) -> TimerRef {
        self.timer
    }
}

enum TimerMessage<S: GenServer> {
    Once(S::Info),
    Every(Duration, Box<dyn FnMut() -> S::Info + Send>),
}

impl<S: GenServer> Cx<S> {
    /// Sends this server `info` after `delay`: OTP's `send_after(Time, self(), Msg)`.
    ///
    /// Unlike an idle timeout, other messages do not cancel it. It never fires early.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.send_after(Duration::from_secs(1), Info::Tick);
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// tokio::time::advance(Duration::from_millis(1001)).await;
    /// tokio::task::yield_now().await;
    /// assert_eq!(watcher.call(Heard).await?, ["tick"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_after(&mut self, delay: Duration, info: S::Info) -> TimerRef {
        let at = alarm::after(&self.process.head.home, delay);
        self.send_at(at, info)
    }

    /// Sends this server `info` at the instant `at`.
    pub fn send_at(&mut self, at: Instant, info: S::Info) -> TimerRef {
        self.set_timer(at, TimerMessage::Once(info))
    }

    /// Sends this server an info every `period`, the first after one period: OTP's `send_interval`.
    ///
    /// `make` makes each info, in this process, when the tick is handled. At most one tick is queued at a time; a busy server
    /// skips ticks. A period of zero is treated as a millisecond.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.send_every(Duration::from_secs(1), || Info::Tick);
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// tokio::time::sleep(Duration::from_millis(3500)).await;
    /// assert_eq!(watcher.call(Heard).await?, ["tick", "tick", "tick"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "send_interval")]
    pub fn send_every(&mut self, period: Duration, make: impl FnMut() -> S::Info + Send + 'static) -> TimerRef {
        let period = period.max(Duration::from_millis(1));
        let at = alarm::after(&self.process.head.home, period);
        self.set_timer(at, TimerMessage::Every(period, Box::new(make)))
    }

    fn set_timer(&mut self, at: Instant, message: TimerMessage<S>) -> TimerRef {
        let timer = TimerRef(self.next_reference().get());
        let alarmed = Arc::new(OwnTimer { process: Arc::clone(&self.process), timer, queued: AtomicBool::new(false) });
        let key = alarm::set(&self.process.head.home, at, Arc::clone(&alarmed) as Arc<_>);
        self.more().timers.insert(OwnTimerEntry { timer, key, alarmed, message });
        timer
    }

    /// Cancels a timer and returns the time it still had to go; `None` if it is unknown or has been handled.
    ///
    /// A timer that is due and queued, but not handled, is cancelled too and returns zero. Nothing arrives after this.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     let timer = cx.send_after(Duration::from_secs(1), Info::Tick);
    ///     assert_eq!(cx.read_timer(timer), Some(Duration::from_secs(1)));
    ///     assert_eq!(cx.cancel_timer(timer), Some(Duration::from_secs(1)));
    ///     assert_eq!(cx.cancel_timer(timer), None);
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// assert!(watcher.call(Heard).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel_timer(&mut self, timer: TimerRef) -> Option<Duration> {
        let entry = self.more.as_mut()?.timers.remove(timer)?;
        self.process.head.home.alarm().cancel(entry.key);
        Some(entry.key.0.saturating_duration_since(self.now()))
    }

    /// The time that a timer still has to go; `None` if it is unknown or has been handled.
    pub fn read_timer(&self, timer: TimerRef) -> Option<Duration> {
        let entry = self.more.as_ref()?.timers.get(timer)?;
        Some(entry.key.0.saturating_duration_since(self.now()))
    }

    /// The message of a timer that is due. An interval is set again, on its own grid.
    pub(super) fn fire(&mut self, timer: TimerRef) -> Option<S::Info> {
        let home = Arc::clone(&self.process.head.home);
        let timers = &mut self.more.as_mut()?.timers;
        match timers.remove(timer)? {
            OwnTimerEntry { message: TimerMessage::Once(info), .. } => Some(info),
            OwnTimerEntry { key, alarmed, message: TimerMessage::Every(period, mut make), .. } => {
                let now = home.runtime().now();
                let mut at = key.0 + period;
                if at <= now {
                    let missed = now.saturating_duration_since(key.0).as_nanos() / period.as_nanos();
                    at = key.0 + period * u32::try_from(missed + 1).unwrap_or(u32::MAX);
                }
                alarmed.queued.store(false, Ordering::Relaxed);
                let key = alarm::set(&home, at, Arc::clone(&alarmed) as Arc<_>);
                let info = make();
                let entry = OwnTimerEntry { timer, key, alarmed, message: TimerMessage::Every(period, make) };
                self.more.as_mut()?.timers.insert(entry);
                Some(info)
            }
        }
    }
}
