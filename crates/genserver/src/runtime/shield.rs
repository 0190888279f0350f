//! Polls a runtime's future with a waker that cannot panic: Tokio wakes due timers together, and each must be woken.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

use crate::sync::waiter::Kept;

pin_project! {
    /// Polls the future with a waker that does not panic.
    ///
    /// Tokio wakes all timers that are due in one go, on the thread that polls the clock. A panic there unwinds through its
    /// scheduler, and the other timers are never woken.
    pub(super) struct Shielded<F> {
        #[pin]
        future: F,
        // The guarded waker that the future is polled with, and the shield inside it.
        given: Option<(Waker, Arc<Shield>)>,
    }
}

impl<F> Shielded<F> {
    pub(super) fn new(future: F) -> Self {
        Self { future, given: None }
    }
}

impl<F: Future> Future for Shielded<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !this.given.as_ref().is_some_and(|(_, shield)| shield.0.will_wake(cx.waker())) {
            let shield = Arc::new(Shield(Kept::new(cx.waker().clone())));
            *this.given = Some((Waker::from(Arc::clone(&shield)), shield));
        }
        let Some((waker, _)) = this.given else { return Poll::Pending };
        this.future.poll(&mut Context::from_waker(waker))
    }
}

/// A waker that wakes another and catches its panic.
struct Shield(Kept);

impl Wake for Shield {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
    }
}
