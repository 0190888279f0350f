//! Work that blocks its thread, done where it holds up nobody.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use crate::node;
use crate::node::cut::poll_alive;
use crate::sync::handover::{Taker, handover};

/// Does `work` on a thread that runs no tasks, and gives what it returns: for files, locks of the system, and whatever else has
/// no future.
///
/// Callbacks and tasks [must not block](crate#what-a-call-costs) the thread they run on, for others run there too. Which thread
/// it is that may be blocked instead is up to the [runtime](crate::runtime::Runtime::spawn_blocking).
///
/// The work begins at once, awaited or not. If it panics, so does whoever awaits it, with the same panic.
///
/// # Errors
///
/// [`NotRun`] if nobody did it: the runtime was shut down or has no thread for it, or this is plain code outside every runtime.
///
/// # Cancel safety
///
/// Work that has begun goes on to its end. Dropping the future drops what it returns.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::run_blocking;
///
/// let manifest = run_blocking(|| std::fs::read_to_string("Cargo.toml")).await??;
/// assert!(manifest.starts_with("[package]"));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "spawn_blocking")]
#[doc(alias = "dirty_io")]
pub fn run_blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> RunBlocking<R> {
    let (giver, taker) = handover();
    if let Some(home) = node::current_home() {
        home.runtime().spawn_blocking(Box::new(move || {
            // Who has gone does not want it.
            let _unwanted = giver.give(catch_unwind(AssertUnwindSafe(work)));
        }));
    }
    RunBlocking { taker, done: None }
}

/// What came of the work: nothing if it was never done.
type Done<R> = Option<thread::Result<R>>;

/// Work that is being done elsewhere: made by [`run_blocking`]. Await it for what it returns.
pub struct RunBlocking<R> {
    taker: Taker<thread::Result<R>>,
    /// What came of the work, until it is given out.
    done: Option<Done<R>>,
}

impl<R> Future for RunBlocking<R> {
    type Output = Result<R, NotRun>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.done.is_none() {
            this.done = Some(ready!(this.taker.poll_value(cx)));
        }
        // After the work: whatever it did to this process came before.
        ready!(poll_alive(cx));
        match this.done.take().flatten() {
            Some(Ok(returned)) => Poll::Ready(Ok(returned)),
            Some(Err(panic)) => resume_unwind(panic),
            None => Poll::Ready(Err(NotRun(()))),
        }
    }
}

/// Nothing of it is pinned: the work is done elsewhere.
impl<R> Unpin for RunBlocking<R> {}

impl<R> fmt::Debug for RunBlocking<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunBlocking").finish_non_exhaustive()
    }
}

/// No runtime did some [blocking work](run_blocking).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "no runtime has run the blocking work: there is none here, or it was shut down, or it has no thread left; await it in a task or a callback, on a runtime that goes on"
)]
pub struct NotRun(());
