//! The committer: one process per store that gathers the changes of all buckets and commits them together.
//!
//! A sync of a disk takes a hundred microseconds, whatever it syncs. So what arrives while one commit is under way is gathered
//! into the next. The committer answers the clients itself, and the buckets go on meanwhile.
//!
//! - C1: requests of one bucket are committed in the order they were sent; those in one batch are one [`Commit`].
//! - C2: a bucket's progress is written before the client is answered: see [`Progress`].
//! - C3: once a commit of a bucket has failed, what the bucket sent after it in the same round is refused: it was built on
//!   what was taken back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use genserver::report::{CustomReport, Level, Report};
use genserver::supervisor::ChildRef;
use genserver::sys::Shown;
use genserver::{Caller, Cx, GenServer, Init, Next, Outcome, Reason, yield_now};

use crate::BucketName;
use crate::storage::{Commit, Fence, Storage, StorageError};

// Whether more requests are about to come.
mod expected;
// Whether the storage takes changes.
mod health;
// How far the commits of one bucket have come.
mod progress;
// One bucket's changes on their way.
mod request;

use expected::Expected;
pub(crate) use health::Failure;
use health::{Health, retry_later};
pub(crate) use progress::Progress;
pub(crate) use request::{Request, SendReply};

/// The most changes in one batch.
const MAX_CHANGES: usize = 1_024;

/// The most bytes of keys and values in one batch, but for a single request that has more.
const MAX_BYTES: usize = 1 << 20;

/// The store's committer, as its buckets find it.
pub(crate) type CommitterRef = ChildRef<CommitterServer>;

/// The server that commits.
pub(crate) struct CommitterServer {
    storage: Arc<dyn Storage>,
    batch: Vec<Request>,
    changes: usize,
    bytes: usize,
    expected: Expected,
    health: Health,
    /// Whether a sync is due, and its timer set.
    is_sync_due: bool,
}

/// What a committer starts with.
pub(crate) struct CommitterArgs {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) failure: Arc<Failure>,
}

/// Forgets a bucket and its entries, after all that was sent before.
pub(crate) struct Remove {
    pub(crate) bucket: BucketName,
    pub(crate) fence: Fence,
    pub(crate) caller: Caller<Result<(), StorageError>>,
}

/// What the committer tells itself.
#[derive(Debug)]
pub(crate) enum CommitterInfo {
    /// All that was in the mailbox when this was sent is in the batch.
    Commit,
    /// The time in which a sync has to come is over.
    Sync,
    /// The storage has failed, and is to be tried again.
    Retry,
    /// A bucket could not load its entries.
    NotLoaded(StorageError),
}

impl GenServer for CommitterServer {
    type Args = CommitterArgs;
    type Call = Remove;
    type Cast = Request;
    type Info = CommitterInfo;

    async fn init(CommitterArgs { storage, failure }: CommitterArgs, cx: &mut Cx<Self>) -> Init<Self> {
        // The committer before this one may have ended with a sync due, or with a storage to be tried again, and its timers with it.
        let is_sync_due = storage.sync_within().is_some();
        let health = Health::new(failure);
        if health.has_failed() {
            retry_later(cx);
        }
        let expected = Expected::default();
        let this = Self { storage, batch: Vec::new(), changes: 0, bytes: 0, expected, health, is_sync_due };
        if is_sync_due { Init::RunThen(this, CommitterInfo::Sync) } else { Init::Run(this) }
    }

    async fn handle_call(&mut self, remove: Remove, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.commit(cx).await;
        let removed = self.storage.remove(&remove.bucket, remove.fence).await;
        self.health.judge(std::slice::from_ref(&removed), cx);
        Next::reply(remove.caller, removed)
    }

    async fn handle_cast(&mut self, request: Request, cx: &mut Cx<Self>) -> Outcome<Self> {
        let is_first = self.batch.is_empty();
        self.changes += request.changes.len();
        self.bytes += request.bytes();
        self.batch.push(request);
        // A full mailbox takes no message, and there is enough to commit then.
        if self.is_full() || (is_first && cx.this().send(CommitterInfo::Commit).is_err()) {
            self.commit(cx).await;
        }
        Next::wait()
    }

    async fn handle_info(&mut self, info: CommitterInfo, cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            CommitterInfo::Commit if self.waits_for_more(cx).await => {}
            CommitterInfo::Commit => self.commit(cx).await,
            CommitterInfo::Sync => self.sync(cx).await,
            CommitterInfo::Retry => self.retry(cx).await,
            CommitterInfo::NotLoaded(error) => self.health.judge(&[Err(error)], cx),
        }
        Next::wait()
    }

    async fn terminate(&mut self, _reason: &Reason, cx: &mut Cx<Self>) {
        self.commit(cx).await;
        self.sync(cx).await;
    }

    fn format_status(&self, shown: &mut Shown) {
        shown.set_state(self);
    }
}

impl CommitterServer {
    fn is_full(&self) -> bool {
        self.changes >= MAX_CHANGES || self.bytes >= MAX_BYTES
    }

    /// Lets others go first if more requests are expected. Returns whether it looks again when what they have sent is in the batch.
    async fn waits_for_more(&mut self, cx: &mut Cx<Self>) -> bool {
        if !self.expected.are_more_than(self.batch.len()) {
            return false;
        }
        yield_now().await;
        cx.this().send(CommitterInfo::Commit).is_ok()
    }

    /// Commits the batch, and answers its clients.
    async fn commit(&mut self, cx: &mut Cx<Self>) {
        let mut batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return;
        }
        (self.changes, self.bytes) = (0, 0);
        self.expected.commit(batch.len());
        let (commits, places) = gather(&mut batch);
        let results = if commits.is_empty() { Vec::new() } else { self.storage.commit(commits).await };
        self.health.judge(&results, cx);
        for (request, place) in batch.into_iter().zip(places) {
            let stored = match place {
                Some(place) => results.get(place).cloned().unwrap_or_else(|| Err(unanswered())),
                None => Ok(()),
            };
            request.answer(stored);
        }
        if let (false, Some(within)) = (results.is_empty() || self.is_sync_due, self.storage.sync_within()) {
            self.is_sync_due = true;
            cx.send_after(within, CommitterInfo::Sync);
        }
    }

    async fn sync(&mut self, cx: &mut Cx<Self>) {
        if !std::mem::take(&mut self.is_sync_due) {
            return;
        }
        let synced = self.storage.sync().await;
        self.health.judge(std::slice::from_ref(&synced), cx);
        if let Err(error) = synced {
            let what = "could not sync what was committed, and a power failure may lose it";
            cx.report(Level::Error, |me| {
                Report::Custom(CustomReport::new(me, Level::Error, "Committer", what).with("why", error.to_string()))
            });
        }
    }

    /// Finds out whether the storage works again.
    async fn retry(&mut self, cx: &mut Cx<Self>) {
        if !self.health.has_failed() {
            return;
        }
        let synced = self.storage.sync().await;
        self.health.judge(std::slice::from_ref(&synced), cx);
        if self.health.has_failed() {
            retry_later(cx);
        }
    }
}

/// One commit for each bucket, in the order in which the buckets come first, and for each request the place of its commit; `None`
/// if it changes nothing, or if it may not (C3).
fn gather(batch: &mut [Request]) -> (Vec<Commit>, Vec<Option<usize>>) {
    let mut commits: Vec<Commit> = Vec::new();
    let mut places = BTreeMap::new();
    let place = |request: &mut Request| {
        if request.changes.is_empty() || request.broken().is_some() {
            return None;
        }
        let changes = std::mem::take(&mut request.changes);
        // The fence is a part of the key: a bucket that has been killed may be in the batch beside its successor.
        let place = *places.entry((request.bucket.clone(), request.fence)).or_insert(commits.len());
        match commits.get_mut(place) {
            Some(commit) => commit.changes.extend(changes),
            None => commits.push(Commit { bucket: request.bucket.clone(), fence: request.fence, changes }),
        }
        Some(place)
    };
    let places = batch.iter_mut().map(place).collect();
    (commits, places)
}

fn unanswered() -> StorageError {
    StorageError::new("it returned fewer results than it was given commits; mend its `commit`")
}

impl fmt::Debug for CommitterServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommitterServer")
            .field("storage", &self.storage)
            .field("requests", &self.batch.len())
            .field("failed", &self.health.has_failed())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Remove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remove").field(&self.bucket).finish()
    }
}
