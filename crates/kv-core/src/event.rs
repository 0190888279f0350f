//! What a registry tells of its buckets, and whom.

use genevent::{Manager, ManagerServer, NamedManager};
use genserver::supervisor::ChildRef;
use genserver::{CallError, Reason};

use crate::{Bucket, BucketName};

/// What happened to a bucket: what the event manager of a store is told.
///
/// The events of one name come in their order: a bucket is created, ends, and only then is another one created under its name.
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
/// // The one that takes the events is the one that makes them happen, so nobody may wait for it.
/// let mut events = store.events().await?.stream().mode(NotifyMode::Async);
/// events.subscribe().await?;
///
/// let bucket = store.create("shopping").await?;
/// let name = "shopping".parse()?;
/// assert_eq!(events.try_next().await?, Some(BucketEvent::Created { name, bucket: bucket.clone() }));
///
/// bucket.stop().await?;
/// let name = "shopping".parse()?;
/// assert_eq!(events.try_next().await?, Some(BucketEvent::Exited { name, bucket, reason: Reason::Normal }));
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum BucketEvent {
    /// A bucket was created. Whoever hears of it finds it by its name.
    Created {
        /// What it is called.
        name: BucketName,
        /// The bucket.
        bucket: Bucket,
    },
    /// A bucket has ended. Whoever hears of it finds the name free.
    Exited {
        /// What it was called.
        name: BucketName,
        /// The bucket that was.
        bucket: Bucket,
        /// Why it ended.
        reason: Reason,
    },
}

/// The event manager that a registry tells of its buckets: one that runs, the one with a name, or a supervisor's child.
///
/// A name and a child are looked up for every event, so they survive that the manager is started again.
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
pub struct Events(Whom);

#[derive(Debug)]
enum Whom {
    Manager(Manager<BucketEvent>),
    Named(NamedManager<BucketEvent>),
    Child(ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>),
}

impl Events {
    /// Tells the manager, and waits until its handlers have seen the event: the seeds' `sync_notify`.
    ///
    /// Says what went wrong, if that is anything else than that no manager runs: one that does not run has no handlers.
    pub(crate) async fn tell(&self, event: BucketEvent) -> Result<(), CallError> {
        let told = match &self.0 {
            Whom::Manager(manager) => manager.sync_notify(event).await,
            Whom::Named(manager) => manager.sync_notify(event).await,
            Whom::Child(child) => match child.current() {
                Ok(manager) => manager.sync_notify(event).await,
                Err(_) => Ok(()),
            },
        };
        match told {
            Err(CallError::NoProc { .. }) => Ok(()),
            told => told,
        }
    }
}

impl From<Manager<BucketEvent>> for Events {
    fn from(manager: Manager<BucketEvent>) -> Self {
        Self(Whom::Manager(manager))
    }
}

impl From<&Manager<BucketEvent>> for Events {
    fn from(manager: &Manager<BucketEvent>) -> Self {
        Self(Whom::Manager(manager.clone()))
    }
}

impl From<NamedManager<BucketEvent>> for Events {
    fn from(manager: NamedManager<BucketEvent>) -> Self {
        Self(Whom::Named(manager))
    }
}

impl From<ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>> for Events {
    fn from(child: ChildRef<ManagerServer<BucketEvent>, Manager<BucketEvent>>) -> Self {
        Self(Whom::Child(child))
    }
}
