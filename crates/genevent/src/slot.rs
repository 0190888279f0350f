//! A handler in its place in a manager, whatever its type, and whether or not it awaits.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use genserver::sys::Shown;
use genserver::{MonitorRef, Pid, Reason, Recipient};

use crate::Event;
use crate::context::HandlerCx;
use crate::handler::Handler;
use crate::id::HandlerId;
use crate::leaving::{HandlerGone, Leaving};
use crate::reaction::{React, Reaction};

// Those that await.
mod awaiting;

pub(crate) use awaiting::awaiting;

/// A handler in its place.
pub(crate) trait Slot<E: Event, I: Event>: Send {
    fn place(&self) -> &Place;

    fn place_mut(&mut self) -> &mut Place;

    /// Whether its callbacks have to be polled.
    fn awaits(&self) -> bool;

    /// Hands it an event. One that awaits answers `Then::Await`, and is to be polled.
    ///
    /// This is the one function that is called for every event and handler, so a panic in it is left to whoever calls it.
    fn event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I>;

    /// The same for a plain message.
    fn info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Reaction<E, I>;

    /// Does `work`, and leaves in its place what is left of it. A panic is an error.
    fn poll(&mut self, work: &mut Work<E, I>, cx: &mut HandlerCx<E, I>, task: &mut Context<'_>)
    -> Poll<Reaction<E, I>>;

    /// The handler itself: an `Option<H>`.
    fn into_handler(self: Box<Self>) -> Box<dyn Any + Send>;

    /// The handler where it lies, if it is not at work.
    fn handler(&self) -> Option<&(dyn Any + Send)>;

    /// The same, to be changed.
    fn handler_mut(&mut self) -> Option<&mut (dyn Any + Send)>;

    /// The handler as it shows itself.
    fn shown(&self) -> String;

    /// An event as the handler shows it.
    fn shown_event(&self, event: &E) -> Option<String>;
}

/// What there is to do for a handler.
///
/// A future of a handler that awaits owns what it works on, so this travels into it, and back.
pub(crate) enum Work<E, I> {
    /// Nothing, or nothing any more.
    None,
    Init,
    Event(Box<E>),
    Info(Box<I>),
    Call(Box<dyn Any + Send>),
    Terminate(Leaving),
}

/// What the manager knows of a handler.
pub(crate) struct Place {
    pub(crate) id: HandlerId,
    pub(crate) owner: Option<Box<Owner>>,
}

/// The process that a handler is bound to.
pub(crate) struct Owner {
    pub(crate) pid: Pid,
    /// Until it is known that the handler stays, nobody is watched.
    pub(crate) monitor: Option<MonitorRef>,
    pub(crate) told: Option<Recipient<HandlerGone>>,
}

impl Place {
    pub(crate) fn new(id: HandlerId) -> Self {
        Self { id, owner: None }
    }
}

/// A handler whose callbacks are done when they return.
struct Plain<H> {
    place: Place,
    handler: H,
}

/// The place of a handler.
pub(crate) fn plain<E: Event, I: Event, H: Handler<E, I>>(handler: H, id: HandlerId) -> Box<dyn Slot<E, I>> {
    Box::new(Plain { place: Place::new(id), handler })
}

impl<E: Event, I: Event, H: Handler<E, I>> Slot<E, I> for Plain<H> {
    fn place(&self) -> &Place {
        &self.place
    }

    fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }

    fn awaits(&self) -> bool {
        false
    }

    #[inline]
    fn event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        self.handler.handle_event(event, cx)
    }

    #[inline]
    fn info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        self.handler.handle_info(info, cx)
    }

    fn poll(&mut self, work: &mut Work<E, I>, cx: &mut HandlerCx<E, I>, _: &mut Context<'_>) -> Poll<Reaction<E, I>> {
        let handler = &mut self.handler;
        let caught = catch_unwind(AssertUnwindSafe(|| match work {
            Work::None => React::stay(),
            Work::Init => handler.init(cx).and_then(|()| React::stay()),
            Work::Event(event) => handler.handle_event(event, cx),
            Work::Info(info) => handler.handle_info(info, cx),
            Work::Call(_) => match std::mem::replace(work, Work::None) {
                Work::Call(call) => handler.handle_call(asked::<H::Call>(call), cx),
                _ => unreachable!("it was looked at just now"),
            },
            Work::Terminate(_) => match std::mem::replace(work, Work::None) {
                Work::Terminate(why) => {
                    handler.terminate(why, cx);
                    React::stay()
                }
                _ => unreachable!("it was looked at just now"),
            },
        }));
        Poll::Ready(caught.unwrap_or_else(|payload| Err(Reason::caught(payload))))
    }

    fn into_handler(self: Box<Self>) -> Box<dyn Any + Send> {
        Box::new(Some(self.handler))
    }

    fn handler(&self) -> Option<&(dyn Any + Send)> {
        Some(&self.handler)
    }

    fn handler_mut(&mut self) -> Option<&mut (dyn Any + Send)> {
        Some(&mut self.handler)
    }

    fn shown(&self) -> String {
        shown(|shown| self.handler.format_status(shown))
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
