//! The process of a manager: its handlers in their order, and what is asked of them.
//!
//! 1. The handlers are in the order in which they were added, and see each event in that order. Nothing changes the list while
//!    a handler has its turn, except that very turn's outcome.
//! 2. A handler that fails harms nobody else: the event goes on to the next, and the sender hears nothing of it.
//! 3. Whoever goes, for whatever reason, is told first; then its owner is; then whoever asked for it has the answer.
//! 4. Streams have an event before the handlers do, so that their consumers work beside them.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use genserver::{Caller, Cx, Down, GenServer, Init, Next, Outcome, Reason, Subject};

use crate::handler::{HandlerCx, Registration, Slot};
use crate::subscription::{Subscriptions, WaitLimit};
use crate::values::{Event, GoneReason, HandlerId, HandlerRef, NotifyMode, TerminateReason};

// What can be asked of a manager, besides events.
mod request;
// The list of handlers.
mod handlers;
// An event, or a plain message, on its way through the handlers.
mod turn;
// How handlers come, and go.
mod change;

use handlers::Handlers;
pub(crate) use request::{
    AddFailure, AddRequest, CallKind, HandlerCall, MakeSuccessor, OtherCall, OwnerSpec, RemovedHandler, SwapRequest,
    TakeOnce,
};

/// For how long whoever is too late is left to notice that by itself.
const EXPIRED_GRACE: Duration = Duration::from_millis(100);

/// The server behind a [`Manager`](crate::Manager), with its handlers.
///
/// It is seen where a manager is looked at as a server: [`sys::with_state`](genserver::sys::with_state) and its like give it, and
/// a supervisor's child may name it.
///
/// # Examples
///
/// A supervisor's child is told apart by it:
///
/// ```
/// use genevent::{LoggerHandler, Manager, ManagerServer};
/// use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::one_for_one().child(ChildSpec::server("events", Manager::<&str>::start_link)).start().await?;
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
    /// Those whose deadline has passed, oldest first, each with a [`InfoKind::ExpiredCaller`] on its way. It notices by itself, in an instant if
    /// it has not yet; an answer would say that all consumers are done. Whoever was told to wait longer than for its deadline is
    /// dropped then, and told so: it would wait for ever.
    expired: VecDeque<Caller<()>>,
}

/// What a manager starts with.
///
/// # Examples
///
/// They are nothing that one makes: a start does, and may be kept until it is wanted.
///
/// ```
/// use genevent::{ManagerArgs, Manager, ManagerServer};
/// use genserver::{GenServer, Never, Start};
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let start: Start<ManagerServer<u8>, Manager<u8>> = Manager::start();
/// let manager = start.name("later").await?;
/// assert!(manager.is_alive());
///
/// fn starts_with(args: <ManagerServer<u8> as GenServer>::Args) -> ManagerArgs<u8, Never> {
///     args
/// }
/// # Ok(())
/// # }
/// ```
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

/// What a manager is asked: see [`Manager`](crate::Manager), which asks it.
///
/// # Examples
///
/// It is nothing that one makes, but a type that stands where a manager is seen as a server:
///
/// ```
/// use genevent::{ManagerServer, ManagerCall};
/// use genserver::{GenServer, Never};
///
/// fn asked(request: <ManagerServer<u8> as GenServer>::Call) -> ManagerCall<u8, Never> {
///     request
/// }
/// ```
pub struct ManagerCall<E: Event, I: Event>(pub(crate) CallKind<E, I>);

/// What reaches a manager besides events and requests.
///
/// # Examples
///
/// It is nothing that one makes, but a type that stands where a manager is seen as a server. [`Manager::send`](crate::Manager::send)
/// makes it of a plain message:
///
/// ```
/// use genevent::{ManagerInfo, ManagerServer};
/// use genserver::GenServer;
///
/// struct Tick;
///
/// fn reaches(info: <ManagerServer<u8, Tick> as GenServer>::Info) -> ManagerInfo<u8, Tick> {
///     info
/// }
/// ```
pub struct ManagerInfo<E: Event, I: Event>(pub(crate) InfoKind<E, I>);

pub(crate) enum InfoKind<E: Event, I: Event> {
    /// For the handlers.
    Plain(I),
    /// The owner of a handler has ended.
    OwnerEnded(Down),
    /// An event of an attached stream.
    Attached(E),
    /// The oldest of those that are too late has had time to notice.
    ExpiredCaller,
}

impl<E: Event, I: Event> ManagerServer<E, I> {
    /// The handlers it has, newest first, as [`which_handlers`](crate::Manager::which_handlers) lists them.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    /// use genserver::sys;
    ///
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

    /// A handler, to look at.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    /// use genserver::sys;
    ///
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

    /// A handler, to be changed.
    ///
    /// # Examples
    ///
    /// A handler that is mended while its manager runs:
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

    /// How the server goes on after a message.
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
        })
    }

    async fn handle_cast(&mut self, event: E, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.deliver(event, NotifyMode::Async, WaitLimit::Unlimited, cx).await;
        self.next()
    }

    async fn handle_call(&mut self, ManagerCall(ask): ManagerCall<E, I>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            CallKind::Sync(event, deadline, caller) => {
                let limit = deadline.map_or(WaitLimit::WhileSenderWaits(&caller), WaitLimit::Until);
                if self.deliver(event, NotifyMode::Sync, limit, cx).await {
                    match self.cx.take_held_event() {
                        None => caller.reply(()),
                        Some(sender) => sender.answer_when_done(caller),
                    }
                } else if !caller.is_gone() {
                    self.expired.push_back(caller);
                    cx.send_after(EXPIRED_GRACE, ManagerInfo(InfoKind::ExpiredCaller));
                }
            }
            CallKind::Ack(event, deadline, caller) => {
                caller.reply(());
                let limit = deadline.map_or(WaitLimit::Unlimited, WaitLimit::Until);
                self.deliver(event, NotifyMode::Ack, limit, cx).await;
            }
            // What is seldom asked is boxed, so that the future of what is often asked stays small.
            CallKind::Other(change) => Box::pin(self.change(*change, cx)).await,
        }
        self.next()
    }

    async fn handle_info(&mut self, ManagerInfo(told): ManagerInfo<E, I>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match told {
            InfoKind::Plain(info) => self.tell(info, cx).await,
            InfoKind::Attached(event) => {
                self.deliver(event, NotifyMode::Async, WaitLimit::Unlimited, cx).await;
            }
            InfoKind::OwnerEnded(down) => Box::pin(self.owner_ended(down, cx)).await,
            InfoKind::ExpiredCaller => drop(self.expired.pop_front()),
        }
        self.next()
    }

    /// Newest first, as OTP does it. The streams end when nothing more can come.
    async fn terminate(&mut self, _: &Reason, cx: &mut Cx<Self>) {
        self.cx.set_mode(NotifyMode::Async);
        while let Some(handler) = self.handlers.pop() {
            self.dismiss(handler, TerminateReason::Stop, GoneReason::Shutdown, cx).await;
        }
        self.subscriptions.close();
    }

    fn format_status(&self, shown: &mut genserver::sys::Shown) {
        let newest_first = (0..self.handlers.len()).rev().filter_map(|at| self.handlers.get(at));
        let handlers: Vec<String> = newest_first.map(|(place, slot)| show(place, slot)).collect();
        shown.state = if handlers.is_empty() { "no handlers".to_owned() } else { handlers.join("; ") };
    }
}

/// Drops what is the user's, a handler for instance: a panic in that harms nobody else (rule 2).
fn drop_caught<T>(dropped: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(dropped))) {
        // Looking at it is what drops the payload with as much care.
        let _ = Reason::caught(payload);
    }
}

/// A handler as the status of its manager shows it.
fn show<E: Event, I: Event>(Registration { id, owner }: &Registration, slot: &dyn Slot<E, I>) -> String {
    let bound = owner.as_ref().map(|owner| format!(", bound to {}", owner.pid)).unwrap_or_default();
    format!("{id}: {}{bound}", slot.shown())
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
