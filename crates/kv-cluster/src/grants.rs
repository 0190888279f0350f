//! The storage of a member's store: a bucket is loaded once for each time that this member becomes its owner.
//!
//! A bucket of kv-core loads its entries again when another member has taken its log, or when it has crashed. That takes the log
//! back from the new owner. So a bucket whose owner is found by name may be loaded only while a grant for it is there, which its new
//! owner gives after it has got the name. A bucket that may not be loaded ends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use kv_core::{BucketName, Commit, Durability, Fence, Loaded, Storage, StorageError};
use parking_lot::Mutex;

use crate::storage::LogStorage;

/// The buckets that may be loaded now. There are as many as owners that are starting.
#[derive(Default)]
pub(crate) struct Grants(Mutex<BTreeMap<BucketName, Arc<Terms>>>);

/// What an owner says to the load of its bucket, and the load to the owner.
struct Terms {
    /// Whether the bucket is made if it is not there.
    creates: bool,
    /// The owner has given up, so nobody will have what is loaded.
    is_withdrawn: AtomicBool,
    /// The bucket was not there, and was made.
    has_made: AtomicBool,
}

/// Allows one load of a bucket. When it is dropped, a load that still goes on takes the log from nobody.
pub(crate) struct Grant {
    grants: Arc<Grants>,
    bucket: BucketName,
    terms: Arc<Terms>,
}

impl Grants {
    pub(crate) fn give(self: &Arc<Self>, bucket: BucketName, creates: bool) -> Grant {
        let terms = Terms { creates, is_withdrawn: AtomicBool::new(false), has_made: AtomicBool::new(false) };
        let terms = Arc::new(terms);
        self.0.lock().insert(bucket.clone(), Arc::clone(&terms));
        Grant { grants: Arc::clone(self), bucket, terms }
    }
}

impl Grant {
    /// Whether the load has made the bucket.
    pub(crate) fn has_made(&self) -> bool {
        self.terms.has_made.load(Ordering::Relaxed)
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.terms.is_withdrawn.store(true, Ordering::Relaxed);
        let mut grants = self.grants.0.lock();
        // The next owner may have given its own.
        if grants.get(&self.bucket).is_some_and(|terms| Arc::ptr_eq(terms, &self.terms)) {
            grants.remove(&self.bucket);
        }
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
        let not_owner = || {
            let advice = "the next request for it finds that, or a new one";
            StorageError::not_owner(format!("the bucket {bucket} may have another owner; {advice}"))
        };
        let terms = self.grants.0.lock().remove(bucket).ok_or_else(not_owner)?;
        let is_wanted = || !terms.is_withdrawn.load(Ordering::Relaxed);
        let (loaded, has_made) = self.log.load_bucket(bucket, terms.creates, &is_wanted).await?;
        terms.has_made.store(has_made, Ordering::Relaxed);
        if is_wanted() { Ok(loaded) } else { Err(not_owner()) }
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

#[cfg(all(test, feature = "model"))]
mod tests;
