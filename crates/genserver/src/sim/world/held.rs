//! Callbacks that a fault holds up: until an instant, or until the faults are over.

use std::future::Future;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll};

use super::{Timer, World};

/// Waits until the faults are over, or until an instant if there is one.
pub(super) struct Held {
    pub(super) world: Weak<World>,
    /// Its place among those that are held up.
    pub(super) number: u64,
    pub(super) until: Option<Timer>,
}

impl Future for Held {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // After the simulation nothing goes on any more.
        let Some(world) = self.world.upgrade() else { return Poll::Pending };
        // A foreign waker is user code, and neither cloned nor dropped under the lock.
        let waker = cx.waker().clone();
        let mut state = world.state.lock();
        let Some(place) = state.held.get_mut(&self.number) else { return Poll::Ready(()) };
        let before = place.replace(waker);
        drop(state);
        drop(before);
        match &mut self.until {
            Some(timer) => Pin::new(timer).poll(cx),
            None => Poll::Pending,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade() {
            let waker = world.state.lock().held.remove(&self.number);
            drop(waker);
        }
    }
}
