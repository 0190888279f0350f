//! A process that is doomed while it runs is cut off at its next await.
//!
//! A kill, or an exit signal that is not trapped, ends its process at once; but a callback that is running right now cannot be
//! taken off its thread. It ends at its next await, and every await of this crate is one, whether or not it has to wait: a
//! doomed process makes no further call, and hears nothing of what it asked for. So a future of this crate looks whether the
//! process that polls it is doomed, before it does anything and before it is ready. If so it is pending, and the process's
//! poller, which finds the doom when the callback gives way, drops the callback.
//!
//! 1. The look that comes before a future is ready comes after what makes it ready: a sender of an exit and then a reply
//!    has sent the exit first. What is ready is looked at, not taken out, until then.
//! 2. A future that is cut loses nothing. An executor inside the callback, as `block_on`, never gives way to the process's
//!    poller; it polls again and again, by which it is known, and is let through (`CUTS_MAX`).
//! 3. The look is one load as long as no running process anywhere is doomed. So running processes that are doomed are counted, each
//!    once, from its doom until it is dead. A process that does not run is not counted: its callback is not polled again.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::node::current;
use crate::node::table;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{program_static, thread_local};
use crate::values::pid::Pid;

program_static! {
    /// How many processes have been doomed while they ran, and have not ended yet.
    static DOOMED: AtomicUsize = AtomicUsize::new(0);
}

thread_local! {
    static LAST: Cell<Cuts> = const { Cell::new(Cuts { process: Pid::NOBODY, times: 0, passes: None }) };
}

/// The doomed process that a thread has cut last.
#[derive(Clone, Copy)]
struct Cuts {
    process: Pid,
    times: u32,
    /// The waker of an executor inside the callback, by what it points to. A poll with it is let through.
    passes: Option<usize>,
}

/// How often a doomed process is cut before its polls are taken for those of an executor inside the callback. The process itself
/// is cut once or twice for each future that it polls before it gives way.
const CUTS_MAX: u32 = 100_000;

/// A running process has been doomed.
pub(crate) fn note() {
    DOOMED.fetch_add(1, Ordering::Relaxed);
}

/// A process that was noted has ended.
pub(crate) fn forget() {
    DOOMED.fetch_sub(1, Ordering::Relaxed);
}

/// How many processes are noted.
#[cfg(any(test, genserver_shuttle))]
pub fn noted() -> usize {
    DOOMED.load(Ordering::Relaxed)
}

/// Whether the process that polls a future of this crate is doomed, so that the future has to be pending.
///
/// Nothing has to be ordered here: who hears of what came after a doom, through a lock or otherwise, sees the doom.
#[inline]
pub(crate) fn is_cut(cx: &Context<'_>) -> bool {
    DOOMED.load(Ordering::Relaxed) != 0 && is_cut_slowly(cx)
}

#[cold]
fn is_cut_slowly(cx: &Context<'_>) -> bool {
    let Some(pid) = current::pid() else { return false };
    if !table::find(pid).is_some_and(|process| process.is_doomed()) {
        return false;
    }
    let waker = cx.waker();
    let own = waker.data().addr();
    let mut cuts = LAST.get();
    if cuts.process != pid {
        cuts = Cuts { process: pid, times: 0, passes: None };
    }
    if cuts.times == CUTS_MAX {
        cuts = Cuts { process: pid, times: 0, passes: Some(own) };
    }
    let passes = cuts.passes == Some(own);
    cuts.times += u32::from(!passes);
    LAST.set(cuts);
    if !passes {
        // An executor inside the callback, if there is one, comes back.
        waker.wake_by_ref();
    }
    !passes
}

/// Ready as long as the process that polls may go on. What a future asks that is to end a killed process, as every await of
/// this crate does.
///
/// A process that is killed, or gets an exit signal that it does not trap, ends at its next await. Code that runs cannot be
/// stopped elsewhere, so it depends on the futures: those of this crate are pending in a process that has to end, even if they
/// have nothing to wait for, and the process is ended as soon as its callback gives way. A future that polls one of them
/// inside need not ask. One that can be ready without, because what it brings is there already, asks twice: before it does
/// anything, and when it would be ready, before it takes out what it brings.
///
/// `Pending` means that the process has to end. The future returns that, and keeps what it would have brought: an executor
/// inside the callback, such as `block_on`, polls it again and is let through after a while.
///
/// In plain code, which is not a process, it is always ready. It costs one load as long as no running process has to end.
///
/// # Examples
///
/// ```
/// use std::pin::Pin;
/// use std::task::{Context, Poll, ready};
///
/// use futures::Stream;
///
/// /// Lines that have been read already.
/// struct Lines(Vec<String>);
///
/// impl Stream for Lines {
///     type Item = String;
///
///     fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<String>> {
///         ready!(genserver::poll_alive(cx));
///         Poll::Ready(self.0.pop())
///     }
/// }
/// # use futures::StreamExt;
/// # assert_eq!(futures::executor::block_on(Lines(vec!["last".to_owned()]).next()).as_deref(), Some("last"));
/// ```
///
/// In an async function it is an await:
///
/// ```
/// use genserver::{Probe, Reason, spawn};
///
/// # genserver_doc::run! {
/// let process = spawn(|me: Probe<()>| async move {
///     me.process_ref().kill();
///     std::future::poll_fn(genserver::poll_alive).await;
///     // It never comes here.
/// })?;
/// assert_eq!(process.process_ref().ended().await, Reason::Killed);
/// # }
/// ```
#[inline]
pub fn poll_alive(cx: &mut Context<'_>) -> Poll<()> {
    if is_cut(cx) { Poll::Pending } else { Poll::Ready(()) }
}

#[cfg(all(test, feature = "tokio"))]
#[expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
mod tests {
    mod dooms;
}
