//! Storage: keeping the entries of buckets beyond their processes.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::BucketName;

// What goes to a storage and comes back from it.
mod commit;
// Its error.
mod error;
// The storage that keeps nothing.
mod memory;

pub use commit::{Commit, Entry, Fence, Loaded, StorageChange};
pub use error::{StorageError, StorageErrorKind};
pub use memory::MemoryStorage;

/// Keeps the entries of a store's buckets.
///
/// A bucket has its entries in memory and answers reads from there. It loads them from the storage when it starts. Its changes
/// go to the store's committer, a process that gathers those of all buckets and [commits](Storage::commit) them together.
/// A client is answered when its change is committed, so an answered change is as durable as the storage makes it. If the
/// commit fails, the bucket takes the change back, and the client gets the error.
///
/// [`MemoryStorage`], the default, keeps nothing. A storage need not be a disk: it may be another program.
///
/// # Examples
///
/// A storage that keeps entries when a bucket ends, but not when the program does:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Mutex;
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use kv_core::{
///     BucketName, Commit, Durability, Entry, Fence, Loaded, Storage, StorageChange,
///     StorageError, Store,
/// };
///
/// #[derive(Debug, Default)]
/// struct Shelf(Mutex<BTreeMap<BucketName, Kept>>);
///
/// #[derive(Debug, Default)]
/// struct Kept {
///     loads: u64,
///     entries: BTreeMap<Bytes, Entry>,
/// }
///
/// impl Shelf {
///     fn commit_one(&self, commit: Commit) -> Result<(), StorageError> {
///         let mut shelf = self.0.lock().unwrap();
///         let kept = shelf.entry(commit.bucket).or_default();
///         if commit.fence != Fence::new(kept.loads) {
///             return Err(StorageError::not_owner("it was loaded again"));
///         }
///         for change in commit.changes {
///             match change {
///                 StorageChange::Put(entry) => kept.entries.insert(entry.key.clone(), entry),
///                 StorageChange::Delete(key) => kept.entries.remove(&key),
///             };
///         }
///         Ok(())
///     }
/// }
///
/// #[async_trait]
/// impl Storage for Shelf {
///     fn durability(&self) -> Durability {
///         Durability::Program
///     }
///
///     async fn buckets(
///         &self,
///         after: Option<&BucketName>,
///         limit: usize,
///     ) -> Result<Vec<BucketName>, StorageError> {
///         let shelf = self.0.lock().unwrap();
///         let names = shelf.keys().filter(|name| after.is_none_or(|after| *name > after));
///         Ok(names.take(limit).cloned().collect())
///     }
///
///     async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
///         let mut shelf = self.0.lock().unwrap();
///         let kept = shelf.entry(bucket.clone()).or_default();
///         kept.loads += 1;
///         let entries = kept.entries.values().cloned().collect();
///         Ok(Loaded { fence: Fence::new(kept.loads), entries })
///     }
///
///     async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
///         commits.into_iter().map(|commit| self.commit_one(commit)).collect()
///     }
///
///     async fn remove(&self, bucket: &BucketName, _fence: Fence) -> Result<(), StorageError> {
///         self.0.lock().unwrap().remove(bucket);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::options().storage(Shelf::default()).start().await?;
/// let shopping = store.create("shopping").await?;
/// shopping.put("milk", "1").await?;
/// shopping.kill();
/// let again = store.create("shopping").await?;
/// assert_eq!(again.get("milk").await?, Some("1".into()));
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// What a committed change survives. Called once, when a store starts.
    ///
    /// If it is [`Durability::Nothing`], no other method is ever called.
    fn durability(&self) -> Durability;

    /// The most bytes that a key may have. Called once, when a store starts; its buckets refuse to store a longer one. By default
    /// there is no limit.
    fn max_key(&self) -> usize {
        usize::MAX
    }

    /// One page of the names of the buckets that it keeps, in order: at most `limit`, from the beginning or after a name.
    ///
    /// # Errors
    ///
    /// If they cannot be read. The store then does not start.
    async fn buckets(&self, after: Option<&BucketName>, limit: usize) -> Result<Vec<BucketName>, StorageError>;

    /// All entries of one bucket, in any order, and the fence for the commits of the process that loads them. A new bucket has
    /// no entries, and the storage keeps it from now on.
    ///
    /// The entries have in them all that was ever committed. What earlier processes of this bucket commit after this call, with
    /// an earlier fence, is refused.
    ///
    /// # Errors
    ///
    /// If they cannot be read. The bucket then does not start, and the client that creates it gets the error.
    async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError>;

    /// Makes changes as durable as [`durability`](Storage::durability) says. There is at most one commit of a bucket in the
    /// list; returns one result for each, in their order.
    ///
    /// The committer waits for this before it commits more.
    ///
    /// # Errors
    ///
    /// Where the changes of a commit are not durable, not even some of them. The bucket takes them back, and its clients get
    /// the error. Where nobody knows, an error that is [unanswered](StorageError::unanswered): then the clients get no answer.
    ///
    /// # Cancel safety
    ///
    /// If the committer is killed, the future is dropped. The changes may be durable or not, and the buckets load their entries
    /// again to find out.
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>>;

    /// Forgets a bucket and its entries.
    ///
    /// # Errors
    ///
    /// If the bucket is still kept. The bucket then goes on running.
    async fn remove(&self, bucket: &BucketName, fence: Fence) -> Result<(), StorageError>;

    /// How long after a commit [`sync`](Storage::sync) has to be called at the latest; `None` if never, as by default.
    fn sync_within(&self) -> Option<Duration> {
        None
    }

    /// Makes what was committed as durable as it will ever be. Called if [`sync_within`](Storage::sync_within) asks for it, and once a
    /// second after something has failed, to find out whether the storage works again. By default it does at once.
    ///
    /// # Errors
    ///
    /// If it did not work. The error is reported, and later commits should fail.
    async fn sync(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

/// What a committed change survives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Durability {
    /// Nothing: entries are lost when their bucket ends.
    Nothing,
    /// The end of the bucket, but not of the program.
    Program,
    /// The end of the program, even by a kill, but not of the machine.
    Machine,
    /// A power failure.
    Power,
}
