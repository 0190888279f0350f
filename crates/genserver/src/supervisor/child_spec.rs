//! The specification of a child: how to start it, when to restart it, how to end it.

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::ChildRef;
use super::child_watch::{ChildWatch, PublishedState};
use super::policy::{ChildKind, Restart, Shutdown};
use crate::report::Offender;
use crate::{
    Ending, GenServer, Pid, Probe, ProbeRef, ProcessRef, ServerRef, Start, StartError, StartProcess, spawn_link,
    spawn_link_labelled,
};

/// How to start a child, when to restart it, and how to end it: OTP's `child_spec()`.
///
/// It is made from a function that starts the child, which runs at the first start and again after each crash. The
/// supervisor awaits what the function returns, so that it can link the child with itself before the child runs. Whether the
/// function uses `start` or `start_link` makes no difference.
///
/// | | default |
/// |---|---|
/// | [`restart`](ChildSpec::restart) | [`Restart::Permanent`] |
/// | [`shutdown`](ChildSpec::shutdown) | five seconds; [`Shutdown::Infinity`] for a supervisor |
/// | [`significant`](ChildSpec::significant) | no |
///
/// The first type parameter is what runs in the child. The second is the result of a start, which
/// [`Supervisor::start_child`](super::Supervisor::start_child) returns. Without parameters it is the spec of any child: see
/// [`untyped`](ChildSpec::untyped).
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use std::time::Duration;
/// use genserver::{AsServer, start_link};
/// use genserver::supervisor::{ChildSpec, Restart, Shutdown, Supervisor};
///
/// # genserver_doc::run! {
/// let spec = ChildSpec::server("counter", || start_link::<Counter>(0).name("counted"))
///     .restart(Restart::Transient)
///     .shutdown(Shutdown::After(Duration::from_secs(1)));
/// let counter = spec.reference();
///
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
/// assert_eq!(counter.call(Call::Get).await?, 0);
/// # supervisor.stop().await?;
/// # }
/// ```
#[must_use = "a spec starts nothing until it is given to a supervisor"]
pub struct ChildSpec<S = (), H = ProcessRef> {
    pub(super) parts: Parts,
    result: StartResult<H>,
    types: PhantomData<fn() -> S>,
}

/// Where the result of a start comes from.
enum StartResult<H> {
    /// It can be made from the process.
    FromProcess(fn(&ProcessRef) -> H),
    /// The start stores it here.
    Stored(Arc<Mutex<Option<H>>>),
}

/// A spec without its types.
pub(super) struct Parts {
    pub(super) description: Description,
    pub(super) restart_parts: Box<RestartParts>,
}

/// The description of a child. It never changes once there is a child, so children with the same description share it.
#[derive(PartialEq)]
pub(super) struct Description {
    pub(super) info: ChildInfo,
    /// The type of the server that runs in the child, if it is a server.
    server: Option<TypeId>,
    /// The label of each process of the child that is given no other. It is made once, and shared with all of them.
    pub(super) label: Option<Arc<str>>,
}

/// The parts that only a child needs that may be restarted, or that has references to it.
pub(super) struct RestartParts {
    /// None once a temporary child runs: it is never started again, and the function may hold much memory.
    pub(super) factory: Option<Factory>,
    /// How many times it was started.
    pub(super) starts: u64,
    /// Where references to the child look it up; made with the first of them.
    watch: OnceCell<Arc<ChildWatch>>,
}

impl RestartParts {
    fn new(factory: Option<Factory>) -> Self {
        Self { factory, starts: 0, watch: OnceCell::new() }
    }

    /// The parts of a child that needs none of them.
    pub(super) fn nothing() -> Self {
        Self::new(None)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.factory.is_none() && self.watch.get().is_none()
    }

    pub(super) fn watch(&self, description: &Description, published: PublishedState) -> Arc<ChildWatch> {
        let make = || Arc::new(ChildWatch::new(description.info.id.clone(), description.server, published));
        Arc::clone(self.watch.get_or_init(make))
    }

    /// Tells the references to the child.
    pub(super) fn tell(&self, published: impl FnOnce() -> PublishedState) {
        if let Some(watch) = self.watch.get() {
            watch.publish(published());
        }
    }
}

/// What runs in a child.
#[derive(Clone, Copy)]
struct ChildType {
    name: &'static str,
    /// Its type, if it is a server.
    server: Option<TypeId>,
}

impl ChildType {
    fn function<F>() -> Self {
        Self { name: type_name::<F>(), server: None }
    }
}

// The child is dropped: it is gone for good.
impl Drop for RestartParts {
    fn drop(&mut self) {
        self.tell(|| PublishedState::Gone);
    }
}

/// Starts the child, once per call, with a label unless it has a name or a label of its own.
pub(super) type Factory = Box<dyn FnMut(Option<Arc<str>>) -> Starting + Send>;

/// A start of a child in progress.
pub(super) type Starting = Pin<Box<dyn Future<Output = Result<ProcessRef, StartError>> + Send>>;

/// The description of a child: its spec without the function that starts it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its id among the children of its supervisor.
    pub id: Cow<'static, str>,
    /// The type of the server or function that runs in it.
    pub runs: &'static str,
    /// When it is restarted.
    pub restart: Restart,
    /// How it is ended.
    pub shutdown: Shutdown,
    /// Whether it supervises others.
    pub kind: ChildKind,
    /// Whether its end can end its supervisor: see [`AutoShutdown`](super::AutoShutdown).
    pub significant: bool,
}

impl ChildInfo {
    /// The child as a report of its supervisor shows it; `pid` is its process, or the last one it had, if any.
    ///
    /// It is for supervisors of your own.
    pub fn offender(&self, pid: Option<Pid>) -> Offender {
        Offender {
            pid,
            id: self.id.to_string(),
            runs: self.runs,
            restart: self.restart.to_string(),
            shutdown: self.shutdown.to_string(),
            kind: self.kind.to_string(),
            significant: self.significant,
        }
    }
}

impl ChildSpec {
    /// A server, or anything else with the same kind of start: an agent, a registry, a client type of your own.
    ///
    /// `start` runs at every start and returns a [`Start`]. Set a name, a label, a timeout for init and all other options
    /// there. Without a name and a label, a [`Supervisor`](super::Supervisor) labels the server with `id`.
    ///
    /// # Examples
    ///
    /// The closure moves or clones the server's arguments into the start:
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # fn main() {
    /// use genserver::supervisor::ChildSpec;
    ///
    /// let first = 41;
    /// let spec = ChildSpec::server("counter", move || genserver::start_link::<Counter>(first));
    /// # drop(spec);
    /// # }
    /// ```
    pub fn server<S, H>(
        id: impl Into<Cow<'static, str>>,
        mut start: impl FnMut() -> Start<S, H> + Send + 'static,
    ) -> ChildSpec<S, H>
    where
        S: GenServer,
        H: From<ServerRef<S>>,
    {
        let runs = ChildType { name: type_name::<S>(), server: Some(TypeId::of::<S>()) };
        ChildSpec::new(id.into(), runs, StartResult::FromProcess(of_server), move |label| {
            let mut start = start().handle::<ServerRef<S>>().link();
            if let Some(label) = label {
                start = start.default_label(label);
            }
            Box::pin(async move { Ok(start.await?.process_ref()) })
        })
    }

    /// Another supervisor of any kind: a child of kind [`Supervisor`](ChildKind::Supervisor) that gets all the time it
    /// needs to stop.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let counters = ChildSpec::supervisor("counters", || {
    ///     Supervisor::one_for_all()
    ///         .child(ChildSpec::server("left", || genserver::start_link::<Counter>(0)))
    ///         .child(ChildSpec::server("right", || genserver::start_link::<Counter>(0)))
    ///         .start_link()
    /// });
    /// let supervisor = Supervisor::one_for_one().child(counters).start().await?;
    /// assert_eq!(supervisor.count_children().await?.supervisors, 1);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn supervisor<S, H>(
        id: impl Into<Cow<'static, str>>,
        start: impl FnMut() -> Start<S, H> + Send + 'static,
    ) -> ChildSpec<S, H>
    where
        S: GenServer,
        H: From<ServerRef<S>>,
    {
        Self::server(id, start).kind(ChildKind::Supervisor).shutdown(Shutdown::Infinity)
    }

    /// An async function that runs as a process: see [`spawn`](crate::spawn).
    ///
    /// It counts as started at once. If others depend on it being ready, use [`start_process`](Self::start_process).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::supervisor::{ChildSpec, Restart};
    ///
    /// let sweeper = ChildSpec::process("sweeper", |mut me: Probe<()>| async move {
    ///     while me.recv().await.is_ok() { /* sweep */ }
    /// });
    /// # drop(sweeper.restart(Restart::Transient));
    /// ```
    pub fn process<M, F, T>(
        id: impl Into<Cow<'static, str>>,
        mut function: impl FnMut(Probe<M>) -> F + Send + 'static,
    ) -> ChildSpec<Probe<M>, ProbeRef<M>>
    where
        M: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        T: Ending,
    {
        let (store, result) = StartResult::stored();
        ChildSpec::new(id.into(), ChildType::function::<F>(), result, move |label| {
            let started = match label {
                Some(label) => spawn_link_labelled(label, &mut function),
                None => spawn_link(&mut function),
            };
            let started = started.map(|probe| {
                let process = probe.process_ref();
                store_result(&store, || probe);
                process
            });
            Box::pin(ready(started))
        })
    }

    /// A process that reports when it is ready: see [`start_process`](crate::start_process).
    ///
    /// The next child starts when this one is ready. The value that it reports is part of what
    /// [`Supervisor::start_child`](super::Supervisor::start_child) returns; at later starts it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Ack, Probe, start_process};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let listener = ChildSpec::start_process("listener", || {
    ///     start_process(|mut me: Probe<()>, ack: Ack<u16>| async move {
    ///         ack.ready(8080);
    ///         me.recv().await.map(drop)
    ///     })
    /// });
    /// let supervisor = Supervisor::one_for_one().start().await?;
    /// let (_listener, port) = supervisor.start_child(listener).await?;
    /// assert_eq!(port, 8080);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    #[doc(alias = "proc_lib")]
    pub fn start_process<M, V>(
        id: impl Into<Cow<'static, str>>,
        mut start: impl FnMut() -> StartProcess<M, V> + Send + 'static,
    ) -> ChildSpec<Probe<M>, (ProbeRef<M>, V)>
    where
        M: Send + 'static,
        V: Send + 'static,
    {
        let (store, result) = StartResult::stored();
        ChildSpec::new(id.into(), ChildType::function::<Probe<M>>(), result, move |label| {
            let mut start = start().link();
            if let Some(label) = label {
                start = start.default_label(label);
            }
            let store = Weak::clone(&store);
            Box::pin(async move {
                let (probe, value) = start.await?;
                let process = probe.process_ref();
                store_result(&store, || (probe, value));
                Ok(process)
            })
        })
    }
}

impl<H> StartResult<H> {
    /// A cell in which a start stores its result, as long as it may still be asked for.
    fn stored() -> (Weak<Mutex<Option<H>>>, Self) {
        let store = Arc::new(Mutex::new(None));
        (Arc::downgrade(&store), Self::Stored(store))
    }

    fn take(self, process: &ProcessRef) -> H {
        match self {
            Self::FromProcess(make) => make(process),
            Self::Stored(store) => {
                let stored = store.lock().take();
                stored.expect(
                    "the function belongs to the child that was made of the same spec, and is called after its start",
                )
            }
        }
    }
}

/// The result of a server's start.
fn of_server<S: GenServer, H: From<ServerRef<S>>>(process: &ProcessRef) -> H {
    process.downcast::<S>().expect("the start of a server result a process of that server").into()
}

/// Stores the result of a start, if it may still be asked for.
fn store_result<H>(store: &Weak<Mutex<Option<H>>>, make: impl FnOnce() -> H) {
    if let Some(store) = store.upgrade() {
        let yielded = make();
        let before = store.lock().replace(yielded);
        drop(before);
    }
}

impl<S, H> ChildSpec<S, H> {
    fn new(
        id: Cow<'static, str>,
        runs: ChildType,
        result: StartResult<H>,
        factory: impl FnMut(Option<Arc<str>>) -> Starting + Send + 'static,
    ) -> Self {
        let info = ChildInfo {
            id,
            runs: runs.name,
            restart: Restart::default(),
            shutdown: Shutdown::default(),
            kind: ChildKind::default(),
            significant: false,
        };
        let description = Description { info, server: runs.server, label: None };
        let restart_parts = Box::new(RestartParts::new(Some(Box::new(factory))));
        Self { parts: Parts { description, restart_parts }, result, types: PhantomData }
    }

    /// Sets when the child is restarted after it has ended. The default is [`Restart::Permanent`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::start_link;
    /// use genserver::supervisor::{ChildSpec, Restart, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// // A session ends when its user leaves, and is restarted only if it crashes.
    /// let session = ChildSpec::server("session", || start_link::<Counter>(0));
    /// let session = session.restart(Restart::Transient);
    /// let supervisor = Supervisor::one_for_one().start().await?;
    /// let session = supervisor.start_child(session).await?;
    /// session.stop().await?;
    /// assert_eq!(supervisor.count_children().await?.active, 0);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn restart(mut self, restart: Restart) -> Self {
        self.parts.description.info.restart = restart;
        self
    }

    /// Sets how the child is ended. By default it gets five seconds, and a supervisor all the time it needs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # fn main() {
    /// use std::time::Duration;
    /// use genserver::supervisor::{ChildSpec, Shutdown};
    ///
    /// // It writes its state to a disk when it ends.
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let counter = counter.shutdown(Shutdown::After(Duration::from_secs(30)));
    /// assert_eq!(counter.info().shutdown.to_string(), "within 30s");
    /// # }
    /// ```
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.parts.description.info.shutdown = shutdown;
        self
    }

    /// Sets the label of each process of the child, unless the function that starts it sets a name or a label.
    ///
    /// Without this, a [`Supervisor`](super::Supervisor) labels each child with its id, and a
    /// [`DynamicSupervisor`](crate::dynamic_supervisor::DynamicSupervisor), whose children may all have the same id, labels none.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::dynamic_supervisor::DynamicSupervisor;
    /// use genserver::supervisor::ChildSpec;
    ///
    /// # genserver_doc::run! {
    /// let supervisor = DynamicSupervisor::new().start().await?;
    /// let session = ChildSpec::process("session", |mut me: Probe<()>| async move {
    ///     me.recv().await.map(drop)
    /// });
    /// let session = supervisor.start_child(session.label("session")).await?;
    /// let shown = session.process_ref().subject().to_string();
    /// assert!(shown.starts_with("process session <"));
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.parts.description.label = Some(label.into());
        self
    }

    /// Sets whether the child's own end can end its supervisor: see [`AutoShutdown`](super::AutoShutdown).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::start_link;
    /// use genserver::supervisor::{AutoShutdown, ChildSpec, Restart, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// // The supervisor of one game, which is over when its server is.
    /// let game = ChildSpec::server("game", || start_link::<Counter>(0));
    /// let game = game.restart(Restart::Transient).significant(true);
    /// let reference = game.reference();
    /// let supervisor = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AnySignificant);
    /// let supervisor = supervisor.child(game).start().await?;
    /// reference.current()?.stop().await?;
    /// supervisor.process_ref().ended().await;
    /// # }
    /// ```
    pub fn significant(mut self, significant: bool) -> Self {
        self.parts.description.info.significant = significant;
        self
    }

    /// Sets how the child is counted and listed. Only a supervisor that was not made with [`ChildSpec::supervisor`] needs this.
    pub fn kind(mut self, kind: ChildKind) -> Self {
        self.parts.description.info.kind = kind;
        self
    }

    /// The id of the child among the children of its supervisor.
    pub fn id(&self) -> &str {
        &self.parts.description.info.id
    }

    /// The description of the child: the spec without the function that starts it.
    pub fn info(&self) -> &ChildInfo {
        &self.parts.description.info
    }

    /// The same spec without its types, so that specs of different children fit into one list. A start of it returns the process.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{Probe, start_link};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # genserver_doc::run! {
    /// let children: Vec<ChildSpec> = vec![
    ///     ChildSpec::server("counter", || start_link::<Counter>(0)).untyped(),
    ///     ChildSpec::process("idler", |mut me: Probe<()>| async move {
    ///         me.recv().await.map(drop)
    ///     })
    ///     .untyped(),
    /// ];
    /// let supervisor = Supervisor::one_for_one().children(children).start().await?;
    /// assert_eq!(supervisor.count_children().await?.active, 2);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn untyped(self) -> ChildSpec {
        ChildSpec { parts: self.parts, result: StartResult::FromProcess(ProcessRef::clone), types: PhantomData }
    }

    /// Splits the spec into an untyped one and a function that turns the started process into this spec's result.
    ///
    /// It is for supervisors of your own: the spec goes to the server. The function stays with the client, which calls it with
    /// the process that the first start of the [`Child`](super::Child) returns.
    ///
    /// # Panics
    ///
    /// The function panics if it is called with another process.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Probe, ProbeRef};
    /// use genserver::supervisor::{Child, ChildSpec};
    ///
    /// # genserver_doc::run! {
    /// let sweeper = ChildSpec::process("sweeper", |mut me: Probe<u8>| async move {
    ///     me.recv().await.map(drop)
    /// });
    /// let (spec, handle) = sweeper.split();
    ///
    /// let supervisor = Probe::<()>::new();
    /// let mut child = Child::new(spec);
    /// let process = supervisor.scope(async { child.start().await }).await?;
    /// let sweeper: ProbeRef<u8> = handle(process);
    /// sweeper.send(1)?;
    /// # }
    /// ```
    pub fn split(self) -> (ChildSpec, impl FnOnce(ProcessRef) -> H + use<S, H>) {
        let spec =
            ChildSpec { parts: self.parts, result: StartResult::FromProcess(ProcessRef::clone), types: PhantomData };
        (spec, move |process| self.result.take(&process))
    }
}

impl<S: GenServer, H: From<ServerRef<S>>> ChildSpec<S, H> {
    /// Returns a reference to the child that survives its restarts. Take it before the spec is given away.
    ///
    /// It can be given to the siblings of the child, which are started before the supervisor can be asked for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{AsServer, Probe};
    /// use genserver::supervisor::{ChildError, ChildRef, ChildSpec, Supervisor};
    ///
    /// async fn count(counter: ChildRef<Counter>) {
    ///     while counter.cast(Add(1)).is_ok() {
    ///         # std::future::pending::<()>().await;
    ///         // ...
    ///     }
    /// }
    ///
    /// # genserver_doc::run! {
    /// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    /// let reference = counter.reference();
    /// assert!(matches!(reference.current(), Err(ChildError::NotStarted { .. })));
    ///
    /// let counting = reference.clone();
    /// let user = ChildSpec::process("user", move |_me: Probe<()>| count(counting.clone()));
    /// let supervisor = Supervisor::rest_for_one().child(counter).child(user).start().await?;
    /// # while reference.call(Call::Get).await? == 0 { tokio::task::yield_now().await; }
    /// assert_eq!(reference.call(Call::Get).await?, 1);
    /// # supervisor.stop().await?;
    /// # }
    /// ```
    pub fn reference(&self) -> ChildRef<S, H> {
        ChildRef::new(self.parts.restart_parts.watch(&self.parts.description, PublishedState::NotStarted))
    }
}

impl<S, H> fmt::Debug for ChildSpec<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec").field("info", &self.parts.description.info).finish_non_exhaustive()
    }
}
