//! A sender that waits in the queue for space.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use crate::node::alarm::Alarmed;
use crate::sync::Mutex;
use crate::sync::barrier;

/// A sender in the queue. Its lock is a leaf: it is taken under the lock of a mailbox.
pub(crate) struct QueuedSender(Mutex<SenderState>);

enum SenderState {
    Waits(Option<Waker>),
    /// Its turn has come: a place is promised, or the server is dead.
    Called,
    /// It gave up, or has gone.
    Left,
}

impl QueuedSender {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(SenderState::Waits(None))))
    }

    /// Whether its turn has come. If not, `waker` is kept until then.
    pub(super) fn poll(&self, waker: Waker) -> Poll<()> {
        let mut state = self.0.lock();
        let SenderState::Waits(place) = &mut *state else { return Poll::Ready(()) };
        // The caller has cloned the new waker before the lock, and the old one is dropped after it: both are foreign.
        let before = place.replace(waker);
        drop(state);
        barrier::drop_caught(before);
        Poll::Pending
    }

    /// The sender goes. Returns whether its turn had come.
    pub(super) fn leave(&self) -> bool {
        let before = std::mem::replace(&mut *self.0.lock(), SenderState::Left);
        let was_called = matches!(before, SenderState::Called);
        barrier::drop_caught(before);
        was_called
    }

    /// Tells the sender that its turn has come. Returns its waker, or `None` if it has given up.
    pub(super) fn call(&self) -> Option<Waker> {
        let mut state = self.0.lock();
        match &mut *state {
            SenderState::Waits(waker) => {
                let waker = waker.take();
                *state = SenderState::Called;
                // No waker yet: the sender has not polled since it joined, and finds `Called` when it does.
                Some(waker.unwrap_or_else(|| Waker::noop().clone()))
            }
            SenderState::Called | SenderState::Left => None,
        }
    }

    pub(super) fn is_left(&self) -> bool {
        matches!(*self.0.lock(), SenderState::Left)
    }
}

/// Wakes a sender at its deadline.
impl Alarmed for QueuedSender {
    fn due(self: Arc<Self>, _now: Instant) {
        let mut state = self.0.lock();
        let waker = match &mut *state {
            // It stays in the queue. Woken, it sees that its time is over, and leaves.
            SenderState::Waits(waker) => waker.take(),
            SenderState::Called | SenderState::Left => None,
        };
        drop(state);
        if let Some(waker) = waker {
            barrier::wake(waker);
        }
    }
}
