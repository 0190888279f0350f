//! The events of buckets, and the event manager that a registry sends them to.

use genevent::{Manager, ManagerServer, NotifyError};
use genserver::supervisor::ChildRef;
use genserver::{CallError, Named, Never, Reason};

use crate::{Bucket, BucketName};

/// An event of a store's event manager: something that happened to a bucket.
///
/// The events of one name are in order: a bucket is created, it ends, and only then the next one is created under its name.
///
/// # Examples
///
/// ```
/// use futures::TryStreamExt;
/// use genevent::NotifyMode;
/// use genserver::Reason;
/// use kv_core::{BucketEvent, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::start().await?;
/// // This task causes the events and consumes them, so nothing may wait for it.
/// let mut events = store.events().await?.stream().mode(NotifyMode::Async);
/// events.subscribe().await?;
///
/// let bucket = store.create("shopping").await?;
/// let name = "shopping".parse()?;
/// assert_eq!(
///     events.try_next().await?,
///     Some(BucketEvent::Created { name, bucket: bucket.clone() })
/// );
///
/// bucket.stop().await?;
/// let name = "shopping".parse()?;
/// assert_eq!(
///     events.try_next().await?,
///     Some(BucketEvent::Exited { name, bucket, reason: Reason::Normal })
/// );
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum BucketEvent {
    /// A bucket was created. A handler of this event can look it up by name.
    Created {
        /// Its name.
        name: BucketName,
        /// The bucket.
        bucket: Bucket,
    },
    /// A bucket has ended. A handler of this event finds the name free.
    Exited {
        /// Its name.
        name: BucketName,
        /// The bucket that ended.
        bucket: Bucket,
        /// The reason.
        reason: Reason,
    },
}

/// The event manager that a registry sends its events to: a running one, a named one, or a supervisor's child.
///
/// A name and a child are looked up for every event, so they survive a restart of the manager.
///
/// # Examples
///
/// ```
/// use genevent::Manager;
/// use kv_core::{BucketEvent, Registry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::<BucketEvent>::start().name("bucket events").await?;
/// let one = Registry::start(manager).await?;
/// let another = Registry::start(Manager::named("bucket events")).await?;
/// # one.stop().await?;
/// # another.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EventManagerRef(Target);

/// A child as a manager that is looked up for every event.
type ChildManager = Manager<BucketEvent, Never, ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>>;

/// A name as one.
type NamedManager = Manager<BucketEvent, Never, Named<ManagerServer<BucketEvent>>>;

#[derive(Debug)]
enum Target {
    Manager(Manager<BucketEvent>),
    Named(NamedManager),
    Child(ChildManager),
}

impl EventManagerRef {
    /// Sends the event, and waits until the manager's handlers have seen it.
    ///
    /// Returns an error, unless it is only that no manager is running: then there are no handlers either.
    pub(crate) async fn tell(&self, event: BucketEvent) -> Result<(), NotifyError> {
        let told = match &self.0 {
            Target::Manager(manager) => manager.sync_notify(event).await,
            Target::Named(manager) => manager.sync_notify(event).await,
            Target::Child(manager) => manager.sync_notify(event).await,
        };
        match told {
            Err(NotifyError::Manager(CallError::NoProc { .. })) => Ok(()),
            told => told,
        }
    }
}

impl From<Manager<BucketEvent>> for EventManagerRef {
    fn from(manager: Manager<BucketEvent>) -> Self {
        Self(Target::Manager(manager))
    }
}

impl From<&Manager<BucketEvent>> for EventManagerRef {
    fn from(manager: &Manager<BucketEvent>) -> Self {
        Self(Target::Manager(manager.clone()))
    }
}

impl From<NamedManager> for EventManagerRef {
    fn from(manager: NamedManager) -> Self {
        Self(Target::Named(manager))
    }
}

impl From<ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>> for EventManagerRef {
    fn from(child: ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>) -> Self {
        Self(Target::Child(Manager::from(child)))
    }
}
