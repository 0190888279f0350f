//! Deadlines: a duration, an instant, or never; and how a wait ends at one.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::node::Home;
use crate::node::alarm::{AlarmKey, Alarmed};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::barrier;
use crate::sync::waiter::Waiter;

/// The time limit of a wait: a duration, an instant, or never.
///
/// Every function that takes a deadline also takes a [`Duration`] or an [`Instant`]. A duration counts from the moment the wait
/// begins, on the clock of the runtime. Use an instant to share one deadline between several waits. With an instant that has
/// passed, or a duration of zero, the wait checks once and returns.
///
/// # Examples
///
/// ```
/// use genserver::Deadline;
/// use std::time::{Duration, Instant};
///
/// fn wait(_until: impl Into<Deadline>) {}
///
/// wait(Duration::from_secs(1));
/// wait(Deadline::NEVER);
/// # fn with(now: Instant) {
/// wait(now + Duration::from_secs(1));
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline(Until);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    After(Duration),
    At(Instant),
    Never,
}

impl Deadline {
    /// Waits forever: OTP's `infinity`.
    #[doc(alias = "infinity")]
    pub const NEVER: Self = Self(Until::Never);

    /// The deadline as an instant, which several waits can share.
    pub(crate) fn since(self, now: Instant) -> Self {
        self.at(now).map_or(Self::NEVER, Self::from)
    }

    /// The time from `now` to the deadline.
    pub(crate) fn after(self, now: Instant) -> Duration {
        self.at(now).map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// The instant; `None` if it is never, or if the clock cannot count that far.
    pub(crate) fn at(self, now: Instant) -> Option<Instant> {
        match self.0 {
            Until::After(duration) => now.checked_add(duration),
            Until::At(at) => Some(at),
            Until::Never => None,
        }
    }
}

impl From<Duration> for Deadline {
    fn from(duration: Duration) -> Self {
        Self(Until::After(duration))
    }
}

impl From<Instant> for Deadline {
    fn from(at: Instant) -> Self {
        Self(Until::At(at))
    }
}

/// The error of a wait that reached its deadline; the request stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, thiserror::Error)]
#[error("there was no answer by the deadline; the request stays, so wait again, or drop it to abandon the answer")]
pub struct TimedOut;

/// The deadline of one wait. The clock is not read before the wait really waits.
pub(crate) struct Limit {
    deadline: Deadline,
    stage: DeadlineStage,
    waited: Duration,
}

enum DeadlineStage {
    Unset,
    Never,
    Set(Timer),
    Passed,
}

impl Limit {
    pub(crate) fn new(deadline: Deadline) -> Self {
        Self { deadline, stage: DeadlineStage::Unset, waited: Duration::ZERO }
    }

    /// Ready when the deadline has passed. Without a home there is nothing to wait for, and so no clock.
    pub(crate) fn poll(&mut self, cx: &Context<'_>, home: Option<&Arc<Home>>) -> Poll<()> {
        if let (DeadlineStage::Unset, Some(home)) = (&self.stage, home) {
            self.set(home);
        }
        let is_due = match &self.stage {
            DeadlineStage::Unset | DeadlineStage::Passed => true,
            DeadlineStage::Never => false,
            DeadlineStage::Set(timer) => timer.is_due(cx),
        };
        if is_due { Poll::Ready(()) } else { Poll::Pending }
    }

    fn set(&mut self, home: &Arc<Home>) {
        let now = home.runtime().now();
        self.waited = self.deadline.after(now);
        self.stage = match self.deadline.at(now) {
            None => DeadlineStage::Never,
            Some(at) if at <= now => DeadlineStage::Passed,
            Some(at) => DeadlineStage::Set(Timer::new(home, at)),
        };
    }

    /// The length of the wait, as far as it was begun.
    pub(crate) fn waited(&self) -> Duration {
        self.waited
    }
}

/// An entry in the alarm that wakes one task. Dropping it removes the entry, so that many short waits with long deadlines
/// leave nothing behind.
struct Timer {
    home: Arc<Home>,
    key: AlarmKey,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Bell {
    rang: AtomicBool,
    waiter: Waiter,
}

impl Timer {
    fn new(home: &Arc<Home>, at: Instant) -> Self {
        let bell = Arc::new(Bell::default());
        let (key, keeper) = home.alarm().set(at, Arc::clone(&bell) as Arc<dyn Alarmed>);
        if let Some(keeper) = keeper {
            barrier::wake(keeper);
        }
        Self { home: Arc::clone(home), key, bell }
    }

    /// Returns whether the instant has come; if not, the task is woken when it does.
    fn is_due(&self, cx: &Context<'_>) -> bool {
        // Registered first, so that a ring in between is not missed.
        self.bell.waiter.register(cx.waker());
        self.bell.rang.load(Ordering::Acquire)
    }
}

impl Alarmed for Bell {
    fn due(self: Arc<Self>, _now: Instant) {
        self.rang.store(true, Ordering::Release);
        self.waiter.wake();
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.home.alarm().cancel(self.key);
    }
}
