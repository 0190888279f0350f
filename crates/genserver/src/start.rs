//! Starting servers: the builder, the wait for `init`, and a start that is dropped.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::client::server_ref::ServerRef;
use crate::client::stop::EndAfterKill;
use crate::node::any_process::{About, Tied as _};
use crate::node::name::{Name, RegisterError};
use crate::node::process_ref::ProcessRef;
use crate::node::reply::Slot;
use crate::node::{self, Home, Node, current, cut, link};
use crate::process::Process;
use crate::process::starter::{Begun, Started};
use crate::runtime::Sleep;
use crate::server::GenServer;
use crate::server::debug::options::DebugOptions;
use crate::values::monitor::MonitorRef;
use crate::values::overflow::Overflow;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

// The options that a start and an adoption have in common.
mod options;
// Starting from a callback, ...
mod from_server;
// ... or on a node.
mod on_node;
// Making a server of a state that exists already.
pub(crate) mod adopt;
// Async functions as processes.
pub(crate) mod spawn;
// Processes held by plain code.
pub(crate) mod probe;
// The error of a start.
mod error;
// Telling why a start is dropped.
mod left;
// Starts of servers that are monitored from the beginning.
mod monitor;

pub use error::StartError;
pub(crate) use left::starter_ends;
pub use monitor::StartMonitor;
use options::{Link, ServerOptions, server_option_methods};

/// Starts a server and waits until its `init` has run: OTP's `start/3,4`.
///
/// The server is not linked; see [`start_link`] for that. This returns a builder; set options and await it.
///
/// # Errors
///
/// The awaited start returns a [`StartError`]. When it does, the process is gone and its name free, so a new attempt cannot
/// collide with it.
///
/// # Cancel safety
///
/// Dropping the start while init runs kills the process, because nothing could refer to it. `select!` and a timeout
/// around the start do that.
///
/// It is different if the start is dropped because its starter ends: as in OTP, the process goes on. The starter is the process
/// whose callback or function awaits the start; it may have been killed, or it may panic. Init then goes on without the limit
/// that [`timeout`](Start::timeout) set, and the server keeps its name. [`start_link`] says what a link adds.
///
/// # Examples
///
/// ```
/// # use genserver::{Cx, GenServer, Init, Never, StartError};
/// # use std::time::Duration;
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// let start = genserver::start::<Quiet>(()).name("quiet").timeout(Duration::from_secs(1));
/// let server = start.await?;
/// assert!(server.is_alive());
///
/// let again = genserver::start::<Quiet>(()).name("quiet").await;
/// let Err(StartError::AlreadyStarted { pid, .. }) = again else { unreachable!() };
/// assert_eq!(pid, server.pid());
/// # server.stop().await?;
/// # }
/// ```
pub fn start<S: GenServer>(args: S::Args) -> Start<S> {
    Start { starting: Starting::new(args), handle: PhantomData }
}

/// Starts a server linked to the process that runs on this thread: OTP's `start_link/3,4`.
///
/// In a callback, that process is the server itself. If init fails, the starter gets the error from the start, and no exit.
/// Unlike in OTP it lives on, because it can handle the returned error or pass it on with `?`.
///
/// # Errors
///
/// As [`start`]; and [`StartError::NotAProcess`] from plain code.
///
/// # Cancel safety
///
/// As [`start`]. If the starter ends while init runs, its reason arrives over the link, `killed` if it was killed:
///
/// - a server that does not trap exits ends with that reason at once, without terminate; the reason `normal` has no effect;
/// - a server that has called [`Cx::trap_exits`](crate::Cx::trap_exits) finishes init, and then runs terminate with the reason.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::{Probe, StartError};
///
/// let probe = Probe::<()>::new();
/// let server = probe.scope(async { genserver::start_link::<Quiet>(()).await }).await?;
/// assert_eq!(server.info().links, [probe.pid()]);
///
/// assert_eq!(genserver::start_link::<Quiet>(()).await.unwrap_err(), StartError::NotAProcess);
/// # }
/// ```
pub fn start_link<S: GenServer>(args: S::Args) -> Start<S> {
    start(args).link()
}

/// A start and its options. Awaiting it returns a [`ServerRef`], or the client type that [`handle`](Start::handle)
/// sets.
///
/// # Cancel safety
///
/// Dropping it while init runs kills the process, unless it is dropped because its starter ends: see [`start`].
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run_paused! {
/// use genserver::{Node, Overflow, Status, start, time};
/// use std::time::Duration;
///
/// let node = Node::new();
/// let server = start::<Quiet>(())
///     .on(&node)
///     .name("quiet")
///     .label("waits for nothing")
///     .mailbox(16)
///     .overflow(Overflow::DropOldest)
///     .inline(false)
///     .hibernate_after(Duration::from_secs(60))
///     .timeout(Duration::from_secs(5))
///     .await?;
/// assert_eq!(node.whereis("quiet"), Some(server.process_ref()));
/// time::sleep(Duration::from_secs(61)).await;
/// assert_eq!(server.info().status, Status::Hibernated);
/// # }
/// ```
#[must_use = "nothing is started until this is awaited"]
pub struct Start<S: GenServer, H = ServerRef<S>> {
    starting: Starting<S>,
    handle: PhantomData<fn() -> H>,
}

/// A start, whatever it returns.
struct Starting<S: GenServer> {
    args: Option<S::Args>,
    /// Boxed, like the next field: most starts have neither, and a start is moved around.
    options: Option<Box<Options>>,
    under_way: Option<Box<UnderWay<S>>>,
    /// [`Starting::poll_server`], which a crate that only awaits the start does not compile again: see `process::vtable`.
    poll_server: PollServer<S>,
}

type PollServer<S> = fn(&mut Starting<S>, &mut Context<'_>) -> Poll<Result<ServerRef<S>, StartError>>;

#[derive(Default)]
struct Options {
    server: ServerOptions,
    timeout: Option<Duration>,
    link: Link,
    monitor: Option<(MonitorRef, ProcessRef)>,
}

/// A process whose init is over, and the result for its starter.
struct Initialised<S: GenServer> {
    process: Arc<Process<S>>,
    told: Started,
}

/// A start whose init is awaiting something.
struct UnderWay<S: GenServer> {
    process: Arc<Process<S>>,
    begun: Arc<Slot<Started>>,
    linked: Option<ProcessRef>,
    monitor: Option<(MonitorRef, ProcessRef)>,
    /// The process that awaits the start: the one that polled it first, or the one that the options name.
    starter: Option<Pid>,
    /// The time limit for init.
    limit: Option<(Duration, Sleep)>,
    /// Set when init took too long and the process was killed.
    killed: Option<EndAfterKill>,
}

impl<S: GenServer, H> Start<S, H> {
    fn options(&mut self) -> &mut Options {
        self.starting.options.get_or_insert_default()
    }

    fn server_options(&mut self) -> &mut ServerOptions {
        &mut self.options().server
    }

    server_option_methods!();

    /// Gives the server a label unless it was given a name or a label before. A supervisor labels its children so.
    pub fn default_label(mut self, label: impl Into<Arc<str>>) -> Self {
        let options = self.server_options();
        if options.name.is_none() && options.label.is_none() {
            options.label = Some(label.into());
        }
        self
    }

    /// Kills the server if init takes longer than this. Without it there is no limit.
    ///
    /// An init is cut off where it awaits. If it computes without awaiting, the start waits for another second, then releases the
    /// name and returns; what init makes later is discarded.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # use std::time::Duration;
    /// # struct Slow;
    /// # impl GenServer for Slow {
    /// # type Args = ();
    /// # type Call = Never;
    /// # type Cast = Never;
    /// # type Info = Never;
    /// async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
    ///     tokio::time::sleep(Duration::from_secs(60)).await;
    ///     Init::Run(Slow)
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let late = genserver::start::<Slow>(()).timeout(Duration::from_secs(5)).await;
    /// assert!(matches!(late, Err(StartError::Timeout { .. })));
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options().timeout = Some(timeout);
        self
    }

    /// Links it with the process that runs on this thread when the start is awaited.
    pub fn link(mut self) -> Self {
        self.options().link = Link::Starter;
        self
    }

    pub(crate) fn linked_to(mut self, process: ProcessRef) -> Self {
        self.options().link = Link::Process(process);
        self
    }

    /// Makes the start return a client type instead of the bare reference.
    ///
    /// So a client's own `start` function can return the builder, and its users can set a name, a node or a link as for any
    /// other start.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{ServerRef, Start};
    ///
    /// #[derive(Clone)]
    /// struct Tickets(ServerRef<Counter>);
    ///
    /// impl From<ServerRef<Counter>> for Tickets {
    ///     fn from(counter: ServerRef<Counter>) -> Self {
    ///         Tickets(counter)
    ///     }
    /// }
    ///
    /// impl Tickets {
    ///     fn start() -> Start<Counter, Tickets> {
    ///         genserver::start::<Counter>(0).handle()
    ///     }
    /// }
    ///
    /// # genserver_doc::run! {
    /// let tickets: Tickets = Tickets::start().name("tickets").await?;
    /// assert_eq!(tickets.0.call(Call::Get).await?, 0);
    /// # }
    /// ```
    pub fn handle<K: From<ServerRef<S>>>(self) -> Start<S, K> {
        Start { starting: self.starting, handle: PhantomData }
    }
}

impl<S: GenServer> Starting<S> {
    /// A crate that names this compiles the engine of the server.
    fn new(args: S::Args) -> Self {
        Self { args: Some(args), options: None, under_way: None, poll_server: Self::poll_server }
    }

    /// Goes on with the start, which is compiled where it was made.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<ServerRef<S>, StartError>> {
        (self.poll_server)(self, cx)
    }

    /// Makes the process, its name and its ties, and runs init. Returns `None` if init awaits: the start is then under way.
    fn begin(&mut self, args: S::Args, cx: &Context<'_>) -> Result<Option<Initialised<S>>, StartError> {
        let Prepared { process, linked, monitor, debug, timeout } = match self.options.take() {
            None => {
                Prepared::plain(make_process(&node::current_home().ok_or(StartError::NoRuntime)?, None, None, None)?)
            }
            Some(options) => prepare(*options)?,
        };
        let home = &process.head.home;
        let begun = match process.run_init(Box::new(options::actor(&process, None, debug)), Box::new(args)) {
            // The starter has to end, so the result is not returned: the start is treated as one that is still under way.
            Begun::Done(told) if cut::is_cut(cx) => Arc::new(Slot::filled(process.head.pid, told)),
            Begun::Done(told) => return Ok(Some(Initialised { process, told })),
            Begun::Awaited(begun) => begun,
        };
        let limit = timeout.map(|limit| (limit, home.runtime().sleep_until(crate::node::alarm::after(home, limit))));
        let starter = current::pid().or_else(|| process.head.parent());
        self.under_way = Some(Box::new(UnderWay { process, begun, linked, monitor, starter, limit, killed: None }));
        Ok(None)
    }
}

/// A process with the name and the ties that the options ask for, and the remaining options.
struct Prepared<S: GenServer> {
    process: Arc<Process<S>>,
    linked: Option<ProcessRef>,
    monitor: Option<(MonitorRef, ProcessRef)>,
    debug: Option<Box<DebugOptions>>,
    timeout: Option<Duration>,
}

impl<S: GenServer> Prepared<S> {
    /// A process whose start has no options.
    fn plain(process: Arc<Process<S>>) -> Self {
        Self { process, linked: None, monitor: None, debug: None, timeout: None }
    }
}

fn prepare<S: GenServer>(options: Options) -> Result<Prepared<S>, StartError> {
    let Options { mut server, timeout, link, monitor } = options;
    let linked = link.peer()?;
    let home = match (&server.node, &linked) {
        (None, None) => node::current_home(),
        (None, Some(linked)) => linked.node().home(),
        (Some(node), _) => node.home(),
    }
    .ok_or(StartError::NoRuntime)?;
    // OTP records the caller of `start_monitor` as the parent too, though nothing links the two.
    let parent = linked.as_ref().or(monitor.as_ref().map(|(_, watcher)| watcher)).map(ProcessRef::pid);
    let process = server.make(&home, parent)?;
    let erased = || process.erased();
    if linked.as_ref().is_some_and(|starter| !link::tie(&erased(), starter.process())) {
        home.node().release_name(&process.head);
        process.discard();
        return Err(StartError::NotAProcess);
    }
    if let Some((reference, watcher)) = &monitor {
        erased().monitor(*reference, Arc::clone(watcher.process()));
    }
    Ok(Prepared { process, linked, monitor, debug: server.debug, timeout })
}

/// Makes a process that does not run yet, and registers its name.
pub(crate) fn make_process<S: GenServer>(
    home: &Arc<Home>,
    name: Option<Name>,
    label: Option<Arc<str>>,
    parent: Option<Pid>,
) -> Result<Arc<Process<S>>, StartError> {
    let node = home.node();
    if let Some(name) = &name
        && let Some(holder) = node.whereis(name.clone())
    {
        return Err(StartError::AlreadyStarted { name: name.clone(), pid: holder.pid() });
    }
    let about = about(name.clone(), label, parent);
    let process = Process::insert(home, about);
    if let Some(name) = name {
        register(home, &process, name)?;
    }
    Ok(process)
}

/// The properties of a process: its name, its label, and its ancestors.
pub(crate) fn about(name: Option<Name>, label: Option<Arc<str>>, parent: Option<Pid>) -> Option<Arc<About>> {
    let of_parent = parent.map(|pid| match node::find(pid) {
        Some(parent) => parent.about_child(),
        None => Arc::new(About::child_of(pid, &[])),
    });
    if name.is_none() && label.is_none() {
        return of_parent;
    }
    let ancestors = of_parent.map(|about| Arc::clone(&about.ancestors)).unwrap_or_default();
    Some(Arc::new(About { name, label, ancestors }))
}

/// Registers the name of the new process. If it was taken since it was looked up, the process is discarded before init runs.
fn register<S: GenServer>(home: &Arc<Home>, process: &Arc<Process<S>>, name: Name) -> Result<(), StartError> {
    let erased = ProcessRef::new(process.erased());
    let refused = match home.node().register(&name, &erased) {
        Ok(()) => return Ok(()),
        Err(refused) => refused,
    };
    process.discard();
    Err(match refused {
        RegisterError::Taken(pid) => StartError::AlreadyStarted { name, pid },
        RegisterError::Refused(why) => StartError::NameRefused { name, why },
    })
}

impl<S: GenServer> UnderWay<S> {
    /// Kills the process of a start that was dropped. The link goes first, so that the kill does not come back over it.
    fn abandon(&self) {
        if let Some(starter) = &self.linked {
            starter.process().unlink(self.process.head.pid);
            self.process.unlink(starter.pid());
        }
        ServerRef::new(Arc::clone(&self.process)).kill();
        self.begun.close();
    }

    /// Lets the process go on without its starter, which ends. The link stays, and delivers the starter's reason.
    fn leave(&self) {
        // Nobody gets the error of this start any more, so a link with a process other than the starter carries the exit.
        self.begun.close();
        if let Some((reference, watcher)) = &self.monitor {
            self.process.demonitor(*reference, watcher.pid().node());
        }
    }
}

// The start itself is never pinned: init is pinned in the new process.
impl<S: GenServer, H> Unpin for Start<S, H> {}

impl<S: GenServer, H: From<ServerRef<S>>> Future for Start<S, H> {
    type Output = Result<H, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.starting.poll(cx).map_ok(H::from)
    }
}

impl<S: GenServer> Starting<S> {
    fn poll_server(&mut self, cx: &mut Context<'_>) -> Poll<Result<ServerRef<S>, StartError>> {
        if cut::is_cut(cx) {
            return Poll::Pending;
        }
        if let Some(args) = self.args.take()
            && let Some(initialised) = self.begin(args, cx)?
        {
            return Poll::Ready(initialised.judge());
        }
        let Some(under_way) = &mut self.under_way else { return Poll::Pending };
        if let Some(killed) = &mut under_way.killed {
            ready!(Pin::new(killed).poll(cx));
            let head = &under_way.process.head;
            if under_way.process.ended_with().is_none() {
                // Init computes without awaiting. Its result will never be used, so the name can be given to another process.
                head.home.node().release_name(head);
            }
            let after = under_way.limit.as_ref().map_or(Duration::ZERO, |(after, _)| *after);
            let error = StartError::Timeout { server: head.subject(), after };
            self.under_way = None;
            return Poll::Ready(Err(error));
        }
        let polled = under_way.begun.poll(cx, None);
        if polled.is_pending()
            && let Some((_, sleep)) = &mut under_way.limit
        {
            ready!(sleep.as_mut().poll(cx));
            if cut::is_cut(cx) {
                // The limit belongs to the starter, which is ending.
                return Poll::Pending;
            }
            under_way.abandon();
            under_way.killed = Some(EndAfterKill::new(under_way.process.erased()));
            return self.poll_server(cx);
        }
        let told = ready!(polled).unwrap_or(Started::Failed(Reason::RuntimeGone));
        let Some(under_way) = self.under_way.take() else { return Poll::Pending };
        Poll::Ready(Initialised { process: under_way.process, told }.judge())
    }
}

impl<S: GenServer> Initialised<S> {
    /// The result of the start.
    fn judge(self) -> Result<ServerRef<S>, StartError> {
        let Self { process, told } = self;
        match told {
            Started::Running => Ok(ServerRef::new(process)),
            Started::Ignored => Err(StartError::Ignored { server: process.head.subject() }),
            Started::Failed(reason) => Err(StartError::Failed { server: process.head.subject(), reason }),
        }
    }
}

impl<S: GenServer> Drop for Starting<S> {
    fn drop(&mut self) {
        match &self.under_way {
            Some(under_way) if starter_ends(under_way.starter) => under_way.leave(),
            Some(under_way) => under_way.abandon(),
            None => {}
        }
    }
}

impl<S: GenServer, H> fmt::Debug for Start<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("server", &std::any::type_name::<S>())
            .field("name", &self.starting.options.as_ref().and_then(|options| options.server.name.as_ref()))
            .finish_non_exhaustive()
    }
}
