//! A barrier for the code of others: their wakers and destructors, whose panics end here.
//!
//! A waker belongs to who polls. It is woken, and often dropped, on the thread of somebody who has nothing to do with that: a
//! server that answers, a process that ends, the clock. Its panic would end them, and keep others from being woken. So each waker
//! that came in from outside is woken and dropped by a function of this module, and so is each message that nobody handles.
//!
//! A waker is cloned without a barrier: that happens on the thread of who polls, and before anything is changed.
//!
//! A waker that panics when it is woken, and again when that panic drops it, aborts the program. No barrier can help there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Runs code of others. Its panic goes no further; the panic hook has printed it.
#[inline]
pub(crate) fn caught(run: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        // What a panic brought may panic again when it is dropped, and that would be once too often.
        std::mem::forget(payload);
    }
}

/// Drops a value of others.
#[inline]
pub(crate) fn drop_caught<T>(value: T) {
    caught(|| drop(value));
}

/// Wakes, and drops the waker.
#[inline]
pub(crate) fn wake(waker: Waker) {
    caught(|| waker.wake());
}
