//! smol as a runtime of processes: async-executor and async-io, the crates that it is made of.
//!
//! It keeps the `Runtime` trait honest: what Tokio provides (a task that knows its runtime, a budget for each poll) is done here
//! by hand, with two thread-local numbers.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use async_executor::Executor;
use async_io::Timer;
use futures::future::{AbortHandle, Abortable};
use parking_lot::Mutex;
use pin_project_lite::pin_project;

use super::{Runtime, Sleep, TaskFuture};

/// How many units of work a task may do in one poll before it has to yield.
const BUDGET: u8 = 128;

/// Set in every id, because the ids of Tokio's runtimes count from one as well.
const OURS: u64 = 1 << 63;

static LAST: AtomicU64 = AtomicU64::new(OURS);

/// The live runtimes, so that a thread finds its own by number.
static LIVE: Mutex<BTreeMap<u64, Weak<Executor<'static>>>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// The runtime of the task that this thread is polling; 0 if it polls none.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
    /// The budget that this task has left.
    static LEFT: Cell<u8> = const { Cell::new(0) };
}

/// A runtime over async-executor and async-io.
///
/// It owns its tasks and has no threads of its own: its tasks run on the threads that are in [`block_on`](Smol::block_on).
/// When it is dropped, every process on it ends with [`Reason::RuntimeGone`](crate::Reason::RuntimeGone).
///
/// A process that is started inside `block_on` runs on it without further setup. To put a whole
/// [`Node`](crate::Node) on it, give the node a [`handle`](Smol::handle).
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::runtime::Smol;
///
/// let runtime = Smol::new();
/// let count = runtime.block_on(async {
///     let counter = genserver::start::<Counter>(1).await?;
///     counter.cast(Add(1))?;
///     Ok::<_, Box<dyn std::error::Error>>(counter.call(Call::Get).await?)
/// });
/// assert_eq!(count?, 2);
/// # Ok(())
/// # }
/// ```
pub struct Smol {
    executor: Arc<Executor<'static>>,
    id: u64,
}

impl Smol {
    /// Makes a runtime without tasks.
    #[expect(clippy::new_without_default, reason = "a runtime is made on purpose, not by default")]
    pub fn new() -> Self {
        let executor = Arc::new(Executor::new());
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        LIVE.lock().insert(id, Arc::downgrade(&executor));
        Self { executor, id }
    }

    /// Returns a handle for a [`Node`](crate::Node). It does not keep the runtime alive.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use genserver::Node;
    /// use genserver::runtime::Smol;
    ///
    /// let runtime = Smol::new();
    /// let node = Node::with_runtime(Arc::new(runtime.handle()));
    /// let server = runtime.block_on(async { node.start::<Quiet>(()).await })?;
    /// assert!(server.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle(&self) -> SmolHandle {
        SmolHandle { executor: Arc::downgrade(&self.executor), id: self.id }
    }

    /// Runs `future` to completion on this thread, together with the runtime's tasks.
    ///
    /// Several threads may do so at once; they then share the tasks. When the last of them returns, the remaining tasks
    /// stop running until a thread enters again or the runtime is dropped.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        async_io::block_on(self.executor.run(Inside { future, id: self.id }))
    }

    /// Runs `future` to completion on this thread and `threads` others, which end when it does.
    ///
    /// # Panics
    ///
    /// Panics if a thread cannot be spawned.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::runtime::Smol;
    ///
    /// let runtime = Smol::new();
    /// let answer = runtime.block_on_with_threads(3, async {
    ///     let counter = genserver::start::<Counter>(1).inline(false).await?;
    ///     Ok::<_, Box<dyn std::error::Error>>(counter.call(Call::Get).await?)
    /// });
    /// assert_eq!(answer?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn block_on_with_threads<F: Future>(&self, threads: usize, future: F) -> F::Output {
        std::thread::scope(|scope| {
            let mut helpers = Helpers(Vec::with_capacity(threads));
            for _ in 0..threads {
                let (handle, registration) = AbortHandle::new_pair();
                helpers.0.push(handle);
                scope.spawn(move || self.block_on(Abortable::new(pending::<()>(), registration)));
            }
            self.block_on(future)
        })
    }
}

/// Stops the helping threads, even if the main one panics.
struct Helpers(Vec<AbortHandle>);

impl Drop for Helpers {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

// Drops the tasks with the executor; each then tells its process.
impl Drop for Smol {
    fn drop(&mut self) {
        LIVE.lock().remove(&self.id);
    }
}

impl fmt::Debug for Smol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smol").field("id", &(self.id ^ OURS)).finish_non_exhaustive()
    }
}

/// A weak handle to a [`Smol`], for nodes and processes.
///
/// It is weak because the runtime's tasks hold processes and processes hold their runtime: a strong handle would keep both alive
/// forever.
#[derive(Clone)]
pub struct SmolHandle {
    executor: Weak<Executor<'static>>,
    id: u64,
}

impl fmt::Debug for SmolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmolHandle").field("id", &(self.id ^ OURS)).finish_non_exhaustive()
    }
}

impl Runtime for SmolHandle {
    fn spawn(&self, task: TaskFuture) {
        // Without an executor the task is dropped; that is how its process learns that the runtime is gone.
        if let Some(executor) = self.executor.upgrade() {
            executor.spawn(Inside { future: task, id: self.id }).detach();
        }
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Box::pin(async move {
            Timer::at(at).await;
        })
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn entropy(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    fn is_current(&self) -> bool {
        CURRENT.get() == self.id
    }

    fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()> {
        if CURRENT.get() == 0 {
            return Poll::Ready(());
        }
        let Some(left) = LEFT.get().checked_sub(1) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        LEFT.set(left);
        Poll::Ready(())
    }

    fn id(&self) -> u64 {
        self.id
    }
}

pin_project! {
    /// A task of the runtime: while it is polled, the thread knows the runtime and the task's budget.
    struct Inside<F> {
        #[pin]
        future: F,
        id: u64,
    }
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _outer = Outer { id: CURRENT.replace(*this.id), left: LEFT.replace(BUDGET) };
        this.future.poll(cx)
    }
}

/// Restores the thread's earlier runtime and budget, even if the poll panics.
struct Outer {
    id: u64,
    left: u8,
}

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.id);
        LEFT.set(self.left);
    }
}

/// The runtime whose task the current thread is polling.
pub(crate) fn ambient() -> Option<Arc<dyn Runtime>> {
    let id = CURRENT.get();
    if id == 0 {
        return None;
    }
    let executor = LIVE.lock().get(&id)?.clone();
    Some(Arc::new(SmolHandle { executor, id }))
}
