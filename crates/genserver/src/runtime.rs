//! What the crate needs from an async runtime: tasks, time, threads and random numbers.
//!
//! ```
//! # use genserver_doc::quiet::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use genserver::Node;
//! use genserver::runtime::Tokio;
//! use std::sync::Arc;
//!
//! let workers = tokio::runtime::Runtime::new()?;
//! let node = Node::with_runtime(Arc::new(Tokio::new(workers.handle().clone())));
//! let server = futures::executor::block_on(node.start::<Quiet>(()))?;
//! assert!(server.is_alive());
//! # Ok(())
//! # }
//! ```
//!
//! A process runs on the runtime that it is started on, unless its [`Node`](crate::Node) has one of its own.
//!
//! # A runtime that is not being driven
//!
//! A process depends on its runtime for tasks and time. A runtime that is not being driven provides neither: that is Tokio's
//! current-thread runtime while no thread is in its `block_on`, or a `Smol` under the same condition. Its servers do not run, and
//! a call to one of them from another runtime or a plain thread does not even time out: that clock stands still. So do the
//! timeouts of [`stop`](crate::ServerRef::stop) and [`sys`](crate::sys), timers and idle timeouts; they go on when a thread
//! drives the runtime again. Where that may happen, bound the wait by a clock of your own, as
//! [`time::timeout`](crate::time::timeout) does, or start the server on a runtime with its own threads.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

// The default: the Tokio runtime that the process is started on.
#[cfg(feature = "tokio")]
mod shield;
#[cfg(feature = "tokio")]
pub(crate) mod tokio;
// The second runtime: async-executor and async-io, the crates that smol is made of.
#[cfg(feature = "smol")]
pub(crate) mod smol;

// A simulation, which takes its thread over.
#[cfg(feature = "sim")]
pub(crate) mod simulated;

#[cfg(feature = "smol")]
pub use self::smol::{Smol, SmolHandle};
#[cfg(feature = "tokio")]
pub use self::tokio::Tokio;

/// A future that ends at an instant.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task for [`Runtime::spawn`].
pub type TaskFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Work for [`Runtime::spawn_blocking`].
pub type BlockingWork = Box<dyn FnOnce() + Send>;

/// An async runtime that processes can run on.
///
/// # Examples
///
/// A runtime that delegates to Tokio and counts the tasks:
///
/// ```
/// # use genserver_doc::quiet::*;
/// # use std::sync::Arc;
/// # use std::sync::atomic::{AtomicU64, Ordering};
/// # use std::task::{Context, Poll};
/// # use std::time::Instant;
/// # use genserver::Node;
/// use genserver::runtime::{BlockingWork, Runtime, Sleep, TaskFuture, Tokio};
///
/// struct Counting {
///     tokio: Tokio,
///     tasks: AtomicU64,
/// }
///
/// impl Runtime for Counting {
///     fn spawn(&self, task: TaskFuture) {
///         self.tasks.fetch_add(1, Ordering::Relaxed);
///         self.tokio.spawn(task);
///     }
///
///     fn spawn_blocking(&self, work: BlockingWork) {
///         self.tokio.spawn_blocking(work);
///     }
///
///     fn sleep_until(&self, at: Instant) -> Sleep {
///         self.tokio.sleep_until(at)
///     }
///     // ... and so on.
/// #   fn now(&self) -> Instant { self.tokio.now() }
/// #   fn system_time(&self) -> std::time::SystemTime { self.tokio.system_time() }
/// #   fn entropy(&self) -> u64 { self.tokio.entropy() }
/// #   fn is_current(&self) -> bool { self.tokio.is_current() }
/// #   fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()> { self.tokio.poll_budget(cx) }
/// #   fn id(&self) -> u64 { self.tokio.id() }
/// }
///
/// # genserver_doc::run! {
/// let tokio = Tokio::new(tokio::runtime::Handle::current());
/// let runtime = Arc::new(Counting { tokio, tasks: AtomicU64::new(0) });
/// let node = Node::with_runtime(runtime.clone());
/// node.start::<Quiet>(()).await?;
/// // The one task is the node's clock: a server needs none.
/// assert_eq!(runtime.tasks.load(Ordering::Relaxed), 1);
/// # }
/// ```
pub trait Runtime: Send + Sync + 'static {
    /// Runs the future to its end, or drops it when the runtime is shut down.
    fn spawn(&self, task: TaskFuture);

    /// Runs work that blocks its thread, for [`run_blocking`](crate::run_blocking), on a thread that runs no tasks; or drops
    /// the work without running it.
    ///
    /// By default each piece of work gets a thread of its own. A runtime with a pool of blocking threads, like Tokio, uses that.
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn spawn_blocking(&self, work: BlockingWork) {
        // If the system cannot start a thread, it drops the work, and the waiting task sees that.
        drop(std::thread::Builder::new().name("blocking work".to_owned()).spawn(work));
    }

    /// Returns a future that completes at `at`: never earlier, possibly later.
    fn sleep_until(&self, at: Instant) -> Sleep;

    /// The current time, on a clock that never goes back.
    fn now(&self) -> Instant;

    /// The current date and time. It may jump, forwards and backwards, when the clock of the machine is set.
    ///
    /// By default this is the clock of the machine. A runtime whose [`now`](Runtime::now) is virtual returns a time that goes on
    /// with that: a simulation does, and so does Tokio while its clock is paused.
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    /// A random number, for jitter and for the choices of a simulation.
    fn entropy(&self) -> u64;

    /// Returns whether the current thread is polling a task of this runtime.
    fn is_current(&self) -> bool;

    /// Takes one unit of the current task's cooperative budget. If none is left, the task is woken and has to yield.
    fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether a caller on this thread may run a server of this runtime: ready with `false` on a thread of another runtime
    /// or none, with `true` after a unit of the task's budget was taken. Pending like [`poll_budget`](Runtime::poll_budget).
    fn poll_inline(&self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.may_run_here() { self.poll_budget(cx).map(|()| true) } else { Poll::Ready(false) }
    }

    /// Whether code of this thread may run a process of this runtime now, as part of its own task: by default on every thread
    /// that [is current](Runtime::is_current). A simulation decides it anew each time.
    fn may_run_here(&self) -> bool {
        self.is_current()
    }

    /// Wakes the task of `cx` when its runtime has run the tasks that are ready and has looked at sockets and timers, for
    /// [`yield_now`](crate::yield_now).
    ///
    /// By default it wakes the task at once. That is enough if the runtime then puts the task behind those that are ready, and has
    /// threads of its own for sockets and timers.
    fn wake_after_others(&self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    /// Identifies the runtime: equal for two handles of the same runtime, and never used again for another.
    fn id(&self) -> u64;
}

/// The runtime that the current thread is in.
pub(crate) fn ambient() -> Option<Arc<dyn Runtime>> {
    #[cfg(feature = "sim")]
    if let Some(runtime) = simulated::ambient() {
        return Some(runtime);
    }
    #[cfg(feature = "smol")]
    if let Some(runtime) = smol::ambient() {
        return Some(runtime);
    }
    #[cfg(feature = "tokio")]
    if let Some(runtime) = tokio::ambient() {
        return Some(runtime);
    }
    None
}

/// The id of the runtime that [`ambient`] would find, where that is cheaper to get.
pub(crate) fn ambient_id() -> Option<u64> {
    #[cfg(feature = "sim")]
    if let Some(id) = simulated::ambient_id() {
        return Some(id);
    }
    #[cfg(feature = "smol")]
    if smol::ambient().is_some() {
        return None;
    }
    #[cfg(feature = "tokio")]
    return tokio::ambient_id();
    #[cfg(not(feature = "tokio"))]
    None
}
