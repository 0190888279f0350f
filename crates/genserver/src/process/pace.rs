//! How long a server's callbacks block their thread, and who may run the server because of it.
//!
//! A caller that runs a server on its own thread is blocked as long as the callback blocks: no timeout around the call can
//! fire. So a server whose callbacks turn out to be long runs in its own task only, and its callers queue. The rules:
//!
//! 1. A *sample* is the time of one poll of one callback: what blocks the thread between two awaits. A *turn* is one run of
//!    the server, by a caller or by a task. The first callback of the second turn is a sample, and of the 4th, 8th, 16th, 32nd
//!    and 64th turn; after that of every 64th. The other turns do not look at the clock.
//! 2. Two samples in a row above [`LONG_POLL`] make the server *long*, or one above [`CERTAINLY_LONG`]: its callers
//!    do not run it. The turn after a first long sample is a sample too. One alone may be the system's doing, which takes
//!    a thread off its processor for some milliseconds when others want it. While the server is long, every poll is a sample.
//! 3. It stops being long after [`PATIENCE_MIN`] callbacks in a row that had no such poll, and its samples are as frequent as
//!    in the beginning. The next time, it takes twice as many, up to [`PATIENCE_MAX`]: a server that alternates stays long.
//!    Each sample of every 64th turn halves that again.
//! 4. A caller that finds the server scheduled is a *guest*: it runs the server only if that takes less time than waking another
//!    thread. The turns of guests are measured as a whole, as often as there are samples. One that takes longer than
//!    [`GUEST_TURN`] leaves the server to its own task for [`GUEST_REFUSALS`] times.
//!
//! Only the thread that has the server's body, or is about to take it under the lock, writes here; the number of refusals is
//! the exception, which is a guess anyway. All of it is a guess: nothing but speed and fairness depends on it.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

/// How long a caller may be held up by a callback that it runs.
///
/// Handing a call to the server's own task costs some microseconds, some tens if a thread has to be woken. At this limit that
/// is a small part of the callback. And a task may well take this long between two awaits: it is a tenth of what the timers of
/// Tokio can tell apart, so no timeout is late because of it.
const LONG_POLL: Duration = Duration::from_micros(100);

/// Longer than a system that is busy takes a thread off its processor, mostly.
const CERTAINLY_LONG: Duration = Duration::from_millis(10);

/// How many turns there are at most between two samples. A look at the clock costs 25 to 75 ns, so this is a nanosecond a call.
const PERIOD_MAX: u8 = 64;

/// How many short callbacks in a row end that a server is long.
const PATIENCE_MIN: u8 = 4;
const PATIENCE_MAX: u8 = 64;

/// Shorter than it takes to wake another thread.
const GUEST_TURN: Duration = Duration::from_micros(2);

/// How many times a server is left to its own task because a guest turn took longer than that.
const GUEST_REFUSALS: u8 = 32;

/// The start option: `inline(false)`.
const ASKED: u8 = 1;
/// Rule 2.
const LONG: u8 = 2;

/// What is known of how long a server's callbacks block.
pub(crate) struct Pace {
    /// Why only its own task runs the server: [`ASKED`], [`LONG`]. Zero if others may.
    own_task: AtomicU8,
    /// Whether the next poll is a sample.
    is_sample: AtomicBool,
    /// Whether the last sample was long, and nothing is certain yet.
    is_suspect: AtomicBool,
    /// How many turns there are from one sample to the next.
    period: AtomicU8,
    /// How many short callbacks in a row end that the server is long.
    patience: AtomicU8,
    /// Of a long server: how many short callbacks are still missing. Otherwise: one more than how many times it will still not
    /// run as a guest; zero if the last guest turn was short.
    countdown: AtomicU8,
}

/// What a new server has in [`Mail::turns`](super::mail::Mail). The first turn is not a sample: it finds nothing in the processor's
/// cache, and many a server has no second.
pub(super) const FIRST_TURNS: u8 = 1;

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            own_task: AtomicU8::new(0),
            is_sample: AtomicBool::new(false),
            is_suspect: AtomicBool::new(false),
            period: AtomicU8::new(1),
            patience: AtomicU8::new(PATIENCE_MIN),
            countdown: AtomicU8::new(0),
        }
    }

    /// The start option `inline`.
    pub(super) fn set_inline(&self, inline: bool) {
        self.own_task.store(if inline { 0 } else { ASKED }, Ordering::Relaxed);
    }

    /// Whether callers may run the server.
    #[inline]
    pub(super) fn lets_others_run(&self) -> bool {
        self.own_task.load(Ordering::Relaxed) == 0
    }

    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.own_task.load(Ordering::Relaxed) & LONG != 0
    }

    /// Whether the next poll is a sample.
    #[inline]
    pub(super) fn is_sample(&self) -> bool {
        self.is_sample.load(Ordering::Relaxed)
    }

    /// The next poll is a sample.
    #[inline]
    pub(super) fn begin_sample(&self) {
        self.is_sample.store(true, Ordering::Relaxed);
    }

    /// How many turns there are before the next sample.
    pub(super) fn turns(&self) -> u8 {
        if self.is_sample() { 0 } else { self.period.load(Ordering::Relaxed) - 1 }
    }

    /// Learns from a sample; `is_done` if the callback is done with this poll. Whether the poll was long.
    pub(super) fn learn(&self, poll: Duration, is_done: bool) -> bool {
        if poll > LONG_POLL {
            if !self.is_long() && poll < CERTAINLY_LONG && !self.is_suspect.load(Ordering::Relaxed) {
                self.is_suspect.store(true, Ordering::Relaxed);
                self.is_sample.store(true, Ordering::Relaxed);
                return false;
            }
            self.own_task.store(self.own_task.load(Ordering::Relaxed) | LONG, Ordering::Relaxed);
            self.is_sample.store(true, Ordering::Relaxed);
            // The end of this very callback counts as one, and it is not short.
            let missing = self.patience.load(Ordering::Relaxed) + u8::from(!is_done);
            self.countdown.store(missing, Ordering::Relaxed);
            return true;
        }
        if !self.is_long() {
            self.note_short();
        } else if is_done {
            let missing = self.countdown.load(Ordering::Relaxed).saturating_sub(1);
            self.countdown.store(missing, Ordering::Relaxed);
            if missing == 0 {
                self.stop_being_long();
            }
        }
        false
    }

    fn stop_being_long(&self) {
        self.own_task.store(self.own_task.load(Ordering::Relaxed) & !LONG, Ordering::Relaxed);
        self.is_sample.store(false, Ordering::Relaxed);
        self.is_suspect.store(false, Ordering::Relaxed);
        // It may be long again at once, so samples are as frequent as in the beginning.
        self.period.store(1, Ordering::Relaxed);
        let patience = self.patience.load(Ordering::Relaxed);
        self.patience.store(patience.saturating_mul(2).min(PATIENCE_MAX), Ordering::Relaxed);
        self.countdown.store(1, Ordering::Relaxed);
    }

    pub(super) fn note_short(&self) {
        self.is_sample.store(false, Ordering::Relaxed);
        self.is_suspect.store(false, Ordering::Relaxed);
        let period = self.period.load(Ordering::Relaxed).saturating_mul(2).min(PERIOD_MAX);
        self.period.store(period, Ordering::Relaxed);
        if period == PERIOD_MAX {
            let patience = self.patience.load(Ordering::Relaxed);
            self.patience.store((patience / 2).max(PATIENCE_MIN), Ordering::Relaxed);
        }
    }

    /// Whether a caller may run the server although it is scheduled (rule 4).
    #[inline]
    pub(super) fn may_be_guest(&self) -> bool {
        if !self.lets_others_run() {
            return false;
        }
        let refusals = self.countdown.load(Ordering::Relaxed);
        if refusals > 1 {
            self.countdown.store(refusals - 1, Ordering::Relaxed);
        }
        refusals <= 1
    }

    /// Whether the first guest turn after refusals is due.
    pub(super) fn is_guest_on_trial(&self) -> bool {
        self.countdown.load(Ordering::Relaxed) == 1
    }

    /// Learns from a guest turn. Whether it was as long as a long poll.
    pub(super) fn learn_guest_turn(&self, turn: Duration) -> bool {
        let refusals = if turn <= GUEST_TURN { 0 } else { GUEST_REFUSALS + 1 };
        self.countdown.store(refusals, Ordering::Relaxed);
        turn > LONG_POLL
    }
}
