//! The options of a store, and how its parts are started with them.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use genevent::Manager;
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{ChildSpec, Supervisor, SupervisorServer, SupervisorSpec};
use genserver::{StartError, start_link};

use super::{Store, StoreSupervisor};
use crate::committer::{CommitterArgs, CommitterServer, Failure};
use crate::event::{BucketEvent, EventManagerRef};
use crate::key_event::{KeyEvent, KeyEventOutlet, WAITING_MAX};
use crate::limits::{Limits, StoreShared};
use crate::parts::{LastChildren, StoreChildren, StoreParts};
use crate::registry::table::Table;
use crate::registry::{Registry, RegistryArgs, RegistryServer, RegistryStorage};
use crate::storage::{Durability, MemoryStorage, Storage};

/// The options of a store.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use kv_core::Store;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::options().max_restarts(10).within(Duration::from_secs(1)).start().await?;
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a store starts with `start`"]
pub struct StoreOptions {
    storage: Arc<dyn Storage>,
    limits: Limits,
    max_restarts: u32,
    within: Duration,
}

impl StoreOptions {
    pub(super) fn new() -> Self {
        // OTP's default: three restarts in five seconds.
        let within = Duration::from_secs(5);
        Self { storage: Arc::new(MemoryStorage), limits: Limits::default(), max_restarts: 3, within }
    }

    /// Sets what keeps the entries of the buckets.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Arc::new(storage);
        self
    }

    /// Sets how many bytes the buckets of the store may take: keys and values, and what these and the buckets take besides, to
    /// within a tenth of what the program asks its allocator for. By default there is no limit.
    ///
    /// A write that would go over it is refused with [`LimitError::Memory`](crate::LimitError::Memory), and so is a new bucket.
    /// Reads and deletes go on, nothing is removed to make room, and a bucket that the storage keeps is loaded all the same. A
    /// bucket that ends gives back what it took. A value that is a slice of a larger buffer counts with its own length only.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{LimitError, Store, WriteError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::options().max_memory(20_000).start().await?;
    /// let shopping = store.create("shopping").await?;
    /// shopping.put("milk", vec![0; 15_000]).await?;
    /// let error = shopping.put("eggs", vec![0; 15_000]).await.unwrap_err();
    /// assert_eq!(error, WriteError::Limit(LimitError::Memory { max: 20_000 }));
    /// shopping.delete("milk").await?;
    /// shopping.put("eggs", vec![0; 15_000]).await?;
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.limits.memory = bytes;
        self
    }

    /// Sets how many buckets the store may have. By default there is no limit.
    ///
    /// Creating another one fails with [`CreateError::Limit`](crate::CreateError::Limit). A bucket that the storage keeps counts while
    /// it runs, and is never refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{CreateError, Store};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::options().max_buckets(1).start().await?;
    /// let shopping = store.create("shopping").await?;
    /// assert!(matches!(store.create("travel").await, Err(CreateError::Limit { .. })));
    /// shopping.stop().await?;
    /// store.create("travel").await?;
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_buckets(mut self, buckets: usize) -> Self {
        self.limits.buckets = buckets;
        self
    }

    /// Sets how many bytes a value may have. By default there is no limit. A longer one is refused with
    /// [`LimitError::Value`](crate::LimitError::Value).
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.limits.value = bytes;
        self
    }

    /// Sets how many bytes a key may have. By default it is as many as the [storage](Storage::max_key) allows. A longer one is refused
    /// with [`LimitError::Key`](crate::LimitError::Key) when something is stored under it.
    pub fn max_key(mut self, bytes: usize) -> Self {
        self.limits.key = bytes;
        self
    }

    /// Sets how many restarts of its parts the store allows [within](StoreOptions::within) a time before it ends (default:
    /// three). Buckets do not count: they may end as often as they like.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::AsProcess;
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::options().max_restarts(0).start().await?;
    /// let whole = store.as_process().ok_or("it runs")?;
    /// store.events().await?.process_ref().kill();
    /// whole.ended().await;
    /// assert_eq!(store.lookup("shopping"), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_restarts(mut self, max_restarts: u32) -> Self {
        self.max_restarts = max_restarts;
        self
    }

    /// Sets the time in which restarts are counted (default: five seconds).
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Starts the store. If it has a storage, this returns when all buckets that the storage keeps are running.
    ///
    /// # Errors
    ///
    /// [`StartError`] as every start. [`StartError::Failed`] if the storage could not list its buckets. A bucket whose entries cannot
    /// be read is only [reported](genserver::report), and its name is free.
    pub async fn start(self) -> Result<Store, StartError> {
        self.begin(false).await
    }

    /// Starts the store linked to the calling process: see [`genserver::start_link`].
    ///
    /// # Errors
    ///
    /// As [`start`](StoreOptions::start).
    pub async fn start_link(self) -> Result<Store, StartError> {
        self.begin(true).await
    }

    /// Returns the store as a child of your own supervision tree, and a reference to it.
    ///
    /// The supervisor starts the store, and starts it again if it ends. The reference survives that. Methods that wait for the store
    /// also wait for its first start. Buckets end with the store: they are found again if it has a [storage](StoreOptions::storage),
    /// and are lost otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::AsProcess;
    /// use genserver::supervisor::Supervisor;
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (spec, store) = Store::options().child_spec("store");
    /// let application = Supervisor::one_for_one().child(spec).start().await?;
    /// store.create("shopping").await?.put("milk", "1").await?;
    ///
    /// store.as_process().ok_or("it runs")?.kill();
    /// // It waits for the restart. This store keeps its entries in memory.
    /// assert_eq!(store.create("shopping").await?.get("milk").await?, None);
    /// # application.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn child_spec(self, id: impl Into<Cow<'static, str>>) -> (ChildSpec<SupervisorServer, Supervisor>, Store) {
        let (table, children) = (Arc::<Table>::default(), Arc::<LastChildren>::default());
        let (its_table, its_children) = (Arc::clone(&table), Arc::clone(&children));
        let durability = self.storage.durability();
        let spec = ChildSpec::supervisor(id, move || {
            let (spec, children) = self.spec(&its_table);
            *its_children.write() = Some(Arc::new(children));
            spec.start_link()
        });
        let supervisor = spec.reference();
        let parts = Arc::new(StoreParts::of_child(supervisor.clone(), children));
        let registry = Registry::of_store(table, Arc::clone(&parts));
        (spec, Store { supervisor: StoreSupervisor::Child(supervisor), parts, registry, durability })
    }

    async fn begin(self, linked: bool) -> Result<Store, StartError> {
        let table = Arc::<Table>::default();
        let (spec, children) = self.spec(&table);
        let start = if linked { spec.start_link() } else { spec.start() };
        let supervisor = start.default_label("store").await?;
        let parts = Arc::new(StoreParts::of_one(children));
        let registry = Registry::of_store(table, Arc::clone(&parts));
        let durability = self.storage.durability();
        Ok(Store { supervisor: StoreSupervisor::One(supervisor), parts, registry, durability })
    }

    /// The supervisor that starts the parts, and what refers to them. Not a part of `begin`, because every crate that polls an
    /// async function compiles it, and with it the servers that it starts.
    fn spec(&self, table: &Arc<Table>) -> (SupervisorSpec, StoreChildren) {
        let events = ChildSpec::server("events", Manager::<BucketEvent>::start_link);
        let buckets = ChildSpec::supervisor("buckets", || DynamicSupervisor::new().start_link());
        let (manager, supervisor) = (events.reference(), buckets.reference());
        let key_events = ChildSpec::server("key events", || Manager::<KeyEvent>::start_link().mailbox(WAITING_MAX));
        let key_manager = key_events.reference();
        let outlet = Arc::new(KeyEventOutlet::new(key_manager.clone().into()));
        // One for one: what one part loses, the others keep. The crate's page says what that is.
        let spec = Supervisor::one_for_one().max_restarts(self.max_restarts).within(self.within);
        let mut spec = spec.child(events).child(key_events);
        // A storage that keeps nothing is never called: a bucket without a storage does not wait for one.
        let (mut kept, mut limits) = (None, self.limits);
        let failure = Arc::<Failure>::default();
        if self.storage.durability() > Durability::Nothing {
            limits.key = limits.key.min(self.storage.max_key());
            let (storage, failure) = (Arc::clone(&self.storage), Arc::clone(&failure));
            let args = move || CommitterArgs { storage: Arc::clone(&storage), failure: Arc::clone(&failure) };
            let start = move || start_link::<CommitterServer>(args()).label("committer");
            let committer = ChildSpec::server("committer", start);
            kept = Some(RegistryStorage { storage: Arc::clone(&self.storage), committer: committer.reference() });
            // Before the buckets, so that it is there for them until they have ended.
            spec = spec.child(committer);
        }
        // Of this start. What the buckets of the one before held is theirs to give back, to what they shared.
        let shared = Arc::new(StoreShared::new(limits, Arc::clone(&outlet)));
        let args = RegistryArgs {
            table: Arc::clone(table),
            events: Arc::new(EventManagerRef::from(manager.clone())),
            buckets: Some(supervisor.clone()),
            storage: kept,
            is_first: Arc::new(AtomicBool::new(true)),
            shared: Arc::clone(&shared),
        };
        let registry = ChildSpec::server("registry", move || start_link::<RegistryServer>(args.clone()));
        let children = StoreChildren {
            events: manager,
            key_events: key_manager,
            outlet,
            buckets: supervisor,
            registry: registry.reference(),
            shared,
            failure,
        };
        (spec.child(buckets).child(registry), children)
    }
}
