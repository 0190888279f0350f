//! A bucket: keys and values in a process of their own, and what can be asked of it.

use std::fmt;

use bytes::Bytes;
use genserver::{
    AsProcess, AsServer, Call, CallError, Caller, Pid, ProcessRef, Reason, ServerRef, Start, Stop, start, start_link,
};

use crate::operation::{KeyPage, Operation, OperationResult};
use crate::storage::StorageError;

// The process, and how its entries change.
mod server;
// The entries.
mod entries;
// A read that is awaited.
mod read;

pub use read::BucketRead;
use server::CallKind;
pub(crate) use server::Keeper;
pub use server::{BucketArgs, BucketCall, BucketServer};

/// A bucket that runs: a reference to its process, cheap to clone.
///
/// What is asked of one bucket is done one thing after the other, so whoever reads after a write was answered sees it. Keys are
/// kept in the order of their bytes. Every function waits for the answer for five seconds at most.
///
/// A bucket is made by [`Store::create`](crate::Store::create), or by [`start`](Bucket::start) if nobody needs to find it by a
/// name. The reference keeps it neither alive nor in the store: if the bucket ends, what is asked of it fails with
/// [`CallError::NoProc`], and whoever wants another one creates it.
///
/// # Examples
///
/// ```
/// use kv_core::Bucket;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// assert_eq!(bucket.get("milk").await?, None);
/// bucket.put("milk", "3").await?;
/// assert_eq!(bucket.get("milk").await?, Some("3".into()));
/// assert_eq!(bucket.delete("milk").await?, Some("3".into()));
/// # bucket.stop().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "KV.Bucket")]
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket(ServerRef<BucketServer>);

/// What a bucket answers to one operation.
type Stored = Result<OperationResult, StorageError>;

/// Why a bucket was not changed, or not surely.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, WriteError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// bucket.stop().await?;
/// let error = bucket.put("milk", "1").await.unwrap_err();
/// assert!(matches!(error, WriteError::Call(_)));
/// assert!(error.to_string().ends_with("the request was not carried out; start it, or look it up again"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The bucket did not answer. The error says whether it may have carried the change out all the same.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The storage failed, so the bucket is as it was.
    #[error("{0}; the bucket is as it was before")]
    Storage(#[from] StorageError),
}

/// Why a value was not replaced.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, CompareAndSetError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// bucket.put("milk", "2").await?;
/// match bucket.compare_and_set("milk", Some("1".into()), Some("5".into())).await {
///     Err(CompareAndSetError::Differs { found }) => assert_eq!(found, Some("2".into())),
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompareAndSetError {
    /// Something else is there than was expected, so nothing was changed.
    #[error("the key has another value than was expected, so nothing was changed; read it again and decide anew")]
    Differs {
        /// What is there.
        found: Option<Bytes>,
    },
    /// The bucket was not changed, or not surely.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Bucket {
    /// Starts an empty bucket that no registry knows of. Its entries are gone with it.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// assert_eq!(bucket.len().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start() -> Start<BucketServer, Self> {
        start::<BucketServer>(BucketArgs(None)).handle()
    }

    /// Starts one that is linked with the process that calls this: see [`genserver::start_link`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::supervised;
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// supervised(async |test| {
    ///     let bucket = test.start_supervised(Bucket::start_link()).await;
    ///     bucket.put("milk", "1").await.unwrap();
    /// })
    /// .await;
    /// # }
    /// ```
    pub fn start_link() -> Start<BucketServer, Self> {
        start_link::<BucketServer>(BucketArgs(None)).handle()
    }

    /// One with a storage behind it, linked with the process that calls this.
    pub(crate) fn kept(keeper: Option<Keeper>) -> Start<BucketServer, Self> {
        start_link::<BucketServer>(BucketArgs(keeper)).handle()
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    ///
    /// # Examples
    ///
    /// A key that is not known at compile time is made into [`Bytes`]:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let bucket = Bucket::start().await?;
    /// async fn pieces(bucket: &Bucket, of: &str) -> Option<Bytes> {
    ///     bucket.get(Bytes::copy_from_slice(of.as_bytes())).await.ok()?
    /// }
    /// bucket.put("milk", "1").await?;
    /// assert_eq!(pieces(&bucket, "milk").await, Some("1".into()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn get<K: Into<Bytes>>(
        &self,
        key: K,
    ) -> Call<'_, BucketServer, Option<Bytes>, impl FnOnce(Caller<Option<Bytes>>) -> BucketCall + use<K>> {
        let key = key.into();
        self.0.call(|caller| BucketCall(CallKind::Get(key, caller)))
    }

    /// Stores a value under a key, in place of the one that is there.
    ///
    /// The value is kept as it is given: one that was cut out of a large buffer keeps all of that. The key is copied if it is new.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if it is not stored, or not surely.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; what was asked may be carried out. So it is with everything that changes a bucket.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.put("milk", vec![0xff, 0x00]).await?;
    /// assert_eq!(bucket.get("milk").await?.as_deref(), Some(&[0xff, 0x00][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn put(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<(), WriteError> {
        self.apply_one(Operation::Put(key.into(), value.into())).await.map(drop)
    }

    /// Takes out a key, and returns what was there.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if it is still there, or may be.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.put("milk", "1").await?;
    /// assert_eq!(bucket.delete("milk").await?, Some("1".into()));
    /// assert_eq!(bucket.delete("milk").await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, key: impl Into<Bytes>) -> Result<Option<Bytes>, WriteError> {
        self.apply_one(Operation::Delete(key.into())).await.map(OperationResult::into_value)
    }

    /// One page of the keys, in their order.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{Bucket, KeyPage};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.put("milk", "1").await?;
    /// bucket.put("eggs", "12").await?;
    /// assert_eq!(bucket.keys(KeyPage::first(10)).await?, ["eggs", "milk"]);
    /// assert_eq!(bucket.keys(KeyPage::after("eggs", 10)).await?, ["milk"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn keys(&self, page: KeyPage) -> BucketRead<'_, Vec<Bytes>, impl FnOnce(Caller<Stored>) -> BucketCall + use<>> {
        self.read(Operation::Keys(page), OperationResult::into_keys)
    }

    /// One page of the keys and their values, in the order of the keys.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{Bucket, KeyPage};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.put("milk", "1").await?;
    /// assert_eq!(bucket.entries(KeyPage::first(10)).await?, [("milk".into(), "1".into())]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn entries(
        &self,
        page: KeyPage,
    ) -> BucketRead<'_, Vec<(Bytes, Bytes)>, impl FnOnce(Caller<Stored>) -> BucketCall + use<>> {
        self.read(Operation::Entries(page), OperationResult::into_entries)
    }

    /// How many keys there are.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.put("milk", "1").await?;
    /// assert_eq!(bucket.len().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn len(&self) -> BucketRead<'_, usize, impl FnOnce(Caller<Stored>) -> BucketCall + use<>> {
        self.read(Operation::Len, OperationResult::into_len)
    }

    /// Takes out all keys, and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if they are still there, or may be.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.put("milk", "1").await?;
    /// assert_eq!(bucket.clear().await?, 1);
    /// assert_eq!(bucket.len().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn clear(&self) -> Result<usize, WriteError> {
        self.apply_one(Operation::Clear).await.map(OperationResult::into_len)
    }

    /// Shows the value of a key to a function that may change it, put one there or take it away, and returns what that returns.
    ///
    /// The function runs in the bucket, as an agent's does: between the value it sees and the one it leaves nobody else does
    /// anything. What it needs it takes along. It should be short, for the bucket does nothing else meanwhile. If it panics, the
    /// bucket ends, and its entries go the way that the [storage](crate::Storage) says.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the change is not made, or not surely.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// let one_more = |pieces: &mut Option<Bytes>| {
    ///     let before = pieces.as_deref().and_then(|it| std::str::from_utf8(it).ok()?.parse().ok()).unwrap_or(0);
    ///     *pieces = Some((before + 1).to_string().into());
    ///     before + 1
    /// };
    /// assert_eq!(bucket.update("milk", one_more).await?, 1);
    /// assert_eq!(bucket.update("milk", one_more).await?, 2);
    /// assert_eq!(bucket.get("milk").await?, Some("2".into()));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "get_and_update")]
    pub async fn update<R, F>(&self, key: impl Into<Bytes>, function: F) -> Result<R, WriteError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Option<Bytes>) -> R + Send + 'static,
    {
        let key = key.into();
        Ok(self.0.call(|caller| BucketCall(CallKind::update(key, function, caller))).await??)
    }

    /// Puts `new` in place of `expected`, if that is what the key has. None stands for no value, on both sides.
    ///
    /// # Errors
    ///
    /// [`CompareAndSetError::Differs`] with what is there, if that is something else; otherwise as [`put`](Bucket::put).
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// // Nobody has the lock, so it is ours.
    /// bucket.compare_and_set("lock", None, Some("me".into())).await?;
    /// assert!(bucket.compare_and_set("lock", None, Some("you".into())).await.is_err());
    /// // And it is ours to give back.
    /// bucket.compare_and_set("lock", Some("me".into()), None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn compare_and_set(
        &self,
        key: impl Into<Bytes>,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<(), CompareAndSetError> {
        let compare = move |value: &mut Option<Bytes>| {
            if *value == expected {
                *value = new;
                Ok(())
            } else {
                Err(CompareAndSetError::Differs { found: value.clone() })
            }
        };
        self.update(key, compare).await?
    }

    /// Carries out one operation. What the other methods do with a type for each operation, this does with values.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if nothing was changed, or if that is not known.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{Bucket, Operation, OperationResult};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.apply_one(Operation::Put("milk".into(), "3".into())).await?;
    /// let found = bucket.apply_one(Operation::Get("milk".into())).await?;
    /// assert_eq!(found, OperationResult::Value(Some("3".into())));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn apply_one(&self, operation: Operation) -> Result<OperationResult, WriteError> {
        Ok(self.0.call(|caller| BucketCall(CallKind::One(operation, caller))).await??)
    }

    fn read<R>(
        &self,
        operation: Operation,
        unwrap: fn(OperationResult) -> R,
    ) -> BucketRead<'_, R, impl FnOnce(Caller<Stored>) -> BucketCall + use<R>> {
        BucketRead::new(self.0.call(|caller| BucketCall(CallKind::One(operation, caller))), unwrap)
    }

    /// Does many things at once, in their order: in one message, and all of them or none.
    ///
    /// Nobody else's operation comes in between. There are as many answers as operations, each at the same place.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if nothing was changed, or not surely. Then what was only to be read is not answered either.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{Bucket, OperationResult, Operation};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// let swap = vec![Operation::Delete("left".into()), Operation::Put("right".into(), "1".into()), Operation::Len];
    /// assert_eq!(bucket.apply(swap).await?, [OperationResult::Value(None), OperationResult::Put, OperationResult::Len(1)]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn apply(&self, operations: Vec<Operation>) -> Result<Vec<OperationResult>, WriteError> {
        Ok(self.0.call(|caller| BucketCall(CallKind::All(operations, caller))).await??)
    }

    /// Carries out several operations in their order and in one message, each by itself: one that the storage refuses does not
    /// undo the others.
    ///
    /// No other client's operation comes in between. The storage is first asked to store all of them at once, and only if it
    /// refuses that, each of them.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer. In the list, the [`StorageError`] of each operation that was not carried out.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{Bucket, Operation, OperationResult};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// let put = Operation::Put("milk".into(), "3".into());
    /// let results = bucket.apply_each(vec![put, Operation::Len]).await?;
    /// assert_eq!(results, [Ok(OperationResult::Put), Ok(OperationResult::Len(1))]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn apply_each(
        &self,
        operations: Vec<Operation>,
    ) -> Result<Vec<Result<OperationResult, StorageError>>, CallError> {
        self.0.call(|caller| BucketCall(CallKind::Each(operations, caller))).await
    }

    /// Ends the bucket, and makes the storage forget it: what is created under its name after this is empty.
    ///
    /// When it returns, nobody finds the bucket any more, and its registry has heard of its end.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the bucket lives on, or did not answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// store.create("shopping").await?.remove().await?;
    /// assert_eq!(store.lookup("shopping"), None);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove(&self) -> Result<(), WriteError> {
        Ok(self.0.call(|caller| BucketCall(CallKind::Remove(caller))).await??)
    }

    /// Ends the bucket, after all that was asked of it before. What its storage remembers is found again when a bucket of that
    /// name is created.
    ///
    /// When it returns, nobody finds the bucket any more, and its registry has heard of its end.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let bucket = store.create("shopping").await?;
    /// bucket.stop().await?;
    /// assert_eq!(store.lookup("shopping"), None);
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self) -> Stop {
        self.0.stop()
    }

    /// Ends the bucket at once. What still waits for it is not carried out, and hears so.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Reason;
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.kill();
    /// assert_eq!(bucket.ended().await, Reason::Killed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Waits for the end of the bucket, and returns its reason.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Reason;
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.stop().await?;
    /// assert_eq!(bucket.ended().await, Reason::Normal);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ended(&self) -> Reason {
        self.0.ended().await
    }

    /// The process's number.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// assert_eq!(bucket.clone().pid(), bucket.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }

    /// Whether it takes requests: false from the moment that it begins to end.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// assert!(bucket.is_alive());
    /// bucket.stop().await?;
    /// assert!(!bucket.is_alive());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// The process, for what can be done with any: linking, monitoring, inspecting.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// assert_eq!(bucket.process_ref().info().mailbox, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_ref(&self) -> ProcessRef {
        self.0.process_ref()
    }
}

/// So that a start gives a bucket: see [`Start::handle`].
impl From<ServerRef<BucketServer>> for Bucket {
    fn from(server: ServerRef<BucketServer>) -> Self {
        Self(server)
    }
}

impl AsProcess for Bucket {
    fn as_process(&self) -> Option<ProcessRef> {
        self.0.as_process()
    }
}

impl AsServer for Bucket {
    type Server = BucketServer;

    fn as_server(&self) -> Result<ServerRef<BucketServer>, CallError> {
        self.0.as_server()
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.pid()).finish()
    }
}
