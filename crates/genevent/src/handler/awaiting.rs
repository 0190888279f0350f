//! How a handler whose callbacks are futures is stored.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::async_handler::AsyncHandler;
use super::context::HandlerCx;
use super::reaction::{HandlerStep, React, Reaction, Then};
use super::slot::{Delivery, HandlerEntry, Reacting, Registration, Slot, Work, asked, shown};
use crate::values::{Event, HandlerId};

/// A handler whose callbacks are futures.
struct Awaiting<H>(H);

/// Stores a handler whose callbacks await.
pub(crate) fn awaiting<E: Event, I: Event, H: AsyncHandler<E, I>>(handler: H, id: HandlerId) -> HandlerEntry<E, I> {
    HandlerEntry { place: Registration::new(id), slot: Box::new(Awaiting(handler)) }
}

impl<E: Event, I: Event, H: AsyncHandler<E, I>> Slot<E, I> for Awaiting<H> {
    fn awaits(&self) -> bool {
        true
    }

    #[inline]
    fn event(&mut self, _: &E, _: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        Ok(HandlerStep(Then::Await))
    }

    #[inline]
    fn info(&mut self, _: &I, _: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        Ok(HandlerStep(Then::Await))
    }

    #[inline]
    fn hand<'a>(&'a mut self, passed: Delivery<'a, E, I>, cx: &'a mut HandlerCx<E, I>) -> Reacting<'a, E, I> {
        match passed {
            Delivery::Event(event) => Reacting::from_or_box(self.0.handle_event(event, cx)),
            Delivery::Info(info) => Reacting::from_or_box(self.0.handle_info(info, cx)),
        }
    }

    fn work<'a>(&'a mut self, work: Work, cx: &'a mut HandlerCx<E, I>) -> Reacting<'a, E, I> {
        let Self(handler) = self;
        match work {
            Work::Init => Reacting::from_or_box(async move { handler.init(cx).await.and_then(|()| React::stay()) }),
            Work::Call(call) => {
                Reacting::from_or_box(async move { handler.handle_call(asked::<H::Call>(call), cx).await })
            }
            Work::Terminate(why) => Reacting::from_or_box(async move {
                handler.terminate(why, cx).await;
                React::stay()
            }),
        }
    }

    fn into_handler(self: Box<Self>) -> Box<dyn Any + Send> {
        Box::new(self.0)
    }

    fn handler(&self) -> &(dyn Any + Send) {
        &self.0
    }

    fn handler_mut(&mut self) -> &mut (dyn Any + Send) {
        &mut self.0
    }

    fn shown(&self) -> String {
        shown(|shown| self.0.format_status(shown))
    }

    fn shown_event(&self, event: &E) -> Option<String> {
        catch_unwind(AssertUnwindSafe(|| H::format_event(event))).unwrap_or_default()
    }
}
