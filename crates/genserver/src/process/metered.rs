//! What a server adds to the counters of its type, and what of it is sampled (see [`meter`](crate::report::Meter)).
//!
//! Samples are those of [`pace`](super::pace), which looks at the clock anyway: about one turn in 64. Of the messages that are queued,
//! one in 256 is timed.

use std::time::Instant;

use super::mail::Process;
use crate::server::GenServer;

impl<S: GenServer> Process<S> {
    /// Learns from a sample that began with a callback: [`note_sample`](Self::note_sample), and how long the callback took if it
    /// is done.
    #[cold]
    pub(super) fn note_first_sample(&self, since: Instant, is_done: bool) -> bool {
        let poll = self.head.home.runtime().now().saturating_duration_since(since);
        #[cfg(feature = "metrics")]
        if is_done {
            self.note_callback(poll);
        }
        self.learn_from(poll, is_done)
    }
}

#[cfg(feature = "metrics")]
mod on {
    //! With the feature.

    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use crate::process::carried::Queued;
    use crate::process::envelope::Envelope;
    use crate::process::mail::{Mail, Process};
    use crate::report::Counts;
    use crate::server::GenServer;
    use crate::sync::MutexGuard;
    use crate::values::info::Callback;

    impl<S: GenServer> Mail<S> {
        /// Counts a message that is about to be queued. Whether it is one that is timed: the first, and then one in 256. Such a
        /// message costs some 800 instructions more than another.
        #[inline]
        pub(in crate::process) fn is_sample_arrival(&mut self) -> bool {
            let (arrivals, is_sample) = self.arrivals.overflowing_sub(1);
            self.arrivals = arrivals;
            is_sample
        }
    }

    impl<S: GenServer> Process<S> {
        /// Adds what was counted since the last time to the counters of the type. Called without the lock.
        pub(crate) fn flush_counts(&self) {
            let mut mail = self.mail.lock();
            let (refused, dropped) = mail.extras.as_ref().map_or((0, 0), |extras| (extras.refused, extras.dropped));
            let now = Counts { handled: self.handled.by_kind(), refused, dropped };
            let new = mail.metered.get_or_insert_default().advance(now);
            // A recorder is foreign code (rule 3).
            drop(mail);
            self.meter.add(&new);
        }

        /// Adds them although the server may be stuck and not get at it: for the first message that is refused or dropped, and for one
        /// in 64.
        pub(in crate::process) fn flush_now_and_then(&self, so_far: u64) {
            if so_far % 64 == 1 {
                self.flush_counts();
            }
        }

        /// The callback that began then is done.
        pub(crate) fn note_duration(&self, since: Instant) {
            self.note_callback(self.head.home.runtime().now().saturating_duration_since(since));
        }

        /// A callback that is done took so long.
        pub(in crate::process) fn note_callback(&self, took: Duration) {
            if let Some(callback) = Callback::of(self.doing()) {
                self.meter.ran(callback, took);
            }
        }

        /// Queues a message with the time of its arrival.
        #[cold]
        #[inline(never)]
        pub(in crate::process) fn enqueue_sample(
            self: &Arc<Self>,
            mail: MutexGuard<'_, Mail<S>>,
            message: Envelope<S>,
        ) {
            if !message.is_counted() {
                return self.enqueue_plainly(mail, message);
            }
            // It is counted already.
            let behind = self.load(&mail).saturating_sub(1);
            let message = message.queued(Queued { since: self.head.home.runtime().now(), behind });
            self.enqueue_plainly(mail, message);
        }

        /// A message that was timed is about to be handled.
        pub(in crate::process) fn note_wait(&self, queued: &Queued) {
            let waited = self.head.home.runtime().now().saturating_duration_since(queued.since);
            self.meter.waited(queued.behind, waited);
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod off {
    //! Without the feature.

    use std::sync::Arc;

    use crate::process::envelope::Envelope;
    use crate::process::mail::{Mail, Process};
    use crate::server::GenServer;
    use crate::sync::MutexGuard;

    impl<S: GenServer> Mail<S> {
        #[inline]
        #[expect(clippy::unused_self, reason = "with the feature it is needed")]
        pub(in crate::process) fn is_sample_arrival(&mut self) -> bool {
            false
        }
    }

    impl<S: GenServer> Process<S> {
        #[inline]
        #[expect(clippy::unused_self, reason = "with the feature it is needed")]
        pub(in crate::process) fn flush_now_and_then(&self, _so_far: u64) {}

        #[inline]
        pub(in crate::process) fn enqueue_sample(
            self: &Arc<Self>,
            mail: MutexGuard<'_, Mail<S>>,
            message: Envelope<S>,
        ) {
            self.enqueue_plainly(mail, message);
        }
    }
}
