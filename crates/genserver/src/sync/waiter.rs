//! The wakers of tasks that wait, where they lie until they are woken.

use std::task::Waker;

use crate::sync::barrier;
use crate::sync::parking::Mutex;

/// Where a task leaves its waker. What it waits for is kept elsewhere, and looked at after the waker was left.
///
/// The waker is cloned, woken and dropped without the lock, and a panic of it stays with its owner: see [`barrier`].
#[derive(Default)]
pub(crate) struct Waiter(Mutex<Option<Waker>>);

impl Waiter {
    /// Leaves the waker of the task that waits. The task that waited before is woken no more.
    pub(crate) fn register(&self, waker: &Waker) {
        if self.0.lock().as_ref().is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        let fresh = waker.clone();
        let before = self.0.lock().replace(fresh);
        barrier::drop_caught(before);
    }

    /// Wakes the task that waits, if one does.
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

/// A waker of others that is kept, and dropped by whatever it lies in.
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

    /// Whether it wakes the same task.
    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.0.as_ref().is_some_and(|kept| kept.will_wake(waker))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        barrier::drop_caught(self.0.take());
    }
}
