//! The runtime of a simulation: tasks that wait to be chosen, and a clock that goes on when all wait.
//!
//! Everything in it happens on one thread. The locks are there because a runtime is shared, and are never waited for.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::node::record::{self, Event};
use crate::runtime::simulated::{self, Entered, SIMULATED, Simulation};
use crate::runtime::{self, BlockingWork, Runtime, Sleep, TaskFuture};
use crate::{Pid, poll_alive};

use super::choices::{Alternatives, Choices, Made, Place, Plan, Unusual};
use super::faults::Faults;
use super::numbers::by_number;
use super::search::races::StepSeen;
use super::turns::Turns;

// Waiting until its clock has come to an instant.
mod timer;
// What goes wrong in it, ...
mod struck;
// ... and the callbacks that are held up by that.
mod held;

use timer::Timer;

static LAST: AtomicU64 = AtomicU64::new(SIMULATED);

/// So many units of work a task may do in one step, as on Tokio: then it lets others go on.
const BUDGET: u32 = 128;

/// After so many steps the clock goes on although some task is ready.
const STEPS_AT_ONCE_MAX: u32 = 10_000;

/// The date and time at which a simulation begins, after 1970: the first second of the year 2000.
const BEGIN: Duration = Duration::from_hours(262_968);

/// The number of the task that is the test itself.
pub(super) const TEST: u64 = 0;

/// A runtime with a seed.
pub(super) struct World {
    this: Weak<Self>,
    id: u64,
    /// The instant at which its clock stands at zero.
    begin: Instant,
    state: Mutex<State>,
    /// Which clients of the test are to be polled.
    pub(super) turns: Mutex<Turns>,
}

struct State {
    choices: Choices,
    /// What may go wrong at present.
    faults: Option<Faults>,
    /// How many faults have happened.
    struck: usize,
    /// How often the faults were ended.
    heals: u64,
    /// The callbacks that are held up.
    held: BTreeMap<u64, Option<Waker>>,
    last_held: u64,
    /// The mailboxes that are full with so many messages.
    squeezed: BTreeMap<Pid, u32>,
    elapsed: Duration,
    /// All tasks there ever were, by number.
    tasks: Vec<Task>,
    /// The tasks that have something to do, in the order in which they were woken.
    ready: Vec<u64>,
    /// What is due when. The number tells entries of one instant apart.
    timers: BTreeMap<(Duration, u64), Waker>,
    last_timer: u64,
    /// Those who wait until nothing else is ready.
    settling: Vec<Waker>,
    /// How many steps there were since the clock has gone on.
    steps_at_once: u32,
    /// What is left of the budget of the task that is being polled.
    budget: u32,
    /// The tasks that the present step has woken.
    woke: Vec<u64>,
    /// The decisions of the present step whether a caller may run a server: after how many events, and the place in the schedule.
    inline: Vec<(usize, usize)>,
}

/// A task.
struct Task {
    /// Nothing while it is being polled, when it has ended, and if it is a part of the test.
    future: Option<TaskFuture>,
    has_ended: bool,
    /// Whether it is among those that have something to do.
    is_ready: bool,
}

impl Task {
    fn new(future: Option<TaskFuture>) -> Self {
        Self { future, has_ended: false, is_ready: true }
    }
}

impl State {
    fn task(&mut self, number: u64) -> Option<&mut Task> {
        self.tasks.get_mut(by_number(number))
    }

    /// Takes back that a task was woken.
    fn set_waiting(&mut self, number: u64) {
        if let Some(task) = self.task(number)
            && std::mem::take(&mut task.is_ready)
        {
            self.ready.retain(|ready| *ready != number);
        }
    }

    /// The clock goes to the next thing that is due. Returns what is to be woken then.
    fn next_instant(&mut self) -> Option<Vec<Waker>> {
        let ((at, _), waker) = self.timers.pop_first()?;
        self.elapsed = self.elapsed.max(at);
        self.steps_at_once = 0;
        let mut due = vec![waker];
        // What is due at one instant is due at once: which of them goes on first is a choice.
        while let Some(next) = self.timers.first_entry()
            && next.key().0 <= at
        {
            due.push(next.remove());
        }
        Some(due)
    }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an instant cannot be made of nothing; only differences are seen")]
    pub(super) fn new(plan: Plan) -> Arc<Self> {
        let state = State {
            choices: Choices::new(plan),
            faults: None,
            struck: 0,
            heals: 0,
            held: BTreeMap::new(),
            last_held: 0,
            squeezed: BTreeMap::new(),
            elapsed: Duration::ZERO,
            // The test is polled by the run.
            tasks: vec![Task::new(None)],
            ready: vec![TEST],
            timers: BTreeMap::new(),
            last_timer: 0,
            settling: Vec::new(),
            steps_at_once: 0,
            budget: BUDGET,
            woke: Vec::new(),
            inline: Vec::new(),
        };
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let begin = Instant::now();
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            id,
            begin,
            state: Mutex::new(state),
            turns: Mutex::default(),
        })
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
        simulated::enter(Arc::clone(self) as Arc<dyn Simulation>)
    }

    /// The simulation that this thread runs.
    pub(super) fn ambient() -> Option<Arc<Self>> {
        simulated::ambient_as()
    }

    /// Makes a choice.
    pub(super) fn choose<T>(&self, choice: impl FnOnce(&mut Choices) -> T) -> T {
        choice(&mut self.state.lock().choices)
    }

    /// Draws a number for the test or one of its clients.
    #[track_caller]
    pub(super) fn draw(&self, by: u64, range: Range<u64>) -> u64 {
        self.choose(|choices| choices.draw(by, range))
    }

    /// Draws one of these values.
    #[track_caller]
    pub(super) fn pick<'a, T>(&self, by: u64, values: &'a [T]) -> &'a T {
        assert!(!values.is_empty(), "there is nothing to pick from an empty list");
        let place = self.draw(by, 0..values.len() as u64);
        &values[usize::try_from(place).unwrap_or_default()]
    }

    /// How many choices were made so far.
    pub(super) fn place(&self) -> Place {
        self.state.lock().choices.place()
    }

    /// The unusual choices from this place on.
    pub(super) fn unusual_since(&self, first: Place) -> Vec<Unusual> {
        self.state.lock().choices.unusual_since(first)
    }

    /// What a step of this task has done, which began at this place and with these events.
    pub(super) fn seen(&self, task: u64, place: Place, events: &[Event]) -> StepSeen {
        let mut state = self.state.lock();
        let mut woke = std::mem::take(&mut state.woke);
        woke.sort_unstable();
        woke.dedup();
        let inline = std::mem::take(&mut state.inline);
        let step = StepSeen::of(task, place, events, &inline, woke);
        state.choices.note_step(task, step.sent.iter().map(|sent| sent.to));
        step
    }

    /// How many faults have happened.
    pub(super) fn struck(&self) -> usize {
        self.state.lock().struck
    }

    /// All choices, when the run is over.
    pub(super) fn take_choices(&self) -> (Made, Alternatives) {
        self.state.lock().choices.take()
    }

    /// Chooses what goes on: a task that is ready. If there is none, those who wait for that go on, or else the clock goes to the
    /// next timer. Nothing if there is none of these either.
    pub(super) fn next(&self) -> Option<u64> {
        let mut state = self.state.lock();
        while state.ready.is_empty() {
            if !state.settling.is_empty() {
                let settled = std::mem::take(&mut state.settling);
                drop(state);
                settled.into_iter().for_each(Waker::wake);
                state = self.state.lock();
                continue;
            }
            let due = state.next_instant()?;
            // They take the lock.
            drop(state);
            due.into_iter().for_each(Waker::wake);
            state = self.state.lock();
        }
        state.steps_at_once += 1;
        // Tasks that look again and again whether time has passed would stand still with it.
        if state.steps_at_once > STEPS_AT_ONCE_MAX
            && let Some(due) = state.next_instant()
        {
            drop(state);
            due.into_iter().for_each(Waker::wake);
            state = self.state.lock();
        }
        state.budget = BUDGET;
        // What was due has woken them, and no step.
        state.woke.clear();
        state.inline.clear();
        let State { choices, ready, .. } = &mut *state;
        let place = choices.task(ready);
        let task = ready.remove(place);
        if let Some(task) = state.task(task) {
            task.is_ready = false;
        }
        Some(task)
    }

    /// Polls a task other than the test.
    pub(super) fn poll(self: &Arc<Self>, number: u64) {
        let task = self.state.lock().task(number).and_then(|task| task.future.take());
        let Some(mut task) = task else { return };
        let waker = self.waker(number);
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_pending() {
            if let Some(slot) = self.state.lock().task(number) {
                slot.future = Some(task);
            }
            return;
        }
        self.remove(number);
        // What it drops may wake others.
        drop(task);
    }

    /// Adds a task, which is ready. Without a future it is a part of the test, and polled by that.
    pub(super) fn add(&self, task: Option<TaskFuture>) -> u64 {
        let mut state = self.state.lock();
        let number = state.tasks.len() as u64;
        state.tasks.push(Task::new(task));
        state.ready.push(number);
        state.woke.push(number);
        number
    }

    /// Removes a task that has ended.
    pub(super) fn remove(&self, number: u64) {
        let mut state = self.state.lock();
        if let Some(task) = state.task(number) {
            task.has_ended = true;
        }
        // It may have woken itself before it ended.
        state.set_waiting(number);
    }

    /// Whether this task is a client of the test. If so, it is polled when the test is polled next.
    pub(super) fn has_turn(&self, task: u64) -> bool {
        let Some(waker) = self.turns.lock().choose(task) else { return false };
        // Rule 2 of `clients`.
        let was_ready = self.state.lock().task(TEST).is_some_and(|test| test.is_ready);
        waker.wake();
        let mut state = self.state.lock();
        if !was_ready {
            state.set_waiting(TEST);
        }
        state.woke.clear();
        true
    }

    /// Waits until no other task is ready, before time goes on. All that wait for this are then ready together.
    pub(super) async fn settle(&self) {
        let mut is_waiting = false;
        poll_fn(|cx| {
            ready!(poll_alive(cx));
            if std::mem::replace(&mut is_waiting, true) {
                return Poll::Ready(());
            }
            // A foreign waker is user code, and not cloned under the lock.
            let waker = cx.waker().clone();
            self.state.lock().settling.push(waker);
            Poll::Pending
        })
        .await;
    }

    /// Wakes this task.
    pub(super) fn waker(self: &Arc<Self>, number: u64) -> Waker {
        Waker::from(Arc::new(TaskWaker { world: Arc::downgrade(self), number }))
    }

    /// What two runs with the same choices are compared by, besides their events: how many tasks are ready, and what time it is.
    pub(super) fn ready_and_elapsed(&self) -> (usize, Duration) {
        let state = self.state.lock();
        (state.ready.len(), state.elapsed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.state.lock().elapsed
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.state.lock().timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Waits until this time has passed since the beginning.
    pub(super) async fn sleep_until(&self, at: Duration) {
        Timer { world: self.this.clone(), at, late: None, key: None }.await;
    }

    /// Drops what is left of the tasks. What they drop may spawn others.
    pub(super) fn clear(&self) {
        loop {
            let mut state = self.state.lock();
            let mut tasks = Vec::new();
            for task in &mut state.tasks {
                (task.has_ended, task.is_ready) = (true, false);
                tasks.extend(task.future.take());
            }
            let timers = std::mem::take(&mut state.timers);
            let waiting = (std::mem::take(&mut state.settling), std::mem::take(&mut state.held));
            state.ready.clear();
            drop(state);
            if tasks.is_empty() && timers.is_empty() {
                return;
            }
            drop((tasks, timers, waiting));
        }
    }

    fn wake(&self, number: u64) {
        let mut state = self.state.lock();
        // A task that has ended has nothing to do any more.
        if let Some(task) = state.task(number)
            && !task.has_ended
            && !std::mem::replace(&mut task.is_ready, true)
        {
            state.ready.push(number);
        }
        state.woke.push(number);
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

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}

impl Runtime for World {
    fn spawn(&self, task: TaskFuture) {
        self.add(Some(task));
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
        let late = (!late.is_zero()).then_some((late, state.heals));
        state.struck += usize::from(late.is_some());
        Box::pin(Timer { world, at: at.saturating_duration_since(self.begin), late, key: None })
    }

    fn now(&self) -> Instant {
        self.begin + self.elapsed()
    }

    /// Every run begins at the same date, so that what is made of it is the same too.
    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + BEGIN + self.elapsed()
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
        if !self.is_current() {
            return false;
        }
        let events = record::len();
        let mut state = self.state.lock();
        let place = state.choices.place().schedule;
        state.inline.push((events, place));
        state.choices.runs_inline()
    }

    fn id(&self) -> u64 {
        self.id
    }
}
