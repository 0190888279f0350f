//! The requests about handlers that a manager takes: add, remove, swap, call.

use genserver::{AsServer, CallError, Caller, Request as Asked};

use super::{AddHandler, CallHandler, Manager, RemoveHandler, SwapHandler};
use crate::handler::{AsyncHandler, Handler, HandlerCaller, awaiting, plain};
use crate::server::{CallKind, HandlerCall, ManagerCall, ManagerServer, OtherCall};
use crate::values::{CallHandlerError, Event, HandlerId, HandlerRef, OldHandlerError};

impl<E: Event, I: Event, T: AsServer<Server = ManagerServer<E, I>>> Manager<E, I, T> {
    /// Adds a handler after the others: its init runs in the manager, and from then on it sees every event.
    ///
    /// Returns a builder, which adds the handler when awaited and resolves to a reference to it. Before that, it can be
    /// given an [`id`](AddHandler::id) besides its type, and an [owner](AddHandler::owned_by).
    ///
    /// # Errors
    ///
    /// [`AddHandlerError`](crate::AddHandlerError), with the handler in it unless the manager has ended during its init.
    /// There is no time limit, as in OTP: it waits until the manager takes the request and the init is done.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is polled adds nothing. After that, the handler may have been added.
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
    pub fn add_handler<H: Handler<E, I>>(&self, handler: H) -> AddHandler<'_, E, I, H, T> {
        AddHandler::new(self, handler, plain::<E, I, H>)
    }

    /// Adds a handler whose callbacks await: see [`add_handler`](Self::add_handler) and [`AsyncHandler`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{AsyncHandler, HandlerCx, Manager, React, Reaction};
    /// use genserver::Never;
    /// use tokio::sync::mpsc;
    ///
    /// /// Waits for space in a channel, and leaves when the receiver is gone.
    /// struct Outbox(mpsc::Sender<u8>);
    ///
    /// impl AsyncHandler<u8> for Outbox {
    ///     type Call = Never;
    ///
    ///     async fn handle_event(&mut self, event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
    ///         match self.0.send(*event).await {
    ///             Ok(()) => React::stay(),
    ///             Err(_) => React::leave(),
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(Outbox(sender)).await?;
    /// manager.notify(1)?;
    /// manager.notify(2)?;
    /// assert_eq!((receiver.recv().await, receiver.recv().await), (Some(1), Some(2)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_async_handler<H: AsyncHandler<E, I>>(&self, handler: H) -> AddHandler<'_, E, I, H, T> {
        AddHandler::new(self, handler, awaiting::<E, I, H>)
    }

    /// Removes a handler, after its terminate, and returns it.
    ///
    /// # Errors
    ///
    /// [`RemoveHandlerError`](crate::RemoveHandlerError). If the manager ends before it answers, the handler is lost with
    /// it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is polled removes nothing. After that, the handler may have been removed.
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
    pub fn remove_handler<H: Send + 'static>(&self, handler: &HandlerRef<H>) -> RemoveHandler<'_, E, I, H, T> {
        RemoveHandler::new(self, handler.clone())
    }

    /// Swaps a handler for another. The old handler terminates, `make` makes the new one from it, and the new one's init
    /// runs, all in the manager and with no event in between. The new handler comes after the others, like one that is
    /// added. To keep the position, a callback can [swap](crate::React::swap) itself.
    ///
    /// The old handler goes in any case, as in OTP. If it was not there, `make` gets an error and the new one is added all
    /// the same. If the new one cannot be added, neither is there.
    ///
    /// The owner of the old handler is told what replaced it. The new handler has no owner unless it is [given
    /// one](SwapHandler::owned_by).
    ///
    /// # Errors
    ///
    /// [`SwapHandlerError`](crate::SwapHandlerError), with the new handler in it, or with `make` if the manager did not
    /// take the request.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before it is polled swaps nothing. After that, the handlers may have been swapped.
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
    /// let second =
    ///     manager.swap_handler(&first, |left| left.unwrap_or_default()).id("second").await?;
    /// manager.notify("world")?;
    /// assert_eq!(manager.remove_handler(&second).await?.into_messages(), ["hello", "world"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_handler<O, H, F>(&self, old: &HandlerRef<O>, make: F) -> SwapHandler<'_, E, I, O, H, F, T>
    where
        O: Send + 'static,
        H: Handler<E, I>,
        F: FnOnce(Result<O, OldHandlerError>) -> H + Send + 'static,
    {
        SwapHandler::new(self, old.clone(), make, plain::<E, I, H>)
    }

    /// Swaps a handler for one whose callbacks await: see [`swap_handler`](Self::swap_handler).
    pub fn swap_async_handler<O, H, F>(&self, old: &HandlerRef<O>, make: F) -> SwapHandler<'_, E, I, O, H, F, T>
    where
        O: Send + 'static,
        H: AsyncHandler<E, I>,
        F: FnOnce(Result<O, OldHandlerError>) -> H + Send + 'static,
    {
        SwapHandler::new(self, old.clone(), make, awaiting::<E, I, H>)
    }

    /// Asks one handler something, and waits for the answer.
    ///
    /// `make` makes the message from the [`HandlerCaller`] to be answered: usually it is a variant of the handler's
    /// [`Call`](Handler::Call).
    ///
    /// # Errors
    ///
    /// [`CallHandlerError`](crate::CallHandlerError), also if the handler does not answer within five seconds or the
    /// [`timeout`](CallHandler::timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the answer. The handler is asked all the same, unless it was never polled.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager, LoggedMessages};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let logger = manager.add_handler(LoggerHandler::new()).await?;
    /// manager.notify("hello")?;
    /// assert_eq!(manager.call(&logger, LoggedMessages).await?, ["hello"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<H, R, F>(&self, handler: &HandlerRef<H>, make: F) -> CallHandler<'_, E, I, R, T>
    where
        H: Handler<E, I>,
        R: Send + 'static,
        F: FnOnce(HandlerCaller<R>) -> H::Call + Send + 'static,
    {
        CallHandler::new(self, handler.id(), move |id, caller| question(id, caller, make))
    }

    /// Asks a handler whose callbacks await: see [`call`](Self::call).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{AsyncHandler, HandlerCaller, HandlerCx, Manager, React, Reaction};
    ///
    /// struct Slow(u32);
    /// struct Count(HandlerCaller<u32>);
    ///
    /// impl AsyncHandler<()> for Slow {
    ///     type Call = Count;
    ///
    ///     async fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         self.0 += 1;
    ///         React::stay()
    ///     }
    ///
    ///     async fn handle_call(
    ///         &mut self,
    ///         Count(client): Count,
    ///         _cx: &mut HandlerCx<()>,
    ///     ) -> Reaction<()> {
    ///         React::reply(client, self.0)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let slow = manager.add_async_handler(Slow(0)).await?;
    /// manager.notify(())?;
    /// assert_eq!(manager.call_async_handler(&slow, Count).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call_async_handler<H, R, F>(&self, handler: &HandlerRef<H>, make: F) -> CallHandler<'_, E, I, R, T>
    where
        H: AsyncHandler<E, I>,
        R: Send + 'static,
        F: FnOnce(HandlerCaller<R>) -> H::Call + Send + 'static,
    {
        CallHandler::new(self, handler.id(), move |id, caller| question(id, caller, make))
    }

    /// Asks one handler something without waiting for the answer yet: see [`Request`](genserver::Request).
    pub fn send_request<H, R, F>(&self, handler: &HandlerRef<H>, make: F) -> Asked<Result<R, CallHandlerError>>
    where
        H: Handler<E, I>,
        R: Send + 'static,
        F: FnOnce(HandlerCaller<R>) -> H::Call,
    {
        let id = handler.id();
        self.server.send_request(move |caller| question(id, caller, make))
    }

    /// The handlers and streams of the manager, newest first.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running or ends first.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// let first = manager.add_handler(LoggerHandler::new()).await?;
    /// let second = manager.add_handler(LoggerHandler::new()).id("second").await?;
    /// assert_eq!(manager.which_handlers().await?, [second.id(), first.id()]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn which_handlers(&self) -> Result<Vec<HandlerId>, CallError> {
        let which = |caller| ManagerCall(CallKind::Other(Box::new(OtherCall::Which(caller))));
        self.server.call(which).no_timeout().await
    }
}

/// The request that asks one handler something.
fn question<E: Event, I: Event, C: Send + 'static, R: Send + 'static>(
    id: HandlerId,
    caller: Caller<Result<R, CallHandlerError>>,
    make: impl FnOnce(HandlerCaller<R>) -> C,
) -> ManagerCall<E, I> {
    let client = HandlerCaller::new(caller);
    let unanswered = client.unanswered();
    let question = HandlerCall { call: Box::new(make(client)), type_name: std::any::type_name::<C>() };
    ManagerCall(CallKind::Other(Box::new(OtherCall::Call(id, question, unanswered))))
}
