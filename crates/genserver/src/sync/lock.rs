//! The spin lock of a process and of a reply slot: held for about twenty instructions and released with a plain store.
//!
//! A lock that can put threads to sleep has to look for sleepers when it is released. That second atomic operation would be
//! noticeable: each call takes two locks. Nothing slow is ever done under these locks (no user code, no wake, no drop of a
//! message), so a thread that finds one held waits by spinning.
//!
//! How it spins decides what many callers of one server cost. Two threads that fight for one mailbox get less done than one that
//! works while the other waits, because every turn moves the mailbox from one processor's cache to the other's. So the loser
//! tries again only after a pause that is long compared with a call ([`lock`](Mutex::lock)), and the winner completes many calls
//! meanwhile. It does not sleep: a system's shortest sleep is some fifty microseconds, which would be the tail of every call.
//! With such naps the slowest call of a thousand took ten times as long. A sender that only leaves a message pauses for a tenth
//! of that ([`lock_briefly`](Mutex::lock_briefly)): it gains nothing from a winner that goes on, and its pauses are its tail.
//!
//! Two workers on two cores of an AMD EPYC that other programs used too, so only the proportions count; the mean, and the slowest
//! of a thousand. `cargo xtask bench --tail` shows them, after a change of the constants below:
//!
//! | pause, in spin hints | calls of 16 clients that run the server | queued calls of 16 clients | casts of 16 senders |
//! |---|---|---|---|
//! | 20 | 532 ns, 246 µs | 769 ns, 67 µs | 117 ns, 3 µs |
//! | 200 | 164 ns, 233 µs | 386 ns, 44 µs | 109 ns, 12 µs |
//! | 1,000 | 138 ns, 294 µs | 339 ns, 90 µs | |
//! | a hand-written actor | 415 ns, 34 µs | 415 ns, 34 µs | 232 ns, 5 µs |
//!
//! The slowest calls of the first column do not wait for the lock, but for their task's turn: see `docs/PERFORMANCE.md`.
//!
//! If many pauses do not help, it spins without pause. If that does not help, the holder was taken off its processor: then it
//! yields, and finally it sleeps, so that no scheduling policy can keep the holder from running.

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

use spin::mutex::{SpinMutex, SpinMutexGuard};

/// The guard of a locked [`Mutex`].
pub(crate) type MutexGuard<'a, T> = SpinMutexGuard<'a, T>;

/// A lock that is held for a few instructions.
pub(crate) struct Mutex<T>(SpinMutex<T>);

/// How long a pause is, in spin hints: two to five microseconds.
const PAUSE: u32 = 200;
/// The same for a thread that only leaves something behind the lock.
const BRIEF_PAUSE: u32 = 20;
/// How many pauses there are before it spins without pause.
const PAUSES: u32 = 20;
/// How many tries there are, pauses included, before it yields to other threads.
const LOOKS: u32 = 1_000;
/// How many tries there are, spins included, before it sleeps.
const YIELDS: u32 = 10_000;
/// How long one sleep is.
const NAP: Duration = Duration::from_micros(50);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        match self.0.try_lock() {
            Some(guard) => guard,
            None => self.lock_slowly(PAUSE),
        }
    }

    /// The same for a thread that only leaves something behind the lock, and has no use for a long pause.
    #[inline]
    pub(crate) fn lock_briefly(&self) -> MutexGuard<'_, T> {
        match self.0.try_lock() {
            Some(guard) => guard,
            None => self.lock_slowly(BRIEF_PAUSE),
        }
    }

    #[cold]
    #[expect(clippy::disallowed_methods, reason = "a lock gives way to a thread, not to a task, and knows no runtime")]
    fn lock_slowly(&self, pause: u32) -> MutexGuard<'_, T> {
        let mut tries = 0;
        loop {
            match tries {
                0..PAUSES => (0..pause).for_each(|_| spin_loop()),
                PAUSES..LOOKS => spin_loop(),
                LOOKS..YIELDS => thread::yield_now(),
                _ => thread::sleep(NAP),
            }
            tries += 1;
            // Reading does not take the cache line from the holder; only trying to lock does.
            if !self.0.is_locked()
                && let Some(guard) = self.0.try_lock()
            {
                return guard;
            }
        }
    }
}
