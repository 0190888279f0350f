//! The process of a bucket: its entries, and how they change.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason};

use super::entries::Entries;
use crate::BucketName;
use crate::operation::{KeyPage, Operation, OperationResult};
use crate::storage::{Storage, StorageChange, StorageError};

/// The server behind a [`Bucket`](crate::Bucket), with its entries.
///
/// You meet it where a bucket is used as a server, in [`genserver::sys`] for instance.
///
/// # Examples
///
/// ```
/// use genserver::sys;
/// use kv_core::Bucket;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// bucket.put("milk", "1").await?;
/// assert_eq!(
///     sys::with_state(&bucket, |it| format!("{it:?}")).await?,
///     "BucketServer { keys: 1, .. }"
/// );
/// # Ok(())
/// # }
/// ```
pub struct BucketServer {
    entries: Entries,
    // None if the entries are lost with the bucket. Boxed, because most buckets have none.
    keeper: Option<Box<BucketStorage>>,
}

/// The arguments of a bucket's start, made by [`Bucket::start`](crate::Bucket::start) and by a store.
#[derive(Debug, Default)]
pub struct BucketArgs(pub(crate) Option<BucketStorage>);

/// The storage of one bucket.
pub(crate) struct BucketStorage {
    bucket: BucketName,
    storage: Arc<dyn Storage>,
    // The old values of the keys changed since the last commit, in the order of the changes.
    before: Vec<(Bytes, Option<Bytes>)>,
}

/// A call to a bucket, made by the methods of [`Bucket`](crate::Bucket).
pub struct BucketCall(pub(super) CallKind);

pub(super) enum CallKind {
    /// A read of one value. It has an answer of its own type, because it is the most frequent call by far, and to wrap and unwrap
    /// an [`OperationResult`] would cost it a tenth.
    Get(Bytes, Caller<Option<Bytes>>),
    /// One operation, which needs no list.
    One(Operation, Caller<Stored<OperationResult>>),
    /// Several operations: all of them, or none.
    All(Vec<Operation>, Caller<Stored<Vec<OperationResult>>>),
    /// Several operations: all of them, or else each by itself.
    Each(Vec<Operation>, Caller<Vec<Stored<OperationResult>>>),
    Update(Bytes, UpdateFunction),
    Remove(Caller<Stored<()>>),
}

/// A result that counts once the storage has stored the change.
type Stored<R> = Result<R, StorageError>;

/// A client's function: it changes the value, and returns a function that replies to the client.
type UpdateFunction = Box<dyn FnOnce(&mut Option<Bytes>) -> SendReply + Send>;

/// Replies to the client once the storage has answered.
type SendReply = Box<dyn FnOnce(Stored<()>) + Send>;

impl CallKind {
    pub(super) fn update<R: Send + 'static>(
        key: Bytes,
        function: impl FnOnce(&mut Option<Bytes>) -> R + Send + 'static,
        caller: Caller<Stored<R>>,
    ) -> Self {
        let function: UpdateFunction = Box::new(move |value| {
            let answer = function(value);
            Box::new(move |stored: Stored<()>| caller.reply(stored.map(|()| answer)))
        });
        Self::Update(key, function)
    }
}

impl GenServer for BucketServer {
    type Args = BucketArgs;
    type Call = BucketCall;
    type Cast = Never;
    type Info = Never;

    async fn init(BucketArgs(keeper): BucketArgs, _cx: &mut Cx<Self>) -> Init<Self> {
        let Some(keeper) = keeper else { return Init::Run(Self { entries: Entries::default(), keeper: None }) };
        match keeper.storage.load(&keeper.bucket).await {
            Ok(entries) => Init::Run(Self { entries: entries.into_iter().collect(), keeper: Some(Box::new(keeper)) }),
            Err(error) => Init::Stop(error.into()),
        }
    }

    async fn handle_call(&mut self, BucketCall(call): BucketCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            CallKind::Get(key, caller) => Next::reply(caller, self.entries.get(&key).cloned()),
            CallKind::One(operation, caller) => {
                let result = self.apply(operation);
                // Mostly there is nothing to store, and then no future is built for it.
                let stored = if self.has_changes() { self.commit().await } else { Ok(()) };
                Next::reply(caller, stored.map(|()| result))
            }
            CallKind::All(operations, caller) => {
                let results = self.all(operations).await;
                Next::reply(caller, results)
            }
            CallKind::Each(operations, caller) => {
                let results = self.each(operations).await;
                Next::reply(caller, results)
            }
            CallKind::Update(key, function) => {
                let mut value = self.entries.get(&key).cloned();
                let send_reply = function(&mut value);
                self.set(key, value);
                let stored = self.commit().await;
                send_reply(stored);
                Next::wait()
            }
            CallKind::Remove(caller) => match self.forget().await {
                Ok(()) => Next::stop_reply(Reason::Normal, caller, Ok(())),
                Err(error) => Next::reply(caller, Err(error)),
            },
        }
    }
}

impl BucketServer {
    async fn one(&mut self, operation: Operation) -> Stored<OperationResult> {
        let result = self.apply(operation);
        self.commit().await.map(|()| result)
    }

    async fn all(&mut self, operations: Vec<Operation>) -> Stored<Vec<OperationResult>> {
        let results = operations.into_iter().map(|operation| self.apply(operation)).collect();
        self.commit().await.map(|()| results)
    }

    async fn each(&mut self, operations: Vec<Operation>) -> Vec<Stored<OperationResult>> {
        // A copy for the second try, only if the storage can refuse. The bytes themselves are shared.
        let again = if self.keeper.is_some() { operations.clone() } else { Vec::new() };
        match self.all(operations).await {
            Ok(results) => results.into_iter().map(Ok).collect(),
            // Boxed, so that the future of the frequent calls stays small.
            Err(_) => Box::pin(self.one_by_one(again)).await,
        }
    }

    async fn one_by_one(&mut self, operations: Vec<Operation>) -> Vec<Stored<OperationResult>> {
        let mut results = Vec::with_capacity(operations.len());
        for operation in operations {
            results.push(self.one(operation).await);
        }
        results
    }

    /// Applies an operation to the entries. The next [`commit`](Self::commit) stores the change.
    #[inline]
    fn apply(&mut self, operation: Operation) -> OperationResult {
        match operation {
            Operation::Get(key) => OperationResult::Value(self.entries.get(&key).cloned()),
            Operation::Put(key, value) => {
                self.set(key, Some(value));
                OperationResult::Put
            }
            Operation::Delete(key) => OperationResult::Value(self.set(key, None)),
            Operation::Keys(page) => OperationResult::Keys(self.keys(&page)),
            Operation::Entries(page) => OperationResult::Entries(self.entries(&page)),
            Operation::Len => OperationResult::Len(self.entries.len()),
            Operation::Clear => OperationResult::Len(self.clear()),
        }
    }

    /// Changes one key. Remembers the old value if the change may have to be undone.
    fn set(&mut self, key: Bytes, value: Option<Bytes>) -> Option<Bytes> {
        let before = self.entries.set(&key, value);
        if let Some(keeper) = &mut self.keeper {
            keeper.before.push((key, before.clone()));
        }
        before
    }

    fn clear(&mut self) -> usize {
        let had = std::mem::take(&mut self.entries);
        let len = had.len();
        if let Some(keeper) = &mut self.keeper {
            keeper.before.extend(had.into_all().map(|(key, value)| (key, Some(value))));
        }
        len
    }

    /// Whether there are changes that the storage has not stored.
    fn has_changes(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| !keeper.before.is_empty())
    }

    /// Has the storage store the changes since the last commit, or undoes them.
    async fn commit(&mut self) -> Stored<()> {
        let Some(keeper) = self.keeper.as_mut().filter(|keeper| !keeper.before.is_empty()) else { return Ok(()) };
        // A key that was changed twice is listed twice, both times with its current value.
        let changes = keeper.before.iter().map(|(key, _)| match self.entries.get(key) {
            Some(value) => StorageChange::Put(key.clone(), value.clone()),
            None => StorageChange::Delete(key.clone()),
        });
        let stored = keeper.storage.commit(&keeper.bucket, changes.collect()).await;
        let before = std::mem::take(&mut keeper.before);
        if stored.is_err() {
            // In reverse, so that of several changes to one key the oldest value comes back last.
            for (key, value) in before.into_iter().rev() {
                self.entries.set(&key, value);
            }
        }
        stored
    }

    async fn forget(&self) -> Stored<()> {
        match &self.keeper {
            Some(keeper) => keeper.storage.remove(&keeper.bucket).await,
            None => Ok(()),
        }
    }

    fn keys(&self, page: &KeyPage) -> Vec<Bytes> {
        self.entries.page(page).map(|(key, _)| key.clone()).collect()
    }

    fn entries(&self, page: &KeyPage) -> Vec<(Bytes, Bytes)> {
        self.entries.page(page).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

impl BucketStorage {
    pub(crate) fn new(bucket: BucketName, storage: Arc<dyn Storage>) -> Self {
        Self { bucket, storage, before: Vec::new() }
    }
}

/// Only the number of keys: there may be many, and they may be private.
impl fmt::Debug for BucketServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketServer").field("keys", &self.entries.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for BucketStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketStorage")
            .field("bucket", &self.bucket)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BucketCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            CallKind::Get(..) => "Get",
            CallKind::One(operation, _) => operation.name(),
            CallKind::All(..) => "Apply",
            CallKind::Each(..) => "ApplyEach",
            CallKind::Update(..) => "Update",
            CallKind::Remove(_) => "Remove",
        })
    }
}
