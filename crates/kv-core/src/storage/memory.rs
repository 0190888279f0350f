//! The storage of a store that keeps nothing.

use async_trait::async_trait;

use super::{Commit, Durability, Fence, Loaded, Storage, StorageError};
use crate::BucketName;

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

    async fn buckets(&self, _after: Option<&BucketName>, _limit: usize) -> Result<Vec<BucketName>, StorageError> {
        Ok(Vec::new())
    }

    async fn load(&self, _bucket: &BucketName) -> Result<Loaded, StorageError> {
        Ok(Loaded { fence: Fence::new(0), entries: Vec::new() })
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        commits.iter().map(|_| Ok(())).collect()
    }

    async fn remove(&self, _bucket: &BucketName, _fence: Fence) -> Result<(), StorageError> {
        Ok(())
    }
}
