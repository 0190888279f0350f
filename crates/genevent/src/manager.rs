//! The client side of a manager.

use std::fmt;
use std::time::Duration;

use futures::Stream;
use genserver::{
    AsProcess, AsServer, AttachRef, Call, CallError, Caller, CastError, CastWait, Exit, Name, Named, Pid, ProcessRef,
    Request as Asked, ServerRef, Start, Stop, Timer, start,
};

use crate::Event;
use crate::async_handler::AsyncHandler;
use crate::client::Client;
use crate::error::{CallHandlerError, NothingLeft};
use crate::handler::Handler;
use crate::id::{HandlerId, HandlerRef};
use crate::server::request::{Ask, Change, Question};
use crate::server::{Args, Info, ManagerServer, Request, Told};
use crate::sink::EventSink;
use crate::slot;
use crate::stream::EventStream;

// What is asked of one handler, before it is sent.
mod ask;
// A manager by its name.
mod named;

pub use ask::{Add, CallHandler, Remove, Swap};
pub use named::NamedManager;

/// An event manager that runs: see [the crate's page](crate).
///
/// It is a reference like any other, cheap to clone, and neither keeps the manager alive nor ends it.
///
/// # Examples
///
/// ```
/// use genevent::{Forwarder, Manager};
/// use genserver::{Letter, Probe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut probe = Probe::new();
/// let manager = Manager::start().await?;
/// manager.add_handler(Forwarder::to(probe.sender())).await?;
/// manager.sync_notify("hello").await?;
/// assert_eq!(probe.try_recv(), Some(Letter::Message("hello")));
/// manager.stop().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "gen_event")]
#[doc(alias = "GenEvent")]
pub struct Manager<E: Event, I: Event = genserver::Never> {
    server: ServerRef<ManagerServer<E, I>>,
}

impl<E: Event> Manager<E> {
    /// Starts a manager without handlers. It can be given a [`name`](Start::name), and whatever else a start can be told.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<&str>::start().name("events").await?;
    /// assert_eq!(manager.which_handlers().await?, []);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start() -> Start<ManagerServer<E>, Self> {
        start(Args::new(None)).handle()
    }

    /// Starts a manager that is linked with the process that calls this: see [`genserver::start_link`].
    ///
    /// A manager does not trap exits: if its parent ends with anything but [`Normal`](genserver::Reason::Normal), so does the
    /// manager, without a word to its handlers. One that is to tell them traps exits: see [`start_trapping`](Self::start_trapping).
    pub fn start_link() -> Start<ManagerServer<E>, Self> {
        genserver::start_link(Args::new(None)).handle()
    }

    /// Starts a manager that takes plain messages of type `I` besides events: see [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Tick;
    /// struct Clock(u32);
    ///
    /// impl Handler<String, Tick> for Clock {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, _: &String, _cx: &mut HandlerCx<String, Tick>) -> Reaction<String, Tick> {
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_info(&mut self, _: &Tick, _cx: &mut HandlerCx<String, Tick>) -> Reaction<String, Tick> {
    ///         self.0 += 1;
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start_with_info().await?;
    /// let clock = manager.add_handler(Clock(0)).await?;
    /// manager.send(Tick)?;
    /// assert_eq!(manager.remove_handler(&clock).await?.0, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_with_info<I: Event>() -> Start<ManagerServer<E, I>, Manager<E, I>> {
        start(Args::new(None)).handle()
    }

    /// Starts a manager that traps exits: an exit of anybody but its parent becomes a plain message, made by `make`, which all
    /// handlers see; that of its parent ends it in an orderly way.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{Exit, Never, Reason};
    ///
    /// struct Watch(Vec<Reason>);
    ///
    /// impl Handler<(), Exit> for Watch {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<(), Exit>) -> Reaction<(), Exit> {
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_info(&mut self, exit: &Exit, _cx: &mut HandlerCx<(), Exit>) -> Reaction<(), Exit> {
    ///         self.0.push(exit.reason.clone());
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start_trapping(|exit| exit).await?;
    /// let watch = manager.add_handler(Watch(vec![])).await?;
    /// manager.server().exit(Reason::Shutdown);
    /// assert_eq!(manager.remove_handler(&watch).await?.0, [Reason::Shutdown]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_trapping<I: Event>(
        make: impl FnMut(Exit) -> I + Send + 'static,
    ) -> Start<ManagerServer<E, I>, Manager<E, I>> {
        start(Args::new(Some(Box::new(make)))).handle()
    }

    /// A manager by its name, which is looked up at each use. One that takes plain messages is named by
    /// [`NamedManager::new`].
    pub fn named(name: impl Into<Name>) -> NamedManager<E> {
        NamedManager::from(Named::new(name))
    }
}

impl<E: Event, I: Event> Manager<E, I> {
    /// Sends an event to all handlers, and does not wait for them.
    ///
    /// # Errors
    ///
    /// The event comes back if the manager has ended, or its mailbox is full. To ignore that, as OTP does, write `let _ =`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.notify("hello")?;
    /// manager.stop().await?;
    /// assert_eq!(manager.notify("anybody?").unwrap_err().into_inner(), "anybody?");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "async_notify")]
    pub fn notify(&self, event: E) -> Result<(), CastError<E>> {
        self.server.cast(event)
    }

    /// As [`notify`](Self::notify), but waits for room if the mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().mailbox(2).await?;
    /// for number in 0..10 {
    ///     manager.notify_wait(number).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn notify_wait(&self, event: E) -> CastWait<'_, ManagerServer<E, I>> {
        self.server.cast_wait(event)
    }

    /// Sends an event, and waits until the manager has taken it out of its mailbox, before any handler has seen it.
    ///
    /// So its senders are no faster than the manager. The manager then waits until every [stream](Self::stream) has
    /// received it, before it goes on to what is next.
    ///
    /// # Errors
    ///
    /// [`CallError`], as for every [call](ServerRef::call): the manager is not running, ends before, or does not come to the
    /// event within five seconds, or what [`timeout`](Call::timeout) says. The event is not withdrawn then.
    pub fn ack_notify(&self, event: E) -> Notified<'_, E, I, impl FnOnce(Caller<()>) -> Request<E, I> + use<E, I>> {
        self.server.call(move |caller| Request(Ask::Ack(event, None, caller)))
    }

    /// As [`ack_notify`](Self::ack_notify), but nobody waits for longer than `within`: neither does the caller, nor the manager for
    /// the consumers of streams.
    pub fn ack_notify_within(
        &self,
        event: E,
        within: Duration,
    ) -> Notified<'_, E, I, impl FnOnce(Caller<()>) -> Request<E, I> + use<E, I>> {
        self.server.call(move |caller| Request(Ask::Ack(event, after(within), caller))).timeout(within)
    }

    /// Sends an event, and waits until every handler, and the consumer of every [stream](Self::stream), is done with it.
    ///
    /// That a handler has failed is not told here; it is [reported](crate#when-a-handler-fails). One that [holds](crate::Hold) the
    /// event is done when it says so, which may be after others.
    ///
    /// # Errors
    ///
    /// [`CallError`], as for every [call](ServerRef::call): the manager is not running, ends before, or is not done within five
    /// seconds, or what [`timeout`](Call::timeout) says. The event is not withdrawn then, and the manager waits for consumers of
    /// streams at most a second longer. A handler that calls its own manager gets [`CallError::CallingSelf`] at once, and so does a
    /// [consumer](EventStream#what-a-consumer-can-ask-its-manager) that the manager waits for, with [`CallError::Cycle`].
    /// [`CallError::NoReply`] says that a handler held the event and will never be done with it.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.sync_notify("hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sync_notify(&self, event: E) -> Notified<'_, E, I, impl FnOnce(Caller<()>) -> Request<E, I> + use<E, I>> {
        self.server.call(move |caller| Request(Ask::Sync(event, None, caller)))
    }

    /// As [`sync_notify`](Self::sync_notify), but nobody waits for longer than `within`: neither does the caller, nor the manager
    /// for the consumers of streams. So one that is stuck does not hold up the others for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut stuck = manager.stream();
    /// stuck.subscribe().await?;
    /// assert!(manager.sync_notify_within("hello", Duration::from_millis(10)).await.is_err());
    /// assert_eq!(manager.which_handlers().await?.len(), 1, "the manager goes on");
    /// # Ok(())
    /// # }
    /// ```
    pub fn sync_notify_within(
        &self,
        event: E,
        within: Duration,
    ) -> Notified<'_, E, I, impl FnOnce(Caller<()>) -> Request<E, I> + use<E, I>> {
        self.server.call(move |caller| Request(Ask::Sync(event, after(within), caller))).timeout(within)
    }

    /// Sends a plain message: every handler sees it in [`handle_info`](Handler::handle_info), and no stream does. A manager takes
    /// them if it was [started so](Self::start_with_info).
    ///
    /// # Errors
    ///
    /// The message comes back if the manager has ended, or its mailbox is full.
    #[doc(alias = "!")]
    pub fn send(&self, info: I) -> Result<(), CastError<I>> {
        let told = self.server.send(Info(Told::Plain(info)));
        told.map_err(|refused| {
            refused.map(|Info(told)| match told {
                Told::Plain(info) => info,
                _ => unreachable!("what is refused is what was sent"),
            })
        })
    }

    /// Sends a plain message later: see [`ServerRef::send_after`].
    pub fn send_after(&self, delay: Duration, info: I) -> Timer {
        self.server.send_after(delay, Info(Told::Plain(info)))
    }

    /// Adds a handler behind the others: its init runs in the manager, and then it sees every event.
    ///
    /// What comes back names it. Before it is awaited, it can be given an [`id`](Add::id) besides its type, and an
    /// [owner](Add::owned_by).
    ///
    /// # Errors
    ///
    /// [`AddHandlerError`](crate::AddHandlerError), with the handler in it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is polled adds nothing; later, the handler may have been added.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{AddHandlerError, LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// manager.add_handler(LoggerHandler::new()).await?;
    ///
    /// let again = manager.add_handler(LoggerHandler::new()).await;
    /// assert!(matches!(again, Err(AddHandlerError::AlreadyPresent { .. })));
    /// manager.add_handler(LoggerHandler::new()).id("second").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_handler<H: Handler<E, I>>(&self, handler: H) -> Add<'_, E, I, H> {
        Add::new(self, handler, slot::plain::<E, I, H>)
    }

    /// Adds a handler that awaits: see [`add_handler`](Self::add_handler), and [`AsyncHandler`].
    pub fn add_async_handler<H: AsyncHandler<E, I>>(&self, handler: H) -> Add<'_, E, I, H> {
        Add::new(self, handler, slot::awaiting::<E, I, H>)
    }

    /// Removes a handler, which is told so, and returns it.
    ///
    /// # Errors
    ///
    /// [`RemoveHandlerError`](crate::RemoveHandlerError).
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is polled removes nothing; later, the handler may have been removed.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// manager.notify("hello")?;
    /// let logger = manager.remove_handler(&logger).await?;
    /// assert_eq!(logger.into_messages(), ["hello"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "delete_handler")]
    pub fn remove_handler<H: Send + 'static>(&self, handler: &HandlerRef<H>) -> Remove<'_, E, I, H> {
        Remove::new(self, handler.clone())
    }

    /// Puts a handler in the place of another: the old one is told that it goes, then `make` makes the new one of what is left,
    /// in the manager, and its init runs. No event comes in between. The new one stands behind the others, as one that is
    /// added; one that a callback is [swapped for](crate::React::swap) takes the position too.
    ///
    /// The old one goes in any case, as in OTP: if there was none, `make` is told so and the new one is added all the same; and
    /// if the new one cannot be added, neither is there.
    ///
    /// An owner of the old one is told who has its place, and is not the owner of the new one, unless it is
    /// [said to be](Swap::owned_by).
    ///
    /// # Errors
    ///
    /// [`SwapHandlerError`](crate::SwapHandlerError), with the new handler in it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is polled swaps nothing; later, the handlers may have been swapped.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let first = manager.add_handler(LoggerHandler::new()).await?;
    /// manager.notify("hello")?;
    /// let second = manager.swap_handler(&first, |left| left.unwrap_or_default()).id("second").await?;
    /// manager.notify("world")?;
    /// assert_eq!(manager.remove_handler(&second).await?.into_messages(), ["hello", "world"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_handler<O, H, F>(&self, old: &HandlerRef<O>, make: F) -> Swap<'_, E, I, O, H, F>
    where
        O: Send + 'static,
        H: Handler<E, I>,
        F: FnOnce(Result<O, NothingLeft>) -> H + Send + 'static,
    {
        Swap::new(self, old.clone(), make, slot::plain::<E, I, H>)
    }

    /// Puts a handler that awaits in the place of another: see [`swap_handler`](Self::swap_handler).
    pub fn swap_async_handler<O, H, F>(&self, old: &HandlerRef<O>, make: F) -> Swap<'_, E, I, O, H, F>
    where
        O: Send + 'static,
        H: AsyncHandler<E, I>,
        F: FnOnce(Result<O, NothingLeft>) -> H + Send + 'static,
    {
        Swap::new(self, old.clone(), make, slot::awaiting::<E, I, H>)
    }

    /// Asks one handler something, and waits for the answer.
    ///
    /// The message is made by `make`, usually a variant of the handler's own [`Call`](Handler::Call), from the
    /// [`Client`] that is to be answered.
    ///
    /// # Errors
    ///
    /// [`CallHandlerError`](crate::CallHandlerError). A manager that does not come to it within five seconds, or what
    /// [`timeout`](CallHandler::timeout) says, is one.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the answer; the handler is asked all the same, unless it was never polled.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager, Messages};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// manager.notify("hello")?;
    /// assert_eq!(manager.call(&logger, Messages).await?, ["hello"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<H, R, F>(&self, handler: &HandlerRef<H>, make: F) -> CallHandler<'_, E, I, R>
    where
        H: Handler<E, I>,
        R: Send + 'static,
        F: FnOnce(Client<R>) -> H::Call + Send + 'static,
    {
        CallHandler::new(self, handler.id(), move |id, caller| question(id, caller, make))
    }

    /// Asks a handler that awaits something: see [`call`](Self::call).
    pub fn call_async_handler<H, R, F>(&self, handler: &HandlerRef<H>, make: F) -> CallHandler<'_, E, I, R>
    where
        H: AsyncHandler<E, I>,
        R: Send + 'static,
        F: FnOnce(Client<R>) -> H::Call + Send + 'static,
    {
        CallHandler::new(self, handler.id(), move |id, caller| question(id, caller, make))
    }

    /// Asks one handler something, and does not wait for the answer yet: see [`Request`](genserver::Request).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager, Messages};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// let request = manager.send_request(&logger, Messages);
    /// assert!(request.await??.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_request<H, R, F>(&self, handler: &HandlerRef<H>, make: F) -> Asked<Result<R, CallHandlerError>>
    where
        H: Handler<E, I>,
        R: Send + 'static,
        F: FnOnce(Client<R>) -> H::Call,
    {
        let id = handler.id();
        self.server.send_request(move |caller| question(id, caller, make))
    }

    /// The handlers and streams it has, newest first.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running, or ends before.
    pub async fn which_handlers(&self) -> Result<Vec<HandlerId>, CallError> {
        let which = |caller| Request(Ask::Change(Box::new(Change::Which(caller))));
        self.server.call(which).no_timeout().await
    }

    /// All events from now on, as a stream: see [`EventStream`].
    pub fn stream(&self) -> EventStream<E, I>
    where
        E: Clone,
    {
        EventStream::new(self.clone())
    }

    /// A sink whose items are events: see [`EventSink`].
    pub fn sink(&self) -> EventSink<E, I> {
        EventSink::new(self.clone())
    }

    /// Has every item of a stream be an event, sent as by [`notify`](Self::notify), until the stream ends or is
    /// [detached](Self::detach). So a stream of one manager can be joined to another.
    ///
    /// The manager draws the next item when it is done with the one before.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running, or ends before.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::{LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let numbers = Manager::start().await?;
    /// let texts = Manager::<String>::start().await?;
    /// let logger = texts.add_handler(LoggerHandler::new()).await?;
    ///
    /// let mut stream = numbers.stream();
    /// stream.subscribe().await?;
    /// texts.attach(stream.filter_map(async |number: Result<u8, _>| Some(number.ok()?.to_string()))).await?;
    /// numbers.sync_notify(7).await?;
    /// assert_eq!(texts.remove_handler(&logger).await?.into_messages(), ["7"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn attach(&self, stream: impl Stream<Item = E> + Send + 'static) -> Result<AttachRef, CallError> {
        let stream = Box::pin(stream);
        let attach = move |caller| Request(Ask::Change(Box::new(Change::Attach(stream, caller))));
        self.server.call(attach).no_timeout().await
    }

    /// Lets go of a stream that was [attached](Self::attach). Whether it still was.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running, or ends before.
    pub async fn detach(&self, attached: AttachRef) -> Result<bool, CallError> {
        let detach = move |caller| Request(Ask::Change(Box::new(Change::Detach(attached, caller))));
        self.server.call(detach).no_timeout().await
    }

    /// Ends the manager: its handlers are told, newest first, then their owners; streams end when they have handed out what was
    /// sent before. See [`ServerRef::stop`].
    pub fn stop(&self) -> Stop {
        self.server.stop()
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// The name it was started with.
    pub fn name(&self) -> Option<&Name> {
        self.server.name()
    }

    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// The manager as a process of any kind.
    pub fn process_ref(&self) -> ProcessRef {
        self.server.process_ref()
    }

    /// The manager as a server.
    pub fn server(&self) -> &ServerRef<ManagerServer<E, I>> {
        &self.server
    }
}

/// An event on its way, which is awaited: a [`Call`] like any other.
pub type Notified<'a, E, I, F> = Call<'a, ManagerServer<E, I>, (), F>;

/// When it is too late.
fn after(within: Duration) -> Option<std::time::Instant> {
    genserver::time::now().checked_add(within)
}

/// What one handler is asked.
fn question<E: Event, I: Event, C: Send + 'static, R: Send + 'static>(
    id: HandlerId,
    caller: Caller<Result<R, CallHandlerError>>,
    make: impl FnOnce(Client<R>) -> C,
) -> Request<E, I> {
    let client = Client::new(caller);
    let unanswered = client.unanswered();
    let question = Question { call: Box::new(make(client)), type_name: std::any::type_name::<C>() };
    Request(Ask::Change(Box::new(Change::Call(id, question, unanswered))))
}

impl<E: Event, I: Event> From<ServerRef<ManagerServer<E, I>>> for Manager<E, I> {
    fn from(server: ServerRef<ManagerServer<E, I>>) -> Self {
        Self { server }
    }
}

impl<E: Event, I: Event> AsProcess for Manager<E, I> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.server.as_process()
    }
}

impl<E: Event, I: Event> AsServer for Manager<E, I> {
    type Server = ManagerServer<E, I>;

    fn as_server(&self) -> Result<ServerRef<ManagerServer<E, I>>, CallError> {
        Ok(self.server.clone())
    }
}

impl<E: Event, I: Event> Clone for Manager<E, I> {
    fn clone(&self) -> Self {
        Self { server: self.server.clone() }
    }
}

impl<E: Event, I: Event> PartialEq for Manager<E, I> {
    fn eq(&self, other: &Self) -> bool {
        self.server == other.server
    }
}

impl<E: Event, I: Event> Eq for Manager<E, I> {}

impl<E: Event, I: Event> fmt::Debug for Manager<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Manager").field(&self.server).finish()
    }
}
