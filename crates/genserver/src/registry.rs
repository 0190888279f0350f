//! A registry: keys that processes hold, each with a value, which everybody can look up without asking anybody.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
//! # Ok(())
//! # }
//! ```
//!
//! A [`Registry`] is a value to clone and to pass on; all clones are the same registry. What it holds lies in a table that all
//! of them share, so looking something up sends no message and waits for nobody. Keys are any values that can be hashed and
//! compared; they cost nothing once they are given up, so they may come from outside.
//!
//! Behind it runs one process, its [`Keeper`], which watches whoever holds something and clears away what the dead leave. That
//! process is what is started, supervised and stopped: see [`Registry::start`].
//!
//! # Unique and duplicate
//!
//! In a [`Registry::unique`] a key belongs to one process at a time: it names that process. In a [`Registry::duplicate`] any
//! number of processes hold a key, each as often as it likes: it names a group, such as all who want to hear of a topic. What
//! makes sense for one of them only is a method of that one only.
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
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rooms = Registry::unique();
//! rooms.start().await?;
//! let room = genserver::start::<Room>((rooms.clone(), "lobby".to_owned())).await?;
//! assert_eq!(rooms.whereis("lobby"), Some(room.process_ref()));
//!
//! let second = genserver::start::<Room>((rooms.clone(), "lobby".to_owned())).await;
//! assert!(second.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! [`Registry::of`] registers somebody else: a [`Probe`](crate::Probe) in plain code, or a server that knows nothing of
//! registries.
//!
//! # As names
//!
//! A key of a unique registry can be the name of a process: started with [`Registry::via`], it holds the key from before its
//! init until its end, and a [`Named`](crate::Named) finds it through the registry.
//!
//! ```
//! # use genserver_doc::counter::*;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use genserver::Named;
//! use genserver::registry::Registry;
//!
//! let counters = Registry::unique();
//! counters.start().await?;
//! let name = counters.via(("visits", 2026), ());
//! genserver::start::<Counter>(1).name(name.clone()).await?;
//! assert_eq!(Named::<Counter>::new(name).call(Call::Get).await?, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # How long an entry lives
//!
//! Until its process gives it up or has ended, and not a moment longer: whoever has been told of an end, by a `Down`, an exit or
//! an error, finds nothing of that process in any registry, and can take its keys at once. While a process terminates it still
//! holds what it held, as it does its name; [`ProcessRef::is_alive`] tells whether it takes messages.
//!
//! The keeper only keeps the table small. If it crashes, nothing is lost: its successor, started on the same registry by a
//! supervisor, goes on with the table as it is. Nobody can register until then, for a process that nobody watches would be
//! cleared away by nobody.
//!
//! # What it costs
//!
//! The table is cut into sixteen parts by the hash of the key, and into as many by the process, so that processes that register
//! at the same time seldom meet: what OTP leaves to the option `partitions`. A look-up takes a lock that readers share.
//!
//! A key's `Hash` and `Eq` run under such a lock: they must not use the registry, which derived ones never do. No other code of
//! yours does: not the destructor of a value, not a function passed to [`dispatch`](Registry::dispatch).
//!
//! # When (not) to use a registry
//!
//! A server that everybody knows is better off with a plain [`name`](crate::Start::name). Data that belong to no process belong
//! into a map. And who starts a process for a key on demand takes a [`lock`](Registry::lock), or starts it with
//! [`via`](Registry::via) and takes "already started" for an answer: between a look-up and a start somebody else has time.
//!
//! # What differs from OTP
//!
//! - A dead process is never found, where OTP may show it for a moment, and never counted.
//! - Registering links nobody. The end of a registry takes nobody along, and a crash of it loses nothing.
//! - Anybody may register any process, with [`of`](Registry::of).
//! - There are no patterns: [`matching`](Registry::matching) and the like take a function that looks at the value, and
//!   [`select`](Registry::select) is an iterator.
//! - `dispatch` has no `parallel`. To send to each entry there is nothing to overlap, since a send never waits; and what one
//!   process sends keeps its order only if that process sends it. Work that takes long for each entry goes into tasks:
//!   [`async_stream`](crate::task::async_stream()) over [`lookup`](Registry::lookup) runs one for each entry.
//! - A listener with a full mailbox is told later how many events it missed.

use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::{AsProcess, ProcessRef, Start, current_process};

// What a look-up finds.
mod entry;
// Looking into it: by key, by value, and all of it.
mod read;
// A registry as one process sees it.
mod owner;
// A registry as a space of names.
mod via;
// Who is told of what happens.
mod listener;
// Locks by key.
mod lock;
// What is said about the registry itself.
mod meta;
// What can go wrong.
mod error;
// The table that all handles share, and the process that keeps it small.
mod keeper;
mod table;

pub use entry::{Entry, Updated};
pub use error::{RegisterDuplicateError, RegisterUniqueError, UpdateError};
pub use keeper::{AlreadyRunning, Keeper, Kept, Watch};
pub use listener::Event;
pub use lock::{Lock, LockGuard};
pub use owner::Owner;

use table::Table;

/// What can be a key: every value that can be hashed, compared and shared.
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
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tables = Registry::unique();
/// tables.start().await?;
/// let waiter = Probe::<()>::new();
/// tables.of(&waiter).register(Table { room: "garden", number: 3 }, ())?;
/// assert_eq!(tables.whereis(&Table { room: "garden", number: 3 }), Some(waiter.process_ref()));
/// # Ok(())
/// # }
/// ```
pub trait Key: Hash + Eq + Send + Sync + 'static {}
impl<T: Hash + Eq + Send + Sync + 'static> Key for T {}

/// What can stand beside a key: every value that can be shared.
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

/// Keys that processes hold, each with a value; see the [page of the module](self).
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
/// /// Counters by the page that they count the visits of.
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
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let visits = Visits(Registry::unique());
/// visits.0.start().await?;
/// assert!(visits.of("index").is_none());
/// genserver::start::<Counter>(1).name(visits.name("index")).await?;
/// assert!(visits.of("index").is_some());
/// # Ok(())
/// # }
/// ```
pub struct Registry<K: Key, V: Value, Kind> {
    table: Arc<Table<K, V>>,
    kind: PhantomData<fn() -> Kind>,
}

impl<K: Key, V: Value> Registry<K, V, Unique> {
    /// A new registry in which a key belongs to one process at a time. It is empty, and not [started](Registry::start) yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::registry::{Registry, UniqueRegistry};
    ///
    /// // What it holds is told by its type, or by what is registered.
    /// let rooms: UniqueRegistry<String, u32> = Registry::unique();
    /// assert!(!rooms.is_running());
    /// assert!(rooms.lookup("lobby").is_none(), "looking up asks nobody");
    /// ```
    pub fn unique() -> Self {
        Self::new()
    }

    /// Takes `key` for the process that calls this, with `value` beside it: OTP's `register/3`.
    ///
    /// The key is taken when this returns, and stays so until the process gives it up or has ended. One that a process held
    /// which has ended is free.
    ///
    /// # Errors
    ///
    /// [`AlreadyRegistered`](RegisterUniqueError::AlreadyRegistered) if a process holds the key, also if that is the caller;
    /// [`NoProcess`](RegisterUniqueError::NoProcess) from plain code, which registers with [`of`](Registry::of);
    /// [`NotRunning`](RegisterUniqueError::NotRunning) if the registry does not run. Key and value come back.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// # Ok(())
    /// # }
    /// ```
    pub fn register(&self, key: K, value: V) -> Result<(), RegisterUniqueError<K, V>> {
        self.caller().register(key, value)
    }

    /// Whoever holds `key`, with the value: OTP's `lookup/2`. `None` if nobody does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby".to_owned(), 7)?;
    ///
    /// let lobby = rooms.lookup("lobby").expect("alice holds it");
    /// assert_eq!((lobby.pid(), *lobby.value()), (alice.pid(), 7));
    /// # Ok(())
    /// # }
    /// ```
    pub fn lookup<Q>(&self, key: &Q) -> Option<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.table.find_one(key)
    }

    /// The process that holds `key`: OTP's `whereis_name/1`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::registry::Registry;
    ///
    /// let counters = Registry::unique();
    /// counters.start().await?;
    /// let counter = genserver::start::<Counter>(41).await?;
    /// counters.of(&counter).register("visits", ())?;
    ///
    /// let visits = counters.whereis("visits").and_then(|process| process.downcast::<Counter>());
    /// assert_eq!(visits.expect("it is a counter").call(Call::Get).await?, 41);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "whereis_name")]
    pub fn whereis<Q>(&self, key: &Q) -> Option<ProcessRef>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lookup(key).map(|entry| entry.process().clone())
    }

    /// Replaces the value beside `key`, which the process that calls this holds: OTP's `update_value/3`.
    ///
    /// Returns the entry as it is now and as it was. Listeners are not told. `update` runs here, and once more if the value has been
    /// replaced meanwhile, which only a process that updates from two tasks can do.
    ///
    /// # Errors
    ///
    /// [`UpdateError::NotRegistered`] if nobody holds the key, [`UpdateError::NotOwned`] if another process does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby", 1)?;
    ///
    /// let updated = alice.scope(async { rooms.update_value("lobby", |guests| guests + 1) }).await?;
    /// assert_eq!((updated.new.value(), updated.old.value()), (&2, &1));
    /// # Ok(())
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
    /// A new registry in which any number of processes hold a key. It is empty, and not [started](Registry::start) yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let topics = Registry::duplicate();
    /// topics.start().await?;
    /// let (mut alice, mut bob) = (Probe::new(), Probe::new());
    /// topics.of(&alice).register("news", alice.sender())?;
    /// topics.of(&bob).register("news", bob.sender())?;
    ///
    /// topics.dispatch("news", |subscribers| {
    ///     for subscriber in subscribers {
    ///         subscriber.value().send("it rains").ok();
    ///     }
    /// });
    /// assert_eq!((alice.expect_message().await, bob.expect_message().await), ("it rains", "it rains"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn duplicate() -> Self {
        Self::new()
    }

    /// Adds an entry under `key` for the process that calls this: OTP's `register/3`. One process may have several.
    ///
    /// # Errors
    ///
    /// [`NoProcess`](RegisterDuplicateError::NoProcess) from plain code, which registers with [`of`](Registry::of);
    /// [`NotRunning`](RegisterDuplicateError::NotRunning) if the registry does not run. Key and value come back.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let topics = Registry::duplicate();
    /// topics.start().await?;
    /// let alice = Probe::<()>::new();
    /// alice.scope(async { topics.register("news", "daily") }).await?;
    /// alice.scope(async { topics.register("news", "weekly") }).await?;
    /// assert_eq!(topics.of(&alice).values("news"), ["daily", "weekly"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn register(&self, key: K, value: V) -> Result<(), RegisterDuplicateError<K, V>> {
        self.caller().register(key, value)
    }

    /// Everybody who holds `key`, with their values, in the order in which they registered: OTP's `lookup/2`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let topics = Registry::duplicate();
    /// topics.start().await?;
    /// let (alice, bob) = (Probe::<()>::new(), Probe::<()>::new());
    /// topics.of(&alice).register("news", 1)?;
    /// topics.of(&bob).register("news", 2)?;
    /// let subscribers = topics.lookup("news");
    /// assert_eq!(subscribers.iter().map(|entry| entry.pid()).collect::<Vec<_>>(), [alice.pid(), bob.pid()]);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Starts the registry: the process that watches whoever holds something. Until then nobody can register.
    ///
    /// It is a start like any other, with all its options; under a supervisor the child's factory is this function, called on a
    /// clone of the registry, and a restart goes on with the same table.
    ///
    /// # Errors
    ///
    /// As every start; it fails with [`AlreadyRunning`] if the registry runs.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(&self) -> Start<Keeper<K, V>> {
        crate::start::<Keeper<K, V>>(Kept { table: Arc::clone(&self.table) }).label("registry")
    }

    /// The same, linked with the process that runs on this thread.
    ///
    /// # Errors
    ///
    /// As [`start`](Registry::start), and [`StartError::NotAProcess`](crate::StartError::NotAProcess) from plain code.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::UniqueRegistry;
    ///
    /// let rooms = UniqueRegistry::<String>::unique();
    /// let shell = Probe::<()>::new();
    /// let keeper = shell.scope(async { rooms.start_link().await }).await?;
    /// assert_eq!(keeper.info().links, [shell.pid()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_link(&self) -> Start<Keeper<K, V>> {
        self.start().link()
    }

    /// Whether it has been started and has not ended: whether processes can register.
    pub fn is_running(&self) -> bool {
        self.table.is_kept()
    }

    /// The registry as `process` sees it: there a process registers that does not do it itself.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby", 7)?;
    /// rooms.of(&alice).register("garden", 2)?;
    /// assert_eq!(rooms.of(&alice).keys(), ["lobby", "garden"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(&self, process: &impl AsProcess) -> Owner<'_, K, V, Kind> {
        Owner::new(self, process.as_process())
    }

    /// The registry as the process sees it whose code runs on this thread: for plain code, as nobody.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby", 7)?;
    /// assert_eq!(alice.scope(async { rooms.caller().keys() }).await, ["lobby"]);
    /// assert!(rooms.caller().keys().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn caller(&self) -> Owner<'_, K, V, Kind> {
        Owner::new(self, current_process())
    }

    /// Gives up everything that the process that calls this holds under `key`: OTP's `unregister/2`. Returns whether there was
    /// anything.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// rooms.start().await?;
    /// let alice = Probe::<()>::new();
    /// rooms.of(&alice).register("lobby", 7)?;
    /// assert!(!rooms.unregister("lobby"), "plain code holds nothing");
    /// assert!(alice.scope(async { rooms.unregister("lobby") }).await);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unregister<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.caller().unregister(key)
    }

    /// Gives up what the process that calls this holds under `key` with a value that `wanted` accepts: OTP's
    /// `unregister_match/3,4`. Returns how many entries that were.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::registry::Registry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let topics = Registry::duplicate();
    /// topics.start().await?;
    /// let alice = Probe::<()>::new();
    /// for paper in ["daily", "weekly"] {
    ///     topics.of(&alice).register("news", paper)?;
    /// }
    /// assert_eq!(alice.scope(async { topics.unregister_match("news", |paper| *paper == "daily") }).await, 1);
    /// assert_eq!(topics.of(&alice).values("news"), ["weekly"]);
    /// # Ok(())
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
