//! The client side of a supervisor: what every supervisor can do, and what only one with a strategy can.

use std::fmt;

use super::child_ref::ChildRef;
use super::child_spec::ChildSpec;
use super::children::Children;
use super::error::{DeleteChildError, FindChildError, RestartChildError, StartChildError, TerminateChildError};
use super::listing::{ChildCounts, ChildEntry};
use super::policy::Strategy;
use super::server::{SupervisorArgs, SupervisorCall, SupervisorOperation, SupervisorServer};
use super::spec::SupervisorSpec;
use super::static_children::{StaticCall, StaticChildren, StaticOperation};
use crate::{
    AsProcess, AsServer, CallError, Caller, FindError, GenServer, Name, Pid, ProcessRef, ServerRef, Start, Stop, start,
};

/// A running supervisor: see [the module's page](super).
///
/// Its children are found by their ids. A [`DynamicSupervisor`](crate::dynamic_supervisor::DynamicSupervisor) is the same
/// type with [`DynamicChildren`](crate::dynamic_supervisor::DynamicChildren), which are found by their processes.
///
/// It is a reference like any other, cheap to clone, and neither keeps the supervisor alive nor ends it. Its requests
/// have no timeout, because a child may take its time to start and to stop. A child must therefore not
/// call its own supervisor in its init, which fails with [`CallError::Cycle`], nor while it is being stopped: each would
/// wait for the other.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::start_link;
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// # genserver_doc::run! {
/// let supervisor = Supervisor::one_for_one().start().await?;
/// let counter = ChildSpec::server("counter", || start_link::<Counter>(0));
/// let counter = supervisor.start_child(counter).await?;
/// assert_eq!(counter.call(Call::Get).await?, 0);
///
/// supervisor.terminate_child("counter").await?;
/// supervisor.restart_child("counter").await?;
/// supervisor.stop().await?;
/// # }
/// ```
pub struct Supervisor<C: Children = StaticChildren> {
    server: ServerRef<SupervisorServer<C>>,
}

impl Supervisor {
    /// When a child ends, only that child is restarted: see [`Strategy::OneForOne`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{AsServer, start_link};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let counter = |id| ChildSpec::server(id, || start_link::<Counter>(0));
    /// let counters = ["left", "right"].map(counter);
    /// let [left, right] = [counters[0].reference(), counters[1].reference()];
    /// let supervisor = Supervisor::one_for_one().children(counters).start().await?;
    /// left.cast(Add(1))?;
    /// right.cast(Add(1))?;
    ///
    /// left.current()?.kill();
    /// assert_eq!(left.waiting().call(Call::Get).await?, 0);
    /// assert_eq!(right.call(Call::Get).await?, 1);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn one_for_one() -> SupervisorSpec {
        SupervisorSpec::new(Strategy::OneForOne)
    }

    /// When a child ends, all children are restarted: see [`Strategy::OneForAll`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{AsServer, start_link};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let counter = |id| ChildSpec::server(id, || start_link::<Counter>(0));
    /// let counters = ["left", "right"].map(counter);
    /// let [left, right] = [counters[0].reference(), counters[1].reference()];
    /// let supervisor = Supervisor::one_for_all().children(counters).start().await?;
    /// left.cast(Add(1))?;
    /// right.cast(Add(1))?;
    ///
    /// right.current()?.kill();
    /// assert_eq!(right.waiting().call(Call::Get).await?, 0);
    /// assert_eq!(left.waiting().call(Call::Get).await?, 0);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn one_for_all() -> SupervisorSpec {
        SupervisorSpec::new(Strategy::OneForAll)
    }

    /// When a child ends, that child and those started after it are restarted: see [`Strategy::RestForOne`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{AsServer, start_link};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let counter = |id| ChildSpec::server(id, || start_link::<Counter>(0));
    /// let counters = ["left", "right"].map(counter);
    /// let [left, right] = [counters[0].reference(), counters[1].reference()];
    /// let supervisor = Supervisor::rest_for_one().children(counters).start().await?;
    /// left.cast(Add(1))?;
    /// right.cast(Add(1))?;
    ///
    /// right.current()?.kill();
    /// assert_eq!(right.waiting().call(Call::Get).await?, 0);
    /// assert_eq!(left.call(Call::Get).await?, 1);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn rest_for_one() -> SupervisorSpec {
        SupervisorSpec::new(Strategy::RestForOne)
    }

    /// Starts a supervisor that makes its own spec, in its own process: OTP's `init/1` of a supervisor.
    ///
    /// If `init` returns `None`, the supervisor does not run, which is not a failure: the start returns
    /// [`StartError::Ignored`](crate::StartError::Ignored). If it panics, the start returns the panic.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::StartError;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let wanted = false;
    /// let counters = Supervisor::start_with(move || {
    ///     let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    ///     wanted.then(|| Supervisor::one_for_one().child(counter))
    /// });
    /// assert!(matches!(counters.await, Err(StartError::Ignored { .. })));
    /// # }
    /// ```
    #[doc(alias = "init")]
    pub fn start_with(init: impl FnOnce() -> Option<SupervisorSpec> + Send + 'static) -> Start<SupervisorServer, Self> {
        start::<SupervisorServer>(SupervisorArgs::made_by(init)).handle()
    }

    /// Ends a child as its spec says, and waits for the end. A temporary child is forgotten; any other is kept as stopped.
    ///
    /// It has no effect on a child that does not run; if the child is being restarted, that stops. This never ends the
    /// supervisor, even if the child is significant.
    ///
    /// # Errors
    ///
    /// [`TerminateChildError::NotFound`] if there is no such child.
    ///
    /// # Cancel safety
    ///
    /// Before its first poll nothing is sent. After it, dropping abandons only the answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, ChildState, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
    /// supervisor.terminate_child("counter").await?;
    /// assert_eq!(supervisor.child_entry("counter").await?.state, ChildState::Stopped);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub async fn terminate_child(&self, id: impl Into<String>) -> Result<(), TerminateChildError> {
        self.terminate(id.into()).await
    }

    /// Starts a child that is stopped. It keeps its place among the others.
    ///
    /// # Errors
    ///
    /// [`RestartChildError`].
    ///
    /// # Cancel safety
    ///
    /// Before its first poll nothing is sent. After it, dropping abandons only the answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, RestartChildError, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
    /// let running = supervisor.restart_child("counter").await.unwrap_err();
    /// assert!(matches!(running, RestartChildError::Running { .. }));
    ///
    /// supervisor.terminate_child("counter").await?;
    /// let counter = supervisor.restart_child("counter").await?;
    /// assert!(counter.is_alive());
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub async fn restart_child(&self, id: impl Into<String>) -> Result<ProcessRef, RestartChildError> {
        let id = id.into();
        self.ask_own(|caller| StaticOperation::RestartChild(id, caller)).await?
    }

    /// Forgets a child that is stopped.
    ///
    /// # Errors
    ///
    /// [`DeleteChildError`].
    pub async fn delete_child(&self, id: impl Into<String>) -> Result<(), DeleteChildError> {
        let id = id.into();
        self.ask_own(|caller| StaticOperation::DeleteChild(id, caller)).await?
    }

    /// Returns the description and the state of a child: OTP's `get_childspec/2` and `which_child/2`.
    ///
    /// # Errors
    ///
    /// [`FindChildError::NotFound`] if there is no such child.
    #[doc(alias = "get_childspec")]
    #[doc(alias = "which_child")]
    pub async fn child_entry(&self, id: impl Into<String>) -> Result<ChildEntry, FindChildError> {
        self.find(id.into()).await
    }

    /// Returns a reference to the child with that id, in which a server of type `S` runs. The reference survives restarts.
    ///
    /// # Errors
    ///
    /// [`FindChildError`] if there is no such child, or if something else runs in it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::AsServer;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let supervisor = Supervisor::one_for_one()
    ///     .child(ChildSpec::server("counter", || genserver::start_link::<Counter>(7)))
    ///     .start()
    ///     .await?;
    /// let counter = supervisor.child::<Counter>("counter").await?;
    /// assert_eq!(counter.call(Call::Get).await?, 7);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub async fn child<S: GenServer>(&self, id: impl Into<String>) -> Result<ChildRef<S>, FindChildError> {
        let id = id.into();
        let wanted = id.clone();
        let found = self.ask_own(|caller| StaticOperation::Child(wanted, caller)).await?;
        match found {
            Some((watch, _)) if watch.runs::<S>() => Ok(ChildRef::new(watch)),
            Some((_, found)) => Err(FindChildError::WrongServer { id, found, wanted: std::any::type_name::<S>() }),
            None => Err(FindChildError::NotFound { id }),
        }
    }

    async fn ask_own<R: Send + 'static>(
        &self,
        make: impl FnOnce(Caller<R>) -> StaticOperation,
    ) -> Result<R, CallError> {
        self.ask(|caller| SupervisorOperation::KindSpecific(StaticCall(make(caller)))).await
    }
}

/// What every supervisor can do.
impl<C: Children> Supervisor<C> {
    /// Starts a child and adds it to the others, as the last of them. Returns the result of its start, for example a reference
    /// to its server.
    ///
    /// # Errors
    ///
    /// [`StartChildError`]; unless it says otherwise, the supervisor then has no such child.
    ///
    /// # Cancel safety
    ///
    /// Before its first poll nothing is sent. After it, dropping abandons only the answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::start_link;
    /// use genserver::supervisor::{ChildSpec, StartChildError, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let supervisor = Supervisor::one_for_one().start().await?;
    /// let spec = || ChildSpec::server("counter", || start_link::<Counter>(0));
    /// let counter = supervisor.start_child(spec()).await?;
    ///
    /// let again = supervisor.start_child(spec()).await.unwrap_err();
    /// let StartChildError::AlreadyStarted { pid, .. } = again else { unreachable!() };
    /// assert_eq!(pid, counter.pid());
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub async fn start_child<S, H>(&self, spec: ChildSpec<S, H>) -> Result<H, StartChildError> {
        let (spec, handle) = spec.split();
        let started = self.ask(|caller| SupervisorOperation::StartChild(spec, caller)).await?;
        started.map(handle)
    }

    /// Returns all children, the one that was started last first: OTP's order, and the order in which they are ended. A dynamic
    /// supervisor, which ends them all at once, lists them in the order of their first starts.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the supervisor does not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let supervisor = Supervisor::one_for_one()
    ///     .child(ChildSpec::server("first", || genserver::start_link::<Counter>(0)))
    ///     .child(ChildSpec::server("second", || genserver::start_link::<Counter>(0)))
    ///     .start()
    ///     .await?;
    /// let children = supervisor.which_children().await?;
    /// let ids: Vec<_> = children.iter().map(|child| child.info.id.as_ref()).collect();
    /// assert_eq!(ids, ["second", "first"]);
    /// assert!(children[0].state.process().is_some());
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub async fn which_children(&self) -> Result<Vec<ChildEntry>, CallError> {
        self.ask(SupervisorOperation::WhichChildren).await
    }

    /// Returns how many children there are, how many run, and how many are supervisors. A child that is being restarted does not
    /// run.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the supervisor does not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::start_link;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let counter = |n| ChildSpec::server(format!("{n}"), || start_link::<Counter>(0));
    /// let supervisor = Supervisor::one_for_one().children((0..3).map(counter)).start().await?;
    /// supervisor.terminate_child("1").await?;
    /// let counts = supervisor.count_children().await?;
    /// assert_eq!((counts.specs, counts.active, counts.workers, counts.supervisors), (3, 2, 3, 0));
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub async fn count_children(&self) -> Result<ChildCounts, CallError> {
        self.ask(SupervisorOperation::CountChildren).await
    }

    /// Ends the children, and then the supervisor, with the reason `normal`: see [`ServerRef::stop`].
    ///
    /// Children with ids end one after the other, the last first; those of a dynamic supervisor end concurrently.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    pub fn stop(&self) -> Stop {
        self.server.stop()
    }

    /// The pid of the supervisor.
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// The name it was started with, if any.
    pub fn name(&self) -> Option<&Name> {
        self.server.name()
    }

    /// Returns whether it takes requests. False from the moment its end begins.
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// The process of the supervisor.
    pub fn process_ref(&self) -> ProcessRef {
        self.server.process_ref()
    }

    pub(super) async fn terminate(&self, id: C::Id) -> Result<(), TerminateChildError<C::Id>> {
        let terminated = self.ask(|caller| SupervisorOperation::TerminateChild(id, caller)).await?;
        terminated.map_err(|id| TerminateChildError::NotFound { id })
    }

    pub(super) async fn find(&self, id: C::Id) -> Result<ChildEntry, FindChildError<C::Id>> {
        let found = self.ask(|caller| SupervisorOperation::ChildEntry(id, caller)).await?;
        found.map_err(|id| FindChildError::NotFound { id })
    }

    /// Calls the supervisor without a timeout.
    async fn ask<R: Send + 'static>(
        &self,
        make: impl FnOnce(Caller<R>) -> SupervisorOperation<C>,
    ) -> Result<R, CallError> {
        self.server.call(|caller| SupervisorCall(make(caller))).no_timeout().await
    }
}

impl<C: Children> From<ServerRef<SupervisorServer<C>>> for Supervisor<C> {
    fn from(server: ServerRef<SupervisorServer<C>>) -> Self {
        Self { server }
    }
}

impl<C: Children> AsServer for Supervisor<C> {
    type Server = SupervisorServer<C>;

    fn as_server(&self) -> Result<ServerRef<SupervisorServer<C>>, FindError> {
        Ok(self.server.clone())
    }
}

impl<C: Children> AsProcess for Supervisor<C> {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}

impl<C: Children> Clone for Supervisor<C> {
    fn clone(&self) -> Self {
        Self { server: self.server.clone() }
    }
}

impl<C: Children> PartialEq for Supervisor<C> {
    fn eq(&self, other: &Self) -> bool {
        self.server == other.server
    }
}

impl<C: Children> Eq for Supervisor<C> {}

impl<C: Children> fmt::Debug for Supervisor<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(C::SUPERVISOR).field(&self.server).finish()
    }
}
