//! Waiting until the clock of a world has come to an instant.

use std::future::Future;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll};
use std::time::Duration;

use super::World;

/// Waits until the clock has come to an instant.
pub(super) struct Timer {
    pub(super) world: Weak<World>,
    pub(super) at: Duration,
    /// By how much it is late, as long as the faults were ended so many times and not once more.
    pub(super) late: Option<(Duration, u64)>,
    pub(super) key: Option<(Duration, u64)>,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // After the simulation nothing is due any more.
        let Some(world) = self.world.upgrade() else { return Poll::Pending };
        // A foreign waker is user code, and neither cloned nor dropped under the lock.
        let waker = cx.waker().clone();
        let mut state = world.state.lock();
        let before = self.key.take().and_then(|key| state.timers.remove(&key));
        let late = self.late.filter(|(_, heals)| *heals == state.heals).map_or(Duration::ZERO, |(late, _)| late);
        let at = self.at + late;
        let is_due = at <= state.elapsed;
        let left = if is_due {
            Some(waker)
        } else {
            state.last_timer += 1;
            let key = (at, state.last_timer);
            self.key = Some(key);
            state.timers.insert(key, waker)
        };
        drop(state);
        drop((before, left));
        if is_due { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade()
            && let Some(key) = self.key
        {
            let waker = world.state.lock().timers.remove(&key);
            drop(waker);
        }
    }
}
