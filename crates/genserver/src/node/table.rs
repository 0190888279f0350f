//! Nodes: a table of processes and a space of names.

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::RwLock;

use crate::node::any_process::{AnyProcess, Head};
use crate::node::current;
use crate::node::home::{Home, StrongHomes};
use crate::node::name::{GLOBAL, Name, NameRegistry as _, Names, RegisterError};
use crate::node::process_ref::ProcessRef;
use crate::node::record::{self, Event};
use crate::node::shard::{Shard, SomeProcesses};
use crate::report::hub::Hub;
#[cfg(feature = "metrics")]
use crate::report::meter::Meter;
use crate::runtime::Runtime;
use crate::sync::parking::Mutex;
use crate::values::info::ProcessInfo;
use crate::values::pid::Pid;
use crate::values::reason::{Panic, Reason};

/// How many shards the process table has, so that starts on many threads do not contend for one lock.
pub(super) const SHARDS: u32 = 16;

/// All live nodes, so that a pid finds its process from anywhere. The lock is one that models do not see (see `sync`): nothing
/// happens under it at which a model could stop, and it outlives every execution of a model.
static NODES: RwLock<BTreeMap<u32, Weak<Inner>>> = RwLock::new(BTreeMap::new());
static LAST_NODE: AtomicU32 = AtomicU32::new(0);

/// A table of processes and a space of names.
///
/// A clone is the same node. It lives as long as a clone exists or a process runs in it. So does the task that keeps its
/// time, one on each runtime that its processes run on.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::Node;
///
/// let (left, right) = (Node::new(), Node::new());
/// let server = left.start::<Quiet>(()).name("quiet").await?;
/// // The names of one node are free in the other.
/// assert_ne!(right.start::<Quiet>(()).name("quiet").await?, server);
/// assert_eq!(left.whereis("quiet"), Some(server.process_ref()));
/// # }
/// ```
#[derive(Clone)]
pub struct Node {
    pub(super) inner: Arc<Inner>,
    /// `None` in the node that a process holds: a process keeps its own home alive, and no other.
    pub(super) strong_homes: Option<Arc<StrongHomes>>,
}

pub(super) struct Inner {
    pub(super) id: u32,
    /// The runtime of all its processes. If there is none, a process runs on the runtime that it is started on.
    pub(super) runtime: Option<Arc<dyn Runtime>>,
    /// Its homes, by the id of the runtime.
    pub(super) homes: Mutex<Vec<(u64, Weak<Home>)>>,
    table: [Mutex<Shard>; SHARDS as usize],
    last_serial: AtomicU64,
    last_reference: AtomicU64,
    names: Names,
    reports: Hub,
}

impl Node {
    /// Makes an empty node. Each of its processes runs on the runtime that it is started on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Node;
    ///
    /// let node = Node::new();
    /// let server = node.start::<Quiet>(()).name("quiet").await?;
    /// assert_eq!(node.whereis("quiet"), Some(server.process_ref()));
    /// assert_eq!(genserver::whereis("quiet"), None);
    /// # }
    /// ```
    #[expect(clippy::new_without_default, reason = "the default node is another one: `Node::program`")]
    pub fn new() -> Self {
        Self::build(None)
    }

    /// Makes an empty node whose processes all run on `runtime`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use std::sync::Arc;
    /// use genserver::Node;
    /// use genserver::runtime::Tokio;
    ///
    /// let node = Node::with_runtime(Arc::new(Tokio::new(tokio::runtime::Handle::current())));
    /// assert!(node.start::<Quiet>(()).await?.is_alive());
    /// # }
    /// ```
    pub fn with_runtime(runtime: Arc<dyn Runtime>) -> Self {
        Self::build(Some(runtime))
    }

    /// Returns the program's own node, where processes are started by default outside any process.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::Node;
    ///
    /// let server = genserver::start::<Quiet>(()).name("anywhere").await?;
    /// assert_eq!(Node::program().whereis("anywhere"), Some(server.process_ref()));
    /// # }
    /// ```
    pub fn program() -> Self {
        static PROGRAM: OnceLock<Node> = OnceLock::new();
        PROGRAM.get_or_init(Self::new).clone()
    }

    /// Returns the node of the process that runs on this thread, or the program's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// use genserver::{Node, Probe};
    ///
    /// let node = Node::new();
    /// let probe = Probe::<()>::on(&node);
    /// let start = async { Node::current().start::<Quiet>(()).name("inherited").await };
    /// let server = probe.scope(start).await?;
    /// assert_eq!(node.whereis("inherited"), Some(server.process_ref()));
    /// # }
    /// ```
    pub fn current() -> Self {
        current::pid().and_then(|pid| Self::find(pid.node())).unwrap_or_else(Self::program)
    }

    fn build(runtime: Option<Arc<dyn Runtime>>) -> Self {
        let id = LAST_NODE.fetch_add(1, Ordering::Relaxed);
        let inner = Arc::new(Inner {
            id,
            runtime,
            homes: Mutex::default(),
            table: Default::default(),
            last_serial: AtomicU64::new(0),
            last_reference: AtomicU64::new(0),
            names: Names::default(),
            reports: Hub::default(),
        });
        let mut nodes = NODES.write();
        nodes.retain(|_, node| node.strong_count() > 0);
        nodes.insert(id, Arc::downgrade(&inner));
        drop(nodes);
        Self { inner, strong_homes: Some(Arc::default()) }
    }

    /// The number that the pids of its processes have.
    pub(crate) fn id(&self) -> u32 {
        self.inner.id
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.inner.reports
    }

    fn find(id: u32) -> Option<Self> {
        let inner = NODES.read().get(&id)?.upgrade()?;
        Some(Self { inner, strong_homes: None })
    }

    /// Adds a process to the table; `make` is given its pid.
    pub(crate) fn insert<P: AnyProcess + 'static>(&self, make: impl FnOnce(Pid) -> P) -> Arc<P> {
        let serial = self.inner.last_serial.fetch_add(1, Ordering::Relaxed) + 1;
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of shards")]
        let shard = (serial % u64::from(SHARDS)) as u32;
        let inserted = self.inner.table[shard as usize].lock().insert(|place| {
            let place = u32::try_from(place).expect("four billion processes do not fit into memory");
            make(Pid::new(self.inner.id, place * SHARDS + shard, serial))
        });
        note_start(&*inserted);
        inserted
    }

    /// Removes a process from the table.
    pub(crate) fn remove(&self, pid: Pid) {
        // A statement of its own, so that the process is dropped after the lock is released.
        let removed =
            self.inner.table[(pid.index() % SHARDS) as usize].lock().remove((pid.index() / SHARDS) as usize, pid);
        drop(removed);
    }

    pub(crate) fn get(&self, pid: Pid) -> Option<Arc<dyn AnyProcess>> {
        self.inner.table[(pid.index() % SHARDS) as usize].lock().get((pid.index() / SHARDS) as usize, pid).cloned()
    }

    /// All processes, in the order of their pids.
    pub(crate) fn all_processes(&self) -> Vec<Arc<dyn AnyProcess>> {
        let mut all: Vec<_> = Vec::new();
        for shard in &self.inner.table {
            let shard = shard.lock();
            all.extend(shard.iter().map(Arc::clone));
        }
        all.sort_by_key(|process| process.head().pid.serial);
        all
    }

    /// Some processes of one shard, from this place on, and the place after them; `None` behind the last.
    pub(super) fn some_processes(&self, shard: usize, from: usize, places: usize) -> Option<SomeProcesses> {
        self.inner.table[shard].lock().some(from, places)
    }

    /// A number for a new monitor or timer.
    pub(crate) fn next_reference(&self) -> NonZeroU64 {
        NonZeroU64::MIN.saturating_add(self.inner.last_reference.fetch_add(1, Ordering::Relaxed))
    }

    /// Looks up the process that has a name: OTP's `whereis`.
    ///
    /// The process may end before the result is used.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let server = genserver::start::<Quiet>(()).name("found").await?;
    /// assert_eq!(genserver::Node::program().whereis("found"), Some(server.process_ref()));
    /// # }
    /// ```
    pub fn whereis(&self, name: impl Into<Name>) -> Option<ProcessRef> {
        let name = name.into();
        let found = match &name {
            Name::Local(name) => self.inner.names.whereis(name),
            Name::Global(name) => GLOBAL.whereis(name),
            Name::Via(registry, name) => registry.whereis(name),
        }
        .filter(|process| process.process().holds_name());
        note_name(&name, || found.as_ref().map_or(Pid::NOBODY, ProcessRef::pid));
        found
    }

    /// Registers a process's name. If the user's registry panics, that counts as a refusal.
    pub(crate) fn register(&self, name: &Name, process: &ProcessRef) -> Result<(), RegisterError> {
        note_name(name, || process.pid());
        match name {
            Name::Local(name) => self.inner.names.register(name, process),
            Name::Global(name) => GLOBAL.register(name, process),
            Name::Via(registry, name) => Panic::catch(|| registry.register(name, process))
                .unwrap_or_else(|panic| Err(RegisterError::Refused(Reason::Panic(panic).to_string()))),
        }
    }

    /// Releases the name of a process that ends. The user's registry may panic; the process ends all the same.
    pub(crate) fn release_name(&self, head: &Head) {
        if let Some(name) = head.name() {
            self.release(name, head.pid);
        }
    }

    pub(crate) fn release(&self, name: &Name, pid: Pid) {
        note_name(name, || Pid::NOBODY);
        match name {
            Name::Local(name) => self.inner.names.unregister(name, pid),
            Name::Global(name) => GLOBAL.unregister(name, pid),
            Name::Via(registry, name) => drop(Panic::catch(|| registry.unregister(name, pid))),
        }
    }

    /// Returns a snapshot of every process of this node, in the order in which they were started.
    ///
    /// Each snapshot is taken separately: processes go on, start and end meanwhile. [`processes`](Node::processes) goes through
    /// them without a list of all.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver::{Cx, GenServer, Init, Never};
    /// # use genserver_doc::quiet::*;
    /// use genserver::Node;
    ///
    /// # genserver_doc::run! {
    /// let node = Node::new();
    /// node.start::<Quiet>(()).name("first").await?;
    /// node.start::<Quiet>(()).name("second").await?;
    ///
    /// let names: Vec<_> = node.process_list().into_iter().filter_map(|info| info.name).collect();
    /// assert_eq!(names, ["first", "second"]);
    /// # }
    /// ```
    #[doc(alias = "processes")]
    pub fn process_list(&self) -> Vec<ProcessInfo> {
        self.all_processes().into_iter().map(|process| process.info()).collect()
    }

    /// Adds everything that the processes of this node have counted to the counters of the present recorder, and sets the gauges.
    ///
    /// A process adds what it has counted by itself about once in 64 times that it runs, and when it ends. Until then the
    /// counters are behind. So a program that shows its metrics calls this first. It takes the lock of one process after the
    /// other, each for an instant, and waits for none of their callbacks. `docs/OBSERVING.md` in the repository has every name,
    /// its unit and its labels.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use genserver::Node;
    ///
    /// let counter = genserver::start::<Counter>(0).await?;
    /// counter.call(Call::Get).await?;
    /// // An endpoint for Prometheus does this, and then prints what its recorder has.
    /// Node::program().update_metrics();
    /// # }
    /// ```
    #[cfg(feature = "metrics")]
    pub fn update_metrics(&self) {
        for process in self.all_processes() {
            process.flush_counts();
        }
        Meter::show_all();
    }

    /// Returns a snapshot of one process of this node, or `None` if it has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver::{Cx, GenServer, Init, Never};
    /// # use genserver_doc::quiet::*;
    /// use genserver::Node;
    ///
    /// # genserver_doc::run! {
    /// let node = Node::new();
    /// let quiet = node.start::<Quiet>(()).await?;
    /// assert!(node.info(quiet.pid()).is_some());
    ///
    /// quiet.stop().await?;
    /// assert!(node.info(quiet.pid()).is_none());
    /// # }
    /// ```
    #[doc(alias = "process_info")]
    pub fn info(&self, pid: Pid) -> Option<ProcessInfo> {
        self.get(pid).map(|process| process.info())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

/// The process with this pid, if it is alive.
pub(crate) fn find(pid: Pid) -> Option<Arc<dyn AnyProcess>> {
    Node::find(pid.node())?.get(pid)
}

/// Returns whether the process has run its last callback and will send its end to all watchers in a moment.
pub(crate) fn is_ending(pid: Pid) -> bool {
    find(pid).is_some_and(|process| process.is_ending())
}

/// A process was made.
#[inline]
fn note_start<P: AnyProcess>(process: &P) {
    record::note(|| {
        let head = process.head();
        let title = || head.name().map(ToString::to_string).or_else(|| head.label().map(str::to_owned));
        let text = record::text(|| title().unwrap_or_else(|| type_name::<P>().to_owned()));
        Event::Started { pid: head.pid, by: current::sender(), text }
    });
}

/// A name was given, released or looked up, and belongs to this process.
#[inline]
fn note_name(name: &Name, pid: impl FnOnce() -> Pid) {
    record::note(|| {
        let (space, text) = match name {
            Name::Local(name) => (0, name),
            Name::Global(name) => (1, name),
            Name::Via(_, name) => (2, name),
        };
        Event::Name { name: record::hash(&(space, text)), pid: pid(), text: record::text(|| name.to_string()) }
    });
}
