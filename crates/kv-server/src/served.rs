//! What a session serves: a store of this program, or one on several machines.

use std::sync::Arc;

use bytes::Bytes;
use kv_core::{
    Bucket, BucketName, CompareAndSetError, Compared, CreateError, Durability, KeyPage, Operation, OperationError,
    OperationResult, RemoteStore, RemoteStoreError, Store, TimeToLive, WriteError,
};

use crate::batch::Refusal;

/// What a [`Session`](crate::Session) or a server serves: a [`Store`] of this program, or a [`RemoteStore`].
///
/// It is made of either, with `into`.
#[derive(Clone, Debug)]
pub struct ServedStore(Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Here(Store),
    Remote(Arc<dyn RemoteStore>),
}

impl From<Store> for ServedStore {
    fn from(store: Store) -> Self {
        Self(Kind::Here(store))
    }
}

impl From<Arc<dyn RemoteStore>> for ServedStore {
    fn from(store: Arc<dyn RemoteStore>) -> Self {
        Self(Kind::Remote(store))
    }
}

/// A bucket that a session asks more than once. Of a remote store it is not known whether it is there.
#[derive(Clone)]
pub(crate) enum ServedBucket<'a> {
    Here(Bucket),
    Remote(&'a dyn RemoteStore, BucketName),
}

impl ServedStore {
    #[inline]
    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// What a change survives when it is answered.
    pub(crate) fn durability(&self) -> Durability {
        match &self.0 {
            Kind::Here(store) => store.durability(),
            Kind::Remote(_) => Durability::Machine,
        }
    }

    /// The store, if it is one of this program.
    pub(crate) fn here(&self) -> Option<&Store> {
        if let Kind::Here(store) = &self.0 { Some(store) } else { None }
    }

    /// The bucket of this name, unless it is known that there is none.
    pub(crate) fn bucket(&self, name: &[u8]) -> Option<ServedBucket<'_>> {
        let name = std::str::from_utf8(name).ok()?;
        match &self.0 {
            Kind::Here(store) => store.lookup(name).map(ServedBucket::Here),
            Kind::Remote(remote) => Some(ServedBucket::Remote(&**remote, BucketName::new(name).ok()?)),
        }
    }

    /// Whether there is a bucket of this name.
    pub(crate) async fn contains(&self, name: &[u8]) -> Result<bool, Refusal> {
        let Ok(name) = std::str::from_utf8(name) else { return Ok(false) };
        match &self.0 {
            Kind::Here(store) => Ok(store.lookup(name).is_some()),
            Kind::Remote(remote) => Ok(remote.contains(name).await?),
        }
    }

    /// Creates a bucket whose name comes from a client.
    pub(crate) async fn create(&self, name: &[u8]) -> Result<(), Refusal> {
        match &self.0 {
            Kind::Here(store) => create(store, name).await.map(drop),
            Kind::Remote(remote) => Ok(remote.create(utf8(name)?).await?),
        }
    }

    /// One page of the names of the buckets.
    pub(crate) async fn names(&self, after: Option<&str>, limit: usize) -> Result<Vec<BucketName>, Refusal> {
        match &self.0 {
            Kind::Here(store) => Ok(store.names(after, limit)),
            Kind::Remote(remote) => Ok(remote.names(after, limit).await?),
        }
    }
}

impl ServedBucket<'_> {
    /// One page of its keys.
    pub(crate) async fn keys(&self, page: KeyPage) -> Result<Vec<Bytes>, Refusal> {
        match self.apply_one(Operation::Keys(page)).await? {
            OperationResult::Keys(keys) => Ok(keys),
            _ => Err(Refusal::Error(OTHER_RESULTS.to_owned())),
        }
    }

    /// One page of its keys and their values.
    pub(crate) async fn entries(&self, page: KeyPage) -> Result<Vec<(Bytes, Bytes)>, Refusal> {
        match self.apply_one(Operation::Entries(page)).await? {
            OperationResult::Entries(entries) => Ok(entries),
            _ => Err(Refusal::Error(OTHER_RESULTS.to_owned())),
        }
    }

    /// Whether it has a key.
    pub(crate) async fn has(&self, key: Bytes) -> Result<bool, Refusal> {
        Ok(self.apply_one(Operation::TimeToLive(key)).await? != OperationResult::TimeToLive(TimeToLive::NoKey))
    }

    /// Carries out one operation.
    async fn apply_one(&self, operation: Operation) -> Result<OperationResult, Refusal> {
        match self {
            Self::Here(bucket) => Ok(bucket.apply_one(operation).await?),
            Self::Remote(remote, name) => {
                let results = remote.apply_each(name, vec![operation]).await?;
                let result = results.into_iter().next().ok_or_else(|| Refusal::Error(OTHER_RESULTS.to_owned()))?;
                Ok(result?)
            }
        }
    }

    /// Carries out all operations or, if the storage refuses, none.
    pub(crate) async fn apply(&self, operations: Vec<Operation>) -> Result<(), Refusal> {
        match self {
            Self::Here(bucket) => Ok(bucket.apply(operations).await.map(drop)?),
            Self::Remote(remote, name) => Ok(remote.apply(name, operations).await?.map(drop)?),
        }
    }

    /// Sets or removes a key if its value is the expected one.
    pub(crate) async fn compare_and_set(
        &self,
        key: Bytes,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<Compared, Refusal> {
        match self {
            Self::Here(bucket) => match bucket.compare_and_set(key, expected, new).await {
                Ok(()) => Ok(Compared::Set),
                Err(CompareAndSetError::Differs { found }) => Ok(Compared::Differs { found }),
                Err(CompareAndSetError::Write(error)) => Err(error.into()),
                Err(error) => Err(Refusal::Error(error.to_string())),
            },
            Self::Remote(remote, name) => Ok(remote.compare_and_set(name, key, expected, new).await??),
        }
    }

    /// Removes the bucket and its entries.
    pub(crate) async fn remove(&self) -> Result<(), Refusal> {
        match self {
            Self::Here(bucket) => Ok(bucket.remove().await?),
            Self::Remote(remote, name) => Ok(remote.remove(name).await?),
        }
    }
}

/// What is said if the results of a remote store do not belong to the operations.
pub(crate) const OTHER_RESULTS: &str =
    "the bucket has answered something else than it was asked; update the servers, which have different versions";

/// Creates a bucket of a store of this program, whose name comes from a client.
///
/// # Errors
///
/// [`Refusal::Error`] if the name is not one, or as [`Store::create`].
pub(crate) async fn create(store: &Store, name: &[u8]) -> Result<Bucket, Refusal> {
    store.create(utf8(name)?).await.map_err(|error: CreateError| Refusal::Error(error.to_string()))
}

/// The name of a bucket that is to be created.
pub(crate) fn utf8(name: &[u8]) -> Result<&str, Refusal> {
    let not_utf8 = |_| Refusal::Error("the name is not UTF-8; give the bucket one that is".to_owned());
    std::str::from_utf8(name).map_err(not_utf8)
}

impl From<RemoteStoreError> for Refusal {
    fn from(error: RemoteStoreError) -> Self {
        match error {
            RemoteStoreError::NotFound => Self::NotFound,
            error => Self::Error(error.to_string()),
        }
    }
}

impl From<OperationError> for Refusal {
    fn from(error: OperationError) -> Self {
        WriteError::from(error).into()
    }
}
