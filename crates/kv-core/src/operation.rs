//! What can be done to a bucket, as values: for many at once, and for whoever reads them off a wire.

use bytes::Bytes;

/// One thing to do to a bucket, for [`Bucket::apply`](crate::Bucket::apply).
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, OperationResult, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// let done = bucket.apply(vec![Operation::Put("milk".into(), "1".into()), Operation::Get("milk".into())]).await?;
/// assert_eq!(done, [OperationResult::Put, OperationResult::Value(Some("1".into()))]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Reads the value of a key. It is answered by [`OperationResult::Value`].
    Get(Bytes),
    /// Stores a value under a key, in place of the one that is there. It is answered by [`OperationResult::Put`].
    Put(Bytes, Bytes),
    /// Takes out a key. It is answered by [`OperationResult::Value`], with what was there.
    Delete(Bytes),
    /// Lists keys in their order. It is answered by [`OperationResult::Keys`].
    Keys(KeyPage),
    /// Lists keys and their values, in the order of the keys. It is answered by [`OperationResult::Entries`].
    Entries(KeyPage),
    /// Counts the keys. It is answered by [`OperationResult::Len`].
    Len,
    /// Takes out all keys. It is answered by [`OperationResult::Len`], with how many there were.
    Clear,
}

impl Operation {
    /// What a debugging person reads.
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

/// What an [`Operation`] came to.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, OperationResult, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// assert_eq!(bucket.apply(vec![Operation::Len]).await?, [OperationResult::Len(0)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OperationResult {
    /// The value that is, or was, under the key.
    Value(Option<Bytes>),
    /// The value is stored.
    Put,
    /// One page of keys.
    Keys(Vec<Bytes>),
    /// One page of keys and values.
    Entries(Vec<(Bytes, Bytes)>),
    /// How many keys there are, or were.
    Len(usize),
}

/// Each operation has results of one variant, so these unwrap it.
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

/// A part of what a bucket has, in the order of the keys: at most so many, from the beginning or after a key.
///
/// A bucket hands out its keys page by page, so that one client that wants all of a large bucket does not keep the others
/// waiting. Between two pages others may put and delete; what is there from the first page to the last is listed once.
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
    /// The key after which it begins; none for the beginning of the bucket.
    pub after: Option<Bytes>,
    /// How many it has at most.
    pub limit: usize,
}

impl KeyPage {
    /// From the beginning.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::KeyPage;
    ///
    /// assert_eq!(KeyPage::first(100), KeyPage { after: None, limit: 100 });
    /// ```
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// After `key`, whether or not there is such a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::KeyPage;
    ///
    /// assert_eq!(KeyPage::after("eggs", 100).after, Some("eggs".into()));
    /// ```
    pub fn after(key: impl Into<Bytes>, limit: usize) -> Self {
        Self { after: Some(key.into()), limit }
    }
}
