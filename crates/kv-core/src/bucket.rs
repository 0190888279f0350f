//! A bucket: keys and values in a process of their own, and the operations on them.

use std::fmt;

use bytes::Bytes;
use genserver::{
    AsProcess, AsServer, Call, CallError, Caller, FindError, Pid, ProcessRef, Reason, ServerRef, Start, Stop, start,
    start_link,
};

use crate::expiry::{Expiry, TimeToLive};
use crate::operation::{KeyPage, Operation, OperationError, OperationResult};

// The process, ...
mod server;
// ... and how its entries change.
mod changes;
// The entries, ...
mod entries;
// ... when they expire, ...
mod times;
// ... removing them then, ...
mod sweep;
// ... what they take, ...
mod sizes;
// ... and what a request may add to that.
mod memory;
// What is on its way to the storage.
mod kept;
// The requests of a bucket with a storage.
mod requests;
// The entries at one point in time, ...
mod snapshot;
// ... and how a client reads them.
mod bucket_snapshot;
// A read to be awaited.
mod read;
// Why a bucket did not start, ...
mod start_error;
// ... and why a change was not made.
mod error;

pub use bucket_snapshot::{BucketSnapshot, SnapshotError};
pub use error::{CompareAndSetError, WriteError};
pub(crate) use kept::BucketStorage;
pub use read::BucketRead;
pub use server::{BucketArgs, BucketCall, BucketCast, BucketInfo, BucketServer};
pub(crate) use server::{BucketHome, Created};
use server::{CallKind, CastKind};
pub use start_error::BucketStartError;

/// A reference to a running bucket, cheap to clone.
///
/// A bucket carries out one operation after the other, so a read after an answered write sees it. Keys are ordered by their
/// bytes. An operation waits at most five seconds for its answer; reads take another `timeout`. `stop` and `ended` have no limit.
///
/// [`Store::create`](crate::Store::create) makes a bucket. So does [`start`](Bucket::start), if it need not be found by
/// name. The reference keeps the bucket neither alive nor in the store: once it has ended, every operation on this
/// reference fails with [`CallError::NoProc`]. [`Store::lookup`](crate::Store::lookup) finds the next bucket of that name.
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

/// A read of one value in progress: see [`Call`].
pub type BucketGet<'a, F> = Call<&'a ServerRef<BucketServer>, Option<Bytes>, F>;

/// What a bucket answers to one operation.
type Stored = Result<OperationResult, OperationError>;

impl Bucket {
    /// Starts an empty bucket that no registry knows. Its entries are lost when it ends.
    pub fn start() -> Start<BucketServer, Self> {
        start::<BucketServer>(BucketArgs(None)).handle()
    }

    /// Starts a bucket that is linked to the calling process: see [`genserver::start_link`].
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

    /// Starts a bucket of a store, linked to the calling process.
    pub(crate) fn of_store(home: BucketHome) -> Start<BucketServer, Self> {
        start_link::<BucketServer>(BucketArgs(Some(home))).handle()
    }

    /// Has a bucket with a storage load its entries, and then answer the client that has created it.
    pub(crate) fn welcome(&self, creator: Option<Caller<Created>>) {
        // If it has ended, the client is told so when its request is dropped.
        let _ = self.0.cast(BucketCast(CastKind::Created(creator)));
    }

    /// Returns the value of a key, if it has one.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    ///
    /// # Examples
    ///
    /// Turning a key that is not a literal into [`Bytes`]:
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
    ) -> BucketGet<'_, impl FnOnce(Caller<Option<Bytes>>) -> BucketCall + use<K>> {
        let key = key.into();
        self.0.call(|caller| BucketCall(CallKind::Get(key, caller)))
    }

    /// Stores a value under a key, replacing any value that is there. The key does not expire, even if it did before.
    ///
    /// The value is kept as given: a slice of a large buffer keeps the whole buffer. The key is copied if it is new.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if it was not stored, or may not have been.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer, and the operation may still be carried out. That is true of everything that
    /// changes a bucket.
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

    /// Stores a value under a key that [expires](Bucket::expire).
    ///
    /// # Errors
    ///
    /// [`WriteError`] if it was not stored, or may not have been.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sessions = Bucket::start().await?;
    /// sessions.put_expiring("mary", "logged in", Duration::from_secs(60)).await?;
    /// tokio::time::sleep(Duration::from_secs(60)).await;
    /// assert_eq!(sessions.get("mary").await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn put_expiring(
        &self,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
        expiry: impl Into<Expiry>,
    ) -> Result<(), WriteError> {
        let key = key.into();
        let put = vec![Operation::Put(key.clone(), value.into()), Operation::Expire(key, expiry.into())];
        self.apply(put).await.map(drop)
    }

    /// Sets when a key expires: from then on it is gone. Returns how long it had to live before; without the key, nothing is set.
    ///
    /// [`put`](Bucket::put) makes the key not expire any more. [`update`](Bucket::update) and
    /// [`compare_and_set`](Bucket::compare_and_set) leave the time as it is, unless they remove the key.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the time was not set, or may not have been.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use kv_core::{Bucket, TimeToLive};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sessions = Bucket::start().await?;
    /// let hour = Duration::from_secs(3600);
    /// assert_eq!(sessions.expire("mary", hour).await?, TimeToLive::NoKey);
    /// sessions.put("mary", "logged in").await?;
    /// assert_eq!(sessions.expire("mary", hour).await?, TimeToLive::Unlimited);
    /// assert!(matches!(sessions.persist("mary").await?, TimeToLive::Left(_)));
    /// assert_eq!(sessions.time_to_live("mary").await?, TimeToLive::Unlimited);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "HPEXPIRE")]
    pub async fn expire(&self, key: impl Into<Bytes>, expiry: impl Into<Expiry>) -> Result<TimeToLive, WriteError> {
        let expire = Operation::Expire(key.into(), expiry.into());
        self.apply_one(expire).await.map(OperationResult::into_time_to_live)
    }

    /// Makes a key not expire. Returns how long it had to live before.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the time was not removed, or may not have been.
    #[doc(alias = "HPERSIST")]
    pub async fn persist(&self, key: impl Into<Bytes>) -> Result<TimeToLive, WriteError> {
        self.apply_one(Operation::Persist(key.into())).await.map(OperationResult::into_time_to_live)
    }

    /// Returns how long a key has to live.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    #[doc(alias = "HPTTL")]
    pub fn time_to_live<K: Into<Bytes>>(
        &self,
        key: K,
    ) -> BucketRead<'_, TimeToLive, impl FnOnce(Caller<Stored>) -> BucketCall + use<K>> {
        self.read(Operation::TimeToLive(key.into()), OperationResult::into_time_to_live)
    }

    /// Removes a key, and returns its value.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the key was not removed, or may not have been.
    pub async fn delete(&self, key: impl Into<Bytes>) -> Result<Option<Bytes>, WriteError> {
        self.apply_one(Operation::Delete(key.into())).await.map(OperationResult::into_value)
    }

    /// Returns one page of the keys, in order.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    pub fn keys(&self, page: KeyPage) -> BucketRead<'_, Vec<Bytes>, impl FnOnce(Caller<Stored>) -> BucketCall + use<>> {
        self.read(Operation::Keys(page), OperationResult::into_keys)
    }

    /// Returns one page of the keys and their values, in the order of the keys.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    pub fn entries(
        &self,
        page: KeyPage,
    ) -> BucketRead<'_, Vec<(Bytes, Bytes)>, impl FnOnce(Caller<Stored>) -> BucketCall + use<>> {
        self.read(Operation::Entries(page), OperationResult::into_entries)
    }

    /// Returns the number of keys.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
    pub fn len(&self) -> BucketRead<'_, usize, impl FnOnce(Caller<Stored>) -> BucketCall + use<>> {
        self.read(Operation::Len, OperationResult::into_len)
    }

    /// Removes all keys, and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if they were not removed, or may not have been.
    pub async fn clear(&self) -> Result<usize, WriteError> {
        self.apply_one(Operation::Clear).await.map(OperationResult::into_len)
    }

    /// Runs a function on the value of a key, and returns its result. The function can change, insert or remove the value.
    ///
    /// The function runs inside the bucket, like an agent's, so no other operation comes between reading the value and
    /// writing it. A value that replaces another expires when that would have. The function should be short, because the bucket does nothing else meanwhile. If it panics, the bucket ends, and
    /// the [storage](crate::Storage) decides what becomes of its entries.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the change was not made, or may not have been.
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
    ///     let before = pieces
    ///         .as_deref()
    ///         .and_then(|it| std::str::from_utf8(it).ok()?.parse().ok())
    ///         .unwrap_or(0);
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

    /// Replaces the value of a key if it is `expected`. `None` means no value, on both sides. The key expires when it would have
    /// before.
    ///
    /// # Errors
    ///
    /// [`CompareAndSetError::Differs`] with the current value, if it is another; otherwise as [`put`](Bucket::put).
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Bucket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// // The lock is free, so it is ours.
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

    /// Carries out one operation, given as a value, as a protocol has it; in Rust code, `get`, `put` and
    /// the others are typed.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if nothing was changed, or may not have been.
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

    /// Carries out several operations in order and in one message: all of them, or none.
    ///
    /// No other client's operation comes in between. Results are in the order of the operations.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if nothing was changed, or may not have been. Then the operations that only read have no result
    /// either.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{Bucket, OperationResult, Operation};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// let swap = vec![
    ///     Operation::Delete("left".into()),
    ///     Operation::Put("right".into(), "1".into()),
    ///     Operation::Len,
    /// ];
    /// assert_eq!(
    ///     bucket.apply(swap).await?,
    ///     [OperationResult::Value(None), OperationResult::Put, OperationResult::Len(1)]
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub async fn apply(&self, operations: Vec<Operation>) -> Result<Vec<OperationResult>, WriteError> {
        Ok(self.0.call(|caller| BucketCall(CallKind::All(operations, caller))).await??)
    }

    /// Carries out several operations in order and in one message, each with a result of its own.
    ///
    /// No other client's operation comes in between. One that would go over a limit of the store has that as its result, and the
    /// others are carried out. The storage is asked to store all changes at once. If it refuses, each of them has its error as
    /// its result, and the reads find what was there before.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the bucket did not answer.
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
    ) -> Result<Vec<Result<OperationResult, OperationError>>, CallError> {
        self.0.call(|caller| BucketCall(CallKind::Each(operations, caller))).await
    }

    /// Ends the bucket, and makes the storage forget it: the next bucket of this name starts empty.
    ///
    /// Once this returns, no lookup finds the bucket, and its registry knows of its end.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the bucket is still running or did not answer.
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

    /// Returns a snapshot of the entries, to be read page by page.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{Bucket, Entry};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bucket = Bucket::start().await?;
    /// bucket.put("milk", "1").await?;
    /// let mut snapshot = bucket.snapshot();
    /// let mut entries = Vec::new();
    /// while let Some(page) = snapshot.next_page().await? {
    ///     entries.extend(page);
    ///     bucket.put("milk", "2").await?;
    /// }
    /// assert_eq!(entries, [Entry::new("milk", "1")]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot(&self) -> BucketSnapshot {
        BucketSnapshot::new(self.clone())
    }

    /// Ends the bucket, after everything that it was asked before. The next bucket of this name finds what the storage has
    /// kept.
    ///
    /// Once this returns, no lookup finds the bucket, and its registry knows of its end.
    pub fn stop(&self) -> Stop {
        self.0.stop()
    }

    /// Ends the bucket at once. Operations that still wait are not carried out, and their callers are told.
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Waits until the bucket has ended, and returns the reason.
    pub async fn ended(&self) -> Reason {
        self.0.ended().await
    }

    /// The bucket's pid.
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }

    /// Whether the bucket takes requests. False from the moment that it begins to end.
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// The bucket as a process: for linking, monitoring, inspecting.
    pub fn process_ref(&self) -> ProcessRef {
        self.0.process_ref()
    }
}

/// Lets a start return a bucket: see [`Start::handle`].
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

    fn as_server(&self) -> Result<ServerRef<BucketServer>, FindError> {
        self.0.as_server()
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.pid()).finish()
    }
}
