//! The registry: finding buckets by name, and creating them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use genserver::{AsServer, CallError, FindError, ServerRef, StartError, WaitForServer, start, start_link};

use crate::bucket::BucketStartError;
use crate::event::EventManagerRef;
use crate::parts::StoreParts;
use crate::{Bucket, BucketName};

// The process, ...
mod server;
// ... and how it begins.
mod beginning;
// The table that lookups read.
pub(crate) mod table;
// The errors.
mod error;

pub use error::{CreateError, CreateLaterError};
pub(crate) use server::RegistryStorage;
pub use server::{RegistryArgs, RegistryCall, RegistryCast, RegistryInfo, RegistryServer};

use server::CallKind;
use table::Table;

/// A reference to the registry of a store's buckets, cheap to clone.
///
/// It monitors its buckets and is not linked to them. When a bucket ends, the name becomes free, and the event manager is
/// notified. A bucket that crashes is started again at once if its store has a [storage](crate::Storage).
///
/// There are two ways to create a bucket and two to look one up. [`create`](Registry::create) waits, and from then on every
/// [`lookup`](Registry::lookup) finds the bucket; a lookup reads a shared table and sends no message.
/// [`create_later`](Registry::create_later) does not wait, as in the Elixir original, and
/// [`lookup_ordered`](Registry::lookup_ordered) asks the registry's process, so it comes after everything that the same
/// client has sent before.
///
/// A [`Store`](crate::Store) has one. Use it by itself in a program with its own supervision tree: it then starts its
/// buckets under a supervisor that ends with it.
///
/// # Examples
///
/// ```
/// use genevent::Manager;
/// use kv_core::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::start(Manager::start().await?).await?;
/// assert_eq!(registry.lookup("shopping"), None);
///
/// let bucket = registry.create("shopping").await?;
/// assert_eq!(registry.lookup("shopping"), Some(bucket.clone()));
///
/// bucket.stop().await?;
/// assert_eq!(registry.lookup("shopping"), None);
/// # registry.stop().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "KV.Registry")]
#[derive(Clone, Debug)]
pub struct Registry {
    table: Arc<Table>,
    server: RegistryProcess,
}

#[derive(Clone, Debug)]
enum RegistryProcess {
    One(ServerRef<RegistryServer>),
    OfStore(Arc<StoreParts>),
}

/// A store's registry is waited for while its supervisor starts it again.
impl AsServer for RegistryProcess {
    type Server = RegistryServer;

    fn as_server(&self) -> Result<ServerRef<RegistryServer>, FindError> {
        match self {
            Self::One(server) => server.as_server(),
            Self::OfStore(parts) => Ok(parts.registry()?),
        }
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, RegistryServer>> {
        match self {
            Self::One(server) => server.wait_for_server(),
            Self::OfStore(parts) => Some(Box::pin(async { Ok(parts.wait_for(|children| &children.registry).await?) })),
        }
    }
}

impl Registry {
    /// Starts a registry that sends its events to this event manager.
    ///
    /// # Errors
    ///
    /// [`StartError`] as every start.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Forwarder, Manager};
    /// use genserver::Probe;
    /// use kv_core::{BucketEvent, Registry};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut probe = Probe::new();
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Forwarder::to(probe.sender())).await?;
    ///
    /// let registry = Registry::start(manager).await?;
    /// let bucket = registry.create("shopping").await?;
    /// assert_eq!(
    ///     probe.expect_message().await,
    ///     BucketEvent::Created { name: "shopping".parse()?, bucket }
    /// );
    /// # registry.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(events: impl Into<EventManagerRef>) -> Result<Self, StartError> {
        let args = RegistryArgs::alone(events.into());
        let table = Arc::clone(&args.table);
        Ok(Self { table, server: RegistryProcess::One(start::<RegistryServer>(args).await?) })
    }

    /// Starts a registry that is linked to the calling process: see [`genserver::start_link`].
    ///
    /// # Errors
    ///
    /// [`StartError`] as every start.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    /// use genserver::Probe;
    /// use kv_core::Registry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let me = Probe::<()>::new();
    /// let manager = Manager::start().await?;
    /// let registry = me.scope(async { Registry::start_link(manager).await }).await?;
    /// assert!(registry.names(None, 1).is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_link(events: impl Into<EventManagerRef>) -> Result<Self, StartError> {
        let args = RegistryArgs::alone(events.into());
        let table = Arc::clone(&args.table);
        Ok(Self { table, server: RegistryProcess::One(start_link::<RegistryServer>(args).await?) })
    }

    /// The registry of a store.
    pub(crate) fn of_store(table: Arc<Table>, parts: Arc<StoreParts>) -> Self {
        Self { table, server: RegistryProcess::OfStore(parts) }
    }

    /// Creates a bucket of this name unless there is one, and returns it. Once this returns, every lookup finds the bucket,
    /// and the handlers of the event manager have seen its event.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if there is no such bucket, or may be none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the bucket may be created.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let first = store.registry().create("shopping").await?;
    /// let again = store.registry().create("shopping").await?;
    /// assert_eq!(first, again);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(&self, name: &str) -> Result<Bucket, CreateError> {
        let name = BucketName::new(name)?;
        match self.server.call(|caller| RegistryCall(CallKind::Create(name.clone(), caller))).await {
            Ok(Ok(bucket)) => Ok(bucket),
            Ok(Err(BucketStartError::Limit(why))) => Err(CreateError::Limit { name, why }),
            Ok(Err(why)) => Err(CreateError::NotStarted { name, why }),
            Err(why) => Err(CreateError::Registry { name, why }),
        }
    }

    /// Asks for a bucket of this name without waiting for it, as the cast of the Elixir original does.
    ///
    /// Only [`lookup_ordered`](Registry::lookup_ordered) of the same client is sure to find it afterwards. If the bucket
    /// cannot be started, that is only [reported](genserver::report).
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
        let name = BucketName::new(name)?;
        let told = self.server.cast(RegistryCast(name.clone()));
        told.map_err(|refused| CreateLaterError::Registry { name, why: refused.to_string() })
    }

    /// Looks up the bucket of this name, if it is running.
    ///
    /// It reads a table that all threads share, without waiting. It finds every bucket that [`create`](Registry::create)
    /// has returned. It finds none that [`stop`](Bucket::stop) has ended, or that was ending when this was called. A bucket
    /// may end right after.
    ///
    /// With a [storage](crate::Storage), a bucket that has crashed is not found until it is started again, while
    /// [`create`](Registry::create) waits for that and returns the bucket with its entries.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// store.create("shopping").await?;
    /// store.lookup("shopping").ok_or("it was just created")?.put("milk", "1").await?;
    /// assert_eq!(store.lookup("holidays"), None);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lookup(&self, name: &str) -> Option<Bucket> {
        self.table.alive(name)
    }

    /// Looks up a bucket by asking the registry's process, after everything that this client has sent to it, as the call of
    /// the Elixir original does.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the registry did not answer.
    pub async fn lookup_ordered(&self, name: &str) -> Result<Option<Bucket>, CallError> {
        // A text that is not a valid name belongs to no bucket.
        let Ok(name) = BucketName::new(name) else { return Ok(None) };
        self.server.call(|caller| RegistryCall(CallKind::Lookup(name, caller))).await
    }

    /// One page of the names of the buckets, in order: at most `limit`, from the beginning or after a name.
    ///
    /// A page that has fewer is the last one. Buckets that come or go meanwhile may be listed or not.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// for name in ["shopping", "holidays", "books"] {
    ///     store.create(name).await?;
    /// }
    /// assert_eq!(store.names(None, 2), ["books", "holidays"]);
    /// assert_eq!(store.names(Some("holidays"), 2), ["shopping"]);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn names(&self, after: Option<&str>, limit: usize) -> Vec<BucketName> {
        self.table.names(after, limit)
    }

    /// How many buckets there are. One that has just ended is counted until the registry has taken note of that: before it answers the
    /// next [`lookup_ordered`](Registry::lookup_ordered).
    pub fn count(&self) -> usize {
        self.table.count()
    }

    /// Stops the registry. If it has its own supervisor, its buckets end with it. The registry of a store is restarted:
    /// stop the store instead.
    ///
    /// # Errors
    ///
    /// [`CallError`] if it did not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::Manager;
    /// use kv_core::Registry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::start(Manager::start().await?).await?;
    /// let bucket = registry.create("shopping").await?;
    /// registry.stop().await?;
    /// bucket.ended().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) -> Result<(), CallError> {
        self.server.call(|caller| RegistryCall(CallKind::Stop(caller))).await
    }

    /// The current process of the registry, if it is running.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let before = store.registry().server().ok_or("it runs")?;
    /// before.kill();
    /// store.create("shopping").await?;
    /// assert_ne!(store.registry().server(), Some(before));
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn server(&self) -> Option<ServerRef<RegistryServer>> {
        self.server.as_server().ok()
    }
}

impl RegistryArgs {
    fn alone(events: EventManagerRef) -> Self {
        let is_first = Arc::new(AtomicBool::new(true));
        let (table, shared) = (Arc::default(), Arc::default());
        Self { table, events: Arc::new(events), buckets: None, storage: None, is_first, shared }
    }
}
