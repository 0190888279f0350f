//! Slots that hold the wakers of waiting tasks.

use std::task::Waker;

use crate::sync::barrier;
use crate::sync::parking::Mutex;

/// The slot for a task's waker. The task registers first, and then checks whatever it waits for, which is stored elsewhere.
///
/// The waker is cloned, woken and dropped without the lock, and its panic goes no further: see [`barrier`].
#[derive(Default)]
pub(crate) struct Waiter(Mutex<Option<Waker>>);

impl Waiter {
    /// Stores the waker of the task that waits. A task that waited before is no longer woken.
    pub(crate) fn register(&self, waker: &Waker) {
        if self.0.lock().as_ref().is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        let fresh = waker.clone();
        let before = self.0.lock().replace(fresh);
        barrier::drop_caught(before);
    }

    /// Wakes the task that waits, if there is one.
    pub(crate) fn wake(&self) {
        let waker = self.0.lock().take();
        if let Some(waker) = waker {
            barrier::wake(waker);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let waker = self.0.lock().take();
        barrier::drop_caught(waker);
    }
}

/// A foreign waker that is stored, and whose drop cannot unwind into its holder.
pub(crate) struct Kept(Option<Waker>);

impl Kept {
    pub(crate) fn new(waker: Waker) -> Self {
        Self(Some(waker))
    }

    pub(crate) fn wake_by_ref(&self) {
        if let Some(waker) = &self.0 {
            barrier::caught(|| waker.wake_by_ref());
        }
    }

    /// Returns whether it wakes the same task.
    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.0.as_ref().is_some_and(|kept| kept.will_wake(waker))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        barrier::drop_caught(self.0.take());
    }
}
