//! Runs work that blocks its thread on a thread where it holds up nothing else.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use crate::node;
use crate::node::cut::poll_alive;
use crate::sync::oneshot;

/// Runs `work` on a thread that runs no tasks, and returns its result: for files, system locks, and other work that has
/// no future.
///
/// Callbacks and tasks [must not block](crate#what-a-call-costs) the thread they run on, because others run there too. The
/// [runtime](crate::runtime::Runtime::spawn_blocking) chooses the thread that may be blocked instead.
///
/// The work begins at once, even before it is awaited. If it panics, the await panics with the same payload.
///
/// # Errors
///
/// [`NotRun`] if it did not run: the runtime was shut down or has no thread for it, or this is plain code outside every runtime.
///
/// # Cancel safety
///
/// Work that has begun runs to completion. Dropping the future drops its result.
///
/// # Examples
///
/// ```
/// # genserver_doc::run! {
/// use genserver::run_blocking;
///
/// let manifest = run_blocking(|| std::fs::read_to_string("Cargo.toml")).await??;
/// assert!(manifest.starts_with("[package]"));
/// # }
/// ```
#[doc(alias = "spawn_blocking")]
#[doc(alias = "dirty_io")]
pub fn run_blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> RunBlocking<R> {
    let (sender, receiver) = oneshot::channel();
    if let Some(home) = node::current_home() {
        home.runtime().spawn_blocking(Box::new(move || {
            // The value comes back if the future was dropped, and is dropped here.
            let _unsent = sender.send(catch_unwind(AssertUnwindSafe(work)));
        }));
    }
    RunBlocking { receiver, done: None }
}

/// The result of the work; `None` if it never ran.
type Done<R> = Option<thread::Result<R>>;

/// Work that runs on another thread: made by [`run_blocking`]. Await it for the result.
pub struct RunBlocking<R> {
    receiver: oneshot::Receiver<thread::Result<R>>,
    /// The result, until it is returned.
    done: Option<Done<R>>,
}

impl<R> Future for RunBlocking<R> {
    type Output = Result<R, NotRun>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.done.is_none() {
            this.done = Some(ready!(this.receiver.poll_recv(cx)));
        }
        // Checked after the work is done, because the work may have ended this process.
        ready!(poll_alive(cx));
        match this.done.take().flatten() {
            Some(Ok(returned)) => Poll::Ready(Ok(returned)),
            Some(Err(panic)) => resume_unwind(panic),
            None => Poll::Ready(Err(NotRun(()))),
        }
    }
}

// Nothing in it is pinned: the work runs elsewhere.
impl<R> Unpin for RunBlocking<R> {}

impl<R> fmt::Debug for RunBlocking<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunBlocking").finish_non_exhaustive()
    }
}

/// The error of [blocking work](run_blocking) that no runtime ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "no runtime has run the blocking work: there is none here, or it was shut down, or it has no thread left; await it in a task or a callback, on a runtime that goes on"
)]
pub struct NotRun(());
