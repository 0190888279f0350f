//! A handler in its place in a manager, whatever its type, and whether or not it awaits.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use genserver::sys::Shown;
use genserver::{MonitorRef, Pid, Recipient};
use stackfuture::StackFuture;

use crate::Event;
use crate::context::HandlerCx;
use crate::handler::Handler;
use crate::id::HandlerId;
use crate::leaving::{HandlerGone, Leaving};
use crate::reaction::{React, Reaction};

// Those that await.
mod awaiting;

pub(crate) use awaiting::awaiting;

/// A handler, of whatever type.
pub(crate) trait Slot<E: Event, I: Event>: Send {
    /// Whether its callbacks are to be awaited.
    fn awaits(&self) -> bool;

    /// Hands it an event. One that awaits answers `Then::Await`, and is to be awaited.
    ///
    /// This is the one function that is called for every event and handler, so a panic in it is left to whoever calls it.
    fn event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I>;

    /// The same for a plain message.
    fn info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Reaction<E, I>;

    /// Both, for one that awaits.
    fn hand<'a>(&'a mut self, passed: Passed<'a, E, I>, cx: &'a mut HandlerCx<E, I>) -> Reacting<'a, E, I>;

    /// Does `work`.
    fn work<'a>(&'a mut self, work: Work, cx: &'a mut HandlerCx<E, I>) -> Reacting<'a, E, I>;

    /// The handler itself: an `H`.
    fn into_handler(self: Box<Self>) -> Box<dyn Any + Send>;

    /// The handler where it lies.
    fn handler(&self) -> &(dyn Any + Send);

    /// The same, to be changed.
    fn handler_mut(&mut self) -> &mut (dyn Any + Send);

    /// The handler as it shows itself.
    fn shown(&self) -> String;

    /// An event as the handler shows it.
    fn shown_event(&self, event: &E) -> Option<String>;
}

/// What a callback is about to answer.
///
/// It is kept where whoever awaits it is: a callback for which that is room enough takes no memory of its own.
pub(crate) type Reacting<'a, E, I> = StackFuture<'a, Reaction<E, I>, ROOM>;

/// How many bytes of a callback's future are kept without a box.
pub(crate) const ROOM: usize = 96;

/// What goes from handler to handler.
pub(crate) enum Passed<'a, E, I> {
    Event(&'a E),
    Info(&'a I),
}

impl<E, I> Clone for Passed<'_, E, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, I> Copy for Passed<'_, E, I> {}

/// What there is to do for one handler.
pub(crate) enum Work {
    Init,
    Call(Box<dyn Any + Send>),
    Terminate(Leaving),
}

/// A handler that has, or is to have, its place in a manager.
pub(crate) struct Seated<E: Event, I: Event> {
    pub(crate) place: Place,
    pub(crate) slot: Box<dyn Slot<E, I>>,
}

/// What the manager knows of a handler.
pub(crate) struct Place {
    pub(crate) id: HandlerId,
    pub(crate) owner: Option<Box<Owner>>,
}

/// The process that a handler is bound to.
pub(crate) struct Owner {
    pub(crate) pid: Pid,
    pub(crate) monitor: MonitorRef,
    pub(crate) told: Option<Recipient<HandlerGone>>,
}

impl Place {
    pub(crate) fn new(id: HandlerId) -> Self {
        Self { id, owner: None }
    }
}

/// A handler whose callbacks are done when they return.
///
/// There is nothing else in it: an event goes through many of these, one after the other.
struct Plain<H>(H);

/// The place of a handler.
pub(crate) fn plain<E: Event, I: Event, H: Handler<E, I>>(handler: H, id: HandlerId) -> Seated<E, I> {
    Seated { place: Place::new(id), slot: Box::new(Plain(handler)) }
}

impl<E: Event, I: Event, H: Handler<E, I>> Slot<E, I> for Plain<H> {
    fn awaits(&self) -> bool {
        false
    }

    #[inline]
    fn event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        self.0.handle_event(event, cx)
    }

    #[inline]
    fn info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        self.0.handle_info(info, cx)
    }

    fn hand<'a>(&'a mut self, passed: Passed<'a, E, I>, cx: &'a mut HandlerCx<E, I>) -> Reacting<'a, E, I> {
        Reacting::from_or_box(async move {
            match passed {
                Passed::Event(event) => self.event(event, cx),
                Passed::Info(info) => self.info(info, cx),
            }
        })
    }

    fn work<'a>(&'a mut self, work: Work, cx: &'a mut HandlerCx<E, I>) -> Reacting<'a, E, I> {
        let Self(handler) = self;
        Reacting::from_or_box(async move {
            match work {
                Work::Init => handler.init(cx).and_then(|()| React::stay()),
                Work::Call(call) => handler.handle_call(asked::<H::Call>(call), cx),
                Work::Terminate(why) => {
                    handler.terminate(why, cx);
                    React::stay()
                }
            }
        })
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

/// A handler is only asked what its type can be asked, for a request is made with its [`HandlerRef`](crate::HandlerRef).
fn asked<C: 'static>(call: Box<dyn Any + Send>) -> C {
    match call.downcast() {
        Ok(call) => *call,
        Err(_) => unreachable!("the identity of a handler has its type in it"),
    }
}

/// What a handler's `format_status` says of its state.
fn shown(format: impl FnOnce(&mut Shown)) -> String {
    let mut shown = Shown::default();
    match catch_unwind(AssertUnwindSafe(|| format(&mut shown))) {
        Ok(()) => shown.state,
        Err(_) => "not shown, because format_status panicked".to_owned(),
    }
}
