//! The builders of requests about one handler: add, remove, swap, call.

use std::any::Any;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures::future::BoxFuture;
use genserver::{AsProcess, AsServer, Caller, Pid, ProcessRef, Recipient, ServerRef};

use super::Manager;
use crate::handler::HandlerEntry;
use crate::server::{
    AddFailure, AddRequest, CallKind, MakeSuccessor, ManagerCall, ManagerServer, OtherCall, OwnerSpec, RemoveFailure,
    SwapRequest, TakeOnce,
};
use crate::values::{
    AddHandlerError, CallHandlerError, Event, HandlerGone, HandlerId, HandlerRef, InstanceId, MakeHandler,
    OldHandlerError, RemoveHandlerError, ReturnedHandler, SwapHandlerError, TerminateArg,
};

/// Stores a handler under an id.
type MakeEntry<E, I, H> = fn(H, HandlerId) -> HandlerEntry<E, I>;

/// A handler to be added: made by [`Manager::add_handler`], and added when awaited.
#[must_use = "a handler is added when this is awaited"]
pub struct AddHandler<'a, E: Event, I: Event, H, T = ServerRef<ManagerServer<E, I>>> {
    manager: &'a Manager<E, I, T>,
    handler: H,
    place: HandlerRef<H>,
    owner: Option<OwnerSpec>,
    seat: MakeEntry<E, I, H>,
}

impl<'a, E: Event, I: Event, H: Send + 'static, T> AddHandler<'a, E, I, H, T> {
    pub(super) fn new(manager: &'a Manager<E, I, T>, handler: H, seat: MakeEntry<E, I, H>) -> Self {
        Self { manager, handler, place: HandlerRef::new(), owner: None, seat }
    }

    /// Sets an id besides the type: OTP's `{Module, Id}`. So a manager can have several handlers of one type.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let short = manager.add_handler(LoggerHandler::keeping(1)).id("short").await?;
    /// let long = manager.add_handler(LoggerHandler::keeping(100)).id("long").await?;
    /// manager.notify("hello")?;
    /// manager.notify("world")?;
    /// assert_eq!(manager.remove_handler(&short).await?.into_messages(), ["world"]);
    /// assert_eq!(manager.remove_handler(&long).await?.into_messages(), ["hello", "world"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn id(mut self, id: impl Into<InstanceId>) -> Self {
        self.place = HandlerRef::with_id(id);
        self
    }

    /// Binds the handler to a process: when the process ends, for any reason, the handler is removed with
    /// [`TerminateReason::OwnerEnded`](crate::TerminateReason::OwnerEnded).
    ///
    /// The process is told nothing about the handler. To have it told, use [`owned_by`](Self::owned_by).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{LoggerHandler, Manager};
    /// use genserver::Probe;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// let owner = Probe::<()>::new();
    /// manager.add_handler(LoggerHandler::new()).bound_to(&owner).await?;
    /// assert_eq!(manager.which_handlers().await?.len(), 1);
    /// drop(owner);
    /// assert_eq!(manager.which_handlers().await?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "link")]
    pub fn bound_to(mut self, process: &impl AsProcess) -> Self {
        self.owner = Some(bound(process));
        self
    }

    /// Binds the handler to a process, as [`bound_to`](Self::bound_to) does, and sends that process a [`HandlerGone`] when
    /// the handler is gone: Elixir's `add_mon_handler`, OTP's `add_sup_handler`.
    ///
    /// The two monitor each other and are not linked. If the manager is killed, the owner gets nothing: to learn of that
    /// too, monitor the manager.
    ///
    /// # Examples
    ///
    /// A server with a message for it:
    ///
    /// ```
    /// use genevent::{GoneReason, HandlerGone, LoggerHandler, Manager};
    /// use genserver::Letter;
    ///
    /// # use genserver::Probe;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = Manager::<String>::start().await?;
    /// #[derive(Debug)]
    /// enum Info {
    ///     LoggerGone(HandlerGone),
    ///     // ...
    /// }
    ///
    /// // In a server's callback: `cx.this().info_recipient(Info::LoggerGone)`. Here it is a probe:
    /// let mut probe = Probe::new();
    /// let owner = probe.sender().recipient(Info::LoggerGone);
    ///
    /// let logger = manager.add_handler(LoggerHandler::new()).owned_by(owner).await?;
    /// manager.remove_handler(&logger).await?;
    /// let Some(Letter::Message(Info::LoggerGone(gone))) = probe.try_recv() else {
    ///     panic!("it is told")
    /// };
    /// assert_eq!(gone.why, GoneReason::Normal);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "add_mon_handler")]
    #[doc(alias = "add_sup_handler")]
    pub fn owned_by(mut self, owner: impl Into<Recipient<HandlerGone>>) -> Self {
        self.owner = Some(owned(owner.into()));
        self
    }
}

impl<E: Event, I: Event, H: Send + 'static, T: AsServer<Server = ManagerServer<E, I>>> AddHandler<'_, E, I, H, T> {
    async fn ask(self) -> Result<HandlerRef<H>, AddHandlerError<H>> {
        let Self { manager, handler, place, owner, seat } = self;
        let ours = TakeOnce::new(seat(handler, place.id()));
        let handler = ours.clone();
        let add = |caller| change(OtherCall::Add(AddRequest { handler, owner, caller }));
        let answer = manager.server().call(add).no_timeout().await.map_err(|error| AddHandlerError::Manager {
            error,
            returned: ours.take().map(|handler| returned(handler.slot.into_handler())),
        })?;
        match answer {
            Ok(()) => Ok(place),
            Err((manager, AddFailure::AlreadyPresent(handler))) => {
                Err(AddHandlerError::AlreadyPresent { manager, handler: place.id(), returned: returned(handler) })
            }
            Err((manager, AddFailure::Init(reason, handler))) => {
                Err(AddHandlerError::Init { manager, handler: place.id(), reason, returned: returned(handler) })
            }
            Err((_, AddFailure::Make(_))) => unreachable!("only a swap makes a handler"),
        }
    }
}

impl<'a, E: Event, I: Event, H: Send + 'static, T> IntoFuture for AddHandler<'a, E, I, H, T>
where
    T: AsServer<Server = ManagerServer<E, I>> + Sync,
{
    type Output = Result<HandlerRef<H>, AddHandlerError<H>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

/// A handler to be removed: made by [`Manager::remove_handler`], and removed when awaited.
#[must_use = "a handler is removed when this is awaited"]
pub struct RemoveHandler<'a, E: Event, I: Event, H, T = ServerRef<ManagerServer<E, I>>> {
    manager: &'a Manager<E, I, T>,
    handler: HandlerRef<H>,
    arg: TerminateArg,
}

impl<'a, E: Event, I: Event, H: Send + 'static, T> RemoveHandler<'a, E, I, H, T> {
    pub(super) fn new(manager: &'a Manager<E, I, T>, handler: HandlerRef<H>) -> Self {
        Self { manager, handler, arg: TerminateArg::default() }
    }

    /// Passes a value to the handler's terminate, in [`TerminateReason::Removed`](crate::TerminateReason::Removed).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, TerminateReason, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// #[derive(Default)]
    /// struct Guest(Option<&'static str>);
    ///
    /// impl Handler<()> for Guest {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         React::stay()
    ///     }
    ///
    ///     fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<()>) {
    ///         if let TerminateReason::Removed(mut arg) = why {
    ///             self.0 = arg.take();
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let guest = manager.add_handler(Guest::default()).await?;
    /// assert_eq!(manager.remove_handler(&guest).arg("farewell").await?.0, Some("farewell"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn arg<A: Send + 'static>(mut self, arg: A) -> Self {
        self.arg = TerminateArg::of(arg);
        self
    }
}

impl<E: Event, I: Event, H: Send + 'static, T: AsServer<Server = ManagerServer<E, I>>> RemoveHandler<'_, E, I, H, T> {
    async fn ask(self) -> Result<H, RemoveHandlerError<H>> {
        let Self { manager, handler, arg } = self;
        let id = handler.id();
        let remove = |caller| change(OtherCall::Remove(id, arg, caller));
        match manager.server().call(remove).no_timeout().await? {
            Ok(handler) => Ok(handler_of(handler)),
            Err((manager, RemoveFailure::NotFound)) => {
                Err(RemoveHandlerError::NotFound { manager, handler: handler.id() })
            }
            Err((manager, RemoveFailure::Terminate(reason, left))) => {
                Err(RemoveHandlerError::Terminate { manager, handler: handler.id(), reason, returned: returned(left) })
            }
        }
    }
}

impl<'a, E: Event, I: Event, H: Send + 'static, T> IntoFuture for RemoveHandler<'a, E, I, H, T>
where
    T: AsServer<Server = ManagerServer<E, I>> + Sync,
{
    type Output = Result<H, RemoveHandlerError<H>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

/// A handler to be swapped for another: made by [`Manager::swap_handler`], and swapped when awaited.
#[must_use = "handlers are swapped when this is awaited"]
pub struct SwapHandler<'a, E: Event, I: Event, O, H, F, T = ServerRef<ManagerServer<E, I>>> {
    manager: &'a Manager<E, I, T>,
    old: HandlerRef<O>,
    new: HandlerRef<H>,
    arg: TerminateArg,
    make: F,
    owner: Option<OwnerSpec>,
    seat: MakeEntry<E, I, H>,
}

impl<'a, E, I, O, H, F, T> SwapHandler<'a, E, I, O, H, F, T>
where
    E: Event,
    I: Event,
    O: Send + 'static,
    H: Send + 'static,
    F: FnOnce(Result<O, OldHandlerError>) -> H + Send + 'static,
{
    pub(super) fn new(manager: &'a Manager<E, I, T>, old: HandlerRef<O>, make: F, seat: MakeEntry<E, I, H>) -> Self {
        Self { manager, old, new: HandlerRef::new(), arg: TerminateArg::default(), make, owner: None, seat }
    }

    /// Sets the new handler's id besides its type.
    pub fn id(mut self, id: impl Into<InstanceId>) -> Self {
        self.new = HandlerRef::with_id(id);
        self
    }

    /// Passes a value to the old handler's terminate, in [`TerminateReason::Swapped`](crate::TerminateReason::Swapped).
    pub fn arg<A: Send + 'static>(mut self, arg: A) -> Self {
        self.arg = TerminateArg::of(arg);
        self
    }

    /// Binds the new handler to a process: see [`AddHandler::bound_to`].
    pub fn bound_to(mut self, process: &impl AsProcess) -> Self {
        self.owner = Some(bound(process));
        self
    }

    /// Binds the new handler to a process that is told when it is gone: see [`AddHandler::owned_by`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{GoneReason, HandlerGone, LoggerHandler, Manager};
    /// use genserver::{Letter, Probe};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// let mut owner = Probe::<HandlerGone>::new();
    /// let old =
    ///     manager.add_handler(LoggerHandler::new()).id("old").owned_by(owner.sender()).await?;
    /// let new = manager
    ///     .swap_handler(&old, |left| left.unwrap_or_default())
    ///     .id("new")
    ///     .owned_by(owner.sender())
    ///     .await?;
    /// manager.remove_handler(&new).await?;
    ///
    /// let Some(Letter::Message(first)) = owner.try_recv() else { panic!("the owner is told") };
    /// assert_eq!(first.why, GoneReason::Swapped { by: new.id(), owner: Some(owner.pid()) });
    /// let Some(Letter::Message(second)) = owner.try_recv() else { panic!("and of the new one") };
    /// assert_eq!((second.handler, second.why), (new.id(), GoneReason::Normal));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "swap_mon_handler")]
    #[doc(alias = "swap_sup_handler")]
    pub fn owned_by(mut self, owner: impl Into<Recipient<HandlerGone>>) -> Self {
        self.owner = Some(owned(owner.into()));
        self
    }
}

impl<E, I, O, H, F, T> SwapHandler<'_, E, I, O, H, F, T>
where
    E: Event,
    I: Event,
    O: Send + 'static,
    H: Send + 'static,
    F: FnOnce(Result<O, OldHandlerError>) -> H + Send + 'static,
    T: AsServer<Server = ManagerServer<E, I>>,
{
    async fn ask(self) -> Result<HandlerRef<H>, SwapHandlerError<O, H>> {
        let Self { manager, old, new, arg, make, owner, seat } = self;
        let (old, id) = (old.id(), new.id());
        let ours = {
            let id = id.clone();
            let make: MakeSuccessor<E, I> = Box::new(move |left| seat(make(left.map(handler_of::<O>)), id));
            TakeOnce::new(make)
        };
        let make = ours.clone();
        let new_id = id.clone();
        let swap = |caller| change(OtherCall::Swap(SwapRequest { old, arg, new: new_id, make, owner, caller }));
        let answer = manager.server().call(swap).no_timeout().await.map_err(|error| SwapHandlerError::Manager {
            error,
            make: ours.take().map(|make| ReturnedHandler::new(unseated(make))),
        })?;
        match answer {
            Ok(()) => Ok(new),
            Err((manager, AddFailure::AlreadyPresent(handler))) => {
                Err(SwapHandlerError::AlreadyPresent { manager, handler: id, returned: returned(handler) })
            }
            Err((manager, AddFailure::Init(reason, handler))) => {
                Err(SwapHandlerError::Init { manager, handler: id, reason, returned: returned(handler) })
            }
            Err((manager, AddFailure::Make(reason))) => Err(SwapHandlerError::Make { manager, handler: id, reason }),
        }
    }
}

impl<'a, E, I, O, H, F, T> IntoFuture for SwapHandler<'a, E, I, O, H, F, T>
where
    E: Event,
    I: Event,
    O: Send + 'static,
    H: Send + 'static,
    F: FnOnce(Result<O, OldHandlerError>) -> H + Send + 'static,
    T: AsServer<Server = ManagerServer<E, I>> + Sync,
{
    type Output = Result<HandlerRef<H>, SwapHandlerError<O, H>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

/// A question to one handler: made by [`Manager::call`], and asked when awaited.
#[must_use = "a handler is asked when this is awaited"]
pub struct CallHandler<'a, E: Event, I: Event, R: Send + 'static, T = ServerRef<ManagerServer<E, I>>> {
    manager: &'a Manager<E, I, T>,
    handler: HandlerId,
    make: MakeRequest<E, I, R>,
    wait: Wait,
}

/// How long to wait for the answer.
enum Wait {
    AsUsual,
    For(Duration),
    Forever,
}

type MakeRequest<E, I, R> = Box<dyn FnOnce(HandlerId, Caller<Result<R, CallHandlerError>>) -> ManagerCall<E, I> + Send>;

impl<'a, E: Event, I: Event, R: Send + 'static, T> CallHandler<'a, E, I, R, T> {
    pub(super) fn new(
        manager: &'a Manager<E, I, T>,
        handler: HandlerId,
        make: impl FnOnce(HandlerId, Caller<Result<R, CallHandlerError>>) -> ManagerCall<E, I> + Send + 'static,
    ) -> Self {
        Self { manager, handler, make: Box::new(make), wait: Wait::AsUsual }
    }

    /// Sets the timeout (default: five seconds).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.wait = Wait::For(timeout);
        self
    }

    /// Removes the timeout.
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.wait = Wait::Forever;
        self
    }
}

impl<E: Event, I: Event, R: Send + 'static, T: AsServer<Server = ManagerServer<E, I>>> CallHandler<'_, E, I, R, T> {
    async fn ask(self) -> Result<R, CallHandlerError> {
        let Self { manager, handler, make, wait } = self;
        let call = manager.server().call(move |caller| make(handler, caller));
        let call = match wait {
            Wait::AsUsual => call,
            Wait::Forever => call.no_timeout(),
            Wait::For(timeout) => call.timeout(timeout),
        };
        call.await?
    }
}

impl<'a, E: Event, I: Event, R: Send + 'static, T> IntoFuture for CallHandler<'a, E, I, R, T>
where
    T: AsServer<Server = ManagerServer<E, I>> + Sync,
{
    type Output = Result<R, CallHandlerError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

fn change<E: Event, I: Event>(change: OtherCall<E, I>) -> ManagerCall<E, I> {
    ManagerCall(CallKind::Other(Box::new(change)))
}

fn bound(process: &impl AsProcess) -> OwnerSpec {
    let process = process.as_process();
    OwnerSpec { pid: process.as_ref().map_or(Pid::NOBODY, ProcessRef::pid), process, told: None }
}

fn owned(owner: Recipient<HandlerGone>) -> OwnerSpec {
    OwnerSpec { pid: owner.pid(), process: owner.process_ref(), told: Some(owner) }
}

/// Unwraps a handler that the manager returned.
fn handler_of<H: 'static>(left: Box<dyn Any + Send>) -> H {
    match left.downcast() {
        Ok(handler) => *handler,
        Err(_) => unreachable!("the identity of a handler has its type in it"),
    }
}

fn returned<H: 'static>(left: Box<dyn Any + Send>) -> ReturnedHandler<H> {
    ReturnedHandler::new(handler_of(left))
}

/// Turns the function the manager would have called back into the user's function.
fn unseated<E: Event, I: Event, O: Send + 'static, H: 'static>(make: MakeSuccessor<E, I>) -> MakeHandler<O, H> {
    Box::new(move |left| {
        let left = left.map(|old| -> Box<dyn Any + Send> { Box::new(old) });
        handler_of(make(left).slot.into_handler())
    })
}

macro_rules! debug_as_name {
    ($($name:ident<$($param:ident),*>;)*) => {$(
        impl<E: Event, I: Event, $($param,)* T: fmt::Debug> fmt::Debug for $name<'_, E, I, $($param,)* T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("manager", &self.manager).finish_non_exhaustive()
            }
        }
    )*};
}

debug_as_name! {
    AddHandler<H>;
    RemoveHandler<H>;
    SwapHandler<O, H, F>;
}

impl<E: Event, I: Event, R: Send + 'static, T> fmt::Debug for CallHandler<'_, E, I, R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallHandler").field("handler", &self.handler).finish_non_exhaustive()
    }
}
