//! Removing the keys that have expired: a few in each turn, at their time.
//!
//! No operation sees an expired key, so this gives back memory and tells of the end of a key; when it happens changes no answer.

use std::time::Duration;

use genserver::{Cx, Next, Outcome};

use super::server::{BucketInfo, BucketServer, CallKind};
use super::times::Sweep;
use crate::expiry::Millis;

/// The most keys that are removed in one turn. It takes about a tenth of a millisecond, and other messages come in between.
const KEYS: usize = 100;

/// The time between two turns, if there are more keys to remove.
const PAUSE: Duration = Duration::from_millis(1);

/// The time until a turn for keys whose time was over when they came: a storage may have failed to remove them.
const LATE: Duration = Duration::from_millis(100);

/// A timer counts time that passes, and the clock of the machine may be set or go on while the machine sleeps. So it is looked at
/// again after this time.
const LONGEST: Duration = Duration::from_hours(1);

impl BucketServer {
    /// Carries out a request of a bucket without a storage, with keys that expire.
    pub(super) fn carry_out_in_time(&mut self, call: CallKind, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.advance(cx);
        let outcome = self.carry_out(call, cx);
        self.set_sweep(cx);
        outcome
    }

    /// Lets expire what expires until now.
    pub(super) fn advance(&mut self, cx: &Cx<Self>) {
        if self.entries.times().is_some() {
            self.entries.advance(Millis::begun(cx.system_now()));
        }
    }

    /// Removes some of the keys that have expired.
    pub(super) async fn sweep(&mut self, cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Some(sweep) = self.entries.sweep() {
            *sweep = None;
        }
        self.look(cx).await?;
        self.advance(cx);
        let expired = self.entries.times().map(|times| times.some_due(KEYS)).unwrap_or_default();
        for key in &expired {
            self.remove_expired(key);
        }
        self.settle();
        if self.kept.as_ref().is_some_and(|kept| kept.has_changed()) {
            // Nobody waits for it. If it fails, the keys come back, still expired, and the next turn is for them too.
            self.send(Box::new(|_stored| {})).await;
        }
        if expired.len() == KEYS {
            self.set_timer(PAUSE, Millis::default(), cx);
        } else {
            self.entries.shrink();
            self.set_sweep(cx);
        }
        Next::wait()
    }

    /// Sets the timer of the next turn, if there is to be one.
    pub(super) fn set_sweep(&mut self, cx: &mut Cx<Self>) {
        // New times do not know the time yet.
        if self.entries.times().is_some_and(|times| times.clock() == Millis::default()) {
            self.advance(cx);
        }
        let Some((first, clock)) = self.entries.times().and_then(|times| Some((times.first()?, times.clock()))) else {
            self.cancel_sweep(cx);
            self.is_plain = self.entries.forget_times() && self.kept.is_none();
            return;
        };
        // A turn that comes too early does no harm.
        if self.entries.sweep().and_then(|sweep| sweep.as_ref()).is_none_or(|sweep| first < sweep.at) {
            let left = if first <= clock { LATE } else { first.since(clock).min(LONGEST) };
            self.set_timer(left, first, cx);
        }
    }

    fn set_timer(&mut self, left: Duration, at: Millis, cx: &mut Cx<Self>) {
        self.cancel_sweep(cx);
        if let Some(sweep) = self.entries.sweep() {
            *sweep = Some(Sweep { timer: cx.send_after(left, BucketInfo(())), at });
        }
    }

    /// Cancels the timer, if it is set.
    pub(super) fn cancel_sweep(&mut self, cx: &mut Cx<Self>) {
        if let Some(sweep) = self.entries.sweep().and_then(Option::take) {
            cx.cancel_timer(sweep.timer);
        }
    }
}
