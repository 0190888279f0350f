//! One value on its way from who makes it to who waits for it.
//!
//! It is a channel for one value, with one difference to others: the wakers of both sides are woken and dropped behind a
//! [`barrier`]. Handing a value over wakes who waits, and so does giving up. Neither is to crash a task that has done its work, nor
//! to meet the panic of one that has not.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::sync::barrier;

/// The two sides of a new handover.
pub(crate) fn handover<T>() -> (Giver<T>, Taker<T>) {
    let state = State { value: None, giver: Side::default(), taker: Side::default() };
    let shared = Arc::new(Mutex::new(state));
    (Giver(Arc::clone(&shared)), Taker(shared))
}

/// The side that makes the value. Dropped without it, it gives up.
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
    /// It waits for the other side.
    waker: Option<Waker>,
}

impl<T> Giver<T> {
    /// Hands the value over. It comes back if nobody wants it any more.
    pub(crate) fn give(self, value: T) -> Result<(), T> {
        let mut state = self.0.lock();
        if state.taker.is_gone {
            return Err(value);
        }
        state.value = Some(value);
        // The taker is woken by the drop of this side, which follows.
        Ok(())
    }

    /// Whether nobody wants the value any more.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.0.lock().taker.is_gone
    }

    /// Waits until nobody wants the value any more.
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
    /// Ready with the value, or without one if the giver has given up.
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
