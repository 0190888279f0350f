//! How long a manager waits for consumers, and when it reports them.

use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use genserver::Caller;
use genserver::time::{Sleep, now, sleep_until};

use crate::values::NotifyAnswer;

/// The wait after which a handler or a consumer is reported.
pub(crate) const SLOW_AFTER: Duration = Duration::from_secs(1);

/// How long to wait for consumers.
#[derive(Clone, Copy)]
pub(crate) enum WaitLimit<'a> {
    Unlimited,
    Until(Instant),
    /// As long as the sender of the event waits. Checked once a second, so it may be a little longer.
    WhileSenderWaits(&'a Caller<NotifyAnswer>),
}

impl WaitLimit<'_> {
    fn is_over(self, now: Instant) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Until(deadline) => now >= deadline,
            Self::WhileSenderWaits(sender) => sender.is_gone(),
        }
    }
}

/// The wait for one consumer.
pub(super) struct Patience {
    /// When it has taken another second.
    due: Instant,
    is_reported: bool,
}

impl Patience {
    pub(super) fn begin() -> Self {
        Self { due: now() + SLOW_AFTER, is_reported: false }
    }

    /// Resolves when the limit is over. Calls `stuck` once, if the wait takes long.
    pub(super) fn poll_over(
        &mut self,
        limit: WaitLimit<'_>,
        timer: &mut KeptTimer,
        stuck: impl FnOnce(),
        task: &mut Context<'_>,
    ) -> Poll<()> {
        let mut stuck = Some(stuck);
        loop {
            let until = if let WaitLimit::Until(deadline) = limit { deadline.min(self.due) } else { self.due };
            ready!(timer.poll(until, task));
            if limit.is_over(until) {
                return Poll::Ready(());
            }
            if !std::mem::replace(&mut self.is_reported, true)
                && let Some(stuck) = stuck.take()
            {
                stuck();
            }
            self.due = until + SLOW_AFTER;
        }
    }
}

/// A timer that is kept from one wait to the next. Most waits are over long before it, and making one for each would
/// allocate.
#[derive(Default)]
pub(super) struct KeptTimer(Option<(Instant, Sleep)>);

impl KeptTimer {
    fn poll(&mut self, until: Instant, task: &mut Context<'_>) -> Poll<()> {
        loop {
            let (at, sleep) = match &mut self.0 {
                Some(kept) if kept.0 <= until => kept,
                other => other.insert((until, sleep_until(until))),
            };
            ready!(sleep.as_mut().poll(task));
            let is_due = *at >= until;
            // One that was made for an earlier wait may be too early for this one.
            self.0 = None;
            if is_due {
                return Poll::Ready(());
            }
        }
    }
}
