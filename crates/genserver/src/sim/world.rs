//! The runtime of a simulation: tasks that wait to be chosen, and a clock that goes on when all wait.
//!
//! Everything in it happens on one thread. The locks are there because a runtime is shared, and are never waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::runtime::simulated::{self, Entered, SIMULATED};
use crate::runtime::{self, BlockingWork, Runtime, Sleep, TaskFuture};
use crate::{Node, ProcessInfo};

use super::choices::Choices;
use super::faults::Faults;
use super::recipe::Recipe;

static LAST: AtomicU64 = AtomicU64::new(SIMULATED);

/// So many units of work a task may do in one step, as on Tokio: then it lets others go on.
const BUDGET: u32 = 128;

/// The number of the task that is the test itself.
pub(super) const TEST: u64 = 0;

/// A runtime with a seed.
pub(super) struct World {
    this: Weak<Self>,
    id: u64,
    /// The instant at which its clock stands at zero.
    begin: Instant,
    state: Mutex<State>,
}

struct State {
    choices: Choices,
    /// What may go wrong at present.
    faults: Option<Faults>,
    elapsed: Duration,
    /// The tasks, by number; nothing in the place of one that is being polled.
    tasks: BTreeMap<u64, Option<TaskFuture>>,
    last_task: u64,
    /// The tasks that have something to do, in the order in which they were woken, ...
    ready: Vec<u64>,
    /// ... and the same as a set.
    is_ready: BTreeSet<u64>,
    /// What is due when. The number tells entries of one instant apart.
    timers: BTreeMap<(Duration, u64), Waker>,
    last_timer: u64,
    /// What is left of the budget of the task that is being polled.
    budget: u32,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an instant cannot be made of nothing; only differences are seen")]
    pub(super) fn new(recipe: &Recipe) -> Arc<Self> {
        let state = State {
            choices: Choices::new(recipe),
            faults: None,
            elapsed: Duration::ZERO,
            // The test is polled by the run.
            tasks: BTreeMap::from([(TEST, None)]),
            last_task: TEST,
            ready: vec![TEST],
            is_ready: BTreeSet::from([TEST]),
            timers: BTreeMap::new(),
            last_timer: 0,
            budget: BUDGET,
        };
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let begin = Instant::now();
        Arc::new_cyclic(|this| Self { this: this.clone(), id, begin, state: Mutex::new(state) })
    }

    /// Makes this the simulation of the thread, until the guard is dropped.
    ///
    /// # Panics
    ///
    /// If the thread runs one, or is in a runtime: time and tasks of that would be out of reach.
    #[track_caller]
    pub(super) fn enter(self: &Arc<Self>) -> Entered {
        assert!(simulated::ambient().is_none(), "a simulation cannot run inside another one");
        assert!(
            runtime::ambient().is_none(),
            "a simulation is a runtime of its own and cannot run inside another: write `#[test]`, and not the attribute of a runtime"
        );
        simulated::enter(Arc::clone(self) as Arc<dyn Runtime>)
    }

    /// Makes a choice.
    pub(super) fn choose<T>(&self, choice: impl FnOnce(&mut Choices) -> T) -> T {
        choice(&mut self.state.lock().choices)
    }

    /// How many choices were made so far.
    pub(super) fn choices_made(&self) -> usize {
        self.state.lock().choices.made().len()
    }

    /// The choices from this place on.
    pub(super) fn made_since(&self, first: usize) -> Vec<u32> {
        self.state.lock().choices.made()[first..].to_vec()
    }

    /// Sets what may go wrong from now on.
    pub(super) fn set_faults(&self, faults: Option<Faults>) {
        self.state.lock().faults = faults;
    }

    /// Lets something go wrong in a node, if that is drawn. Returns the process that was killed.
    pub(super) fn strike(&self, node: &Node) -> Option<ProcessInfo> {
        // Not under the lock: a kill wakes tasks.
        let mut faults = self.state.lock().faults.take()?;
        let victim = faults.strike(node, self);
        self.set_faults(Some(faults));
        victim
    }

    /// Chooses what goes on: a task that is ready. If there is none, the clock goes to the next timer. Nothing if there is
    /// none of these either.
    pub(super) fn next(&self) -> Option<u64> {
        let mut state = self.state.lock();
        while state.ready.is_empty() {
            let ((at, _), waker) = state.timers.pop_first()?;
            state.elapsed = state.elapsed.max(at);
            let mut due = vec![waker];
            // What is due at one instant is due at once: which of them goes on first is a choice.
            while let Some(next) = state.timers.first_entry()
                && next.key().0 <= at
            {
                due.push(next.remove());
            }
            // They take the lock.
            drop(state);
            due.into_iter().for_each(Waker::wake);
            state = self.state.lock();
        }
        state.budget = BUDGET;
        let State { choices, ready, .. } = &mut *state;
        let place = choices.task(ready);
        let task = ready.remove(place);
        state.is_ready.remove(&task);
        Some(task)
    }

    /// Polls a task other than the test.
    pub(super) fn poll(self: &Arc<Self>, number: u64) {
        let task = self.state.lock().tasks.get_mut(&number).and_then(Option::take);
        let Some(mut task) = task else { return };
        let waker = self.waker(number);
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = self.state.lock();
        if polled.is_pending() {
            state.tasks.insert(number, Some(task));
            return;
        }
        state.tasks.remove(&number);
        // It may have woken itself before it ended.
        if state.is_ready.remove(&number) {
            state.ready.retain(|ready| *ready != number);
        }
        // What it drops may wake others.
        drop(state);
        drop(task);
    }

    /// Wakes this task.
    pub(super) fn waker(self: &Arc<Self>, number: u64) -> Waker {
        Waker::from(Arc::new(TaskWaker { world: Arc::downgrade(self), number }))
    }

    /// The tasks that are ready: what two runs of one seed are compared by.
    pub(super) fn ready(&self) -> usize {
        self.state.lock().ready.len()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.state.lock().elapsed
    }

    /// Drops what is left of the tasks. What they drop may spawn others.
    pub(super) fn clear(&self) {
        loop {
            let mut state = self.state.lock();
            let (tasks, timers) = (std::mem::take(&mut state.tasks), std::mem::take(&mut state.timers));
            state.ready.clear();
            state.is_ready.clear();
            drop(state);
            if tasks.is_empty() && timers.is_empty() {
                return;
            }
            drop((tasks, timers));
        }
    }

    fn wake(&self, number: u64) {
        let mut state = self.state.lock();
        // A task that has ended has nothing to do any more.
        if state.tasks.contains_key(&number) && state.is_ready.insert(number) {
            state.ready.push(number);
        }
    }
}

/// Wakes one task.
struct TaskWaker {
    world: Weak<World>,
    number: u64,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if let Some(world) = self.world.upgrade() {
            world.wake(self.number);
        }
    }
}

impl Runtime for World {
    fn spawn(&self, task: TaskFuture) {
        let mut state = self.state.lock();
        state.last_task += 1;
        let number = state.last_task;
        state.tasks.insert(number, Some(task));
        state.ready.push(number);
        state.is_ready.insert(number);
    }

    /// In line: there is one thread, and virtual time does not pass while it works.
    fn spawn_blocking(&self, work: BlockingWork) {
        work();
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        let world = self.this.clone();
        let mut state = self.state.lock();
        let State { choices, faults, .. } = &mut *state;
        let late = faults.as_ref().map_or(Duration::ZERO, |faults| faults.lateness(choices));
        Box::pin(Timer { world, at: at.saturating_duration_since(self.begin) + late, key: None })
    }

    fn now(&self) -> Instant {
        self.begin + self.elapsed()
    }

    fn entropy(&self) -> u64 {
        self.choose(Choices::entropy)
    }

    fn is_current(&self) -> bool {
        simulated::ambient_id() == Some(self.id)
    }

    /// Without it, a task that always has something to do would never come to the end of its step, and a call that blocks the only
    /// thread would not be known for one.
    fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_current() {
            return Poll::Ready(());
        }
        let mut state = self.state.lock();
        let Some(left) = state.budget.checked_sub(1) else {
            drop(state);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        state.budget = left;
        Poll::Ready(())
    }

    /// Drawn: whether a server is run by its caller must not change what a program means.
    fn may_run_here(&self) -> bool {
        self.is_current() && self.choose(Choices::runs_inline)
    }

    fn id(&self) -> u64 {
        self.id
    }
}

/// Waits until the clock has come to an instant.
struct Timer {
    world: Weak<World>,
    at: Duration,
    key: Option<(Duration, u64)>,
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
        let is_due = self.at <= state.elapsed;
        let left = if is_due {
            Some(waker)
        } else {
            state.last_timer += 1;
            let key = (self.at, state.last_timer);
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
