//! The client side of a manager: a reference to it, and sending it events.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use futures::Stream;
use genserver::{
    AsProcess, AsServer, AttachRef, CallError, Caller, CastError, CastWait, FindError, Lookup, Name, Never, Pid,
    ProcessRef, ServerRef, Stop, Timer, WaitForServer,
};

use crate::handler::HandlerCx;
use crate::server::{CallKind, InfoKind, ManagerCall, ManagerInfo, ManagerServer, OtherCall};
use crate::values::{Event, NotifyAnswer};

// Starting a manager, and finding it by name.
mod starts;
// Adding, removing, swapping and calling handlers.
mod handlers;
// The builders that those return.
mod handler_requests;
// An event that is being sent.
mod notify_call;

pub use handler_requests::{AddHandler, CallHandler, RemoveHandler, SwapHandler};
pub use notify_call::NotifyCall;

/// An event manager: see [the crate's page](crate).
///
/// It is cheap to clone, and it neither keeps the manager alive nor ends it.
///
/// `T` says how the manager is found. A start returns a reference to one process. [`named`](Manager::named) makes one that looks a
/// name up at every use, and `From` makes one of anything else that refers to a server, such as a
/// [`ChildRef`](genserver::supervisor::ChildRef). Those can be made before the manager starts, and reach its successor after a
/// restart. What needs one process, as a [stream](Manager::stream) does, is there once it is [resolved](Manager::resolve).
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
pub struct Manager<E: Event, I: Event = Never, T = ServerRef<ManagerServer<E, I>>> {
    server: T,
    of: PhantomData<fn(E, I)>,
}

impl<E: Event, I: Event, T: AsServer<Server = ManagerServer<E, I>>> Manager<E, I, T> {
    /// Sends an event to all handlers without waiting for them.
    ///
    /// # Errors
    ///
    /// Returns the event if the manager has ended or its mailbox is full. To ignore that, as OTP does, write `let _ =`.
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

    /// Like [`notify`](Self::notify), but waits while the mailbox is full.
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
    pub fn notify_wait(&self, event: E) -> CastWait<Lookup<'_, T>> {
        self.server.cast_wait(event)
    }

    /// Sends an event, and waits until the manager has taken it out of its mailbox. No handler has seen it then.
    ///
    /// So a sender cannot outrun the manager. Before its next message, the manager waits until every [stream](Self::stream)
    /// has received the event.
    ///
    /// While a handler [refuses](crate::React::refuse) events, this waits for the handlers as [`sync_notify`](Self::sync_notify)
    /// does, and handlers see the event as sent by it.
    ///
    /// # Errors
    ///
    /// [`NotifyError::Manager`](crate::NotifyError::Manager), with the error of a [call](ServerRef::call): the manager is not
    /// running, ends first, or does not take the event within five seconds or the [`timeout`](NotifyCall::timeout). The event is
    /// not withdrawn then. [`NotifyError::Refused`](crate::NotifyError::Refused) means that a handler had refused an earlier event,
    /// and refuses this one.
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
    ) -> NotifyCall<'_, T, impl FnOnce(Caller<NotifyAnswer>) -> ManagerCall<E, I> + use<E, I, T>> {
        NotifyCall::new(self.server.call(move |caller| ManagerCall(CallKind::Ack(event, None, caller))))
    }

    /// Like [`ack_notify`](Self::ack_notify), with a deadline for everybody: the caller waits no longer than `within`, and
    /// neither does the manager for the consumers of streams to receive the event. The exception is
    /// [`LagPolicy::Wait`](crate::LagPolicy::Wait): the manager waits for space in that consumer's buffer as long as it
    /// takes, because the consumer would lose the event otherwise.
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
    /// manager.ack_notify_within("hello", Duration::from_millis(10)).await?;
    /// assert_eq!(manager.which_handlers().await?.len(), 1, "the manager has waited, and goes on");
    /// # Ok(())
    /// # }
    /// ```
    pub fn ack_notify_within(
        &self,
        event: E,
        within: Duration,
    ) -> NotifyCall<'_, T, impl FnOnce(Caller<NotifyAnswer>) -> ManagerCall<E, I> + use<E, I, T>> {
        NotifyCall::new(self.server.call(move |caller| ManagerCall(CallKind::Ack(event, after(within), caller))))
            .timeout(within)
    }

    /// Sends an event, and waits until every handler and the consumer of every [stream](Self::stream) is done with it.
    ///
    /// A failed handler is not an error here; it is [reported](crate#when-a-handler-fails). A handler that
    /// [holds](crate::Hold) the event is done when it says so, which may be later than the others.
    ///
    /// # Errors
    ///
    /// [`NotifyError::Refused`](crate::NotifyError::Refused): a handler has [refused](crate::React::refuse) the event. The others
    /// have seen it.
    ///
    /// [`NotifyError::Manager`](crate::NotifyError::Manager), with the error of a [call](ServerRef::call): the manager is not
    /// running, ends first, or is not done within five seconds or the [`timeout`](NotifyCall::timeout). The event is not withdrawn
    /// then, and the manager waits for consumers of streams at most a second longer. A handler that calls its own manager gets
    /// [`CallError::CallingSelf`] at once. A [consumer](crate::EventStream#calling-the-manager-from-its-consumer) that the manager
    /// waits for gets [`CallError::Cycle`]. [`CallError::NoReply`] means that a handler held the event and will never be done with
    /// it.
    pub fn sync_notify(
        &self,
        event: E,
    ) -> NotifyCall<'_, T, impl FnOnce(Caller<NotifyAnswer>) -> ManagerCall<E, I> + use<E, I, T>> {
        NotifyCall::new(self.server.call(move |caller| ManagerCall(CallKind::Sync(event, None, caller))))
    }

    /// Like [`sync_notify`](Self::sync_notify), with a deadline for everybody: the caller waits no longer than `within`,
    /// and neither does the manager for the consumers of streams to be done. So a stuck consumer does not hold up the
    /// others forever, unless it uses [`LagPolicy::Wait`](crate::LagPolicy::Wait): for space in its buffer the manager
    /// waits as long as it takes.
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
    ) -> NotifyCall<'_, T, impl FnOnce(Caller<NotifyAnswer>) -> ManagerCall<E, I> + use<E, I, T>> {
        NotifyCall::new(self.server.call(move |caller| ManagerCall(CallKind::Sync(event, after(within), caller))))
            .timeout(within)
    }

    /// Sends a plain message. Every handler gets it in [`handle_info`](crate::Handler::handle_info); streams do not. The
    /// manager has to be [started for plain messages](Self::start_with_info).
    ///
    /// # Errors
    ///
    /// Returns the message if the manager has ended or its mailbox is full.
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
    ///     fn handle_event(
    ///         &mut self,
    ///         _: &String,
    ///         _cx: &mut HandlerCx<String, Refresh>,
    ///     ) -> Reaction<String, Refresh> {
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_info(
    ///         &mut self,
    ///         _: &Refresh,
    ///         _cx: &mut HandlerCx<String, Refresh>,
    ///     ) -> Reaction<String, Refresh> {
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

    /// Sends every item of a stream as an event, as by [`notify`](Self::notify), until the stream ends or is
    /// [detached](Self::detach). This is how a stream of one manager feeds another.
    ///
    /// The manager polls for the next item when it is done with the last one.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running or ends first.
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
    /// texts
    ///     .attach(stream.filter_map(async |number: Result<u8, _>| Some(number.ok()?.to_string())))
    ///     .await?;
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

    /// Drops a stream that was [attached](Self::attach), and returns whether it was still attached.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running or ends first.
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

    /// Stops the manager. Handlers terminate newest first, then their owners are told. Streams end after the events that
    /// were sent before. See [`ServerRef::stop`].
    pub fn stop(&self) -> Stop<Lookup<'_, T, ProcessRef>> {
        self.server.stop()
    }

    /// Looks up the manager: the one process that this refers to now.
    ///
    /// # Errors
    ///
    /// As [`AsServer::as_server`]: [`FindError::NoProc`] if no process has the name, [`FindError::WrongServer`] if it belongs to
    /// something else.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    /// use genserver::FindError;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = Manager::<String>::named("theatre events");
    /// assert!(matches!(events.resolve(), Err(FindError::NoProc { .. })));
    ///
    /// let manager = Manager::<String>::start().name("theatre events").await?;
    /// assert_eq!(events.resolve()?, manager);
    ///
    /// let other = Manager::<u8>::named("theatre events");
    /// assert!(matches!(other.resolve(), Err(FindError::WrongServer { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn resolve(&self) -> Result<Manager<E, I>, FindError> {
        self.server.as_server().map(Manager::from)
    }

    /// What the manager is found by. It is a server, so [`sys`](genserver::sys), exits, and all else that a server can do work
    /// with it.
    ///
    /// # Examples
    ///
    /// Reading how many events wait in its mailbox:
    ///
    /// ```
    /// use genevent::Manager;
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
    pub fn server(&self) -> &T {
        &self.server
    }
}

/// What only a reference to one process has.
impl<E: Event, I: Event> Manager<E, I> {
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
    ///     fn handle_info(
    ///         &mut self,
    ///         _: &Closing,
    ///         _cx: &mut HandlerCx<String, Closing>,
    ///     ) -> Reaction<String, Closing> {
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

    /// The manager's pid.
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// The name that the manager was started with.
    pub fn name(&self) -> Option<&Name> {
        self.server.name()
    }

    /// Whether the manager is running.
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// The manager as a process.
    ///
    /// # Examples
    ///
    /// For functions that take any process:
    ///
    /// ```
    /// use genevent::Manager;
    /// use genserver::Reason;
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
}

/// The deadline.
fn after(within: Duration) -> Option<std::time::Instant> {
    genserver::time::now().checked_add(within)
}

// Here and not beside the type, because handlers lie below managers.
impl<E: Event, I: Event> HandlerCx<E, I> {
    /// The manager, or `None` if it was just killed.
    ///
    /// Only [`notify`](Manager::notify) and [`send`](Manager::send) make sense in a callback. A request that would wait for
    /// the manager fails at once with [`CallError::CallingSelf`]: the manager is busy running this callback.
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
    ///     fn handle_event(
    ///         &mut self,
    ///         _event: &&'static str,
    ///         _cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
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

impl<E: Event, I: Event, T: AsServer<Server = ManagerServer<E, I>>> From<T> for Manager<E, I, T> {
    fn from(server: T) -> Self {
        Self { server, of: PhantomData }
    }
}

impl<E: Event, I: Event, T: AsProcess> AsProcess for Manager<E, I, T> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.server.as_process()
    }

    fn pid_or_nobody(&self) -> Pid {
        self.server.pid_or_nobody()
    }
}

impl<E: Event, I: Event, T: AsServer<Server = ManagerServer<E, I>>> AsServer for Manager<E, I, T> {
    type Server = ManagerServer<E, I>;

    fn as_server(&self) -> Result<ServerRef<ManagerServer<E, I>>, FindError> {
        self.server.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, ManagerServer<E, I>>> {
        self.server.wait_for_server()
    }

    fn find_any_process(&self) -> Result<ProcessRef, FindError> {
        self.server.find_any_process()
    }
}

impl<E: Event, I: Event, T: Clone> Clone for Manager<E, I, T> {
    fn clone(&self) -> Self {
        Self { server: self.server.clone(), of: PhantomData }
    }
}

/// Two managers are equal if their references are: two `ServerRef`s are if they refer to one process.
impl<E: Event, I: Event, T: PartialEq> PartialEq for Manager<E, I, T> {
    fn eq(&self, other: &Self) -> bool {
        self.server == other.server
    }
}

impl<E: Event, I: Event, T: Eq> Eq for Manager<E, I, T> {}

impl<E: Event, I: Event, T: fmt::Debug> fmt::Debug for Manager<E, I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Manager").field(&self.server).finish()
    }
}
