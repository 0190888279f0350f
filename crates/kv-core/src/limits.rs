//! The limits of a store, and what counts towards them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use genserver::ProcessRef;
use parking_lot::Mutex;

use crate::BucketName;
use crate::key_event::KeyEventOutlet;

/// A limit of a store that a request would have gone over. The request was not carried out, not even in part.
///
/// [`StoreOptions`](crate::StoreOptions) sets the limits. Reads and deletes are never refused, and nothing is removed to make room.
///
/// # Examples
///
/// ```
/// use kv_core::{LimitError, Store, WriteError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::options().max_value(3).start().await?;
/// let shopping = store.create("shopping").await?;
/// let error = shopping.put("milk", "12.5 litres").await.unwrap_err();
/// assert_eq!(error, WriteError::Limit(LimitError::Value { bytes: 11, max: 3 }));
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The store would hold more than [`max_memory`](crate::StoreOptions::max_memory).
    #[error("the store may hold {max} bytes, and this would be more; delete something, or raise its `max_memory`")]
    Memory {
        /// The limit.
        max: usize,
    },
    /// The store would have more than [`max_buckets`](crate::StoreOptions::max_buckets).
    #[error("the store may have {max} buckets, and this would be one more; remove one, or raise its `max_buckets`")]
    Buckets {
        /// The limit.
        max: usize,
    },
    /// A value is longer than [`max_value`](crate::StoreOptions::max_value).
    #[error("the value has {bytes} bytes, and may have {max}; store a shorter one, or raise the store's `max_value`")]
    Value {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A key is longer than [`max_key`](crate::StoreOptions::max_key), or than its [storage](crate::Storage::max_key) allows.
    #[error(
        "the key has {bytes} bytes, and may have {max}; use a shorter one, or raise the store's `max_key` if its storage allows that"
    )]
    Key {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

/// The limits; `usize::MAX` where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) memory: usize,
    pub(crate) buckets: usize,
    pub(crate) value: usize,
    pub(crate) key: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: usize::MAX, buckets: usize::MAX, value: usize::MAX, key: usize::MAX }
    }
}

/// What the buckets of a store share: its limits, what it holds, and the way of their events.
#[derive(Debug, Default)]
pub(crate) struct StoreShared {
    pub(crate) limits: Limits,
    memory: AtomicUsize,
    buckets: AtomicUsize,
    /// The buckets that the storage keeps and that do not run. There are no more than the storage has.
    ended: Mutex<BTreeSet<BucketName>>,
    last_started: Mutex<Option<(BucketName, ProcessRef)>>,
    /// None if a registry has no store.
    pub(crate) key_events: Option<Arc<KeyEventOutlet>>,
}

/// What an empty bucket takes: its process, and the places for it in its supervisor, its registry, and the tables of both. With
/// many buckets those tables are between half full and full, so it is about 780, and 820 with the features `metrics` and `tracing` of
/// `genserver`. To count a little less does no harm; to count more would refuse what fits.
const BUCKET: usize = 740;

/// What a bucket with a storage takes besides: a task and a queue, because loading makes it wait, and what it knows of its storage.
const KEPT: usize = 550;

/// What a bucket takes besides that has ever sent a commit: what it notes of the last one, and who waited for it.
const SENT: usize = 600;

impl StoreShared {
    pub(crate) fn new(limits: Limits, key_events: Arc<KeyEventOutlet>) -> Self {
        Self { limits, key_events: Some(key_events), ..Self::default() }
    }

    /// What the store holds.
    pub(crate) fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// Whether a client may create a bucket of this name. One that the storage keeps is not refused: its entries are there.
    pub(crate) fn check_bucket(&self, name: &BucketName) -> Result<(), LimitError> {
        if self.ended.lock().contains(name) {
            return Ok(());
        }
        let Limits { memory, buckets, .. } = self.limits;
        if self.buckets.load(Ordering::Relaxed) >= buckets {
            return Err(LimitError::Buckets { max: buckets });
        }
        if self.memory().saturating_add(BUCKET + name.len()) > memory {
            return Err(LimitError::Memory { max: memory });
        }
        Ok(())
    }

    /// The storage keeps a bucket of this name.
    pub(crate) fn keep(&self, name: BucketName) {
        self.ended.lock().insert(name);
    }

    /// The bucket that was started last. Its registry may have ended before it has put it into the table.
    pub(crate) fn last_started(&self) -> Option<(BucketName, ProcessRef)> {
        self.last_started.lock().clone()
    }

    /// A bucket says that it was started.
    pub(crate) fn set_last_started(&self, name: BucketName, bucket: ProcessRef) {
        let before = self.last_started.lock().replace((name, bucket));
        // Not under the lock: it may be the last reference to a process.
        drop(before);
    }

    /// Counts these bytes, unless they are too many.
    fn reserve(&self, bytes: usize) -> Result<(), LimitError> {
        let max = self.limits.memory;
        let add = |held: usize| held.checked_add(bytes).filter(|held| *held <= max);
        let reserved = self.memory.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        reserved.map(drop).map_err(|_held| LimitError::Memory { max })
    }
}

/// What one bucket of a store counts for. It gives that back when it is dropped, whatever ends the bucket.
#[derive(Debug)]
pub(crate) struct Account {
    shared: Arc<StoreShared>,
    name: BucketName,
    /// What it has counted for its entries.
    entries: usize,
    // What follows from these two is not kept: every empty bucket would be larger by it.
    has_storage: bool,
    has_sent: bool,
    /// Whether the storage keeps it.
    pub(crate) is_kept: bool,
}

impl Account {
    /// Counts a bucket, which is not refused any more.
    pub(crate) fn new(shared: Arc<StoreShared>, name: BucketName, has_storage: bool) -> Self {
        let is_kept = shared.ended.lock().remove(&name);
        shared.buckets.fetch_add(1, Ordering::Relaxed);
        let account = Self { shared, name, entries: 0, has_storage, has_sent: false, is_kept };
        account.shared.memory.fetch_add(account.base(), Ordering::Relaxed);
        account
    }

    /// What it has counted for the bucket.
    fn base(&self) -> usize {
        let kept = if self.has_storage { KEPT } else { 0 };
        BUCKET + self.name.len() + kept + if self.has_sent { SENT } else { 0 }
    }

    /// The bucket sends a commit to its storage.
    pub(crate) fn count_commit(&mut self) {
        if !self.has_sent {
            self.has_sent = true;
            self.shared.memory.fetch_add(SENT, Ordering::Relaxed);
        }
    }

    /// The name of the bucket.
    pub(crate) fn name(&self) -> &BucketName {
        &self.name
    }

    /// Where events of keys go, if anybody listens.
    #[inline]
    pub(crate) fn listening(&self) -> Option<&Arc<KeyEventOutlet>> {
        self.shared.key_events.as_ref().filter(|outlet| outlet.is_wanted())
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Counts as much more for the entries, unless the store would hold too much.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), LimitError> {
        self.shared.reserve(bytes)?;
        self.entries += bytes;
        Ok(())
    }

    /// Counts this for the entries, whatever was counted for them before.
    #[inline]
    pub(crate) fn settle(&mut self, bytes: usize) {
        if bytes > self.entries {
            self.shared.memory.fetch_add(bytes - self.entries, Ordering::Relaxed);
        } else if bytes < self.entries {
            self.shared.memory.fetch_sub(self.entries - bytes, Ordering::Relaxed);
        }
        self.entries = bytes;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.shared.memory.fetch_sub(self.entries + self.base(), Ordering::Relaxed);
        self.shared.buckets.fetch_sub(1, Ordering::Relaxed);
        let mut ended = self.shared.ended.lock();
        if self.is_kept {
            ended.insert(self.name.clone());
        } else {
            ended.remove(&self.name);
        }
    }
}
