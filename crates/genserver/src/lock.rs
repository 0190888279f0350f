//! The lock of a process and of a slot: held for some twenty instructions, and let go of with a plain store.
//!
//! A lock that can put threads to sleep has to look for sleepers when it is released, and that second atomic operation would
//! be felt: there are three lock pairs in a message's life. Nothing that takes long is ever done under these locks (no code of
//! the user's, no wake, no drop of a message), so whoever finds one held spins; if that does not help, because its holder was
//! taken off the processor, it gives way, and in the end it sleeps, so that no scheduling policy can keep the holder away.

use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

use spin::mutex::{SpinMutex, SpinMutexGuard};

/// What is behind the lock while this lives.
pub(crate) type MutexGuard<'a, T> = SpinMutexGuard<'a, T>;

/// A lock for a few instructions.
pub(crate) struct Mutex<T>(SpinMutex<T>);

/// How often to look again before giving way to other threads.
///
/// Few, and then a nap: two threads that fight for one mailbox get less done than one that works while the other sleeps. With
/// a hundred looks, sixteen clients on two workers took five times as long for a call.
const SPINS: u32 = 6;
/// How often to look again before sleeping.
const YIELDS: u32 = 7;
/// How long to sleep.
const NAP: Duration = Duration::from_micros(50);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        match self.0.try_lock() {
            Some(guard) => guard,
            None => self.lock_slowly(),
        }
    }

    #[cold]
    #[expect(clippy::disallowed_methods, reason = "a lock gives way to a thread, not to a task, and knows no runtime")]
    fn lock_slowly(&self) -> MutexGuard<'_, T> {
        let mut tries = 0;
        loop {
            match tries {
                0..SPINS => spin_loop(),
                SPINS..YIELDS => thread::yield_now(),
                _ => thread::sleep(NAP),
            }
            tries += 1;
            // Looking takes the cache line from nobody; only trying does.
            if !self.0.is_locked()
                && let Some(guard) = self.0.try_lock()
            {
                return guard;
            }
        }
    }
}
