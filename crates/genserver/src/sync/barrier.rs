//! Calls foreign wakers and destructors so that a panic in them goes no further.
//!
//! A waker belongs to the task that polled. It is woken, and often dropped, on the thread of something unrelated: a server that
//! answers, a process that ends, the clock. If it panicked there, it would end them, and others would not be woken. So each waker
//! that came from outside is woken and dropped by a function of this module, and so is each message that is not handled.
//!
//! A waker is cloned without a barrier: that happens on the thread that polls, and before anything is changed.
//!
//! A waker that panics when it is woken, and again while that panic drops it, aborts the program. No barrier can prevent that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Runs foreign code. Its panic goes no further; the panic hook has printed it.
#[inline]
pub(crate) fn caught(run: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        // Dropping the payload may panic again; leaking it cannot.
        std::mem::forget(payload);
    }
}

/// Drops a foreign value.
#[inline]
pub(crate) fn drop_caught<T>(value: T) {
    caught(|| drop(value));
}

/// Wakes and drops the waker.
#[inline]
pub(crate) fn wake(waker: Waker) {
    caught(|| waker.wake());
}
