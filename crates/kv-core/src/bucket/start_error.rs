//! Why the process of a bucket did not start.

use genserver::dynamic_supervisor::StartChildError;
use genserver::supervisor::ChildError;

use crate::limits::LimitError;
use crate::storage::StorageError;

/// Why the process of a bucket did not start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BucketStartError {
    /// Its supervisor could not start it.
    #[error(transparent)]
    Bucket(#[from] StartChildError),
    /// Its entries could not be loaded.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There was no supervisor to start it.
    #[error(transparent)]
    Supervisor(#[from] ChildError),
    /// The store would have gone over a limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
}
