//! Handlers that pass events on.

use std::fmt;

use genserver::{CallError, CastError, Never, Reason, Recipient};

use crate::handler::{AsyncHandler, Handler, HandlerCx, React, Reaction};
use crate::manager::Manager;
use crate::values::{Event, NotifyError, NotifyMode};

/// A handler that passes a copy of every event on: to a server, a probe, a channel.
///
/// It leaves when the receiver has ended. If the receiver's mailbox is full, the handler fails and is reported: no event is
/// lost silently.
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
/// manager.add_handler(Forwarder::to(probe.sender())).bound_to(&probe).await?;
/// manager.sync_notify(("hello", "world")).await?;
/// assert_eq!(probe.try_recv(), Some(Letter::Message(("hello", "world"))));
/// # Ok(())
/// # }
/// ```
pub struct Forwarder<E: Event>(Forward<E>);

type Forward<E> = Box<dyn FnMut(&E) -> Result<(), Unforwarded> + Send>;

/// Why an event was not passed on.
enum Unforwarded {
    /// The receiver has ended.
    Gone,
    /// The receiver refused the event, for this reason.
    Refused(String),
}

impl<E: Event + Clone> Forwarder<E> {
    /// Creates a forwarder to a process: pass a [`ServerRef::recipient`](genserver::ServerRef::recipient), or a probe's
    /// [`sender`](genserver::Probe::sender).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Forwarder, Manager};
    /// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
    /// # #[derive(Default)]
    /// # struct Inbox(Vec<u8>);
    /// # struct Got(Caller<Vec<u8>>);
    /// # impl GenServer for Inbox {
    /// #     type Args = ();
    /// #     type Call = Got;
    /// #     type Cast = u8;
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self::default()) }
    /// #     async fn handle_call(&mut self, Got(caller): Got, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         Next::reply(caller, self.0.clone())
    /// #     }
    /// #     async fn handle_cast(&mut self, number: u8, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         self.0.push(number);
    /// #         Next::wait()
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let inbox = genserver::start::<Inbox>(()).await?;
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Forwarder::to(inbox.recipient(|number: u8| number))).await?;
    /// manager.sync_notify(1).await?;
    /// assert_eq!(inbox.call(Got).await?, [1]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn to(recipient: impl Into<Recipient<E>>) -> Self {
        let recipient = recipient.into();
        Self(Box::new(move |event| recipient.send(event.clone()).map_err(Into::into)))
    }
}

impl<E: Event> Forwarder<E> {
    /// Creates a forwarder that calls a function with each event, for instance to send it into a channel. If the function
    /// returns an error, the handler fails with it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use genevent::{Forwarder, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, receiver) = mpsc::sync_channel(8);
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Forwarder::with(move |event: &u8| sender.try_send(*event))).await?;
    /// manager.sync_notify(1).await?;
    /// assert_eq!(receiver.try_recv()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with<X: fmt::Display>(mut forward: impl FnMut(&E) -> Result<(), X> + Send + 'static) -> Self {
        Self(Box::new(move |event| forward(event).map_err(|error| Unforwarded::Refused(error.to_string()))))
    }
}

impl<M> From<CastError<M>> for Unforwarded {
    fn from(refused: CastError<M>) -> Self {
        if refused.is_full() { Self::Refused(refused.to_string()) } else { Self::Gone }
    }
}

impl<E: Event, I: Event> Handler<E, I> for Forwarder<E> {
    type Call = Never;

    fn handle_event(&mut self, event: &E, _cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        match (self.0)(event) {
            Ok(()) => React::stay(),
            Err(Unforwarded::Gone) => React::leave(),
            Err(Unforwarded::Refused(why)) => Err(Reason::term(why)),
        }
    }
}

impl<E: Event> fmt::Debug for Forwarder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").finish_non_exhaustive()
    }
}

/// A handler that passes a copy of every event on to another manager, in the same [mode](crate::NotifyMode) in which it was
/// sent: a sender that used [`sync_notify`](Manager::sync_notify) waits for the handlers of both managers. So managers can
/// form chains and trees.
///
/// It leaves when the other manager has ended. In a cycle of managers that would wait for each other, one of them gets an
/// error instead of waiting, and its forwarder is removed.
///
/// # Examples
///
/// ```
/// use genevent::{ForwardToManager, LoggerHandler, Manager};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (shop, city) = (Manager::<String>::start().await?, Manager::<String>::start().await?);
/// shop.add_async_handler(ForwardToManager::new(&city)).await?;
/// let logger = city.add_handler(LoggerHandler::new()).await?;
/// shop.sync_notify("open".to_owned()).await?;
/// assert_eq!(city.remove_handler(&logger).await?.into_messages(), ["open"]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "add_process_handler")]
#[derive(Debug)]
pub struct ForwardToManager<E: Event, I: Event = Never>(Manager<E, I>);

impl<E: Event, I: Event> ForwardToManager<E, I> {
    /// Creates a forwarder to this manager.
    pub fn new(manager: &Manager<E, I>) -> Self {
        Self(manager.clone())
    }
}

impl<E: Event + Clone, I: Event, J: Event> AsyncHandler<E, J> for ForwardToManager<E, I> {
    type Call = Never;

    async fn handle_event(&mut self, event: &E, cx: &mut HandlerCx<E, J>) -> Reaction<E, J> {
        let event = event.clone();
        let forwarded = match cx.mode() {
            NotifyMode::Async => {
                // Waits while the mailbox is full: a plain `notify` would lose the event.
                let _ended = self.0.notify_wait(event).await;
                return if self.0.is_alive() { React::stay() } else { React::leave() };
            }
            NotifyMode::Ack => self.0.ack_notify(event).no_timeout().await,
            NotifyMode::Sync => self.0.sync_notify(event).no_timeout().await,
        };
        match forwarded {
            Ok(()) => React::stay(),
            Err(NotifyError::Manager(CallError::NoProc { .. } | CallError::Exit { .. })) => React::leave(),
            // What is refused there is refused here, so that the sender hears of it.
            Err(error @ NotifyError::Refused { .. }) => React::refuse(error),
            Err(error) => Err(error.into()),
        }
    }
}
