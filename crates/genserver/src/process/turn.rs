//! Turns of a server: counted, and timed when one is a sample (see [`pace`](super::pace)).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::mail::{Mail, Process};
use crate::server::GenServer;
use crate::sync::MutexGuard;

impl<S: GenServer> Process<S> {
    /// Counts a turn. Whether its first poll is a sample.
    #[inline]
    pub(super) fn begin_turn(&self, mail: &mut Mail<S>) -> bool {
        if mail.turns > 0 {
            mail.turns -= 1;
            return false;
        }
        self.pace.begin_sample();
        true
    }

    /// Learns from a sample that began `since` then and ends now. Whether it was long.
    #[cold]
    pub(super) fn note_sample(&self, since: Instant, is_done: bool) -> bool {
        self.learn_from(self.head.home.runtime().now().saturating_duration_since(since), is_done)
    }

    /// Learns from a sample that took so long. Whether it was long.
    pub(super) fn learn_from(&self, poll: Duration, is_done: bool) -> bool {
        let is_long = self.pace.learn(poll, is_done);
        self.mail.lock().turns = self.pace.turns();
        self.report_long_schedule(poll);
        #[cfg(feature = "metrics")]
        self.flush_counts();
        is_long
    }

    /// Runs a scheduled server on the thread of a caller (rule 4). Measures the turn if it is due for a sample, which is left out,
    /// or if it is the first after refusals.
    pub(super) fn run_guest(self: &Arc<Self>, mut mail: MutexGuard<'_, Mail<S>>, budget: &mut u32) {
        if mail.turns > 0 && !self.pace.is_guest_on_trial() {
            return self.run_scheduled(mail, budget);
        }
        self.pace.note_short();
        mail.turns = self.pace.turns();
        // Read under the lock, which nobody fights for here: the turn begins with it.
        let since = self.head.home.runtime().now();
        self.run_scheduled(mail, budget);
        let turn = self.head.home.runtime().now().saturating_duration_since(since);
        if self.pace.learn_guest_turn(turn) {
            // One callback, or many: the next sample tells.
            self.mail.lock().turns = 0;
        }
    }
}
