//! A store whose buckets are on several machines, as a server asks it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::key_event::KeyEvent;
use crate::name::{BucketName, NameError};
use crate::operation::{Operation, OperationError, OperationResult};

/// A store of named buckets that may be in other programs: what a server of `kv-server` needs of it.
///
/// A [`Store`](crate::Store) has its buckets in this program, and gives out references to them. Here a bucket has a name and no
/// more, and each request finds the one that has it. Each method answers within a time of the store's own, whatever fails: a server waits
/// for it. `kv-cluster` has such a store.
///
/// # Examples
///
/// The page of `kv-cluster` has one that runs.
#[async_trait]
pub trait RemoteStore: fmt::Debug + Send + Sync + 'static {
    /// Creates a bucket, unless there is one of this name.
    ///
    /// # Errors
    ///
    /// [`RemoteStoreError`] if there is none, or may be none. To create it again does no harm.
    async fn create(&self, bucket: &str) -> Result<(), RemoteStoreError>;

    /// Whether there is a bucket of this name. The answer may be a moment old.
    ///
    /// # Errors
    ///
    /// [`RemoteStoreError`] if that cannot be found out.
    async fn contains(&self, bucket: &str) -> Result<bool, RemoteStoreError>;

    /// Carries out operations on a bucket in order, each with a result of its own, as
    /// [`Bucket::apply_each`](crate::Bucket::apply_each) does.
    ///
    /// # Errors
    ///
    /// [`RemoteStoreError`] if none of them was carried out, or if nobody knows: it says which.
    async fn apply_each(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Vec<Result<OperationResult, OperationError>>, RemoteStoreError>;

    /// Carries out all operations or, if one of them is refused, none, as [`Bucket::apply`](crate::Bucket::apply) does.
    ///
    /// # Errors
    ///
    /// As [`apply_each`](Self::apply_each).
    async fn apply(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Result<Vec<OperationResult>, OperationError>, RemoteStoreError>;

    /// Sets or removes a key if its value is the expected one, as [`Bucket::compare_and_set`](crate::Bucket::compare_and_set) does.
    ///
    /// # Errors
    ///
    /// As [`apply_each`](Self::apply_each).
    async fn compare_and_set(
        &self,
        bucket: &str,
        key: Bytes,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<Result<Compared, OperationError>, RemoteStoreError>;

    /// Removes a bucket and its entries.
    ///
    /// # Errors
    ///
    /// [`RemoteStoreError`] if the bucket is still there, or may be.
    async fn remove(&self, bucket: &str) -> Result<(), RemoteStoreError>;

    /// Returns one page of the names of all buckets, in order: `limit`, or fewer at the end, from the beginning or after a name.
    ///
    /// # Errors
    ///
    /// [`RemoteStoreError`] if they cannot be read.
    async fn names(&self, after: Option<&str>, limit: usize) -> Result<Vec<BucketName>, RemoteStoreError>;

    /// Begins to tell what happens to buckets and their keys, on all machines. The stream ends with the store.
    ///
    /// # Errors
    ///
    /// [`RemoteStoreError`] if the store has stopped.
    async fn events(&self) -> Result<BoxStream<'static, RemoteEvent>, RemoteStoreError>;
}

/// What [`RemoteStore::compare_and_set`] has done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Compared {
    /// The value was as expected, and was replaced.
    Set,
    /// The key has another value, or none. It is left as it is.
    Differs {
        /// What it has.
        found: Option<Bytes>,
    },
}

/// Something that happened in a [`RemoteStore`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RemoteEvent {
    /// A bucket was created.
    Created(BucketName),
    /// A bucket was removed, with its entries.
    Removed(BucketName),
    /// A key was changed.
    Key(KeyEvent),
    /// Events were missed: how many, if that is known.
    Missed(Option<u64>),
}

/// Why a [`RemoteStore`] did not carry a request out, or may not have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteStoreError {
    /// There is no bucket of this name.
    #[error("there is no such bucket; create it first")]
    NotFound,
    /// The name is not one of a bucket.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Something else. The text says what, whether the request may have been carried out, and what to do.
    #[error("{0}")]
    Other(String),
}
