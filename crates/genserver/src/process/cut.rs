//! Where a process that is doomed while it runs is cut off: at its next await.
//!
//! A kill, or an exit signal that is not trapped, ends its process at once; but a callback that is running right now cannot be
//! taken off its thread. It ends at its next await, and every await of this crate is one, whether or not it has to wait: a
//! doomed process makes no further call, and hears nothing of what it asked for. So a future of this crate looks whether the
//! process that polls it is doomed, before it does anything and before it is ready. If so it is pending, and the process's
//! poller, which finds the doom when the callback gives way, drops the callback.
//!
//! The look is one load as long as no running process anywhere is doomed.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;

use crate::current;
use crate::node;
use crate::sync::{program_static, thread_local};

program_static! {
    /// How many processes have been doomed while they ran, and have not ended yet.
    static DOOMED: AtomicUsize = AtomicUsize::new(0);
}

thread_local! {
    static CUTS: Cell<u32> = const { Cell::new(0) };
}

/// How often a doomed callback may poll on before it is let through. One that is polled by an executor of its own, as by
/// `block_on`, never gives way to the process's poller: it would hang for ever.
const CUTS_MAX: u32 = 10_000;

/// A running process has been doomed.
pub(super) fn note() {
    DOOMED.fetch_add(1, Ordering::SeqCst);
}

/// A process that was noted has ended.
pub(super) fn forget() {
    DOOMED.fetch_sub(1, Ordering::SeqCst);
}

/// Whether the process that polls a future of this crate is doomed, so that the future has to be pending.
#[inline]
pub(crate) fn is_cut(cx: &Context<'_>) -> bool {
    DOOMED.load(Ordering::Relaxed) != 0 && is_cut_slowly(cx)
}

#[cold]
fn is_cut_slowly(cx: &Context<'_>) -> bool {
    let doomed = current::pid().and_then(node::find).is_some_and(|process| process.is_doomed());
    if !doomed {
        CUTS.set(0);
        return false;
    }
    CUTS.set(CUTS.get() + 1);
    if CUTS.get() > CUTS_MAX {
        return false;
    }
    // Whatever else polls it, an executor inside the callback for instance, comes back.
    cx.waker().wake_by_ref();
    true
}
