//! The errors of a registry.

use genserver::CallError;

use crate::bucket::BucketStartError;
use crate::{BucketName, LimitError, NameError};

/// Why a bucket was not created, or may not have been.
///
/// Creating twice makes one bucket, so it is safe to try again.
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
    /// The name is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The bucket did not start: its storage could not be read, for instance.
    #[error("the bucket {name:?} was not created: {why}")]
    NotStarted {
        /// The bucket's name.
        name: BucketName,
        /// Why.
        why: BucketStartError,
    },
    /// The store has a limit that it would have gone over.
    #[error("the bucket {name:?} was not created: {why}")]
    Limit {
        /// The bucket's name.
        name: BucketName,
        /// Which limit.
        why: LimitError,
    },
    /// The registry did not answer.
    #[error("whether the bucket {name:?} was created is not known: {why}; creating it again does no harm")]
    Registry {
        /// The bucket's name.
        name: BucketName,
        /// Why.
        why: CallError,
    },
}

/// Why a request to create a bucket was not sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateLaterError {
    /// The name is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The registry did not take the request.
    #[error("the bucket {name:?} will not be created: {why}")]
    Registry {
        /// The bucket's name.
        name: BucketName,
        /// Why.
        why: String,
    },
}
