//! The process of a bucket: its entries, and how they change.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason};

use super::entries::Entries;
use crate::BucketName;
use crate::operation::{Done, Operation, Page};
use crate::storage::{Change, Storage, StorageError};

/// The server behind a [`Bucket`](crate::Bucket), with its entries.
///
/// It is seen where a bucket is looked at as a server, in [`genserver::sys`] for instance.
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
/// assert_eq!(sys::with_state(&bucket, |it| format!("{it:?}")).await?, "BucketServer { keys: 1, .. }");
/// # Ok(())
/// # }
/// ```
pub struct BucketServer {
    entries: Entries,
    // None if the entries are to be forgotten with the bucket. Boxed, for most buckets have none.
    keeper: Option<Box<Keeper>>,
}

/// What a bucket is started with. [`Bucket::start`](crate::Bucket::start) and a store make it.
///
/// # Examples
///
/// The default is a bucket that is remembered by nobody:
///
/// ```
/// use kv_core::{Bucket, BucketArgs, BucketServer};
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::from(genserver::start::<BucketServer>(BucketArgs::default()).await?);
/// bucket.put("milk", "1").await?;
/// assert_eq!(bucket.get("milk").await?, Some("1".into()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct BucketArgs(pub(crate) Option<Keeper>);

/// What keeps the entries of one bucket.
pub(crate) struct Keeper {
    bucket: BucketName,
    storage: Arc<dyn Storage>,
    // What the keys that were changed since the last commit had before, in the order of the changes.
    before: Vec<(Bytes, Option<Bytes>)>,
}

/// What is asked of a bucket. It is made by the functions of [`Bucket`](crate::Bucket).
///
/// # Examples
///
/// It stands where a bucket is seen as a server:
///
/// ```
/// use genserver::GenServer;
/// use kv_core::{BucketServer, Request};
///
/// fn asked(request: <BucketServer as GenServer>::Call) -> Request {
///     request
/// }
/// ```
pub struct Request(pub(super) Ask);

pub(super) enum Ask {
    Get(Bytes, Caller<Option<Bytes>>),
    Put(Bytes, Bytes, Caller<Kept<()>>),
    Delete(Bytes, Caller<Kept<Option<Bytes>>>),
    Keys(Page, Caller<Vec<Bytes>>),
    Entries(Page, Caller<Vec<(Bytes, Bytes)>>),
    Len(Caller<usize>),
    Clear(Caller<Kept<usize>>),
    Update(Bytes, Function),
    Apply(Vec<Operation>, Caller<Kept<Vec<Done>>>),
    Remove(Caller<Kept<()>>),
}

/// An answer that waits for the storage.
type Kept<R> = Result<R, StorageError>;

/// A client's function: it changes the value, and leaves what tells the client.
type Function = Box<dyn FnOnce(&mut Option<Bytes>) -> Tell + Send>;

/// Tells a client what came of its function.
type Tell = Box<dyn FnOnce(Kept<()>) + Send>;

impl Ask {
    pub(super) fn update<R: Send + 'static>(
        key: Bytes,
        function: impl FnOnce(&mut Option<Bytes>) -> R + Send + 'static,
        caller: Caller<Kept<R>>,
    ) -> Self {
        let function: Function = Box::new(move |value| {
            let answer = function(value);
            Box::new(move |kept: Kept<()>| caller.reply(kept.map(|()| answer)))
        });
        Self::Update(key, function)
    }
}

impl GenServer for BucketServer {
    type Args = BucketArgs;
    type Call = Request;
    type Cast = Never;
    type Info = Never;

    async fn init(BucketArgs(keeper): BucketArgs, _cx: &mut Cx<Self>) -> Init<Self> {
        let Some(keeper) = keeper else { return Init::Run(Self { entries: Entries::default(), keeper: None }) };
        match keeper.storage.load(&keeper.bucket).await {
            Ok(entries) => Init::Run(Self { entries: entries.into_iter().collect(), keeper: Some(Box::new(keeper)) }),
            Err(error) => Init::Stop(error.into()),
        }
    }

    async fn handle_call(&mut self, Request(ask): Request, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Get(key, caller) => Next::reply(caller, self.entries.get(&key).cloned()),
            Ask::Put(key, value, caller) => {
                self.set(key, Some(value));
                let kept = self.commit().await;
                Next::reply(caller, kept)
            }
            Ask::Delete(key, caller) => {
                let before = self.set(key, None);
                let kept = self.commit().await;
                Next::reply(caller, kept.map(|()| before))
            }
            Ask::Keys(page, caller) => Next::reply(caller, self.keys(&page)),
            Ask::Entries(page, caller) => Next::reply(caller, self.entries(&page)),
            Ask::Len(caller) => Next::reply(caller, self.entries.len()),
            Ask::Clear(caller) => {
                let had = self.clear();
                let kept = self.commit().await;
                Next::reply(caller, kept.map(|()| had))
            }
            Ask::Update(key, function) => {
                let mut value = self.entries.get(&key).cloned();
                let tell = function(&mut value);
                self.set(key, value);
                let kept = self.commit().await;
                tell(kept);
                Next::wait()
            }
            Ask::Apply(operations, caller) => {
                let done = operations.into_iter().map(|it| self.apply(it)).collect();
                let kept = self.commit().await;
                Next::reply(caller, kept.map(|()| done))
            }
            Ask::Remove(caller) => match self.forget().await {
                Ok(()) => Next::stop_reply(Reason::Normal, caller, Ok(())),
                Err(error) => Next::reply(caller, Err(error)),
            },
        }
    }
}

impl BucketServer {
    fn apply(&mut self, operation: Operation) -> Done {
        match operation {
            Operation::Get(key) => Done::Value(self.entries.get(&key).cloned()),
            Operation::Put(key, value) => {
                self.set(key, Some(value));
                Done::Put
            }
            Operation::Delete(key) => Done::Value(self.set(key, None)),
            Operation::Keys(page) => Done::Keys(self.keys(&page)),
            Operation::Entries(page) => Done::Entries(self.entries(&page)),
            Operation::Len => Done::Len(self.entries.len()),
            Operation::Clear => Done::Len(self.clear()),
        }
    }

    /// Changes one key, and remembers what it had if that may have to be undone.
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

    /// Has the storage keep what was changed since the last time, or takes it back.
    async fn commit(&mut self) -> Kept<()> {
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        if keeper.before.is_empty() {
            return Ok(());
        }
        // A key that was changed twice is told twice, both times with what it has now.
        let changes = keeper.before.iter().map(|(key, _)| match self.entries.get(key) {
            Some(value) => Change::Put(key.clone(), value.clone()),
            None => Change::Delete(key.clone()),
        });
        let kept = keeper.storage.commit(&keeper.bucket, changes.collect()).await;
        let before = std::mem::take(&mut keeper.before);
        if kept.is_err() {
            // Backwards, so that of several changes of one key the first one's past comes back.
            for (key, value) in before.into_iter().rev() {
                self.entries.set(&key, value);
            }
        }
        kept
    }

    async fn forget(&self) -> Kept<()> {
        match &self.keeper {
            Some(keeper) => keeper.storage.remove(&keeper.bucket).await,
            None => Ok(()),
        }
    }

    fn keys(&self, page: &Page) -> Vec<Bytes> {
        self.entries.page(page).map(|(key, _)| key.clone()).collect()
    }

    fn entries(&self, page: &Page) -> Vec<(Bytes, Bytes)> {
        self.entries.page(page).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

impl Keeper {
    pub(crate) fn new(bucket: BucketName, storage: Arc<dyn Storage>) -> Self {
        Self { bucket, storage, before: Vec::new() }
    }
}

/// The keys are counted: there may be many, and they are somebody's.
impl fmt::Debug for BucketServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketServer").field("keys", &self.entries.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("bucket", &self.bucket).field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Ask::Get(..) => "Get",
            Ask::Put(..) => "Put",
            Ask::Delete(..) => "Delete",
            Ask::Keys(..) => "Keys",
            Ask::Entries(..) => "Entries",
            Ask::Len(..) => "Len",
            Ask::Clear(..) => "Clear",
            Ask::Update(..) => "Update",
            Ask::Apply(..) => "Apply",
            Ask::Remove(..) => "Remove",
        })
    }
}
