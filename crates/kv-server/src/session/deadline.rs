//! A time by which something has to have happened, and which costs next to nothing as long as it happens earlier.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use genserver::time::{self, Sleep};

/// A time by which something has to have happened, unless it is taken back.
///
/// A session sets and takes back deadlines all the time, and hardly ever misses one. So the timer of the runtime is armed once, and
/// left alone when a deadline is taken back or replaced by a later one: it is looked at again when it fires.
#[derive(Default)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    /// Whether it has.
    passed: bool,
    alarm: Option<(Instant, Sleep)>,
}

impl Deadline {
    /// So long from now, if none is set.
    pub(crate) fn set(&mut self, after: Duration) {
        self.at.get_or_insert_with(|| time::now() + after);
    }

    pub(crate) fn take_back(&mut self) {
        self.at = None;
        self.passed = false;
    }

    /// Ready once it has passed; if none is set it never will.
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
