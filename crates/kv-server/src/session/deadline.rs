//! A deadline that is cheap as long as it is met.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use genserver::time::{self, Sleep};

/// A time by which something has to happen, unless it is cancelled.
///
/// A session sets and cancels deadlines all the time and hardly ever misses one. So the runtime's timer is armed once and
/// left alone when a deadline is cancelled or replaced by a later one. It is checked again when it fires.
#[derive(Default)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    /// Whether it has passed.
    passed: bool,
    alarm: Option<(Instant, Sleep)>,
}

impl Deadline {
    /// Sets the deadline to this long from now, unless one is set.
    pub(crate) fn set(&mut self, after: Duration) {
        self.at.get_or_insert_with(|| time::now() + after);
    }

    pub(crate) fn take_back(&mut self) {
        self.at = None;
        self.passed = false;
    }

    /// Whether the deadline is set, and has passed.
    pub(crate) fn is_over(&self) -> bool {
        self.at.is_some_and(|at| time::now() >= at)
    }

    /// Ready once the deadline has passed. Never ready if none is set.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        while !self.passed {
            let (rings, alarm) = match &mut self.alarm {
                Some((rings, alarm)) if *rings <= at => (*rings, alarm),
                _ => {
                    let (rings, alarm) = self.alarm.insert((at, time::sleep_until(at)));
                    (*rings, alarm)
                }
            };
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.alarm = None;
            self.passed = rings >= at;
        }
        Poll::Ready(())
    }
}
