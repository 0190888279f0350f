//! The world of one execution: a runtime with a number of threads, a node on it, and a clock that the model moves.
//!
//! Its own state is behind locks that the model checker does not see, so that an execution stops at the crate's
//! steps and not at its runtime's.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::task::{ArcWake, waker_ref};
use genserver::runtime::{Runtime, Sleep, TaskFuture};
use genserver::{GenServer, Node, ServerRef};
use shuttle::future::batch_semaphore::{BatchSemaphore, Fairness};
use shuttle::thread::JoinHandle;

shuttle::thread_local! {
    /// The runtime that this thread belongs to; 0 if none.
    static INSIDE: AtomicU64 = AtomicU64::new(0);
}

/// A runtime, a node on it, and the threads that work for it.
pub(crate) struct World {
    runtime: Arc<Workers>,
    node: Node,
    threads: Vec<JoinHandle<()>>,
}

impl World {
    /// A world whose tasks run on this many threads. The thread that makes it is inside it, like an async main.
    pub(crate) fn new(threads: usize) -> Self {
        let runtime = Arc::new(Workers::new());
        INSIDE.with(|inside| inside.store(runtime.id, SeqCst));
        let node = Node::with_runtime(Arc::new(Seam(Arc::clone(&runtime))));
        let work = |_| {
            let runtime = Arc::clone(&runtime);
            shuttle::thread::spawn(move || runtime.work())
        };
        let threads = (0..threads).map(work).collect();
        Self { runtime, node, threads }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Starts a server whose init does not await.
    pub(crate) fn start<S: GenServer>(&self, args: S::Args) -> ServerRef<S> {
        wait_for(self.node.start::<S>(args)).expect("its init runs to its end")
    }

    /// A thread inside the runtime, like one of a program with several: it may run servers itself.
    pub(crate) fn client<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let id = self.runtime.id;
        shuttle::thread::spawn(move || {
            INSIDE.with(|inside| inside.store(id, SeqCst));
            wait_for(future)
        })
    }

    /// A task of the runtime: it may run on any of its threads, and servers run in it.
    pub(crate) fn task(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(Box::pin(future));
    }

    /// Moves the clock, and wakes the tasks that slept until then.
    pub(crate) fn pass(&self, time: Duration) {
        self.runtime.pass(time);
    }

    /// The same for a callback, which then takes this long.
    pub(crate) fn passes(&self) -> impl Fn(Duration) + Clone + Send + 'static + use<> {
        let runtime = Arc::clone(&self.runtime);
        move |time| runtime.pass(time)
    }

    /// Shuts the runtime down: its threads finish what they poll, then every task is dropped.
    pub(crate) fn end(self) {
        self.runtime.closed.store(true, SeqCst);
        self.runtime.jobs.release(self.threads.len());
        for thread in self.threads {
            thread.join().expect("no task panics");
        }
        self.runtime.drop_tasks();
    }
}

/// A thread that belongs to no runtime.
pub(crate) fn outsider<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    shuttle::thread::spawn(move || wait_for(future))
}

/// Waits on this thread. If nothing can end the wait, the model fails, because every thread is blocked.
pub(crate) fn wait_for<F: Future>(future: F) -> F::Output {
    shuttle::future::block_on(future)
}

/// A runtime of several threads with one queue of tasks.
struct Workers {
    id: u64,
    ready: Mutex<VecDeque<Arc<Task>>>,
    /// As many permits as there are tasks that are ready.
    jobs: BatchSemaphore,
    /// Every task that has not ended.
    tasks: Mutex<Vec<Arc<Task>>>,
    closed: AtomicBool,
    /// How far the clock has gone, in nanoseconds.
    passed: AtomicU64,
    sleepers: Mutex<Vec<(Instant, Waker)>>,
}

/// Where the clock of every execution begins.
#[expect(clippy::disallowed_methods, reason = "an instant cannot be made of anything else")]
static DAWN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Workers {
    fn new() -> Self {
        Self {
            id: 1,
            ready: Mutex::default(),
            jobs: BatchSemaphore::new(0, Fairness::Unfair),
            tasks: Mutex::default(),
            closed: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            sleepers: Mutex::default(),
        }
    }

    /// What each thread does.
    fn work(&self) {
        INSIDE.with(|inside| inside.store(self.id, SeqCst));
        loop {
            self.jobs.acquire_blocking(1).expect("nobody closes it");
            if self.closed.load(SeqCst) {
                return;
            }
            let task = locked(&self.ready).pop_front().expect("there is one for each permit");
            if task.run() {
                locked(&self.tasks).retain(|other| !Arc::ptr_eq(other, &task));
            }
        }
    }

    fn spawn(self: &Arc<Self>, future: TaskFuture) {
        if self.closed.load(SeqCst) {
            return drop(future);
        }
        let task = Arc::new(Task {
            turn: Mutex::new(Turn::Queued),
            future: Mutex::new(Some(future)),
            runtime: Arc::downgrade(self),
        });
        locked(&self.tasks).push(Arc::clone(&task));
        self.queue(task);
    }

    fn queue(&self, task: Arc<Task>) {
        locked(&self.ready).push_back(task);
        self.jobs.release(1);
    }

    fn now(&self) -> Instant {
        *DAWN + Duration::from_nanos(self.passed.load(SeqCst))
    }

    fn pass(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).expect("a model takes less than centuries");
        self.passed.fetch_add(time, SeqCst);
        let now = self.now();
        let sleepers = std::mem::take(&mut *locked(&self.sleepers));
        let (due, later): (Vec<_>, Vec<_>) = sleepers.into_iter().partition(|(at, _)| *at <= now);
        locked(&self.sleepers).extend(later);
        for (_, waker) in due {
            waker.wake();
        }
    }

    fn drop_tasks(&self) {
        let tasks = std::mem::take(&mut *locked(&self.tasks));
        for task in tasks {
            let future = locked(&task.future).take();
            drop(future);
        }
        locked(&self.ready).clear();
        locked(&self.sleepers).clear();
    }
}

/// The runtime as the crate sees it.
struct Seam(Arc<Workers>);

impl Runtime for Seam {
    fn spawn(&self, future: TaskFuture) {
        self.0.spawn(future);
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        let runtime = Arc::clone(&self.0);
        Box::pin(std::future::poll_fn(move |cx| {
            if runtime.now() >= at {
                return Poll::Ready(());
            }
            locked(&runtime.sleepers).push((at, cx.waker().clone()));
            Poll::Pending
        }))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn entropy(&self) -> u64 {
        0
    }

    fn is_current(&self) -> bool {
        INSIDE.with(|inside| inside.load(SeqCst)) == self.0.id
    }

    fn poll_budget(&self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn id(&self) -> u64 {
        self.0.id
    }
}

/// A task, which is polled by one thread at a time.
struct Task {
    turn: Mutex<Turn>,
    future: Mutex<Option<TaskFuture>>,
    runtime: Weak<Workers>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Asleep,
    Queued,
    Polled,
    /// Woken while it was polled: it goes to the end of the queue.
    PolledAndWoken,
    Over,
}

impl Task {
    /// Polls it once. Whether it has ended.
    fn run(self: &Arc<Self>) -> bool {
        *locked(&self.turn) = Turn::Polled;
        let Some(mut future) = locked(&self.future).take() else { return true };
        let waker = waker_ref(self);
        if Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_ready() {
            *locked(&self.turn) = Turn::Over;
            return true;
        }
        *locked(&self.future) = Some(future);
        let mut turn = locked(&self.turn);
        let again = *turn == Turn::PolledAndWoken;
        *turn = if again { Turn::Queued } else { Turn::Asleep };
        drop(turn);
        if again && let Some(runtime) = self.runtime.upgrade() {
            runtime.queue(Arc::clone(self));
        }
        false
    }
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Self>) {
        let mut turn = locked(&task.turn);
        match *turn {
            Turn::Asleep => *turn = Turn::Queued,
            Turn::Polled => {
                *turn = Turn::PolledAndWoken;
                return;
            }
            Turn::Queued | Turn::PolledAndWoken | Turn::Over => return,
        }
        drop(turn);
        if let Some(runtime) = task.runtime.upgrade() {
            runtime.queue(Arc::clone(task));
        }
    }
}

/// A lock that the model checker does not see. No execution stops while one is held, so no thread ever waits for one.
pub(crate) fn locked<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.try_lock().unwrap_or_else(|error| match error {
        std::sync::TryLockError::Poisoned(guard) => PoisonError::into_inner(guard),
        std::sync::TryLockError::WouldBlock => panic!("the world's own lock was held where an execution stopped"),
    })
}
