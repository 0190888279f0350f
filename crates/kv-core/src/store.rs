//! The store: event managers, buckets and registry under one supervisor.

use std::sync::Arc;

use genevent::Manager;
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{ChildError, ChildRef, Supervisor, SupervisorServer};
use genserver::{AsProcess, AsServer, CallError, FindError, Lookup, ProcessRef, ServerRef, StartError, Stop};

use crate::event::BucketEvent;
use crate::key_event::KeyEvents;
use crate::parts::StoreParts;
use crate::registry::{CreateError, CreateLaterError, Registry};
use crate::{Bucket, BucketName, Durability, StorageError};

// How it is started, and with what.
mod options;

pub use options::StoreOptions;

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
    supervisor: StoreSupervisor,
    parts: Arc<StoreParts>,
    registry: Registry,
    durability: Durability,
}

#[derive(Clone, Debug)]
enum StoreSupervisor {
    One(Supervisor),
    // A child of somebody's supervisor.
    Child(ChildRef<SupervisorServer, Supervisor>),
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
        StoreOptions::new()
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

    /// One page of the names of the buckets, in order: see [`Registry::names`].
    pub fn names(&self, after: Option<&str>, limit: usize) -> Vec<BucketName> {
        self.registry.names(after, limit)
    }

    /// How many buckets there are: see [`Registry::count`].
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let shopping = store.create("shopping").await?;
    /// assert_eq!(store.count(), 1);
    /// shopping.stop().await?;
    /// assert_eq!(store.lookup_ordered("shopping").await?, None);
    /// assert_eq!(store.count(), 0);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn count(&self) -> usize {
        self.registry.count()
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
        self.parts.wait_for(|children| &children.events).await
    }

    /// The events of keys: that one was put, was deleted, or has expired. Waits while their manager is being restarted.
    ///
    /// From the moment that this returns, buckets send them, until the last clone of it is dropped. They go to a manager of their
    /// own, so the handlers of [`events`](Store::events) do not see them. A restarted manager has no handlers, as there. Of a store that
    /// its supervisor has started again, call this again: what it returned before is of the store that has ended.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if the store has stopped.
    pub async fn key_events(&self) -> Result<KeyEvents, ChildError> {
        let (manager, outlet) = self.parts.wait_for_key_events().await?;
        Ok(KeyEvents::new(manager, &outlet))
    }

    /// The current supervisor of the buckets. Waits while it is being restarted.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if the store has stopped.
    pub async fn buckets(&self) -> Result<DynamicSupervisor, ChildError> {
        self.parts.wait_for(|children| &children.buckets).await
    }

    /// How many bytes the buckets of the store take, with their keys and values, and what these take besides: what counts towards
    /// [`max_memory`](StoreOptions::max_memory). A bucket with a storage counts its entries once it has loaded them.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// assert_eq!(store.memory(), 0);
    /// store.create("shopping").await?.put("milk", vec![0; 10_000]).await?;
    /// assert!((10_000..12_000).contains(&store.memory()));
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory(&self) -> usize {
        self.parts.memory()
    }

    /// Why the storage takes no changes at the moment: the error of the last one that failed, until one works. `None` if the storage
    /// works, as far as the store knows, and always if the store has none.
    ///
    /// The store goes on and answers reads; each change gets the error. It tries the storage once a second, and also with each change,
    /// so this becomes `None` by itself. A report tells when it begins, and when it is over. Only errors of the kind
    /// [`Failed`](crate::StorageErrorKind::Failed) count.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// // What a load balancer asks.
    /// let is_ready = store.storage_error().is_none();
    /// assert!(is_ready);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn storage_error(&self) -> Option<StorageError> {
        self.parts.storage_error()
    }

    /// What a change survives that was answered: that of the [storage](crate::StoreOptions::storage), and
    /// [`Nothing`](Durability::Nothing) without one.
    pub fn durability(&self) -> Durability {
        self.durability
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

    /// Stops the store: registry, buckets, and event managers, in this order. Buckets first finish what they were asked.
    ///
    /// No events announce the ends of the buckets, because the registry is gone by then. A [child](StoreOptions::child_spec) of a
    /// supervisor is started again by it.
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
    pub fn stop(&self) -> Stop<Lookup<'_, Self, ProcessRef>> {
        AsServer::stop(self)
    }
}

/// The store's supervisor, if it runs.
impl AsServer for Store {
    type Server = SupervisorServer;

    fn as_server(&self) -> Result<ServerRef<SupervisorServer>, FindError> {
        match &self.supervisor {
            StoreSupervisor::One(supervisor) => supervisor.as_server(),
            StoreSupervisor::Child(child) => child.as_server(),
        }
    }
}

/// The store's supervisor as a process: for linking, monitoring, inspecting. `None` while a store that is a child of a supervisor does
/// not run.
///
/// # Examples
///
/// ```
/// use genserver::{AsProcess, Probe};
/// use kv_core::Store;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut watcher = Probe::<()>::new();
/// let store = Store::start().await?;
/// let process = store.as_process().ok_or("it runs")?;
/// let reference = watcher.monitor(&store);
/// store.stop().await?;
/// assert_eq!(watcher.expect_down(reference).await.pid, process.pid());
/// # Ok(())
/// # }
/// ```
impl AsProcess for Store {
    fn as_process(&self) -> Option<ProcessRef> {
        match &self.supervisor {
            StoreSupervisor::One(supervisor) => supervisor.as_process(),
            StoreSupervisor::Child(child) => child.as_process(),
        }
    }
}
