//! The seam to the world: a few doors, and nothing else in the crate knows time, tasks, threads or chance.
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
//! A process runs on the runtime of whoever starts it, unless its [`Node`](crate::Node) has one of its own.
//!
//! # A runtime that nobody drives
//!
//! Tasks and time of a process are its runtime's. A runtime that nobody drives has neither: Tokio's current-thread runtime while
//! nobody is in its `block_on`, or a `Smol` under the same condition. Its servers do not run, and a call to one of them from
//! another runtime or a plain thread does not even time out, because nobody watches that clock. The time-outs of
//! [`stop`](crate::ServerRef::stop) and [`sys`](crate::sys), timers and idle clocks stand still in the same way, and go on when
//! somebody drives the runtime again. Where that may happen, bound the wait by a clock of your own, as
//! [`time::timeout`](crate::time::timeout) does, or start the server on a runtime with threads of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

// The default: whichever Tokio runtime the starter is in.
#[cfg(feature = "tokio")]
mod shield;
#[cfg(feature = "tokio")]
pub(crate) mod tokio;
// The second: async-executor and async-io, the crates under smol.
#[cfg(feature = "smol")]
pub(crate) mod smol;

#[cfg(feature = "smol")]
pub use self::smol::{Smol, SmolHandle};
#[cfg(feature = "tokio")]
pub use self::tokio::Tokio;

/// A future that ends at an instant.
///
/// # Examples
///
/// ```
/// use genserver::runtime::Sleep;
///
/// let at_once: Sleep = Box::pin(std::future::ready(()));
/// # drop(at_once);
/// ```
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task for [`Runtime::spawn`].
///
/// # Examples
///
/// ```
/// use genserver::runtime::TaskFuture;
///
/// let task: TaskFuture = Box::pin(async { println!("done") });
/// # drop(task);
/// ```
pub type TaskFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Work for [`Runtime::spawn_blocking`].
///
/// # Examples
///
/// ```
/// use genserver::runtime::BlockingWork;
///
/// let work: BlockingWork = Box::new(|| println!("done"));
/// # drop(work);
/// ```
pub type BlockingWork = Box<dyn FnOnce() + Send>;

/// What processes need of the world.
///
/// # Examples
///
/// A runtime that does what Tokio does, and counts the tasks:
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
/// #   fn entropy(&self) -> u64 { self.tokio.entropy() }
/// #   fn is_current(&self) -> bool { self.tokio.is_current() }
/// #   fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()> { self.tokio.poll_budget(cx) }
/// #   fn id(&self) -> u64 { self.tokio.id() }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tokio = Tokio::new(tokio::runtime::Handle::current());
/// let runtime = Arc::new(Counting { tokio, tasks: AtomicU64::new(0) });
/// let node = Node::with_runtime(runtime.clone());
/// node.start::<Quiet>(()).await?;
/// assert_eq!(runtime.tasks.load(Ordering::Relaxed), 1, "the node's clock; a server needs no task");
/// # Ok(())
/// # }
/// ```
pub trait Runtime: Send + Sync + 'static {
    /// Runs the future to its end, or drops it when the runtime is shut down.
    fn spawn(&self, task: TaskFuture);

    /// Does work that blocks its thread, for [`run_blocking`](crate::run_blocking), on a thread that runs no tasks; or drops it
    /// undone.
    ///
    /// Without another word each work has a thread of its own. A runtime that keeps threads for this, as Tokio does, uses those.
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn spawn_blocking(&self, work: BlockingWork) {
        // A system without threads drops the work, and whoever waits for it hears of that.
        drop(std::thread::Builder::new().name("blocking work".to_owned()).spawn(work));
    }

    /// A future that ends at `at`: never before, possibly after.
    fn sleep_until(&self, at: Instant) -> Sleep;

    /// What time it is, on a clock that never goes back.
    fn now(&self) -> Instant;

    /// A random number, for jitter and for the choices of a simulation.
    fn entropy(&self) -> u64;

    /// Whether the current thread is polling a task of this runtime.
    fn is_current(&self) -> bool;

    /// Takes one unit of the current task's cooperative budget. Without budget the task is woken, and has to yield.
    fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether a caller on this thread may run a server of this runtime: ready with `false` on a thread of another runtime or of
    /// none, and with `true` after a unit of the task's budget was taken. Pending like [`poll_budget`](Runtime::poll_budget).
    fn poll_inline(&self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.is_current() { self.poll_budget(cx).map(|()| true) } else { Poll::Ready(false) }
    }

    /// Tells runtimes apart: equal for two handles of one runtime, and never used again for another.
    fn id(&self) -> u64;
}

/// The runtime that the current thread is in.
pub(crate) fn ambient() -> Option<Arc<dyn Runtime>> {
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

/// The number of the runtime that [`ambient`] would find, where it can be told at less cost.
pub(crate) fn ambient_id() -> Option<u64> {
    #[cfg(feature = "smol")]
    if smol::ambient().is_some() {
        return None;
    }
    #[cfg(feature = "tokio")]
    return tokio::ambient_id();
    #[cfg(not(feature = "tokio"))]
    None
}
