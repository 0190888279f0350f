//! Tokio as a runtime of processes.

use std::cell::Cell;
use std::future::Future;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use tokio::runtime::{Handle, Id as RuntimeId};
use tokio::task::{Id as TaskId, coop};

use super::shield::Shielded;
use super::{BlockingWork, Runtime, Sleep, TaskFuture};

/// A Tokio runtime, by its handle. The page of [`runtime`](crate::runtime) makes a node of one.
#[derive(Clone, Debug)]
pub struct Tokio {
    handle: Handle,
    id: RuntimeId,
}

thread_local! {
    /// The runtime that a task belongs to. A task never changes its runtime and its id is never used again, so an entry stays
    /// true; it saves looking at the handle, which costs two atomic operations.
    static TASK_HOMES: [Cell<Option<(TaskId, RuntimeId)>>; KNOWN_TASKS] = const { [const { Cell::new(None) }; KNOWN_TASKS] };
}

/// A clock that goes on has gone on after so many readings: they take longer than a tick of it.
const TICK_READINGS: usize = 64;

/// An instant and the date and time at it, for clocks that are paused.
#[expect(clippy::disallowed_methods, reason = "this is the seam")]
static ANCHOR: LazyLock<(Instant, SystemTime)> = LazyLock::new(|| (Instant::now(), SystemTime::now()));

/// For how many tasks a thread remembers the runtime.
const KNOWN_TASKS: usize = 64;

impl Tokio {
    /// Makes a runtime of `handle`.
    pub fn new(handle: Handle) -> Self {
        let id = handle.id();
        Self { handle, id }
    }
}

impl Runtime for Tokio {
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn spawn(&self, task: TaskFuture) {
        drop(self.handle.spawn(task));
    }

    fn spawn_blocking(&self, work: BlockingWork) {
        drop(self.handle.spawn_blocking(work));
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn sleep_until(&self, at: Instant) -> Sleep {
        let _entered = self.handle.enter();
        Box::pin(Shielded::new(tokio::time::sleep_until(at.into())))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// The clock of the machine. While Tokio's clock is paused, it goes on with that, from the date and time at which this was first
    /// asked for then.
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn system_time(&self) -> SystemTime {
        // Tokio does not say whether its clock is paused. If it is not, it goes on between two readings.
        let now = self.now();
        if (0..TICK_READINGS).any(|_| self.now() != now) {
            return SystemTime::now();
        }
        // One anchor for the whole program, so that two readings are as far apart as their instants.
        let (instant, date) = *ANCHOR;
        let later = now.checked_duration_since(instant);
        later.map_or_else(|| date - (instant - now), |later| date + later)
    }

    fn entropy(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    fn is_current(&self) -> bool {
        current_id().is_some_and(|id| id == self.id)
    }

    fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()> {
        coop::poll_proceed(cx).map(|unit| unit.made_progress())
    }

    fn poll_inline(&self, cx: &mut Context<'_>) -> Poll<bool> {
        if current_id() != Some(self.id) {
            return Poll::Ready(false);
        }
        coop::poll_proceed(cx).map(|unit| {
            unit.made_progress();
            true
        })
    }

    /// A runtime of one thread looks at its sockets only when it has nothing else to do, or after 61 tasks. A task that wakes itself
    /// is always something to do; one that yields in Tokio's own way is woken after the look.
    fn wake_after_others(&self, cx: &mut Context<'_>) {
        // It has what it needs of the task after one poll.
        let _ = pin!(tokio::task::yield_now()).poll(cx);
    }

    fn id(&self) -> u64 {
        number(self.id)
    }
}

/// The runtime that the current thread is in.
#[inline]
fn current_id() -> Option<RuntimeId> {
    let Some(task) = tokio::task::try_id() else {
        // A future under `block_on` has no id.
        return Handle::try_current().ok().map(|handle| handle.id());
    };
    // Ids count upwards, so tasks that were spawned together get different slots.
    #[expect(clippy::cast_possible_truncation, reason = "only the lowest bits are wanted")]
    let place = number(task) as usize % KNOWN_TASKS;
    TASK_HOMES.with(|homes| match homes[place].get() {
        Some((known, home)) if known == task => Some(home),
        _ => {
            let home = Handle::try_current().ok()?.id();
            homes[place].set(Some((task, home)));
            Some(home)
        }
    })
}

fn number(id: impl Hash) -> u64 {
    let mut hasher = IdHasher(0);
    id.hash(&mut hasher);
    hasher.0
}

/// The id of the Tokio runtime that the current thread is in. It asks the handle, not the task: a task may have entered
/// another runtime.
pub(super) fn ambient_id() -> Option<u64> {
    Handle::try_current().ok().map(|handle| number(handle.id()))
}

/// Reads the number out of a runtime's id, which only `Hash` exposes.
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The Tokio runtime that the current thread is in.
pub(crate) fn ambient() -> Option<Arc<dyn Runtime>> {
    Handle::try_current().ok().map(|handle| Arc::new(Tokio::new(handle)) as Arc<dyn Runtime>)
}
