//! Why a registry does not do what it is asked.

use genserver::dynamic_supervisor::StartChildError;
use genserver::supervisor::{ChildCallError, ChildError};

use crate::{BucketName, NameError};

/// Why there is no bucket of that name, or not surely.
///
/// Creating is done once however often it is asked for, so it can be asked again.
///
/// # Examples
///
/// ```
/// use kv_core::{CreateError, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::start().await?;
/// assert!(matches!(store.create("").await, Err(CreateError::Name(_))));
/// store.stop().await?;
/// assert!(matches!(store.create("shopping").await, Err(CreateError::Registry { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// A bucket cannot be called that.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The bucket did not start, because its storage could not be read for instance.
    #[error("the bucket {name:?} was not created: {why}")]
    NotStarted {
        /// What it was to be called.
        name: BucketName,
        /// Why not.
        why: NotStarted,
    },
    /// The registry did not answer.
    #[error("whether the bucket {name:?} was created is not known: {why}; creating it again does no harm")]
    Registry {
        /// What it was to be called.
        name: BucketName,
        /// Why it did not.
        why: ChildCallError,
    },
}

/// Why the process of a bucket did not start.
///
/// # Examples
///
/// ```
/// use genserver::dynamic_supervisor::StartChildError;
/// use kv_core::NotStarted;
///
/// /// Whether it may help to ask again.
/// fn may_help(why: &NotStarted) -> bool {
///     matches!(why, NotStarted::Bucket(StartChildError::Failed { .. }))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStarted {
    /// Its supervisor did not start it.
    #[error(transparent)]
    Bucket(#[from] StartChildError),
    /// There is no supervisor to start it.
    #[error(transparent)]
    Supervisor(#[from] ChildError),
}

/// Why a bucket will not be created, or the registry not asked.
///
/// # Examples
///
/// ```
/// use kv_core::{CreateLaterError, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::start().await?;
/// assert!(matches!(store.create_later(""), Err(CreateLaterError::Name(_))));
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateLaterError {
    /// A bucket cannot be called that.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The registry did not take it.
    #[error("the bucket {name:?} will not be created: {why}")]
    Registry {
        /// What it was to be called.
        name: BucketName,
        /// Why not.
        why: String,
    },
}
