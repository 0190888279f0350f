//! How a handler whose callbacks are futures is stored.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Context;

use super::async_handler::AsyncHandler;
use super::begin::{Place, begin};
use super::context::HandlerCx;
use super::reaction::{Begun, React, Reaction};
use super::slot::{HandlerEntry, Reacting, Registration, Slot, Work, asked, shown};
use crate::values::{Event, HandlerId};

/// A handler whose callbacks are futures.
struct Awaiting<H>(H);

/// Stores a handler whose callbacks await.
pub(crate) fn awaiting<E: Event, I: Event, H: AsyncHandler<E, I>>(handler: H, id: HandlerId) -> HandlerEntry<E, I> {
    HandlerEntry { place: Registration::new(id), slot: Box::new(Awaiting(handler)) }
}

impl<E: Event, I: Event, H: AsyncHandler<E, I>> Slot<E, I> for Awaiting<H> {
    #[inline]
    fn event(&mut self, _: &E, _: &mut HandlerCx<E, I>) -> Begun<E, I> {
        Begun::Waits
    }

    #[inline]
    fn info(&mut self, _: &I, _: &mut HandlerCx<E, I>) -> Begun<E, I> {
        Begun::Waits
    }

    #[inline]
    fn begin_event<'a>(
        &'a mut self,
        event: &'a E,
        cx: &'a mut HandlerCx<E, I>,
        place: Pin<&mut Place<'a, Reaction<E, I>>>,
        task: &mut Context<'_>,
    ) -> Begun<E, I> {
        Begun::polled(begin(self.0.handle_event(event, cx), place, task))
    }

    #[inline]
    fn begin_info<'a>(
        &'a mut self,
        info: &'a I,
        cx: &'a mut HandlerCx<E, I>,
        place: Pin<&mut Place<'a, Reaction<E, I>>>,
        task: &mut Context<'_>,
    ) -> Begun<E, I> {
        Begun::polled(begin(self.0.handle_info(info, cx), place, task))
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
