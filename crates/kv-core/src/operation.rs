//! The operations on a bucket as values, for lists of them and for protocols.

use bytes::Bytes;

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
    /// Stores a value under a key, replacing any value that is there. Results in [`OperationResult::Put`].
    Put(Bytes, Bytes),
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
}

impl Operation {
    /// Its name, for `Debug`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "Get",
            Self::Put(..) => "Put",
            Self::Delete(_) => "Delete",
            Self::Keys(_) => "Keys",
            Self::Entries(_) => "Entries",
            Self::Len => "Len",
            Self::Clear => "Clear",
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
    /// One page of keys.
    Keys(Vec<Bytes>),
    /// One page of keys and values.
    Entries(Vec<(Bytes, Bytes)>),
    /// How many keys there are or were.
    Len(usize),
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
