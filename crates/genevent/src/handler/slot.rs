//! A handler of any type, as its manager stores it, and the swaps that store a new one.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Context;

use genserver::sys::Shown;
use genserver::{MonitorRef, Pid, Recipient};
use stackfuture::StackFuture;

use super::Handler;
use super::async_handler::AsyncHandler;
use super::awaiting::awaiting;
use super::begin::Place;
use super::client::HandlerCaller;
use super::context::HandlerCx;
use super::reaction::{Begun, DeferredReply, HandlerStep, React, Reaction, Successor, Then};
use crate::values::{Event, HandlerGone, HandlerId, HandlerRef, InstanceId, TerminateReason};

/// A handler of any type.
pub(crate) trait Slot<E: Event, I: Event>: Send {
    /// Calls the handler with an event. The callback of a handler that awaits has to be begun with `begin_event`.
    ///
    /// This runs for every event and handler, so catching a panic is left to its caller.
    fn event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Begun<E, I>;

    /// Calls the handler with a plain message.
    fn info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Begun<E, I>;

    /// Begins the callback for an event: makes its future in `place`, which is empty, and polls it there. The future stays in
    /// the place whatever comes of it. A panic is left to the caller.
    ///
    /// This runs for every event and handler that awaits, and for those after it. One that does not await needs no place.
    #[inline]
    fn begin_event<'a>(
        &'a mut self,
        event: &'a E,
        cx: &'a mut HandlerCx<E, I>,
        place: Pin<&mut Place<'a, Reaction<E, I>>>,
        task: &mut Context<'_>,
    ) -> Begun<E, I> {
        let _ = (place, task);
        self.event(event, cx)
    }

    /// The same for a plain message.
    #[inline]
    fn begin_info<'a>(
        &'a mut self,
        info: &'a I,
        cx: &'a mut HandlerCx<E, I>,
        place: Pin<&mut Place<'a, Reaction<E, I>>>,
        task: &mut Context<'_>,
    ) -> Begun<E, I> {
        let _ = (place, task);
        self.info(info, cx)
    }

    /// Runs init, a call, or terminate.
    fn work<'a>(&'a mut self, work: Work, cx: &'a mut HandlerCx<E, I>) -> Reacting<'a, E, I>;

    /// Unwraps the handler, an `H`.
    fn into_handler(self: Box<Self>) -> Box<dyn Any + Send>;

    /// Borrows the handler.
    fn handler(&self) -> &(dyn Any + Send);

    /// Borrows the handler mutably.
    fn handler_mut(&mut self) -> &mut (dyn Any + Send);

    /// The handler as its `format_status` shows it.
    fn shown(&self) -> String;

    /// An event as the handler's `format_event` shows it.
    fn shown_event(&self, event: &E) -> Option<String>;
}

/// The future of init, a call, or terminate. One that is larger than this is boxed; a smaller one is moved once.
pub(crate) type Reacting<'a, E, I> = StackFuture<'a, Reaction<E, I>, 96>;

/// What is delivered to one handler after the other.
pub(crate) enum Delivery<'a, E, I> {
    Event(&'a E),
    Info(&'a I),
}

impl<E, I> Clone for Delivery<'_, E, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, I> Copy for Delivery<'_, E, I> {}

/// What one handler is asked to run.
pub(crate) enum Work {
    Init,
    Call(Box<dyn Any + Send>),
    Terminate(TerminateReason),
}

/// A handler, and what its manager knows of it.
pub(crate) struct HandlerEntry<E: Event, I: Event> {
    pub(crate) place: Registration,
    pub(crate) slot: Box<dyn Slot<E, I>>,
}

/// What a manager knows of a handler.
pub(crate) struct Registration {
    pub(crate) id: HandlerId,
    pub(crate) owner: Option<Box<Owner>>,
}

/// The process that a handler is bound to.
pub(crate) struct Owner {
    pub(crate) pid: Pid,
    pub(crate) monitor: MonitorRef,
    pub(crate) told: Option<Recipient<HandlerGone>>,
}

impl Registration {
    pub(crate) fn new(id: HandlerId) -> Self {
        Self { id, owner: None }
    }
}

/// A handler whose callbacks are plain functions.
///
/// It holds nothing else: an event goes through many of these, one after the other.
struct Plain<H>(H);

/// Stores a handler whose callbacks are plain functions.
pub(crate) fn plain<E: Event, I: Event, H: Handler<E, I>>(handler: H, id: HandlerId) -> HandlerEntry<E, I> {
    HandlerEntry { place: Registration::new(id), slot: Box::new(Plain(handler)) }
}

impl<E: Event, I: Event, H: Handler<E, I>> Slot<E, I> for Plain<H> {
    #[inline]
    fn event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Begun<E, I> {
        Begun::returned(self.0.handle_event(event, cx))
    }

    #[inline]
    fn info(&mut self, info: &I, cx: &mut HandlerCx<E, I>) -> Begun<E, I> {
        Begun::returned(self.0.handle_info(info, cx))
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

#[expect(clippy::missing_errors_doc, reason = "these make a callback's answer, and none of them fails")]
impl React {
    /// Puts `successor` in the handler's place: same position, same owner. The handler's terminate gets
    /// [`TerminateReason::Swapped`](crate::TerminateReason::Swapped), and its owner gets
    /// [`GoneReason::Swapped`](crate::GoneReason::Swapped). Then the successor's init runs. If that fails, both handlers
    /// are gone: the failure is reported, and the owner gets the reason.
    ///
    /// Naming a successor that the manager already has is a failure, and no init runs.
    ///
    /// The handler can move any of its state into the successor.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver::Never;
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// struct Closed(Vec<u8>);
    /// struct Open(Vec<u8>);
    ///
    /// impl Handler<u8> for Closed {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
    ///         self.0.push(*event);
    ///         React::swap(Open(std::mem::take(&mut self.0)))
    ///     }
    /// }
    /// # impl Handler<u8> for Open {
    /// #     type Call = Never;
    /// #     fn handle_event(&mut self, _event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> { React::stay() }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Closed(vec![])).await?;
    /// manager.sync_notify(1).await?;
    /// let open = manager.remove_handler(&genevent::HandlerRef::<Open>::new()).await?;
    /// assert_eq!(open.0, [1]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "swap_handler")]
    pub fn swap<E: Event, I: Event, H: Handler<E, I>>(successor: H) -> Reaction<E, I> {
        swapped(plain(successor, HandlerRef::<H>::new().into_id()), None)
    }

    /// Like [`swap`](Self::swap), for a successor with an id besides its type.
    ///
    /// # Examples
    ///
    /// A handler that continues under a new id each day:
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, HandlerRef, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// enum Event {
    ///     Sold,
    ///     Midnight,
    /// }
    ///
    /// #[derive(Default)]
    /// struct Day {
    ///     number: u64,
    ///     sold: u32,
    /// }
    ///
    /// impl Handler<Event> for Day {
    ///     type Call = Never;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         event: &Event,
    ///         _cx: &mut HandlerCx<Event>,
    ///     ) -> Reaction<Event> {
    ///         match event {
    ///             Event::Sold => self.sold += 1,
    ///             Event::Midnight => {
    ///                 let number = self.number + 1;
    ///                 return React::swap_as(Day { number, sold: 0 }, number);
    ///             }
    ///         }
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Day::default()).id(0).await?;
    /// for event in [Event::Sold, Event::Midnight, Event::Sold, Event::Sold] {
    ///     manager.notify(event)?;
    /// }
    /// assert_eq!(manager.remove_handler(&HandlerRef::<Day>::with_id(1)).await?.sold, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_as<E: Event, I: Event, H: Handler<E, I>>(successor: H, id: impl Into<InstanceId>) -> Reaction<E, I> {
        swapped(plain(successor, HandlerRef::<H>::with_id(id).into_id()), None)
    }

    /// Like [`swap`](Self::swap), for a successor whose callbacks await.
    ///
    /// # Examples
    ///
    /// A shop that tells nobody before it opens:
    ///
    /// ```
    /// use genevent::{
    ///     ForwardToManager, Handler, HandlerCx, LoggerHandler, Manager, React, Reaction,
    /// };
    /// use genserver::Never;
    ///
    /// struct Closed {
    ///     city: Manager<&'static str>,
    /// }
    ///
    /// impl Handler<&'static str> for Closed {
    ///     type Call = Never;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         event: &&'static str,
    ///         _cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
    ///         if *event == "open" {
    ///             React::swap_async(ForwardToManager::new(&self.city))
    ///         } else {
    ///             React::stay()
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (shop, city) = (Manager::start().await?, Manager::start().await?);
    /// let logger = city.add_handler(LoggerHandler::new()).await?;
    /// shop.add_handler(Closed { city: city.clone() }).await?;
    /// for event in ["swept", "open", "sold"] {
    ///     shop.sync_notify(event).await?;
    /// }
    /// assert_eq!(city.remove_handler(&logger).await?.into_messages(), ["sold"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_async<E: Event, I: Event, H: AsyncHandler<E, I>>(successor: H) -> Reaction<E, I> {
        swapped(awaiting(successor, HandlerRef::<H>::new().into_id()), None)
    }

    /// Like [`swap_async`](Self::swap_async), for a successor with an id besides its type.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{AsyncHandler, Handler, HandlerCx, HandlerRef, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Knocking;
    /// struct Inside;
    ///
    /// impl Handler<u64> for Knocking {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, room: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
    ///         React::swap_async_as(Inside, *room)
    ///     }
    /// }
    /// # impl AsyncHandler<u64> for Inside {
    /// #     type Call = Never;
    /// #     async fn handle_event(&mut self, _room: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> { React::stay() }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Knocking).await?;
    /// manager.sync_notify(101).await?;
    /// assert_eq!(manager.which_handlers().await?, [HandlerRef::<Inside>::with_id(101).id()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_async_as<E: Event, I: Event, H: AsyncHandler<E, I>>(
        successor: H,
        id: impl Into<InstanceId>,
    ) -> Reaction<E, I> {
        swapped(awaiting(successor, HandlerRef::<H>::with_id(id).into_id()), None)
    }

    /// Answers after `successor` has taken the handler's place, or after its init has failed: see [`swap`](Self::swap).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{HandlerCaller, Handler, HandlerCx, HandlerRef, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Red;
    /// struct Green;
    /// struct Switch(HandlerCaller<&'static str>);
    ///
    /// impl Handler<()> for Red {
    ///     type Call = Switch;
    ///
    ///     fn handle_call(
    ///         &mut self,
    ///         Switch(client): Switch,
    ///         _cx: &mut HandlerCx<()>,
    ///     ) -> Reaction<()> {
    ///         React::reply_swap(client, "it is green", Green)
    ///     }
    ///     # fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> { React::stay() }
    /// }
    /// # impl Handler<()> for Green {
    /// #     type Call = Never;
    /// #     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> { React::stay() }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let red = manager.add_handler(Red).await?;
    /// assert_eq!(manager.call(&red, Switch).await?, "it is green");
    /// assert_eq!(manager.which_handlers().await?, [HandlerRef::<Green>::new().id()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reply_swap<E, I, R, H>(client: HandlerCaller<R>, reply: R, successor: H) -> Reaction<E, I>
    where
        E: Event,
        I: Event,
        R: Send + 'static,
        H: Handler<E, I>,
    {
        let reply: DeferredReply = Box::new(move || client.reply(reply));
        swapped(plain(successor, HandlerRef::<H>::new().into_id()), Some(reply))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the callbacks' return type is a Result, for `?`")]
fn swapped<E: Event, I: Event>(handler: HandlerEntry<E, I>, reply: Option<DeferredReply>) -> Reaction<E, I> {
    Ok(HandlerStep(Then::Swap(Box::new(Successor { handler, reply }))))
}

/// Unwraps a question. Its type is right: a question is made with the handler's [`HandlerRef`](crate::HandlerRef).
pub(super) fn asked<C: 'static>(call: Box<dyn Any + Send>) -> C {
    match call.downcast() {
        Ok(call) => *call,
        Err(_) => unreachable!("the identity of a handler has its type in it"),
    }
}

/// What a handler's `format_status` shows of its state.
pub(super) fn shown(format: impl FnOnce(&mut Shown)) -> String {
    let mut shown = Shown::default();
    match catch_unwind(AssertUnwindSafe(|| format(&mut shown))) {
        Ok(()) => shown.state,
        Err(_) => "not shown, because format_status panicked".to_owned(),
    }
}
