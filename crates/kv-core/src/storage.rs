//! Storage: what remembers the entries of buckets when their processes are gone.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::BucketName;

/// What remembers the entries of a store's buckets.
///
/// A bucket keeps its entries in its own memory and answers every read from there. Storage is asked for them once, when the
/// bucket starts, and is told of every change before the change is answered. So what a client was told is done is as safe as
/// the storage makes it; and if [`commit`](Storage::commit) fails, the bucket is as it was, and the client hears why.
///
/// [`MemoryStorage`], the default, remembers nothing. Nothing here assumes a disk: the storage may as well be another program.
///
/// # Examples
///
/// A storage that forgets when the program ends, but not when a bucket does:
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
///         Ok(self.0.lock().unwrap().entry(bucket.clone()).or_default().clone().into_iter().collect())
///     }
///
///     async fn commit(&self, bucket: &BucketName, changes: Vec<StorageChange>) -> Result<(), StorageError> {
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
    /// What a change survives once it is committed. It is asked once, when a store starts.
    ///
    /// If it is [`Durability::Nothing`], nothing else here is ever called.
    fn durability(&self) -> Durability;

    /// The buckets that it remembers. They are created when the store starts.
    ///
    /// # Errors
    ///
    /// If they cannot be read. The store does not start then.
    async fn buckets(&self) -> Result<Vec<BucketName>, StorageError>;

    /// All entries of one bucket, in any order, and none if it knows no such bucket; from now on it knows it.
    ///
    /// # Errors
    ///
    /// If they cannot be read. The bucket does not start then, and whoever creates it hears why.
    async fn load(&self, bucket: &BucketName) -> Result<Vec<(Bytes, Bytes)>, StorageError>;

    /// Makes changes as safe as [`durability`](Storage::durability) says: all of them, or none.
    ///
    /// A bucket waits for it before it answers, and does nothing else meanwhile; many buckets may wait at the same time, so
    /// an implementation may gather what they ask and make it safe in one go.
    ///
    /// # Errors
    ///
    /// If they are not safe. The bucket takes them back, and its client hears why.
    ///
    /// # Cancel safety
    ///
    /// A bucket that is killed drops the future, and then nobody was told that the changes are safe. They may be, or not.
    async fn commit(&self, bucket: &BucketName, changes: Vec<StorageChange>) -> Result<(), StorageError>;

    /// Forgets a bucket and its entries.
    ///
    /// # Errors
    ///
    /// If it remembers them still. The bucket lives on then.
    async fn remove(&self, bucket: &BucketName) -> Result<(), StorageError>;
}

/// One change of a bucket, for [`Storage::commit`].
///
/// # Examples
///
/// ```
/// use kv_core::StorageChange;
///
/// let changes = [StorageChange::Put("milk".into(), "1".into()), StorageChange::Delete("eggs".into())];
/// assert_eq!(changes.len(), 2);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StorageChange {
    /// From now on the key has this value.
    Put(Bytes, Bytes),
    /// From now on the key has none.
    Delete(Bytes),
}

/// What a committed change survives.
///
/// # Examples
///
/// ```
/// use kv_core::Durability;
///
/// assert!(Durability::Power > Durability::Program);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Durability {
    /// Nothing: the entries are gone with their bucket.
    Nothing,
    /// The end of the bucket, but not of the program.
    Program,
    /// The end of the program, a kill among them, but not of the machine.
    Machine,
    /// The loss of power.
    Power,
}

/// Why storage did not do what it was asked.
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
    /// This error, or this text. It should say what failed and what to do.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::StorageError;
    ///
    /// assert!(StorageError::new("the disk is full; make room").to_string().ends_with("make room"));
    /// ```
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// What the storage said.
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

/// Two are the same if they are one and the same error, cloned.
impl PartialEq for StorageError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The storage that remembers nothing: the entries of a bucket live in its process, and are gone with it.
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
