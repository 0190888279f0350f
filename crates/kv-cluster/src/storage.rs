//! The storage: a log for each bucket, and the turns in which this program owns some of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use genserver_cluster::engine::{ChangeError, Engine, EngineError, Position, encoded};
use kv_core::{BucketName, Commit, Durability, Fence, Loaded, Storage, StorageError};
use parking_lot::Mutex;

use crate::contents::{Contents, ReadError};
use crate::log::{Log, Turn, WriteError, pause, tries};
use crate::names::Names;
use crate::record::{Id, Kind, Record};

/// The largest entry of a log, if nothing else was chosen: what NATS takes, without what goes along with it.
pub const ENTRY_MAX: usize = (1 << 20) - (4 << 10);

/// A smaller largest entry leaves no space for a key and a value.
const ENTRY_MIN: usize = 1 << 10;

/// Keeps the entries of buckets in the logs of an engine: see [the crate's page](crate).
///
/// # Examples
///
/// On [the crate's page](crate).
pub struct LogStorage {
    engine: Arc<dyn Engine>,
    space: Arc<str>,
    entry_max: usize,
    /// The logs that this program has claimed last, as far as it knows. A turn is taken out while something is written in it.
    turns: Mutex<BTreeMap<BucketName, Turn>>,
    names: Names,
}

impl LogStorage {
    /// A storage in the logs of this engine. Nothing is asked of it yet.
    pub fn over(engine: impl Engine) -> Self {
        let (turns, names) = (Mutex::default(), Names::default());
        Self { engine: Arc::new(engine), space: "cluster".into(), entry_max: ENTRY_MAX, turns, names }
    }

    /// Which of the engine's logs belong to this store (default: `cluster`). All members of a cluster have the same.
    ///
    /// # Panics
    ///
    /// If it is empty or has other characters than `A-Z`, `a-z`, `0-9`, `-` and `_`.
    #[must_use]
    #[track_caller]
    pub fn name_space(self, name: impl Into<Arc<str>>) -> Self {
        let space = name.into();
        let is_of_alphabet = space.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        assert!(
            is_of_alphabet && !space.is_empty(),
            "the name space `{space}` has to have one or more characters of A-Z, a-z, 0-9, - and _"
        );
        Self { space, ..self }
    }

    /// The most bytes that an entry of a log may have (default: [`ENTRY_MAX`]), and with it a bucket: see [the crate's
    /// page](crate#limits). All members of a cluster should have the same.
    ///
    /// # Panics
    ///
    /// If it is less than 1 KiB.
    #[must_use]
    #[track_caller]
    pub fn entry_max(self, bytes: usize) -> Self {
        assert!(bytes >= ENTRY_MIN, "an entry has to have space for {ENTRY_MIN} bytes, and {bytes} is less");
        Self { entry_max: bytes, ..self }
    }

    /// The engine, and the subject of what happens in the buckets.
    pub(crate) fn events(&self) -> (Arc<dyn Engine>, String) {
        (Arc::clone(&self.engine), format!("{}.kv.events", self.space))
    }

    fn log<'a>(&'a self, name: &'a str) -> Log<'a> {
        Log { engine: &*self.engine, name, entry_max: self.entry_max }
    }

    fn log_name(&self, bucket: &BucketName) -> String {
        format!("{}.bucket.{}", self.space, encoded(bucket))
    }

    fn names_log(&self) -> String {
        format!("{}.buckets", self.space)
    }

    /// Whether there is a bucket of this name. One that was made a moment ago may be missing.
    pub(crate) async fn contains(&self, bucket: &BucketName) -> Result<bool, StorageError> {
        let names_log = self.names_log();
        self.names.contain(self.log(&names_log), bucket).await.map_err(|error| names_error(&error))
    }

    /// Reads a bucket, and claims its log, so that no other owner writes it from then on. If there is none, it is made, or that is the
    /// error. Returns also whether it was made. Nothing is claimed once it is not wanted any more.
    async fn claim(
        &self,
        bucket: &BucketName,
        creates: bool,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Turn, Contents, bool), WriteError> {
        let (name, names_log) = (self.log_name(bucket), self.names_log());
        let log = self.log(&name);
        let mut contents = Contents::new();
        for n in tries() {
            contents.read_on(log.engine, log.name).await?;
            let (is_new, names) = (contents.is_absent, self.log(&names_log));
            if is_new {
                // By N2, one that was begun is made all the same.
                if !creates && !self.names.has_begun(names, bucket, contents.last).await? {
                    // What a removal has left that was not finished.
                    let _ = self.names.remove(names, bucket, contents.last).await;
                    return Err(WriteError::Absent);
                }
                self.names.add(names, bucket, contents.last).await?;
            }
            if !is_wanted() {
                return Err(WriteError::NotOwner);
            }
            // Each claim makes the log longer, and there may be many before anything is committed.
            let is_snapshot = contents.size().is_due(self.entry_max) && contents.bytes <= self.entry_max;
            let kind = if is_snapshot { contents.snapshot() } else { Kind::Claim };
            let record = Record { id: Id::default(), kind };
            let bytes = record.encode();
            let length = bytes.len();
            match log.add(bytes, is_snapshot, contents.last).await {
                Ok(position) => {
                    contents.apply(record.kind, length, position);
                    return Ok((Turn::new(position, &contents), contents, is_new));
                }
                // What was read was old, or another member has claimed it meanwhile, or the answer to our own claim was lost.
                Err(ChangeError::Conflict | ChangeError::Engine(EngineError::Unanswered)) => pause(n).await,
                Err(ChangeError::Engine(error)) => return Err(ReadError::Engine(error).into()),
                Err(_) => break,
            }
        }
        Err(ReadError::Engine(EngineError::Unanswered).into())
    }

    /// Loads a bucket, and begins a turn with it: see [`claim`](Self::claim).
    pub(crate) async fn load_bucket(
        &self,
        bucket: &BucketName,
        creates: bool,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Loaded, bool), StorageError> {
        let claimed = self.claim(bucket, creates, is_wanted).await;
        let (turn, contents, is_new) = claimed.map_err(|error| storage_error(bucket, &error))?;
        let mut turns = self.turns.lock();
        let last = turns.entry(bucket.clone()).or_insert(turn);
        // Of two that load at the same time, the later one is refused nothing.
        if last.fence < turn.fence {
            *last = turn;
        }
        Ok((Loaded { fence: Fence::new(turn.fence), entries: contents.entries() }, is_new))
    }

    /// Forgets the turn of a bucket that has ended here. The next load begins another.
    pub(crate) fn forget(&self, bucket: &BucketName) {
        self.turns.lock().remove(bucket);
    }

    /// Takes a turn out, to write in it.
    fn take(&self, bucket: &BucketName, fence: Fence) -> Result<Turn, StorageError> {
        let mut turns = self.turns.lock();
        match turns.get(bucket) {
            Some(turn) if turn.fence == fence.number() => Ok(turns.remove(bucket).expect("it was there")),
            _ => Err(StorageError::not_owner(format!("the bucket {bucket} was loaded again"))),
        }
    }

    /// Puts a turn back that goes on, unless another one has begun meanwhile.
    fn put_back(&self, bucket: BucketName, turn: Turn) {
        self.turns.lock().entry(bucket).or_insert(turn);
    }

    async fn commit_one(&self, Commit { bucket, fence, changes }: Commit) -> Result<(), StorageError> {
        let mut turn = self.take(&bucket, fence)?;
        let name = self.log_name(&bucket);
        match self.log(&name).commit(&mut turn, changes).await {
            Ok(()) => {
                self.put_back(bucket, turn);
                Ok(())
            }
            Err(error) => Err(self.failed(bucket, turn, &error)),
        }
    }

    /// What an error means for its bucket. Its turn goes on if the error says so.
    fn failed(&self, bucket: BucketName, turn: Turn, error: &WriteError) -> StorageError {
        let error = storage_error(&bucket, error);
        if error.kind() == kv_core::StorageErrorKind::Failed {
            self.put_back(bucket, turn);
        }
        error
    }
}

#[async_trait]
impl Storage for LogStorage {
    fn durability(&self) -> Durability {
        Durability::Machine
    }

    fn max_key(&self) -> usize {
        self.entry_max / 2
    }

    async fn buckets(&self, after: Option<&BucketName>, limit: usize) -> Result<Vec<BucketName>, StorageError> {
        let names_log = self.names_log();
        let page = self.names.page(self.log(&names_log), after, limit).await;
        page.map_err(|error| names_error(&error))
    }

    async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
        Ok(self.load_bucket(bucket, true, &|| true).await?.0)
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        join_all(commits.into_iter().map(|commit| self.commit_one(commit))).await
    }

    async fn remove(&self, bucket: &BucketName, fence: Fence) -> Result<(), StorageError> {
        let mut turn = self.take(bucket, fence)?;
        let (name, names_log) = (self.log_name(bucket), self.names_log());
        let removed = self.log(&name).remove(&mut turn).await;
        let at = removed.map_err(|error| self.failed(bucket.clone(), turn, &error))?;
        // If this fails, the name of a bucket that is not there is listed, until somebody asks for the bucket.
        let _ = self.names.remove(self.log(&names_log), bucket, at).await;
        Ok(())
    }

    async fn sync(&self) -> Result<(), StorageError> {
        let read = self.engine.read(&self.names_log(), Position::default(), 1).await;
        read.map(drop).map_err(StorageError::new)
    }
}

fn names_error(error: &ReadError) -> StorageError {
    StorageError::new(format!("the names of the buckets: {error}"))
}

/// What an error means for its bucket.
fn storage_error(bucket: &BucketName, error: &WriteError) -> StorageError {
    let text = format!("the bucket {bucket}: {error}");
    match error {
        WriteError::Read(_) | WriteError::Full { .. } => StorageError::new(text),
        // Neither says that the storage fails.
        WriteError::NotOwner | WriteError::Absent => StorageError::not_owner(text),
        WriteError::Unknown => StorageError::unanswered(text),
    }
}

impl fmt::Debug for LogStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStorage")
            .field("name_space", &self.space)
            .field("entry_max", &self.entry_max)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "model"))]
mod tests;
