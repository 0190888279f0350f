//! The client side of a supervisor.

use std::fmt;

use super::child::{Child, ChildState};
use super::child_ref::ChildRef;
use super::child_spec::{ChildInfo, ChildSpec};
use super::children::Watched;
use super::error::{DeleteChildError, FindChildError, RestartChildError, StartChildError, TerminateChildError};
use super::place::Place;
use super::policy::{ChildKind, Strategy};
use super::server::{Args, Operation, Server, SupervisorCall};
use super::spec::SupervisorSpec;
use crate::{AsProcess, AsServer, CallError, Caller, GenServer, Name, Pid, ProcessRef, ServerRef, Start, Stop, start};

/// A running supervisor: see [the module's page](super).
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
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::one_for_one().start().await?;
/// let counter = supervisor.start_child(ChildSpec::server("counter", || genserver::start_link::<Counter>(0))).await?;
/// assert_eq!(counter.call(Call::Get).await?, 0);
///
/// supervisor.terminate_child("counter").await?;
/// supervisor.restart_child("counter").await?;
/// supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Supervisor {
    server: ServerRef<Server>,
}

/// One child, as [`Supervisor::which_children`] lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChildEntry {
    /// The description in its spec.
    pub info: ChildInfo,
    /// What it is doing.
    pub state: ChildState,
}

/// The numbers of a supervisor's children: made by [`Supervisor::count_children`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ChildCounts {
    /// All of them, running or not.
    pub specs: usize,
    /// Those that are running.
    pub active: usize,
    /// Those that are supervisors, running or not.
    pub supervisors: usize,
    /// Those that are not supervisors, running or not.
    pub workers: usize,
}

impl ChildCounts {
    /// Counts `children`, for a supervisor of your own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::supervisor::{Child, ChildCounts, ChildSpec};
    ///
    /// # fn main() {
    /// let child = Child::new(ChildSpec::server("quiet", || genserver::start::<Quiet>(())).untyped());
    /// let counts = ChildCounts::of([&child]);
    /// assert_eq!((counts.specs, counts.workers, counts.active), (1, 1, 0));
    /// # }
    /// ```
    #[expect(single_use_lifetimes, reason = "the lifetime within an `impl` has to have a name")]
    pub fn of<'a>(children: impl IntoIterator<Item = &'a Child>) -> Self {
        let mut counts = Self::default();
        for child in children {
            counts.specs += 1;
            match child.info().kind {
                ChildKind::Worker => counts.workers += 1,
                ChildKind::Supervisor => counts.supervisors += 1,
            }
            if child.process().is_some_and(ProcessRef::is_alive) {
                counts.active += 1;
            }
        }
        counts
    }
}

impl Supervisor {
    /// When a child ends, only that child is restarted: see [`Strategy::OneForOne`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::AsServer;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counters = ["left", "right"].map(|id| ChildSpec::server(id, || genserver::start_link::<Counter>(0)));
    /// let [left, right] = [counters[0].reference(), counters[1].reference()];
    /// let supervisor = Supervisor::one_for_one().children(counters).start().await?;
    /// left.cast(Add(1))?;
    /// right.cast(Add(1))?;
    ///
    /// left.current()?.kill();
    /// assert_eq!(left.waiting().call(Call::Get).await?, 0);
    /// assert_eq!(right.call(Call::Get).await?, 1);
    /// # supervisor.stop().await?;
    /// # Ok(())
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
    /// use genserver::AsServer;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counters = ["left", "right"].map(|id| ChildSpec::server(id, || genserver::start_link::<Counter>(0)));
    /// let [left, right] = [counters[0].reference(), counters[1].reference()];
    /// let supervisor = Supervisor::one_for_all().children(counters).start().await?;
    /// left.cast(Add(1))?;
    /// right.cast(Add(1))?;
    ///
    /// right.current()?.kill();
    /// assert_eq!(right.waiting().call(Call::Get).await?, 0);
    /// assert_eq!(left.waiting().call(Call::Get).await?, 0);
    /// # supervisor.stop().await?;
    /// # Ok(())
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
    /// use genserver::AsServer;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counters = ["left", "right"].map(|id| ChildSpec::server(id, || genserver::start_link::<Counter>(0)));
    /// let [left, right] = [counters[0].reference(), counters[1].reference()];
    /// let supervisor = Supervisor::rest_for_one().children(counters).start().await?;
    /// left.cast(Add(1))?;
    /// right.cast(Add(1))?;
    ///
    /// right.current()?.kill();
    /// assert_eq!(right.waiting().call(Call::Get).await?, 0);
    /// assert_eq!(left.call(Call::Get).await?, 1);
    /// # supervisor.stop().await?;
    /// # Ok(())
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let wanted = false;
    /// let counters = Supervisor::start_with(move || {
    ///     let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    ///     wanted.then(|| Supervisor::one_for_one().child(counter))
    /// });
    /// assert!(matches!(counters.await, Err(StartError::Ignored { .. })));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "init")]
    pub fn start_with(init: impl FnOnce() -> Option<SupervisorSpec> + Send + 'static) -> Start<Server, Self> {
        start::<Server>(Args::made_by(init)).handle()
    }

    /// Starts a child and adds it after the others. Returns the result of its start, for example a reference to its server.
    ///
    /// # Errors
    ///
    /// [`StartChildError`]; unless it says otherwise, the supervisor then has no such child.
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the answer; the child is started all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, StartChildError, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let supervisor = Supervisor::one_for_one().start().await?;
    /// let spec = || ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let counter = supervisor.start_child(spec()).await?;
    ///
    /// let again = supervisor.start_child(spec()).await.unwrap_err();
    /// assert!(matches!(again, StartChildError::AlreadyStarted { pid, .. } if pid == counter.pid()));
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_child<S, H>(&self, spec: ChildSpec<S, H>) -> Result<H, StartChildError> {
        let (spec, handle) = spec.split();
        let started = self.ask(|caller| Operation::StartChild(spec, caller)).await?;
        started.map(handle)
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
    /// Dropping it abandons the answer; the child is ended all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, ChildState, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
    /// supervisor.terminate_child("counter").await?;
    /// assert_eq!(supervisor.child_entry("counter").await?.state, ChildState::Stopped);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn terminate_child(&self, id: impl Into<String>) -> Result<(), TerminateChildError> {
        let id = id.into();
        self.ask(|caller| Operation::TerminateChild(id, caller)).await?
    }

    /// Starts a child that is stopped. It keeps its place among the others.
    ///
    /// # Errors
    ///
    /// [`RestartChildError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it abandons the answer; the child is started all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, RestartChildError, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
    /// let running = supervisor.restart_child("counter").await.unwrap_err();
    /// assert!(matches!(running, RestartChildError::Running { .. }));
    ///
    /// supervisor.terminate_child("counter").await?;
    /// let counter = supervisor.restart_child("counter").await?;
    /// assert!(counter.is_alive());
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn restart_child(&self, id: impl Into<String>) -> Result<ProcessRef, RestartChildError> {
        let id = id.into();
        self.ask(|caller| Operation::RestartChild(id, caller)).await?
    }

    /// Forgets a child that is stopped.
    ///
    /// # Errors
    ///
    /// [`DeleteChildError`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
    /// supervisor.terminate_child("counter").await?;
    /// supervisor.delete_child("counter").await?;
    /// assert_eq!(supervisor.count_children().await?.specs, 0);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_child(&self, id: impl Into<String>) -> Result<(), DeleteChildError> {
        let id = id.into();
        self.ask(|caller| Operation::DeleteChild(id, caller)).await?
    }

    /// Returns all children, the one that was started last first: OTP's order, and the order in which they are ended.
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// # Ok(())
    /// # }
    /// ```
    pub async fn which_children(&self) -> Result<Vec<ChildEntry>, CallError> {
        self.ask(Operation::WhichChildren).await
    }

    /// Returns how many children there are, how many run, and how many are supervisors.
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counters = (0..3).map(|n| ChildSpec::server(format!("{n}"), || genserver::start_link::<Counter>(0)));
    /// let supervisor = Supervisor::one_for_one().children(counters).start().await?;
    /// supervisor.terminate_child("1").await?;
    /// let counts = supervisor.count_children().await?;
    /// assert_eq!((counts.specs, counts.active, counts.workers, counts.supervisors), (3, 2, 3, 0));
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn count_children(&self) -> Result<ChildCounts, CallError> {
        self.ask(Operation::CountChildren).await
    }

    /// Returns the description and the state of a child: OTP's `get_childspec/2` and `which_child/2`.
    ///
    /// # Errors
    ///
    /// [`FindChildError::NotFound`] if there is no such child.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Restart, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0)).restart(Restart::Transient);
    /// let supervisor = Supervisor::one_for_one().child(counter).start().await?;
    /// let entry = supervisor.child_entry("counter").await?;
    /// assert_eq!(entry.info.restart, Restart::Transient);
    /// assert!(entry.state.process().is_some());
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "get_childspec")]
    #[doc(alias = "which_child")]
    pub async fn child_entry(&self, id: impl Into<String>) -> Result<ChildEntry, FindChildError> {
        Ok(self.find(id.into()).await?.entry)
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let supervisor = Supervisor::one_for_one()
    ///     .child(ChildSpec::server("counter", || genserver::start_link::<Counter>(7)))
    ///     .start()
    ///     .await?;
    /// let counter = supervisor.child::<Counter>("counter").await?;
    /// assert_eq!(counter.call(Call::Get).await?, 7);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn child<S: GenServer>(&self, id: impl Into<String>) -> Result<ChildRef<S>, FindChildError> {
        let FoundChild { entry, place } = self.find(id.into()).await?;
        let wanted = std::any::type_name::<S>();
        if place.runs::<S>() {
            Ok(ChildRef::new(place))
        } else {
            Err(FindChildError::WrongServer { id: entry.info.id.into_owned(), found: entry.info.runs, wanted })
        }
    }

    async fn find(&self, id: String) -> Result<FoundChild, FindChildError> {
        let wanted = id.clone();
        let found = self.ask(|caller| Operation::Find(id, caller)).await?;
        found.ok_or(FindChildError::NotFound { id: wanted })
    }

    /// Ends the children, the last first, and then the supervisor, with the reason `normal`: see [`ServerRef::stop`].
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Reason;
    /// use genserver::supervisor::Supervisor;
    ///
    /// let supervisor = Supervisor::one_for_one().start().await?;
    /// supervisor.stop().reason(Reason::Shutdown).await?;
    /// assert!(!supervisor.is_alive());
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::supervisor::Supervisor;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let supervisor = Supervisor::one_for_one().start().name("top").await?;
    /// assert_eq!((supervisor.name(), supervisor.is_alive()), (Some(&"top".into()), true));
    /// assert_eq!(genserver::whereis("top"), Some(supervisor.process_ref()));
    ///
    /// supervisor.process_ref().kill();
    /// assert!(!supervisor.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_ref(&self) -> ProcessRef {
        self.server.process_ref()
    }

    /// Calls the supervisor without a timeout.
    async fn ask<R: Send + 'static>(&self, make: impl FnOnce(Caller<R>) -> Operation) -> Result<R, CallError> {
        self.server.call(|caller| SupervisorCall(make(caller))).no_timeout().await
    }
}

/// What a supervisor finds out about one child.
pub(super) struct FoundChild {
    entry: ChildEntry,
    place: std::sync::Arc<Place>,
}

impl FoundChild {
    pub(super) fn new(child: &mut Child) -> Self {
        Self { entry: entry(child), place: child.place() }
    }
}

impl Watched {
    pub(super) fn entry(&self) -> ChildEntry {
        entry(&self.child)
    }
}

fn entry(child: &Child) -> ChildEntry {
    ChildEntry { info: child.info().clone(), state: child.state().clone() }
}

impl From<ServerRef<Server>> for Supervisor {
    fn from(server: ServerRef<Server>) -> Self {
        Self { server }
    }
}

impl AsServer for Supervisor {
    type Server = Server;

    fn as_server(&self) -> Result<ServerRef<Server>, CallError> {
        Ok(self.server.clone())
    }
}

impl AsProcess for Supervisor {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Supervisor").field(&self.server).finish()
    }
}
