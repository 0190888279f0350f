//! A handler whose callbacks are futures, in one place of memory for all of them.
//!
//! A future that borrowed its handler could not be kept beside it. So the handler, and what it works on, travel into the future
//! and come back with its result; they are in one box, so that is a pointer.
//!
//! 1. The place is empty, and `idle` is not; or a future is in the place, and `idle` is empty.
//! 2. When a future panics, the handler comes back by way of `rescued`: it is told of its failure, and the other handlers still
//!    want the event.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use genserver::Reason;
use parking_lot::Mutex;

use super::{Place, Slot, Work, asked, shown};
use crate::Event;
use crate::async_handler::AsyncHandler;
use crate::context::HandlerCx;
use crate::id::HandlerId;
use crate::reaction::{After, React, Reaction, Then};

/// The place of a handler that awaits.
pub(crate) fn awaiting<E: Event, I: Event, H: AsyncHandler<E, I>>(handler: H, id: HandlerId) -> Box<dyn Slot<E, I>> {
    let rescued = Arc::new(Mutex::new(None));
    let idle =
        Held { seat: Some(Box::new(Seat { handler, work: Work::None, cx: None })), rescued: Arc::clone(&rescued) };
    Box::new(Awaiting { place: Place::new(id), idle: Some(idle), rescued, make: act::<E, I, H>, room: Box::pin(None) })
}

struct Awaiting<E: Event, I: Event, H, M, F> {
    place: Place,
    idle: Option<Held<E, I, H>>,
    rescued: Rescued<E, I, H>,
    make: M,
    room: Pin<Box<Option<F>>>,
}

/// A handler, what it works on, and what its callbacks are given of the manager.
struct Seat<E: Event, I: Event, H> {
    handler: H,
    work: Work<E, I>,
    /// Empty before its first callback.
    cx: Option<HandlerCx<E, I>>,
}

type Rescued<E, I, H> = Arc<Mutex<Option<Box<Seat<E, I, H>>>>>;

/// A handler that finds its way back when a panic drops what holds it.
struct Held<E: Event, I: Event, H> {
    /// Empty only after the drop.
    seat: Option<Box<Seat<E, I, H>>>,
    rescued: Rescued<E, I, H>,
}

impl<E: Event, I: Event, H> Drop for Held<E, I, H> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            *self.rescued.lock() = Some(seat);
        }
    }
}

type Done<E, I, H> = (Held<E, I, H>, Reaction<E, I>);

/// Does the work with the handler.
async fn act<E: Event, I: Event, H: AsyncHandler<E, I>>(mut held: Held<E, I, H>) -> Done<E, I, H> {
    let Some(Seat { handler, work, cx: Some(cx) }) = held.seat.as_deref_mut() else { return (held, React::stay()) };
    let reaction = match work {
        Work::None => React::stay(),
        Work::Init => handler.init(cx).await.and_then(|()| React::stay()),
        Work::Event(event) => handler.handle_event(event, cx).await,
        Work::Info(info) => handler.handle_info(info, cx).await,
        Work::Call(_) => match std::mem::replace(work, Work::None) {
            Work::Call(call) => handler.handle_call(asked::<H::Call>(call), cx).await,
            _ => unreachable!("it was looked at just now"),
        },
        Work::Terminate(_) => match std::mem::replace(work, Work::None) {
            Work::Terminate(why) => {
                handler.terminate(why, cx).await;
                React::stay()
            }
            _ => unreachable!("it was looked at just now"),
        },
    };
    (held, reaction)
}

impl<E, I, H, M, F> Slot<E, I> for Awaiting<E, I, H, M, F>
where
    E: Event,
    I: Event,
    H: AsyncHandler<E, I>,
    M: Fn(Held<E, I, H>) -> F + Send + 'static,
    F: Future<Output = Done<E, I, H>> + Send + 'static,
{
    fn place(&self) -> &Place {
        &self.place
    }

    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }

    fn awaits(&self) -> bool {
        true
    }

    #[inline]
    fn event(&mut self, _: &E, _: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        Ok(After(Then::Await))
    }

    #[inline]
    fn info(&mut self, _: &I, _: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        Ok(After(Then::Await))
    }

    fn poll(
        &mut self,
        work: &mut Work<E, I>,
        cx: &mut HandlerCx<E, I>,
        task: &mut Context<'_>,
    ) -> Poll<Reaction<E, I>> {
        if let Some(mut held) = self.idle.take() {
            if let Some(seat) = &mut held.seat {
                match &mut seat.cx {
                    Some(own) => own.set_mode(cx.mode()),
                    none => *none = Some(cx.clone()),
                }
                seat.work = std::mem::replace(work, Work::None);
            }
            let future = (self.make)(held);
            self.room.set(Some(future));
        }
        let Some(future) = self.room.as_mut().as_pin_mut() else { return Poll::Ready(React::stay()) };
        let (back, reaction) = match catch_unwind(AssertUnwindSafe(|| future.poll(task))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready((held, reaction))) => (Some(held), reaction),
            Err(payload) => {
                let seat = self.rescued.lock().take();
                let held = seat.map(|seat| Held { seat: Some(seat), rescued: Arc::clone(&self.rescued) });
                (held, Err(Reason::caught(payload)))
            }
        };
        self.idle = back;
        if let Some(seat) = self.idle.as_mut().and_then(|held| held.seat.as_mut()) {
            *work = std::mem::replace(&mut seat.work, Work::None);
        }
        self.room.set(None);
        Poll::Ready(reaction)
    }

    fn into_handler(mut self: Box<Self>) -> Box<dyn Any + Send> {
        let seat = self.idle.take().and_then(|mut held| held.seat.take());
        Box::new(seat.map(|seat| seat.handler))
    }

    fn handler(&self) -> Option<&(dyn Any + Send)> {
        let seat = self.idle.as_ref()?.seat.as_ref()?;
        Some(&seat.handler)
    }

    fn handler_mut(&mut self) -> Option<&mut (dyn Any + Send)> {
        let seat = self.idle.as_mut()?.seat.as_mut()?;
        Some(&mut seat.handler)
    }

    fn shown(&self) -> String {
        match self.idle.as_ref().and_then(|held| held.seat.as_ref()) {
            Some(seat) => shown(|shown| seat.handler.format_status(shown)),
            None => "at work".to_owned(),
        }
    }

    fn shown_event(&self, event: &E) -> Option<String> {
        catch_unwind(AssertUnwindSafe(|| H::format_event(event))).unwrap_or_default()
    }
}
