//! Storage: keeping the entries of buckets beyond their processes.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::BucketName;

/// Keeps the entries of a store's buckets.
///
/// A bucket has its entries in memory and answers every read from there. It loads them from the storage when it starts, and
/// commits every change before it answers. So an answered change is as durable as the storage makes it. If
/// [`commit`](Storage::commit) fails, the bucket stays as it was, and the client gets the error.
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
/// use kv_core::{BucketName, StorageChange, Durability, Storage, StorageError, Store};
///
/// #[derive(Debug, Default)]
/// struct Shelf(Mutex<BTreeMap<BucketName, BTreeMap<Bytes, Bytes>>>);
///
/// #[async_trait]
/// impl Storage for Shelf {
///     fn durability(&self) -> Durability {
///         Durability::Program
///     }
///
///     async fn buckets(&self) -> Result<Vec<BucketName>, StorageError> {
///         Ok(self.0.lock().unwrap().keys().cloned().collect())
///     }
///
///     async fn load(&self, bucket: &BucketName) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
///         let shelf = self.0.lock().unwrap();
///         Ok(shelf.get(bucket).cloned().unwrap_or_default().into_iter().collect())
///     }
///
///     async fn commit(
///         &self,
///         bucket: &BucketName,
///         changes: Vec<StorageChange>,
///     ) -> Result<(), StorageError> {
///         let mut shelf = self.0.lock().unwrap();
///         let entries = shelf.entry(bucket.clone()).or_default();
///         for change in changes {
///             match change {
///                 StorageChange::Put(key, value) => drop(entries.insert(key, value)),
///                 StorageChange::Delete(key) => drop(entries.remove(&key)),
///             }
///         }
///         Ok(())
///     }
///
///     async fn remove(&self, bucket: &BucketName) -> Result<(), StorageError> {
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

    /// The buckets that it keeps. They are created when the store starts.
    ///
    /// # Errors
    ///
    /// If they cannot be read. The store then does not start.
    async fn buckets(&self) -> Result<Vec<BucketName>, StorageError>;

    /// All entries of one bucket, in any order; none for a new bucket, which the storage keeps from now on.
    ///
    /// # Errors
    ///
    /// If they cannot be read. The bucket then does not start, and the client that creates it gets the error.
    async fn load(&self, bucket: &BucketName) -> Result<Vec<(Bytes, Bytes)>, StorageError>;

    /// Makes changes as durable as [`durability`](Storage::durability) says: all of them, or none.
    ///
    /// The bucket waits for this before it answers, and does nothing else meanwhile. Many buckets may wait at the same
    /// time, so an implementation can gather their changes and commit them together.
    ///
    /// # Errors
    ///
    /// If the changes are not durable. The bucket undoes them, and its client gets the error.
    ///
    /// # Cancel safety
    ///
    /// A bucket that is killed drops the future, and its client gets no answer. The changes may be durable or not.
    async fn commit(&self, bucket: &BucketName, changes: Vec<StorageChange>) -> Result<(), StorageError>;

    /// Forgets a bucket and its entries.
    ///
    /// # Errors
    ///
    /// If the bucket is still kept. The bucket then goes on running.
    async fn remove(&self, bucket: &BucketName) -> Result<(), StorageError>;
}

/// A change to a bucket, for [`Storage::commit`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StorageChange {
    /// The key now has this value.
    Put(Bytes, Bytes),
    /// The key now has no value.
    Delete(Bytes),
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

/// The error of a storage.
///
/// # Examples
///
/// ```
/// use kv_core::StorageError;
///
/// let full = StorageError::new(std::io::Error::other("no space left on the disk"));
/// assert_eq!(full.to_string(), "the storage failed: no space left on the disk");
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("the storage failed: {0}")]
pub struct StorageError(Arc<dyn Error + Send + Sync>);

impl StorageError {
    /// Wraps an error or a text. It should say what failed and what to do.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// The wrapped error.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::StorageError;
    ///
    /// let full = StorageError::new(std::io::Error::from(std::io::ErrorKind::StorageFull));
    /// assert!(full.cause().downcast_ref::<std::io::Error>().is_some());
    /// ```
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

/// Two errors are equal if they are clones of the same error.
impl PartialEq for StorageError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A storage that keeps nothing: the entries of a bucket are in its process, and are lost with it.
///
/// # Examples
///
/// ```
/// use kv_core::{MemoryStorage, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::options().storage(MemoryStorage).start().await?;
/// store.create("shopping").await?.put("milk", "1").await?;
/// store.lookup("shopping").ok_or("it was just made")?.kill();
/// assert_eq!(store.create("shopping").await?.get("milk").await?, None);
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MemoryStorage;

#[async_trait]
impl Storage for MemoryStorage {
    fn durability(&self) -> Durability {
        Durability::Nothing
    }

    async fn buckets(&self) -> Result<Vec<BucketName>, StorageError> {
        Ok(Vec::new())
    }

    async fn load(&self, _bucket: &BucketName) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        Ok(Vec::new())
    }

    async fn commit(&self, _bucket: &BucketName, _changes: Vec<StorageChange>) -> Result<(), StorageError> {
        Ok(())
    }

    async fn remove(&self, _bucket: &BucketName) -> Result<(), StorageError> {
        Ok(())
    }
}
