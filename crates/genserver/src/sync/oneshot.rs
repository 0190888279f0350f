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
pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { value: None, sender: Side::default(), receiver: Side::default() };
    let shared = Arc::new(Mutex::new(state));
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The side that sends the value. Dropping it unused tells the receiver that no value will come.
pub(crate) struct Sender<T>(Arc<Mutex<State<T>>>);

/// The side that waits for the value.
pub(crate) struct Receiver<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    value: Option<T>,
    sender: Side,
    receiver: Side,
}

#[derive(Default)]
struct Side {
    is_gone: bool,
    /// The waker of the side that waits for the other.
    waker: Option<Waker>,
}

impl<T> Sender<T> {
    /// Sends the value. It comes back if the receiver was dropped.
    pub(crate) fn send(self, value: T) -> Result<(), T> {
        let mut state = self.0.lock();
        if state.receiver.is_gone {
            return Err(value);
        }
        state.value = Some(value);
        // Dropping this side, which follows, wakes the receiver.
        Ok(())
    }

    /// Returns whether the receiver was dropped.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().receiver.is_gone
    }

    /// Waits until the receiver is dropped.
    pub(crate) async fn closed(&mut self) {
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = self.0.lock();
            if state.receiver.is_gone {
                return Poll::Ready(());
            }
            let before = state.sender.waker.replace(waker);
            drop(state);
            barrier::drop_caught(before);
            Poll::Pending
        })
        .await;
    }
}

impl<T> Receiver<T> {
    /// Ready with the value, or with `None` if the sender was dropped without sending.
    pub(crate) fn poll_recv(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let waker = cx.waker().clone();
        let mut state = self.0.lock();
        if state.value.is_some() || state.sender.is_gone {
            return Poll::Ready(state.value.take());
        }
        let before = state.receiver.waker.replace(waker);
        drop(state);
        barrier::drop_caught(before);
        Poll::Pending
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.sender.is_gone = true;
        let (own, other) = (state.sender.waker.take(), state.receiver.waker.take());
        drop(state);
        barrier::drop_caught(own);
        if let Some(other) = other {
            barrier::wake(other);
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.receiver.is_gone = true;
        let (own, other) = (state.receiver.waker.take(), state.sender.waker.take());
        let unwanted = state.value.take();
        drop(state);
        barrier::drop_caught(own);
        if let Some(other) = other {
            barrier::wake(other);
        }
        drop(unwanted);
    }
}
