//! Why a request for a bucket of a cluster has no answer.

use std::time::Duration;

use genserver_cluster::RemoteCallError;
use kv_core::{BucketName, NameError, OperationError, RemoteStoreError, StorageError};

/// Why a request for a bucket was not carried out, or may not have been.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterStoreError {
    /// The name of the bucket is not valid. Nothing was asked.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is no bucket of this name, or it was made a moment ago. Nothing was carried out.
    #[error("there is no bucket {bucket}; create it first")]
    NotFound {
        /// The name.
        bucket: BucketName,
    },
    /// No member became the owner of the bucket in time. Nothing was carried out.
    #[error(
        "the bucket {bucket} had no owner within {after:?}, so nothing was carried out: {why}; ask again, since a machine that is gone \
         keeps its buckets for as long as a name of the cluster lives, or allow the store more time with `timeout`"
    )]
    NoOwner {
        /// The bucket.
        bucket: BucketName,
        /// How long it was tried.
        after: Duration,
        /// What was in the way last.
        why: String,
    },
    /// The owner was asked, and its answer did not come. The request may have been carried out.
    #[error(
        "whether the bucket {bucket} has carried the request out is not known: {why}; read the bucket to find out, or ask again if that \
         does no harm"
    )]
    Unanswered {
        /// The bucket.
        bucket: BucketName,
        /// Why there is no answer.
        why: RemoteCallError,
    },
    /// The request cannot be sent to the owner, or the owner does not take it. Nothing was carried out, and to ask again does not help.
    #[error("the bucket {bucket} was not asked: {why}")]
    Refused {
        /// The bucket.
        bucket: BucketName,
        /// Why.
        why: RemoteCallError,
    },
    /// The bucket was not removed.
    #[error("the bucket {bucket} was not removed: {why}")]
    NotRemoved {
        /// The bucket.
        bucket: BucketName,
        /// Why.
        why: OperationError,
    },
    /// The names of the buckets cannot be read.
    #[error(transparent)]
    Storage(StorageError),
}

impl From<ClusterStoreError> for RemoteStoreError {
    fn from(error: ClusterStoreError) -> Self {
        match error {
            ClusterStoreError::NotFound { .. } => Self::NotFound,
            ClusterStoreError::Name(error) => Self::Name(error),
            other => Self::Other(other.to_string()),
        }
    }
}

impl ClusterStoreError {
    /// Whether the request may have been carried out, or may still be. If not, it may be sent again without harm.
    pub fn may_have_been_carried_out(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }
}
