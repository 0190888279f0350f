//! The store: event manager, buckets and registry under one supervisor.

use std::sync::Arc;
use std::time::Duration;

use genevent::{Manager, ManagerServer};
use genserver::dynamic_supervisor::{self, DynamicSupervisor};
use genserver::supervisor::{ChildError, ChildRef, ChildSpec, Supervisor, SupervisorSpec};
use genserver::{CallError, ProcessRef, StartError, Stop, start_link};

use crate::event::{BucketEvent, EventManagerRef};
use crate::registry::table::Table;
use crate::registry::{CreateError, CreateLaterError, Registry, RegistryArgs, RegistryServer};
use crate::storage::{Durability, MemoryStorage, Storage};
use crate::{Bucket, BucketName};

/// A reference to a store of named buckets, cheap to clone. See [the crate's page](crate).
///
/// Dropping it stops nothing; call [`stop`](Store::stop).
///
/// # Examples
///
/// ```
/// use kv_core::Store;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::start().await?;
/// store.create("shopping").await?.put("milk", "1").await?;
/// store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    supervisor: Supervisor,
    parts: Arc<Parts>,
    registry: Registry,
}

#[derive(Debug)]
struct Parts {
    events: ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>,
    buckets: ChildRef<dynamic_supervisor::DynamicSupervisorServer, DynamicSupervisor>,
}

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
    max_restarts: u32,
    within: Duration,
}

impl Store {
    /// Starts a store that keeps its entries in memory.
    ///
    /// # Errors
    ///
    /// [`StartError`] as every start.
    pub async fn start() -> Result<Self, StartError> {
        Self::options().start().await
    }

    /// Returns the options of a store, to be set before it starts.
    pub fn options() -> StoreOptions {
        // OTP's default: three restarts in five seconds.
        StoreOptions { storage: Arc::new(MemoryStorage), max_restarts: 3, within: Duration::from_secs(5) }
    }

    /// Creates a bucket of this name unless there is one, and returns it: see [`Registry::create`].
    ///
    /// # Errors
    ///
    /// [`CreateError`] if there is no such bucket, or may be none.
    pub async fn create(&self, name: &str) -> Result<Bucket, CreateError> {
        self.registry.create(name).await
    }

    /// Asks for a bucket of this name without waiting for it: see [`Registry::create_later`].
    ///
    /// # Errors
    ///
    /// [`CreateLaterError`] if the registry did not get the request.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// store.create_later("shopping")?;
    /// assert!(store.lookup_ordered("shopping").await?.is_some());
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_later(&self, name: &str) -> Result<(), CreateLaterError> {
        self.registry.create_later(name)
    }

    /// Looks up the bucket of this name, if it is running: see [`Registry::lookup`].
    pub fn lookup(&self, name: &str) -> Option<Bucket> {
        self.registry.lookup(name)
    }

    /// Looks up a bucket by asking the registry's process: see [`Registry::lookup_ordered`].
    ///
    /// # Errors
    ///
    /// [`CallError`] if the registry did not answer.
    pub async fn lookup_ordered(&self, name: &str) -> Result<Option<Bucket>, CallError> {
        self.registry.lookup_ordered(name).await
    }

    /// The names of all buckets, in order: see [`Registry::names`].
    pub fn names(&self) -> Vec<BucketName> {
        self.registry.names()
    }

    /// The current event manager, for adding handlers and taking streams. Waits while it is being restarted.
    ///
    /// A restarted manager has no handlers, and the streams of the old one have ended. To learn of that, monitor the
    /// manager, and add your handler again.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if the store has stopped.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Forwarder;
    /// use genserver::Probe;
    /// use kv_core::{BucketEvent, Store};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut probe = Probe::new();
    /// let store = Store::start().await?;
    /// store.events().await?.add_handler(Forwarder::to(probe.sender())).await?;
    /// store.create("shopping").await?;
    /// let BucketEvent::Created { name, .. } = probe.expect_message().await else {
    ///     panic!("it is new")
    /// };
    /// assert_eq!(name, "shopping");
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn events(&self) -> Result<Manager<BucketEvent>, ChildError> {
        self.parts.events.waiting().current().await
    }

    /// The current supervisor of the buckets. Waits while it is being restarted.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if the store has stopped.
    pub async fn buckets(&self) -> Result<DynamicSupervisor, ChildError> {
        self.parts.buckets.waiting().current().await
    }

    /// The registry.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let registry = store.registry().clone();
    /// registry.create("shopping").await?;
    /// assert!(store.lookup("shopping").is_some());
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Stops the store: registry, buckets, and event manager, in this order. Buckets first finish what they were asked.
    ///
    /// No events announce the ends of the buckets, because the registry is gone by then.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let bucket = store.create("shopping").await?;
    /// store.stop().await?;
    /// assert!(!bucket.is_alive());
    /// assert_eq!(store.lookup("shopping"), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self) -> Stop {
        self.supervisor.stop()
    }

    /// The store's supervisor as a process: for linking, monitoring, inspecting.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut watcher = Probe::<()>::new();
    /// let store = Store::start().await?;
    /// let reference = watcher.monitor(&store.process_ref());
    /// store.stop().await?;
    /// assert_eq!(watcher.expect_down(reference).await.pid, store.process_ref().pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_ref(&self) -> ProcessRef {
        self.supervisor.process_ref()
    }
}

impl StoreOptions {
    /// Sets what keeps the entries of the buckets.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Arc::new(storage);
        self
    }

    /// Sets how many restarts of its parts the store allows [within](StoreOptions::within) a time before it ends (default:
    /// three). Buckets do not count: they may end as often as they like.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::options().max_restarts(0).start().await?;
    /// let whole = store.process_ref();
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

    /// Starts the store.
    ///
    /// # Errors
    ///
    /// [`StartError`] as every start.
    pub async fn start(self) -> Result<Store, StartError> {
        self.begin(false).await
    }

    /// Starts the store linked to the calling process: see [`genserver::start_link`].
    ///
    /// # Errors
    ///
    /// [`StartError`] as every start.
    pub async fn start_link(self) -> Result<Store, StartError> {
        self.begin(true).await
    }

    async fn begin(self, linked: bool) -> Result<Store, StartError> {
        let (spec, parts, registry) = self.spec();
        let supervisor = if linked { spec.start_link().await? } else { spec.start().await? };
        Ok(Store { supervisor, parts, registry })
    }

    /// The supervisor that starts the parts, and what refers to them. Not a part of `begin`, because every crate that polls an
    /// async function compiles it, and with it the servers that it starts.
    fn spec(self) -> (SupervisorSpec, Arc<Parts>, Registry) {
        let events = ChildSpec::server("events", Manager::<BucketEvent>::start_link);
        let buckets = ChildSpec::supervisor("buckets", || DynamicSupervisor::new().start_link());
        let parts = Parts { events: events.reference(), buckets: buckets.reference() };
        let table = Arc::<Table>::default();
        let args = RegistryArgs {
            table: Arc::clone(&table),
            events: Arc::new(EventManagerRef::from(events.reference())),
            buckets: Some(buckets.reference()),
            // A storage that keeps nothing is never called: a bucket without a storage does not wait for one.
            storage: Some(self.storage).filter(|storage| storage.durability() > Durability::Nothing),
        };
        let registry = ChildSpec::server("registry", move || start_link::<RegistryServer>(args.clone()));
        let reference = registry.reference();
        // One for one: what one part loses, the others keep. The crate's page says what that is.
        let spec = Supervisor::one_for_one().max_restarts(self.max_restarts).within(self.within);
        let spec = spec.child(events).child(buckets).child(registry);
        (spec, Arc::new(parts), Registry::of_store(table, reference.waiting()))
    }
}
