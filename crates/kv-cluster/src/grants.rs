//! The storage of a member's store: a bucket is loaded once for each time that this member becomes its owner.
//!
//! A bucket of kv-core loads its entries again when another member has taken its log, or when it has crashed. That takes the log
//! back from the new owner. So a bucket whose owner is found by name may be loaded only while a grant for it is there, which its new
//! owner gives after it has got the name. A bucket that may not be loaded ends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kv_core::{BucketName, Commit, Durability, Fence, Loaded, Storage, StorageError};
use parking_lot::Mutex;

use crate::storage::LogStorage;

/// The buckets that may be loaded now, and whether they are made if they are not there. There are as many as owners that are starting.
#[derive(Default)]
pub(crate) struct Grants(Mutex<BTreeMap<BucketName, bool>>);

/// Allows one load of a bucket, until it is dropped.
pub(crate) struct Grant {
    grants: Arc<Grants>,
    bucket: BucketName,
}

impl Grants {
    pub(crate) fn give(self: &Arc<Self>, bucket: BucketName, creates: bool) -> Grant {
        self.0.lock().insert(bucket.clone(), creates);
        Grant { grants: Arc::clone(self), bucket }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.grants.0.lock().remove(&self.bucket);
    }
}

/// A [`LogStorage`] that loads a bucket only for its owner, and none at the start of a store.
pub(crate) struct OwnedStorage {
    pub(crate) log: Arc<LogStorage>,
    pub(crate) grants: Arc<Grants>,
}

#[async_trait]
impl Storage for OwnedStorage {
    fn durability(&self) -> Durability {
        self.log.durability()
    }

    fn max_key(&self) -> usize {
        self.log.max_key()
    }

    /// None, or a store would load them all when it starts.
    async fn buckets(&self, _after: Option<&BucketName>, _limit: usize) -> Result<Vec<BucketName>, StorageError> {
        Ok(Vec::new())
    }

    async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
        let creates = self.grants.0.lock().remove(bucket);
        if let Some(creates) = creates {
            return self.log.load_bucket(bucket, creates).await;
        }
        let why =
            format!("the bucket {bucket} may have another owner; the next request for it finds that, or a new one");
        Err(StorageError::not_owner(why))
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        self.log.commit(commits).await
    }

    async fn remove(&self, bucket: &BucketName, fence: Fence) -> Result<(), StorageError> {
        self.log.remove(bucket, fence).await
    }

    async fn sync(&self) -> Result<(), StorageError> {
        self.log.sync().await
    }
}

impl fmt::Debug for OwnedStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedStorage").field(&self.log).finish()
    }
}
