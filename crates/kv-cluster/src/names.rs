//! The names of the buckets: a log of its own, which every member writes.
//!
//! Its keys are the names, and the value of a name is the position of the bucket's log behind which the bucket was made.
//!
//! - N1: a bucket's name is there before the bucket's log has its first claim.
//! - N2: a name whose position is the end of the bucket's log belongs to a bucket that was begun and has no claim yet. The next load makes
//!   it, also one that makes no others.
//! - N3: the removal of a bucket takes its name away only if the bucket was made before that removal. So one that is made again at the
//!   same time keeps its name.

use bytes::Bytes;
use genserver_cluster::engine::{ChangeError, EngineError, Position};
use kv_core::{BucketName, Entry, StorageChange};
use parking_lot::Mutex;

use crate::contents::{Contents, ReadError};
use crate::log::{Log, WriteError, pause, tries};
use crate::record::{Id, Kind, Record};

/// The names, as this member has read them.
pub(crate) struct Names(Mutex<Contents>);

impl Default for Names {
    fn default() -> Self {
        Self(Mutex::new(Contents::new()))
    }
}

impl Names {
    /// Adds the name of a bucket that is made behind a position of its log (N1).
    pub(crate) async fn add(&self, log: Log<'_>, name: &BucketName, after: Position) -> Result<(), WriteError> {
        let key = key(name);
        self.change(log, |names| {
            let is_there = names.get(&key).is_some_and(|made| position(made) >= after);
            (!is_there).then(|| StorageChange::Put(Entry::new(key.clone(), after.0.to_le_bytes().to_vec())))
        })
        .await
    }

    /// Whether a bucket of this name was begun behind a position of its log. If it has no claim there, the next load makes it (N2).
    pub(crate) async fn has_begun(&self, log: Log<'_>, name: &BucketName, after: Position) -> Result<bool, ReadError> {
        let made = self.get(log, name).await?;
        Ok(made.is_some_and(|made| made >= after))
    }

    /// Takes the name of a bucket away that was removed at a position of its log (N3).
    pub(crate) async fn remove(&self, log: Log<'_>, name: &BucketName, at: Position) -> Result<(), WriteError> {
        let key = key(name);
        self.change(log, |names| {
            let was_made_before = names.get(&key).is_some_and(|made| position(made) < at);
            was_made_before.then(|| StorageChange::Delete(key.clone()))
        })
        .await
    }

    /// One page of them, in order. The newest may be missing.
    pub(crate) async fn page(
        &self,
        log: Log<'_>,
        after: Option<&BucketName>,
        limit: usize,
    ) -> Result<Vec<BucketName>, ReadError> {
        let mut contents = self.take();
        contents.read_on(log.engine, log.name).await?;
        let is_behind = |name: &BucketName| after.is_none_or(|after| name > after);
        // Only names were ever added.
        let names = contents.keys().filter_map(|key| std::str::from_utf8(key).ok()?.parse().ok());
        let page = names.filter(is_behind).take(limit).collect();
        self.put_back(contents);
        Ok(page)
    }

    /// Whether one of them is there. The newest may be missing.
    pub(crate) async fn contain(&self, log: Log<'_>, name: &BucketName) -> Result<bool, ReadError> {
        Ok(self.get(log, name).await?.is_some())
    }

    /// The position behind which a bucket was made.
    async fn get(&self, log: Log<'_>, name: &BucketName) -> Result<Option<Position>, ReadError> {
        let mut contents = self.take();
        contents.read_on(log.engine, log.name).await?;
        let made = contents.get(name.as_bytes()).map(|made| position(made));
        self.put_back(contents);
        Ok(made)
    }

    /// Makes a change to what is there, if one is needed.
    async fn change(
        &self,
        log: Log<'_>,
        needed: impl Fn(&Contents) -> Option<StorageChange>,
    ) -> Result<(), WriteError> {
        let mut contents = self.take();
        for n in tries() {
            contents.read_on(log.engine, log.name).await?;
            let Some(change) = needed(&contents) else {
                self.put_back(contents);
                return Ok(());
            };
            match add(log, &mut contents, change).await? {
                Ok(()) => {
                    self.put_back(contents);
                    return Ok(());
                }
                // If it was made all the same, it is not needed any more.
                Err(ChangeError::Conflict | ChangeError::Engine(EngineError::Unanswered)) => pause(n).await,
                Err(ChangeError::Engine(error)) => return Err(ReadError::Engine(error).into()),
                Err(_) => return Err(ReadError::Engine(EngineError::Unanswered).into()),
            }
        }
        Err(ReadError::Engine(EngineError::Unanswered).into())
    }

    /// What was read last. Others read it again from the beginning meanwhile.
    fn take(&self) -> Contents {
        std::mem::replace(&mut *self.0.lock(), Contents::new())
    }

    fn put_back(&self, contents: Contents) {
        let mut before = self.0.lock();
        if before.last < contents.last {
            *before = contents;
        }
    }
}

/// Adds a change to the log and to what was read of it, or a snapshot if it is time for one.
async fn add(
    log: Log<'_>,
    contents: &mut Contents,
    change: StorageChange,
) -> Result<Result<(), ChangeError>, WriteError> {
    let is_growing = matches!(change, StorageChange::Put(_));
    let mut kind = Kind::Commit(vec![change.clone()]);
    if contents.size().add(crate::record::size(&change)).is_due(log.entry_max) {
        let mut after = contents.clone();
        after.change([change]);
        if after.bytes <= log.entry_max {
            kind = after.snapshot();
        } else if is_growing {
            return Err(WriteError::Full { bytes: after.bytes, max: log.entry_max });
        }
    }
    let is_snapshot = matches!(kind, Kind::Snapshot(_));
    let record = Record { id: Id::default(), kind };
    let bytes = record.encode();
    let length = bytes.len();
    let added = log.add(bytes, is_snapshot, contents.last).await;
    Ok(added.map(|position| contents.apply(record.kind, length, position)))
}

fn key(name: &BucketName) -> Bytes {
    Bytes::copy_from_slice(name.as_bytes())
}

fn position(value: &[u8]) -> Position {
    // Only positions were ever put.
    Position(value.try_into().map_or(0, u64::from_le_bytes))
}
