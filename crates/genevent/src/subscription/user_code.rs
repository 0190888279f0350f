//! Running what belongs to a consumer: its waker, and the drop of its events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use genserver::Reason;

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        catch_panic(|| waker.wake());
    }
}

/// Runs user code of a consumer. A panic in it concerns neither the manager nor another task.
pub(super) fn catch_panic(run: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        drop(Reason::caught(payload));
    }
}
