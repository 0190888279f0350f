//! A door that a callback waits for and another thread opens, and a way to know that a future waits.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use futures::future::BoxFuture;

use crate::world::locked;

/// Shut at first; once opened it stays open.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    open: bool,
    waiting: Vec<Waker>,
}

impl Door {
    pub(crate) fn open(&self) {
        let mut state = locked(&self.0);
        state.open = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until it is open.
    pub(crate) async fn pass(&self) {
        poll_fn(|cx| {
            let mut state = locked(&self.0);
            if state.open {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Opens when `future` has been polled once.
    pub(crate) async fn opened_by<T>(&self, mut future: BoxFuture<'_, T>) -> T {
        poll_fn(|cx| {
            let polled = future.as_mut().poll(cx);
            self.open();
            polled
        })
        .await
    }
}

/// Pending once, and woken within its own poll.
pub(crate) async fn step_aside() {
    let mut aside = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut aside, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
