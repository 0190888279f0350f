//! What can be done to a bucket, as values: for many at once, and for whoever reads them off a wire.

use bytes::Bytes;

/// One thing to do to a bucket, for [`Bucket::apply`](crate::Bucket::apply).
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, Done, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// let done = bucket.apply(vec![Operation::Put("milk".into(), "1".into()), Operation::Get("milk".into())]).await?;
/// assert_eq!(done, [Done::Put, Done::Value(Some("1".into()))]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Reads the value of a key. It is answered by [`Done::Value`].
    Get(Bytes),
    /// Stores a value under a key, in place of the one that is there. It is answered by [`Done::Put`].
    Put(Bytes, Bytes),
    /// Takes out a key. It is answered by [`Done::Value`], with what was there.
    Delete(Bytes),
    /// Lists keys in their order. It is answered by [`Done::Keys`].
    Keys(Page),
    /// Lists keys and their values, in the order of the keys. It is answered by [`Done::Entries`].
    Entries(Page),
    /// Counts the keys. It is answered by [`Done::Len`].
    Len,
    /// Takes out all keys. It is answered by [`Done::Len`], with how many there were.
    Clear,
}

/// What an [`Operation`] came to.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, Done, Operation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// assert_eq!(bucket.apply(vec![Operation::Len]).await?, [Done::Len(0)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
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

/// A part of what a bucket has, in the order of the keys: at most so many, from the beginning or after a key.
///
/// A bucket hands out its keys page by page, so that one client that wants all of a large bucket does not keep the others
/// waiting. Between two pages others may put and delete; what is there from the first page to the last is listed once.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, Page};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// for key in ["bread", "eggs", "milk"] {
///     bucket.put(key, "1").await?;
/// }
/// let mut page = Page::first(2);
/// let mut all = Vec::new();
/// loop {
///     let keys = bucket.keys(page).await?;
///     let Some(last) = keys.last() else { break };
///     page = Page::after(last.clone(), 2);
///     all.extend(keys);
/// }
/// assert_eq!(all, ["bread", "eggs", "milk"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The key after which it begins; none for the beginning of the bucket.
    pub after: Option<Bytes>,
    /// How many it has at most.
    pub limit: usize,
}

impl Page {
    /// From the beginning.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Page;
    ///
    /// assert_eq!(Page::first(100), Page { after: None, limit: 100 });
    /// ```
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// After `key`, whether or not there is such a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Page;
    ///
    /// assert_eq!(Page::after("eggs", 100).after, Some("eggs".into()));
    /// ```
    pub fn after(key: impl Into<Bytes>, limit: usize) -> Self {
        Self { after: Some(key.into()), limit }
    }
}
