//! The manager's process: its handlers in order, and the messages it takes.
//!
//! 1. Handlers are in the order in which they were added, and each event reaches them in that order. During a handler's
//!    turn the list changes only by that turn's outcome.
//! 2. A handler that fails does not affect the others: the event goes on to the next, and its sender is not told. Neither does
//!    one that refuses an event; but then its sender is told.
//! 3. When a handler leaves, for any reason, its terminate runs first, then its owner is told, then the request that
//!    removed it is answered.
//! 4. Streams get an event before the handlers do, so that consumers work at the same time.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use genserver::{Caller, Cx, Down, GenServer, Init, Next, Outcome, Reason, Subject};

use crate::handler::{HandlerCx, Registration, Slot};
use crate::subscription::{Subscriptions, WaitLimit};
use crate::values::{Event, GoneReason, HandlerId, HandlerRef, NotifyAnswer, NotifyError, NotifyMode, TerminateReason};

// The calls that a manager takes.
mod request;
// The list of handlers.
mod handlers;
// Delivering an event or a plain message.
mod turn;
// The loops over the handlers.
mod walk;
// Adding and removing handlers.
mod change;
// What is counted for `metrics`.
mod meter;

use handlers::Handlers;
use meter::Meter;
pub(crate) use request::{
    AddFailure, AddRequest, CallKind, HandlerCall, MakeSuccessor, OtherCall, OwnerSpec, RemoveFailure, SwapRequest,
    TakeOnce,
};

/// Grace period before an expired caller is dropped.
const EXPIRED_GRACE: Duration = Duration::from_millis(100);

/// The server behind a [`Manager`](crate::Manager), with its handlers.
///
/// You meet it where a manager is used as a server: [`sys::with_state`](genserver::sys::with_state) and its like pass it to
/// a function, and a supervisor's child may name it.
///
/// # Examples
///
/// Telling a supervisor's child apart by it:
///
/// ```
/// use genevent::{LoggerHandler, Manager, ManagerServer};
/// use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::one_for_one()
///     .child(ChildSpec::server("events", Manager::<&str>::start_link))
///     .start()
///     .await?;
/// let events: ChildRef<ManagerServer<&str>> = supervisor.child("events").await?;
/// let manager = Manager::from(events.current()?);
/// manager.add_handler(LoggerHandler::new()).await?;
/// manager.sync_notify("hello").await?;
/// # Ok(())
/// # }
/// ```
pub struct ManagerServer<E: Event, I: Event = genserver::Never> {
    handlers: Handlers<E, I>,
    subscriptions: Subscriptions<E>,
    cx: HandlerCx<E, I>,
    subject: Subject,
    /// Callers whose deadline has passed, oldest first, each with an [`InfoKind::ExpiredCaller`] on its way. A caller
    /// notices its deadline by itself, so it is not answered: an answer would claim that all consumers are done. A caller
    /// that waits longer than its own deadline is dropped after the grace period and gets
    /// [`CallError::NoReply`](genserver::CallError::NoReply); otherwise it would wait forever.
    expired: VecDeque<Caller<NotifyAnswer>>,
    /// The first refusal of the current event, if its sender waits for the handlers.
    refused: Option<Box<NotifyError>>,
    meter: Meter,
}

/// The arguments of a manager's start.
///
/// You never construct this: it is named where a manager is used as a server.
pub struct ManagerArgs<E: Event, I: Event> {
    exits: Option<MakeInfo<I>>,
    of: std::marker::PhantomData<fn(E)>,
}

impl<E: Event, I: Event> ManagerArgs<E, I> {
    pub(crate) fn new(exits: Option<MakeInfo<I>>) -> Self {
        Self { exits, of: std::marker::PhantomData }
    }
}

type MakeInfo<I> = Box<dyn FnMut(genserver::Exit) -> I + Send>;

/// A call to a manager, made by the methods of [`Manager`](crate::Manager).
///
/// You never construct this: it is named where a manager is used as a server.
pub struct ManagerCall<E: Event, I: Event>(pub(crate) CallKind<E, I>);

/// A message to a manager that is neither an event nor a call.
///
/// You never construct this: it is named where a manager is used as a server.
pub struct ManagerInfo<E: Event, I: Event>(pub(crate) InfoKind<E, I>);

pub(crate) enum InfoKind<E: Event, I: Event> {
    /// A plain message for the handlers.
    Plain(I),
    /// The owner of a handler has ended.
    OwnerEnded(Down),
    /// An event of an attached stream.
    Attached(E),
    /// The grace period of the oldest expired caller is over.
    ExpiredCaller,
}

impl<E: Event, I: Event> ManagerServer<E, I> {
    /// The handlers and streams of the manager, newest first, as [`which_handlers`](crate::Manager::which_handlers) lists
    /// them.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    /// use genserver::sys;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// let seen = sys::with_state(&manager, |manager| manager.which_handlers()).await?;
    /// assert_eq!(seen, [logger.id()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn which_handlers(&self) -> Vec<HandlerId> {
        let streams = self.subscriptions.ids();
        streams.into_iter().chain(self.handlers.places().iter().rev().map(|place| place.id.clone())).collect()
    }

    /// Borrows a handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    /// use genserver::sys;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// manager.notify("hello")?;
    /// let kept = sys::with_state(&manager, move |manager| {
    ///     manager.handler(&logger).map_or(0, |logger| logger.messages().count())
    /// });
    /// assert_eq!(kept.await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn handler<H: 'static>(&self, handler: &HandlerRef<H>) -> Option<&H> {
        let (_, slot) = self.handlers.get(self.handlers.position(&handler.id())?)?;
        slot.handler().downcast_ref()
    }

    /// Borrows a handler mutably.
    ///
    /// # Examples
    ///
    /// Changing a handler while its manager runs:
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{Never, sys};
    ///
    /// struct Price(u32);
    ///
    /// impl Handler<()> for Price {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let price = manager.add_handler(Price(9_999)).await?;
    /// let place = price.clone();
    /// sys::update_state(&manager, move |manager| {
    ///     if let Some(price) = manager.handler_mut(&place) {
    ///         price.0 = 99;
    ///     }
    /// })
    /// .await?;
    /// assert_eq!(manager.remove_handler(&price).await?.0, 99);
    /// # Ok(())
    /// # }
    /// ```
    pub fn handler_mut<H: 'static>(&mut self, handler: &HandlerRef<H>) -> Option<&mut H> {
        let (_, slot) = self.handlers.get_mut(self.handlers.position(&handler.id())?)?;
        slot.handler_mut().downcast_mut()
    }

    /// The step after a message.
    fn next(&mut self) -> Outcome<Self> {
        if self.cx.take_hibernates() { Next::hibernate() } else { Next::wait() }
    }
}

impl<E: Event, I: Event> GenServer for ManagerServer<E, I> {
    type Args = ManagerArgs<E, I>;
    type Call = ManagerCall<E, I>;
    type Cast = E;
    type Info = ManagerInfo<E, I>;

    async fn init(args: ManagerArgs<E, I>, cx: &mut Cx<Self>) -> Init<Self> {
        if let Some(mut make) = args.exits {
            cx.trap_exits(move |exit| ManagerInfo(InfoKind::Plain(make(exit))));
        }
        Init::Run(Self {
            handlers: Handlers::new(),
            subscriptions: Subscriptions::new(),
            cx: HandlerCx::new(cx.process_ref()),
            subject: cx.process_ref().subject(),
            expired: VecDeque::new(),
            refused: None,
            meter: Meter::new(),
        })
    }

    async fn handle_cast(&mut self, event: E, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.meter.begin(cx);
        if let Some(left) = self.deliver_at_once(&event, NotifyMode::Async) {
            self.deliver(event, left, NotifyMode::Async, WaitLimit::Unlimited, cx).await;
        }
        self.meter.end::<E, _>(cx);
        self.next()
    }

    async fn handle_call(&mut self, ManagerCall(ask): ManagerCall<E, I>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            CallKind::Ack(event, deadline, caller) if !self.cx.refusals().stand() => {
                caller.reply(Ok(()));
                self.meter.begin(cx);
                if let Some(left) = self.deliver_at_once(&event, NotifyMode::Ack) {
                    let limit = deadline.map_or(WaitLimit::Unlimited, WaitLimit::Until);
                    self.deliver(event, left, NotifyMode::Ack, limit, cx).await;
                }
                self.meter.end::<E, _>(cx);
            }
            CallKind::Sync(event, deadline, caller) | CallKind::Ack(event, deadline, caller) => {
                let before = self.cx.refusals().so_far();
                self.meter.begin(cx);
                let in_time = match self.deliver_at_once(&event, NotifyMode::Sync) {
                    None => true,
                    Some(left) => {
                        let limit = deadline.map_or(WaitLimit::WhileSenderWaits(&caller), WaitLimit::Until);
                        self.deliver(event, left, NotifyMode::Sync, limit, cx).await
                    }
                };
                self.meter.end::<E, _>(cx);
                let refused = self.refused.take();
                if in_time {
                    match self.cx.take_held_event() {
                        None => caller.reply(self.cx.refusals().answer(before, refused)),
                        Some(sender) => sender.answer_when_done(caller, refused),
                    }
                } else if let Some(refused) = refused {
                    caller.reply(Err(refused));
                } else if !caller.is_gone() {
                    self.expired.push_back(caller);
                    cx.send_after(EXPIRED_GRACE, ManagerInfo(InfoKind::ExpiredCaller));
                }
            }
            // Rare calls are boxed, so that the future of the frequent ones stays small.
            CallKind::Other(change) => Box::pin(self.change(*change, cx)).await,
        }
        self.next()
    }

    async fn handle_info(&mut self, ManagerInfo(told): ManagerInfo<E, I>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match told {
            InfoKind::Plain(info) => self.tell(info, cx).await,
            InfoKind::Attached(event) => {
                self.meter.begin(cx);
                if let Some(left) = self.deliver_at_once(&event, NotifyMode::Async) {
                    self.deliver(event, left, NotifyMode::Async, WaitLimit::Unlimited, cx).await;
                }
                self.meter.end::<E, _>(cx);
            }
            InfoKind::OwnerEnded(down) => Box::pin(self.owner_ended(down, cx)).await,
            InfoKind::ExpiredCaller => drop(self.expired.pop_front()),
        }
        self.next()
    }

    /// Handlers terminate newest first, as in OTP. Streams end last, when no more events can come.
    async fn terminate(&mut self, _: &Reason, cx: &mut Cx<Self>) {
        self.cx.set_mode(NotifyMode::Async);
        while let Some(handler) = self.handlers.pop() {
            self.dismiss(handler, TerminateReason::Stop, GoneReason::Shutdown, cx).await;
        }
        self.subscriptions.close();
    }

    fn format_status(&self, shown: &mut genserver::sys::Shown) {
        let newest_first = (0..self.handlers.len()).rev().filter_map(|at| self.handlers.get(at));
        let handlers: Vec<(String, String)> = newest_first.map(|(place, slot)| show(place, slot)).collect();
        let lines: Vec<String> = handlers.iter().map(|(id, text)| format!("{id}: {text}")).collect();
        shown.state = if lines.is_empty() { "no handlers".to_owned() } else { lines.join("; ") };
        shown.details = handlers;
    }
}

/// Drops a user's value, such as a handler. A panic in its drop stays here (rule 2).
fn drop_caught<T>(dropped: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(dropped))) {
        // A panic's payload may panic when dropped, too; `Reason::caught` guards against that.
        let _ = Reason::caught(payload);
    }
}

/// A handler as the manager's status shows it: its id, and its state with its owner.
fn show<E: Event, I: Event>(Registration { id, owner }: &Registration, slot: &dyn Slot<E, I>) -> (String, String) {
    let bound = owner.as_ref().map(|owner| format!(", bound to {}", owner.pid)).unwrap_or_default();
    (id.to_string(), format!("{}{bound}", slot.shown()))
}

impl<E: Event, I: Event> fmt::Debug for ManagerServer<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers: Vec<String> = self.handlers.places().iter().rev().map(|place| place.id.to_string()).collect();
        f.debug_struct("ManagerServer").field("handlers", &handlers).finish_non_exhaustive()
    }
}

macro_rules! debug_as_name {
    ($($name:ident),*) => {$(
        impl<E: Event, I: Event> fmt::Debug for $name<E, I> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug_as_name!(ManagerArgs, ManagerCall, ManagerInfo);
