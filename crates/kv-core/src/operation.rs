//! The operations on a bucket as values, for lists of them and for protocols.

use bytes::Bytes;

use crate::expiry::{Expiry, TimeToLive};
use crate::limits::LimitError;
use crate::storage::StorageError;

/// An operation on a bucket, for [`Bucket::apply`](crate::Bucket::apply) and its relatives.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, OperationResult, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// let done = bucket
///     .apply(vec![Operation::Put("milk".into(), "1".into()), Operation::Get("milk".into())])
///     .await?;
/// assert_eq!(done, [OperationResult::Put, OperationResult::Value(Some("1".into()))]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Reads the value of a key. Results in [`OperationResult::Value`].
    Get(Bytes),
    /// Stores a value under a key, replacing any value that is there. The key then does not expire. Results in [`OperationResult::Put`].
    Put(Bytes, Bytes),
    /// The same as [`Put`](Self::Put), but results in [`OperationResult::Value`], with the value that the key had.
    Replace(Bytes, Bytes),
    /// Stores a value under a key, unless the key is there. Results in [`OperationResult::Value`], with the value that is there.
    PutNew(Bytes, Bytes),
    /// Adds to the integer that a key has as its value, in decimal digits; no key is zero. Results in [`OperationResult::Add`].
    ///
    /// The key expires when it would have before. For limits the sum is a value of 20 bytes, the longest there is.
    Add(Bytes, i64),
    /// Removes a key. Results in [`OperationResult::Value`], with the value it had.
    Delete(Bytes),
    /// Lists keys in order. Results in [`OperationResult::Keys`].
    Keys(KeyPage),
    /// Lists keys and their values, in the order of the keys. Results in [`OperationResult::Entries`].
    Entries(KeyPage),
    /// Counts the keys. Results in [`OperationResult::Len`].
    Len,
    /// Removes all keys. Results in [`OperationResult::Len`], with how many there were.
    Clear,
    /// Sets when a key expires. Results in [`OperationResult::TimeToLive`], with what it had to live before. Without the key,
    /// nothing is set.
    ///
    /// After a [`Put`](Self::Put) in the same list, it puts a key that expires.
    Expire(Bytes, Expiry),
    /// Sets when a key expires, if that agrees with the time it has. Results in [`OperationResult::ExpireIf`].
    ExpireIf(Bytes, Expiry, ExpireCondition),
    /// Makes a key not expire. Results in [`OperationResult::TimeToLive`], with what it had to live before.
    Persist(Bytes),
    /// Reads how long a key has to live. Results in [`OperationResult::TimeToLive`].
    TimeToLive(Bytes),
}

impl Operation {
    /// Whether it changes nothing, ever.
    pub(crate) fn is_read(&self) -> bool {
        match self {
            Self::Get(_) | Self::Keys(_) | Self::Entries(_) | Self::Len | Self::TimeToLive(_) => true,
            Self::Put(..)
            | Self::Replace(..)
            | Self::PutNew(..)
            | Self::Add(..)
            | Self::Delete(_)
            | Self::Clear
            | Self::Expire(..)
            | Self::ExpireIf(..)
            | Self::Persist(_) => false,
        }
    }

    /// Its name, for `Debug`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "Get",
            Self::Put(..) => "Put",
            Self::Replace(..) => "Replace",
            Self::PutNew(..) => "PutNew",
            Self::Add(..) => "Add",
            Self::Delete(_) => "Delete",
            Self::Keys(_) => "Keys",
            Self::Entries(_) => "Entries",
            Self::Len => "Len",
            Self::Clear => "Clear",
            Self::Expire(..) => "Expire",
            Self::ExpireIf(..) => "ExpireIf",
            Self::Persist(_) => "Persist",
            Self::TimeToLive(_) => "TimeToLive",
        }
    }
}

/// The result of an [`Operation`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OperationResult {
    /// The value that the key has or had.
    Value(Option<Bytes>),
    /// The value was stored.
    Put,
    /// The sum, or why there is none.
    Add(AddOutcome),
    /// One page of keys.
    Keys(Vec<Bytes>),
    /// One page of keys and values.
    Entries(Vec<(Bytes, Bytes)>),
    /// How many keys there are or were.
    Len(usize),
    /// How long the key has or had to live.
    TimeToLive(TimeToLive),
    /// Whether the time of the key was set.
    ExpireIf(ExpireOutcome),
}

/// What [`Operation::Add`] has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddOutcome {
    /// The key now has this sum.
    Sum(i64),
    /// The value is not an integer as it would be stored: with a plus sign, a zero in front or a blank, or beyond 64 bits. It is left
    /// as it is.
    NotAnInteger,
    /// The sum would be beyond 64 bits. The value is left as it is.
    Overflow,
}

/// What the time of a key has to be for [`Operation::ExpireIf`] to set another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpireCondition {
    /// The key does not expire.
    Unlimited,
    /// The key expires.
    Limited,
    /// The key expires, and earlier than the new time.
    Earlier,
    /// The key expires later than the new time, or never.
    Later,
}

/// What [`Operation::ExpireIf`] has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpireOutcome {
    /// There is no such key.
    NoKey,
    /// The time was set.
    Set,
    /// The time stays as it was, because the condition does not hold.
    Kept,
}

/// Why a bucket did not carry out one operation of [`apply_each`](crate::Bucket::apply_each).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The storage failed. The operation has changed nothing.
    #[error("{0}; the bucket is as it was before")]
    Storage(#[from] StorageError),
    /// It would have gone over a limit of the store. It has changed nothing.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Unwrapping: each operation has results of one variant only.
impl OperationResult {
    pub(crate) fn into_value(self) -> Option<Bytes> {
        if let Self::Value(value) = self { value } else { unreachable!("the operation reads or deletes a value") }
    }

    pub(crate) fn into_keys(self) -> Vec<Bytes> {
        if let Self::Keys(keys) = self { keys } else { unreachable!("the operation lists keys") }
    }

    pub(crate) fn into_entries(self) -> Vec<(Bytes, Bytes)> {
        if let Self::Entries(entries) = self { entries } else { unreachable!("the operation lists entries") }
    }

    pub(crate) fn into_time_to_live(self) -> TimeToLive {
        if let Self::TimeToLive(time) = self { time } else { unreachable!("the operation is about a time to live") }
    }

    pub(crate) fn into_len(self) -> usize {
        if let Self::Len(len) = self { len } else { unreachable!("the operation counts keys") }
    }
}

/// A page of a bucket's keys, in order: at most this many, from the beginning or after a key.
///
/// A bucket lists its keys page by page, so that a client that lists a large bucket does not hold up the others. Between
/// two pages other clients may put and delete. A key that is there from the first page to the last is listed once.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, KeyPage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// for key in ["bread", "eggs", "milk"] {
///     bucket.put(key, "1").await?;
/// }
/// let mut page = KeyPage::first(2);
/// let mut all = Vec::new();
/// loop {
///     let keys = bucket.keys(page).await?;
///     let Some(last) = keys.last() else { break };
///     page = KeyPage::after(last.clone(), 2);
///     all.extend(keys);
/// }
/// assert_eq!(all, ["bread", "eggs", "milk"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPage {
    /// The key after which the page begins; `None` for the beginning of the bucket.
    pub after: Option<Bytes>,
    /// The most keys that it has.
    pub limit: usize,
}

impl KeyPage {
    /// The first page.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The page after `key`, whether or not the key exists.
    pub fn after(key: impl Into<Bytes>, limit: usize) -> Self {
        Self { after: Some(key.into()), limit }
    }
}
