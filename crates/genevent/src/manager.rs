//! The client side of a manager.

use std::fmt;
use std::time::Duration;

use futures::Stream;
use genserver::{
    AsProcess, AsServer, AttachRef, Call, CallError, Caller, CastError, CastWait, Name, Pid, ProcessRef, ServerRef,
    Stop, Timer,
};

use crate::handler::HandlerCx;
use crate::server::{CallKind, InfoKind, ManagerCall, ManagerInfo, ManagerServer, OtherCall};
use crate::values::Event;

// How one is started, and found by its name.
mod starts;
// Handlers: adding, removing, swapping and asking them.
mod handlers;
// What is asked of one handler, before it is sent.
mod handler_requests;
// A manager by its name.
mod named;

pub use handler_requests::{AddHandler, CallHandler, RemoveHandler, SwapHandler};
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
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// for number in 0..10_000 {
    ///     manager.ack_notify(number).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn ack_notify(
        &self,
        event: E,
    ) -> NotifyCall<'_, E, I, impl FnOnce(Caller<()>) -> ManagerCall<E, I> + use<E, I>> {
        self.server.call(move |caller| ManagerCall(CallKind::Ack(event, None, caller)))
    }

    /// As [`ack_notify`](Self::ack_notify), but nobody waits for longer than `within`: neither does the caller, nor the manager for
    /// the consumers of streams to receive the event. Only for room under [`LagPolicy::Wait`](crate::LagPolicy::Wait) it waits as long as it takes,
    /// for otherwise the event would be lost to that consumer.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use genevent::Manager;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut stuck = manager.stream();
    /// stuck.subscribe().await?;
    /// manager.ack_notify_within("hello", Duration::from_millis(10)).await?;
    /// assert_eq!(manager.which_handlers().await?.len(), 1, "the manager has waited, and goes on");
    /// # Ok(())
    /// # }
    /// ```
    pub fn ack_notify_within(
        &self,
        event: E,
        within: Duration,
    ) -> NotifyCall<'_, E, I, impl FnOnce(Caller<()>) -> ManagerCall<E, I> + use<E, I>> {
        self.server.call(move |caller| ManagerCall(CallKind::Ack(event, after(within), caller))).timeout(within)
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
    /// [consumer](crate::EventStream#what-a-consumer-can-ask-its-manager) that the manager waits for, with [`CallError::Cycle`].
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
    pub fn sync_notify(
        &self,
        event: E,
    ) -> NotifyCall<'_, E, I, impl FnOnce(Caller<()>) -> ManagerCall<E, I> + use<E, I>> {
        self.server.call(move |caller| ManagerCall(CallKind::Sync(event, None, caller)))
    }

    /// As [`sync_notify`](Self::sync_notify), but nobody waits for longer than `within`: neither does the caller, nor the manager
    /// for the consumers of streams to be done. So one that is stuck does not hold up the others for ever, unless it has asked for
    /// that with [`LagPolicy::Wait`](crate::LagPolicy::Wait): for room in its buffer the manager waits as long as it takes.
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
    ) -> NotifyCall<'_, E, I, impl FnOnce(Caller<()>) -> ManagerCall<E, I> + use<E, I>> {
        self.server.call(move |caller| ManagerCall(CallKind::Sync(event, after(within), caller))).timeout(within)
    }

    /// Sends a plain message: every handler sees it in [`handle_info`](crate::Handler::handle_info), and no stream does. A manager takes
    /// them if it was [started so](Self::start_with_info).
    ///
    /// # Errors
    ///
    /// The message comes back if the manager has ended, or its mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Refresh;
    /// struct Prices(u32);
    ///
    /// impl Handler<String, Refresh> for Prices {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, _: &String, _cx: &mut HandlerCx<String, Refresh>) -> Reaction<String, Refresh> {
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_info(&mut self, _: &Refresh, _cx: &mut HandlerCx<String, Refresh>) -> Reaction<String, Refresh> {
    ///         self.0 += 1;
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start_with_info().await?;
    /// let prices = manager.add_handler(Prices(0)).await?;
    /// manager.send(Refresh)?;
    /// assert_eq!(manager.remove_handler(&prices).await?.0, 1);
    ///
    /// manager.stop().await?;
    /// let Refresh = manager.send(Refresh).unwrap_err().into_inner();
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "!")]
    pub fn send(&self, info: I) -> Result<(), CastError<I>> {
        let told = self.server.send(ManagerInfo(InfoKind::Plain(info)));
        told.map_err(|refused| {
            refused.map(|ManagerInfo(told)| match told {
                InfoKind::Plain(info) => info,
                _ => unreachable!("what is refused is what was sent"),
            })
        })
    }

    /// Sends a plain message later: see [`ServerRef::send_after`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{Never, time};
    ///
    /// struct Closing;
    /// struct Shop {
    ///     open: bool,
    /// }
    ///
    /// impl Handler<String, Closing> for Shop {
    ///     // ...
    ///     # type Call = Never;
    ///     # fn handle_event(&mut self, _: &String, _cx: &mut HandlerCx<String, Closing>) -> Reaction<String, Closing> {
    ///     #     React::stay()
    ///     # }
    ///
    ///     fn handle_info(&mut self, _: &Closing, _cx: &mut HandlerCx<String, Closing>) -> Reaction<String, Closing> {
    ///         self.open = false;
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start_with_info().await?;
    /// let shop = manager.add_handler(Shop { open: true }).await?;
    /// manager.send_after(Duration::from_secs(8 * 60 * 60), Closing);
    /// time::sleep(Duration::from_secs(9 * 60 * 60)).await;
    /// assert!(!manager.remove_handler(&shop).await?.open);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_after(&self, delay: Duration, info: I) -> Timer {
        self.server.send_after(delay, ManagerInfo(InfoKind::Plain(info)))
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
        let attach = move |caller| ManagerCall(CallKind::Other(Box::new(OtherCall::Attach(stream, caller))));
        self.server.call(attach).no_timeout().await
    }

    /// Lets go of a stream that was [attached](Self::attach). Whether it still was.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running, or ends before.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::stream;
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<u8>::start().await?;
    /// let endless = manager.attach(stream::pending()).await?;
    /// assert!(manager.detach(endless).await?);
    /// assert!(!manager.detach(endless).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn detach(&self, attached: AttachRef) -> Result<bool, CallError> {
        let detach = move |caller| ManagerCall(CallKind::Other(Box::new(OtherCall::Detach(attached, caller))));
        self.server.call(detach).no_timeout().await
    }

    /// Ends the manager: its handlers are told, newest first, then their owners; streams end when they have handed out what was
    /// sent before. See [`ServerRef::stop`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<u8>::start().await?;
    /// manager.stop().await?;
    /// assert!(!manager.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self) -> Stop {
        self.server.stop()
    }

    /// Its pid.
    ///
    /// # Examples
    ///
    /// What its owner is told of a handler says of which manager:
    ///
    /// ```
    /// use genevent::{HandlerGone, LoggerHandler, Manager};
    /// use genserver::{Letter, Probe};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut owner = Probe::<HandlerGone>::new();
    /// let (shop, city) = (Manager::<String>::start().await?, Manager::<String>::start().await?);
    /// for manager in [&shop, &city] {
    ///     manager.add_handler(LoggerHandler::new()).owned_by(owner.sender()).await?;
    /// }
    /// city.stop().await?;
    /// let Some(Letter::Message(gone)) = owner.try_recv() else { panic!("the owner is told") };
    /// assert_eq!(gone.manager, city.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// The name it was started with.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let named = Manager::<String>::start().name("harbour events").await?;
    /// assert_eq!(named.name().map(ToString::to_string).as_deref(), Some("harbour events"));
    /// assert_eq!(Manager::<String>::start().await?.name(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> Option<&Name> {
        self.server.name()
    }

    /// Whether it runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// assert!(manager.is_alive());
    /// manager.process_ref().kill();
    /// assert!(!manager.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// The manager as a process of any kind.
    ///
    /// # Examples
    ///
    /// For what is done with any process:
    ///
    /// ```
    /// use genevent::Manager;
    /// use genserver::Reason;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// let ended = manager.process_ref().ended();
    /// manager.process_ref().exit(Reason::term("no more news"));
    /// assert_eq!(ended.await, Reason::term("no more news"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_ref(&self) -> ProcessRef {
        self.server.process_ref()
    }

    /// The manager as a server.
    ///
    /// # Examples
    ///
    /// How many events wait in its mailbox:
    ///
    /// ```
    /// use genevent::Manager;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.notify("one")?;
    /// manager.notify("two")?;
    /// assert_eq!(manager.server().info().mailbox, 2);
    /// manager.sync_notify("three").await?;
    /// assert_eq!(manager.server().info().mailbox, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn server(&self) -> &ServerRef<ManagerServer<E, I>> {
        &self.server
    }
}

/// An event on its way, which is awaited: a [`Call`] like any other.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use genevent::Manager;
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let notified = manager.sync_notify("hello").timeout(Duration::from_secs(60));
/// // Nothing is sent before this:
/// notified.await?;
/// # Ok(())
/// # }
/// ```
pub type NotifyCall<'a, E, I, F> = Call<'a, ManagerServer<E, I>, (), F>;

/// When it is too late.
fn after(within: Duration) -> Option<std::time::Instant> {
    genserver::time::now().checked_add(within)
}

/// What a handler's callback knows of its manager in full: here, since the callbacks lie below the managers.
impl<E: Event, I: Event> HandlerCx<E, I> {
    /// The manager; none if it has just been killed.
    ///
    /// Only [`notify`](Manager::notify) and [`send`](Manager::send) make sense from here. Whatever would wait for the manager is
    /// refused at once with [`CallError::CallingSelf`]: it is busy with this very callback.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, LoggerHandler, Manager, React, Reaction};
    /// use genserver::{Never, Reason};
    ///
    /// struct Herald;
    ///
    /// impl Handler<&'static str> for Herald {
    ///     type Call = Never;
    ///
    ///     fn init(&mut self, cx: &mut HandlerCx<&'static str>) -> Result<(), Reason> {
    ///         if let Some(manager) = cx.manager() {
    ///             manager.notify("the herald is here")?;
    ///         }
    ///         Ok(())
    ///     }
    ///
    ///     fn handle_event(&mut self, _event: &&'static str, _cx: &mut HandlerCx<&'static str>) -> Reaction<&'static str> {
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// manager.add_handler(Herald).await?;
    /// assert_eq!(manager.remove_handler(&logger).await?.into_messages(), ["the herald is here"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn manager(&self) -> Option<Manager<E, I>> {
        let process = self.process();
        let server = process.is_alive().then(|| process.downcast())??;
        Some(Manager::from(server))
    }
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
