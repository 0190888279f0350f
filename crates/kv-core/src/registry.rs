//! The registry: which bucket has which name, and who is told when one comes or goes.

use std::sync::Arc;

use genserver::supervisor::{ChildCallError, ChildCastError, ChildRef};
use genserver::{ServerRef, StartError, start, start_link};

use crate::event::Events;
use crate::{Bucket, BucketName};

// The process.
mod server;
// What it knows, for everybody to read.
pub(crate) mod table;
// Why it does not do what it is asked.
mod error;

pub use error::{CreateError, CreateLaterError, NotStarted};
pub use server::{CreateLater, RegistryArgs, RegistryCall, RegistryInfo, RegistryServer};

use server::CallKind;
use table::Table;

/// The registry of a store's buckets, by their names: a reference, cheap to clone.
///
/// It watches its buckets and is not linked with them, so the end of a bucket is news to it and nothing worse: the name is free,
/// and the event manager is told.
///
/// There are two ways to create and two to look up. [`create`](Registry::create) waits, and from then on everybody's
/// [`lookup`](Registry::lookup) finds the bucket; that reads a table and sends no message. The original's way is
/// [`create_later`](Registry::create_later), which does not wait, and [`lookup_ordered`](Registry::lookup_ordered), which asks the
/// registry's process, so that it comes after what the same client sent before.
///
/// A [`Store`](crate::Store) has one. By itself it is good for a program that has a supervision tree of its own: it starts its
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
    server: Server,
}

#[derive(Clone, Debug)]
enum Server {
    One(ServerRef<RegistryServer>),
    Child(Arc<ChildRef<RegistryServer>>),
}

impl Registry {
    /// Starts a registry that tells this event manager of its buckets.
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
    /// assert_eq!(probe.expect_message().await, BucketEvent::Created { name: "shopping".parse()?, bucket });
    /// # registry.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(events: impl Into<Events>) -> Result<Self, StartError> {
        let args = RegistryArgs::alone(events.into());
        let table = Arc::clone(&args.table);
        Ok(Self { table, server: Server::One(start::<RegistryServer>(args).await?) })
    }

    /// Starts one that is linked with the process that calls this: see [`genserver::start_link`].
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
    /// assert!(registry.names().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_link(events: impl Into<Events>) -> Result<Self, StartError> {
        let args = RegistryArgs::alone(events.into());
        let table = Arc::clone(&args.table);
        Ok(Self { table, server: Server::One(start_link::<RegistryServer>(args).await?) })
    }

    /// The one that is a child of a store.
    pub(crate) fn of_store(table: Arc<Table>, child: ChildRef<RegistryServer>) -> Self {
        Self { table, server: Server::Child(Arc::new(child)) }
    }

    /// Makes sure that there is a bucket of that name, and returns it. When it returns, everybody's lookup finds the bucket, and
    /// the handlers of the event manager have heard of it.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if there is none, or not surely.
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
        let created = match &self.server {
            Server::One(server) => {
                let call = server.call(|caller| RegistryCall(CallKind::Create(name.clone(), caller)));
                call.await.map_err(ChildCallError::Call)
            }
            Server::Child(child) => {
                child.waiting().call(|caller| RegistryCall(CallKind::Create(name.clone(), caller))).await
            }
        };
        match created {
            Ok(Ok(bucket)) => Ok(bucket),
            Ok(Err(why)) => Err(CreateError::NotStarted { name, why }),
            Err(why) => Err(CreateError::Registry { name, why }),
        }
    }

    /// Has a bucket of that name created, and does not wait for it: the original's cast.
    ///
    /// Only [`lookup_ordered`](Registry::lookup_ordered) of the same client surely finds it afterwards. If the bucket cannot be
    /// started, nobody hears of it but the [reports](genserver::report).
    ///
    /// # Errors
    ///
    /// [`CreateLaterError`] if the registry was not told.
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
        let told = match &self.server {
            Server::One(server) => server.cast(CreateLater(name.clone())).map_err(|error| error.to_string()),
            Server::Child(child) => child.cast(CreateLater(name.clone())).map_err(|error| match error {
                ChildCastError::Child { error, .. } => error.to_string(),
                ChildCastError::Cast(error) => error.to_string(),
            }),
        };
        told.map_err(|why| CreateLaterError::Registry { name, why })
    }

    /// The bucket of that name, if there is one that takes requests.
    ///
    /// It reads a table that all threads share, and waits for nobody. What [`create`](Registry::create) has returned is found,
    /// what [`stop`](Bucket::stop) has ended is not, and neither is a bucket that was about to end when this was called. A bucket
    /// may of course end right after.
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

    /// The same, asked of the registry's process, after all that this client has sent to it: the original's call.
    ///
    /// # Errors
    ///
    /// [`ChildCallError`] if the registry did not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// assert_eq!(store.lookup_ordered("shopping").await?, None);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn lookup_ordered(&self, name: &str) -> Result<Option<Bucket>, ChildCallError> {
        // What cannot be a name, no bucket has.
        let Ok(name) = BucketName::new(name) else { return Ok(None) };
        match &self.server {
            Server::One(server) => Ok(server.call(|caller| RegistryCall(CallKind::Lookup(name, caller))).await?),
            Server::Child(child) => {
                child.waiting().call(|caller| RegistryCall(CallKind::Lookup(name.clone(), caller))).await
            }
        }
    }

    /// The names of all buckets, in their order.
    ///
    /// Buckets that come or go meanwhile may or may not be among them.
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
    /// store.create("holidays").await?;
    /// assert_eq!(store.names(), ["holidays", "shopping"]);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn names(&self) -> Vec<BucketName> {
        self.table.names()
    }

    /// Stops the registry. One that has its own supervisor ends its buckets with it; a store's is started again: stop the store.
    ///
    /// # Errors
    ///
    /// [`ChildCallError`] if it did not answer.
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
    pub async fn stop(&self) -> Result<(), ChildCallError> {
        match &self.server {
            Server::One(server) => Ok(server.call(|caller| RegistryCall(CallKind::Stop(caller))).await?),
            Server::Child(child) => child.waiting().call(|caller| RegistryCall(CallKind::Stop(caller))).await,
        }
    }

    /// The registry's process as it is now, if it runs.
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
        match &self.server {
            Server::One(server) => Some(server.clone()),
            Server::Child(child) => child.current().ok(),
        }
    }
}

impl RegistryArgs {
    fn alone(events: Events) -> Self {
        Self { table: Arc::default(), events: Arc::new(events), buckets: None, storage: None }
    }
}
