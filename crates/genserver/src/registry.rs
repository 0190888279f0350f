//! Registries: shared tables in which processes hold keys, with a value beside each key.
//!
//! ```
//! # genserver_doc::run! {
//! use genserver::Probe;
//! use genserver::registry::Registry;
//!
//! let rooms = Registry::unique();
//! rooms.start().await?;
//!
//! let alice = Probe::<()>::new();
//! rooms.of(&alice).register("lobby", 7)?;
//! let found = rooms.lookup("lobby").expect("alice holds it");
//! assert_eq!((found.pid(), *found.value()), (alice.pid(), 7));
//!
//! drop(alice);
//! assert!(rooms.lookup("lobby").is_none());
//! # }
//! ```
//!
//! A [`Registry`] is a value to clone and pass around; all clones are the same registry. They share one table,
//! so a lookup sends no message and waits for no process. Any value that can be hashed and
//! compared can be a key. Keys cost nothing once they are released, so they may come from outside the program.
//!
//! Behind the table runs one process, its [`Keeper`], which monitors the processes that hold keys and removes the entries of
//! those that have ended. This is the process that you start, supervise and stop: see [`Registry::start`].
//!
//! # Unique and duplicate
//!
//! In a [`Registry::unique`] a key belongs to one process at a time: it names that process. In a [`Registry::duplicate`] any
//! number of processes hold a key, each any number of times: it names a group, such as the subscribers of a topic. A method
//! that makes sense for only one of the two exists only there.
//!
//! # Registering
//!
//! A process registers itself, in a callback or in its function:
//!
//! ```
//! use genserver::{Cx, GenServer, Init, Never};
//! use genserver::registry::{Registry, UniqueRegistry};
//!
//! struct Room;
//!
//! impl GenServer for Room {
//!     type Args = (UniqueRegistry<String, u32>, String);
//!     type Call = Never;
//!     type Cast = Never;
//!     type Info = Never;
//!
//!     async fn init((rooms, name): Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
//!         match rooms.register(name, 12) {
//!             Ok(()) => Init::Run(Room),
//!             Err(refused) => Init::Stop(refused.into()),
//!         }
//!     }
//! }
//!
//! # genserver_doc::run! {
//! let rooms = Registry::unique();
//! rooms.start().await?;
//! let room = genserver::start::<Room>((rooms.clone(), "lobby".to_owned())).await?;
//! assert_eq!(rooms.whereis("lobby"), Some(room.process_ref()));
//!
//! let second = genserver::start::<Room>((rooms.clone(), "lobby".to_owned())).await;
//! assert!(second.is_err());
//! # }
//! ```
//!
//! [`Registry::of`] registers another process: a [`Probe`](crate::Probe) in plain code, or a server that does not know about
//! registries.
//!
//! # As names
//!
//! A key of a unique registry can be the name of a process. A process started with [`Registry::via`] holds the key from before
//! its init until its end, and a [`Named`](crate::Named) finds it through the registry.
//!
//! ```
//! # use genserver_doc::counter::*;
//! # genserver_doc::run! {
//! use genserver::{AsServer, Named};
//! use genserver::registry::Registry;
//!
//! let counters = Registry::unique();
//! counters.start().await?;
//! let name = counters.via(("visits", 2026), ());
//! genserver::start::<Counter>(1).name(name.clone()).await?;
//! assert_eq!(Named::<Counter>::new(name).call(Call::Get).await?, 1);
//! # }
//! ```
//!
//! # How long an entry lives
//!
//! An entry lives until its process releases it or has ended, and not a moment longer. After a `Down`, an exit or
//! an error has told you of an end, no registry has an entry of that process, and its keys can be taken at once. While a process
//! terminates it still holds its keys, as it does its name; [`ProcessRef::is_alive`] tells whether it takes messages.
//!
//! The keeper only keeps the table small. If it crashes, nothing is lost: a supervisor starts its successor on the same registry,
//! with the table as it is. Until then no process can register, because the entries of a process that is not monitored would
//! never be removed.
//!
//! # What it costs
//!
//! The table is divided into sixteen parts by the hash of the key, and into as many by the process, so that processes that
//! register at the same time rarely contend; OTP has the option `partitions` for this. A lookup takes a lock that readers share.
//!
//! The `Hash` and `Eq` of a key run under such a lock: they must not use the registry, and derived ones never do. No other user
//! code runs under a lock: no destructor of a value, and no function passed to [`dispatch`](Registry::dispatch).
//!
//! # When (not) to use a registry
//!
//! For a server that everything knows, use a plain [`name`](crate::Start::name). For data that belongs to no process, use a map.
//! To start a process for a key on demand, take a [`lock`](Registry::lock), or start it with [`via`](Registry::via) and handle
//! "already started": between a lookup and a start another process may start it.
//!
//! # What differs from OTP
//!
//! - A dead process is never found and never counted; OTP may show it for a moment.
//! - Registering creates no link. The end of a registry ends no other process, and a crash of it loses nothing.
//! - Any code may register any process, with [`of`](Registry::of).
//! - Patterns do not exist here: [`matching`](Registry::matching) and similar functions take a function that looks at the value, and
//!   [`select`](Registry::select) is an iterator.
//! - `dispatch` has no `parallel`. Sends to the entries have nothing to overlap, since a send never waits, and the messages of
//!   one process keep their order only if that process sends them. Do slow work per entry in tasks:
//!   [`async_stream`](crate::task::async_stream()) over [`lookup`](Registry::lookup) runs one for each entry.
//! - A listener whose mailbox was full is told later how many events it missed.

use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::{AsProcess, ProcessRef, Start, current_process};

// The result of a lookup.
mod entry;
// Reading it: by key, by value, and all of it.
mod read;
// A registry as one process sees it.
mod owner;
// A registry as a space of names.
mod via;
// Processes that are told of changes.
mod listener;
// Locks by key.
mod lock;
// Values about the registry itself.
mod meta;
// Errors.
mod error;
// The table that all clones share, and the process that keeps it small.
mod keeper;
mod table;

pub use entry::{Entry, Updated};
pub use error::{RegisterDuplicateError, RegisterUniqueError, UpdateError};
pub use keeper::{AlreadyRunning, Keeper, KeeperArgs, Watch};
pub use listener::RegistryEvent;
pub use lock::{Lock, LockGuard};
pub use owner::Owner;

use table::Table;

/// A key of a registry: any value that can be hashed, compared and shared.
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::registry::Registry;
///
/// #[derive(Clone, Debug, PartialEq, Eq, Hash)]
/// struct Table {
///     room: &'static str,
///     number: u32,
/// }
///
/// # genserver_doc::run! {
/// let tables = Registry::unique();
/// tables.start().await?;
/// let waiter = Probe::<()>::new();
/// tables.of(&waiter).register(Table { room: "garden", number: 3 }, ())?;
/// let waits = tables.whereis(&Table { room: "garden", number: 3 });
/// assert_eq!(waits, Some(waiter.process_ref()));
/// # }
/// ```
pub trait Key: Hash + Eq + Send + Sync + 'static {}
impl<T: Hash + Eq + Send + Sync + 'static> Key for T {}

/// A value beside a key: any value that can be shared.
pub trait Value: Send + Sync + 'static {}
impl<T: Send + Sync + 'static> Value for T {}

/// The kind of registry in which a key belongs to one process: see [`Registry::unique`].
#[derive(Clone, Copy, Debug)]
pub enum Unique {}

/// The kind of registry in which any number of processes hold a key: see [`Registry::duplicate`].
#[derive(Clone, Copy, Debug)]
pub enum Duplicate {}

/// A registry in which a key belongs to one process.
pub type UniqueRegistry<K, V = ()> = Registry<K, V, Unique>;

/// A registry in which any number of processes hold a key.
pub type DuplicateRegistry<K, V = ()> = Registry<K, V, Duplicate>;

/// A table in which processes hold keys, each with a value; see the [page of the module](self).
///
/// A clone is the same registry.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::registry::{Registry, UniqueRegistry};
/// use genserver::{Name, ServerRef};
///
/// /// Visit counters, by page.
/// #[derive(Clone)]
/// struct Visits(UniqueRegistry<String>);
///
/// impl Visits {
///     fn name(&self, page: &str) -> Name {
///         self.0.via(page.to_owned(), ())
///     }
///
///     fn of(&self, page: &str) -> Option<ServerRef<Counter>> {
///         self.0.whereis(page)?.downcast()
///     }
/// }
///
/// # genserver_doc::run! {
/// let visits = Visits(Registry::unique());
/// visits.0.start().await?;
/// assert!(visits.of("index").is_none());
/// genserver::start::<Counter>(1).name(visits.name("index")).await?;
/// assert!(visits.of("index").is_some());
/// # }
/// ```
pub struct Registry<K: Key, V: Value, Kind> {
    table: Arc<Table<K, V>>,
    kind: PhantomData<fn() -> Kind>,
}

impl<K: Key, V: Value> Registry<K, V, Unique> {
    /// Makes a registry in which a key belongs to one process at a time. It is empty, and not [started](Registry::start) yet.
    pub fn unique() -> Self {
        Self::new()
    }

    /// Registers the calling process under `key`, with `value` beside it: OTP's `register/3`.
    ///
    /// The process holds the key when this returns, until it releases the key or ends. A key whose holder has ended is
    /// free.
    ///
    /// # Errors
    ///
    /// [`AlreadyRegistered`](RegisterUniqueError::AlreadyRegistered) if a process holds the key, even if that is the caller;
    /// [`NoProcess`](RegisterUniqueError::NoProcess) from plain code, which registers with [`of`](Registry::of);
    /// [`NotRunning`](RegisterUniqueError::NotRunning) if the registry is not running. Key and value come back.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let (alice, bob) = (Probe::<()>::new(), Probe::<()>::new());
    ///
    /// alice.scope(async { rooms.register("lobby", 7) }).await?;
    /// let refused = bob.scope(async { rooms.register("lobby", 8) }).await.unwrap_err();
    /// assert_eq!(refused.holder(), Some(&alice.process_ref()));
    /// assert_eq!(refused.into_inner(), ("lobby", 8));
    /// # }
    /// ```
    pub fn register(&self, key: K, value: V) -> Result<(), RegisterUniqueError<K, V>> {
        self.caller().register(key, value)
    }

    /// Returns the entry of `key`: OTP's `lookup/2`. `None` if no process holds it.
    pub fn lookup<Q>(&self, key: &Q) -> Option<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.find_one(key)
    }

    /// The process that holds `key`: OTP's `whereis_name/1`.
    #[doc(alias = "whereis_name")]
    pub fn whereis<Q>(&self, key: &Q) -> Option<ProcessRef>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lookup(key).map(|entry| entry.process().clone())
    }

    /// Replaces the value beside `key`, which the calling process holds: OTP's `update_value/3`.
    ///
    /// Returns the new and the old entry. Listeners are not told. `update` runs on this thread, and again if the value was
    /// replaced meanwhile, which only happens if a process updates from two tasks.
    ///
    /// # Errors
    ///
    /// [`UpdateError::NotRegistered`] if no process holds the key, [`UpdateError::NotOwned`] if another process does.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby", 1)?;
    ///
    /// let more = async { rooms.update_value("lobby", |guests| guests + 1) };
    /// let updated = alice.scope(more).await?;
    /// assert_eq!((updated.new.value(), updated.old.value()), (&2, &1));
    /// # }
    /// ```
    pub fn update_value<Q>(&self, key: &Q, update: impl FnMut(&V) -> V) -> Result<Updated<K, V>, UpdateError>
    where
        K: Borrow<Q> + Clone,
        Q: Hash + Eq + ?Sized,
    {
        self.caller().update_value(key, update)
    }
}

impl<K: Key, V: Value> Registry<K, V, Duplicate> {
    /// Makes a registry in which any number of processes hold a key. It is empty, and not [started](Registry::start) yet.
    pub fn duplicate() -> Self {
        Self::new()
    }

    /// Adds an entry under `key` for the calling process: OTP's `register/3`. One process may have several.
    ///
    /// # Errors
    ///
    /// [`NoProcess`](RegisterDuplicateError::NoProcess) from plain code, which registers with [`of`](Registry::of);
    /// [`NotRunning`](RegisterDuplicateError::NotRunning) if the registry is not running. Key and value come back.
    pub fn register(&self, key: K, value: V) -> Result<(), RegisterDuplicateError<K, V>> {
        self.caller().register(key, value)
    }

    /// Returns all entries of `key`, in the order in which they were registered: OTP's `lookup/2`.
    pub fn lookup<Q>(&self, key: &Q) -> Vec<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.find(key)
    }
}

impl<K: Key, V: Value, Kind> Registry<K, V, Kind> {
    fn new() -> Self {
        Self { table: Arc::new(Table::new()), kind: PhantomData }
    }

    /// Starts the registry's process, which monitors the processes that hold keys. Until then no process can register.
    ///
    /// It is a start like any other, with all its options. Under a supervisor, call it in the child's start function on a
    /// clone of the registry; a restart goes on with the same table.
    ///
    /// # Errors
    ///
    /// Those of every start; it fails with [`AlreadyRunning`] if the registry is running.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// let keeper = rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby", 7)?;
    ///
    /// keeper.kill();
    /// keeper.ended().await;
    /// assert!(!rooms.is_running());
    /// rooms.start().await?;
    /// assert!(rooms.lookup("lobby").is_some());
    /// # }
    /// ```
    pub fn start(&self) -> Start<Keeper<K, V>> {
        crate::start::<Keeper<K, V>>(KeeperArgs { table: Arc::clone(&self.table) }).label("registry")
    }

    /// The same, linked with the process that runs on this thread.
    ///
    /// # Errors
    ///
    /// As [`start`](Registry::start), and [`StartError::NotAProcess`](crate::StartError::NotAProcess) from plain code.
    pub fn start_link(&self) -> Start<Keeper<K, V>> {
        self.start().link()
    }

    /// Returns whether it has been started and has not ended, so that processes can register.
    pub fn is_running(&self) -> bool {
        self.table.is_kept()
    }

    /// Returns the registry as `process` sees it, for example to register a process that does not register itself.
    pub fn of(&self, process: &impl AsProcess) -> Owner<'_, K, V, Kind> {
        Owner::new(self, process.as_process())
    }

    /// Returns the registry as the current process sees it; in plain code, as no process.
    pub fn caller(&self) -> Owner<'_, K, V, Kind> {
        Owner::new(self, current_process())
    }

    /// Releases everything that the calling process holds under `key`: OTP's `unregister/2`. Returns whether there was
    /// anything.
    pub fn unregister<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.caller().unregister(key)
    }

    /// Releases the entries of the calling process under `key` whose value `wanted` accepts: OTP's
    /// `unregister_match/3,4`. Returns how many there were.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// # genserver_doc::run! {
    /// let topics = Registry::duplicate();
    /// topics.start().await?;
    /// let alice = Probe::<()>::new();
    /// for paper in ["daily", "weekly"] {
    ///     topics.of(&alice).register("news", paper)?;
    /// }
    /// let no_daily = async { topics.unregister_match("news", |paper| *paper == "daily") };
    /// assert_eq!(alice.scope(no_daily).await, 1);
    /// assert_eq!(topics.of(&alice).values("news"), ["weekly"]);
    /// # }
    /// ```
    pub fn unregister_match<Q>(&self, key: &Q, wanted: impl FnMut(&V) -> bool) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.caller().unregister_match(key, wanted)
    }
}

impl<K: Key, V: Value, Kind> Clone for Registry<K, V, Kind> {
    fn clone(&self) -> Self {
        Self { table: Arc::clone(&self.table), kind: PhantomData }
    }
}

const fn assert_send_sync<T: Send + Sync>() {}
const _: () = assert_send_sync::<UniqueRegistry<String, String>>();
const _: () = assert_send_sync::<LockGuard<String>>();
