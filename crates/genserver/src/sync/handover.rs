//! A oneshot channel whose wakers are called behind a barrier.
//!
//! It differs from other oneshot channels in one thing: the wakers of both sides are woken and dropped behind a
//! [`barrier`]. Sending a value wakes the receiver, and so does dropping the sender. Neither may crash the sending task, even if
//! the other task's waker panics.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::sync::barrier;

/// Makes the two sides of a new channel.
pub(crate) fn handover<T>() -> (Giver<T>, Taker<T>) {
    let state = State { value: None, giver: Side::default(), taker: Side::default() };
    let shared = Arc::new(Mutex::new(state));
    (Giver(Arc::clone(&shared)), Taker(shared))
}

/// The side that sends the value. Dropping it unused tells the receiver that no value will come.
pub(crate) struct Giver<T>(Arc<Mutex<State<T>>>);

/// The side that waits for the value.
pub(crate) struct Taker<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    value: Option<T>,
    giver: Side,
    taker: Side,
}

#[derive(Default)]
struct Side {
    is_gone: bool,
    /// The waker of the side that waits for the other.
    waker: Option<Waker>,
}

impl<T> Giver<T> {
    /// Sends the value. It comes back if the receiver was dropped.
    pub(crate) fn give(self, value: T) -> Result<(), T> {
        let mut state = self.0.lock();
        if state.taker.is_gone {
            return Err(value);
        }
        state.value = Some(value);
        // Dropping this side, which follows, wakes the receiver.
        Ok(())
    }

    /// Returns whether the receiver was dropped.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.0.lock().taker.is_gone
    }

    /// Waits until the receiver is dropped.
    pub(crate) async fn unwanted(&mut self) {
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = self.0.lock();
            if state.taker.is_gone {
                return Poll::Ready(());
            }
            let before = state.giver.waker.replace(waker);
            drop(state);
            barrier::drop_caught(before);
            Poll::Pending
        })
        .await;
    }
}

impl<T> Taker<T> {
    /// Ready with the value, or with `None` if the sender was dropped without sending.
    pub(crate) fn poll_value(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let waker = cx.waker().clone();
        let mut state = self.0.lock();
        if state.value.is_some() || state.giver.is_gone {
            return Poll::Ready(state.value.take());
        }
        let before = state.taker.waker.replace(waker);
        drop(state);
        barrier::drop_caught(before);
        Poll::Pending
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.giver.is_gone = true;
        let (own, other) = (state.giver.waker.take(), state.taker.waker.take());
        drop(state);
        barrier::drop_caught(own);
        if let Some(other) = other {
            barrier::wake(other);
        }
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.taker.is_gone = true;
        let (own, other) = (state.taker.waker.take(), state.giver.waker.take());
        let unwanted = state.value.take();
        drop(state);
        barrier::drop_caught(own);
        if let Some(other) = other {
            barrier::wake(other);
        }
        drop(unwanted);
    }
}
