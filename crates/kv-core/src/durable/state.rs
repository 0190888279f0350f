//! The state behind the storage: its database, open or broken, and who owns each bucket.
//!
//! - S1: one batch is written at a time, under the lock. So a bucket that is loaded has all that was committed before.
//! - S2: only the last fence of a bucket may change it.
//! - S3: after a write has failed, the next one first opens the database again and puts back what the failed one may have
//!   changed. So a change whose client was told that it failed is never found later by a program that goes on.
//! - S4: if nothing of the failed write is in the files, buckets can be loaded, whether the disk takes writes again or not. That shows
//!   only when one succeeds.

use std::collections::HashMap;
use std::mem;
use std::path::Path;

use bytes::Bytes;
use parking_lot::Mutex;

use super::DurableMode;
use super::engine::{Engine, Write};
use super::error::OpenError;
use super::folder::Folder;
use super::layout;
use crate::BucketName;
use crate::storage::{Commit, Fence, Loaded, StorageChange, StorageError};

// Opening a folder, or refusing it.
mod opening;
// The files as they were.
mod originals;
// Keeping of a damaged folder what comes before the damage.
mod repair;

use opening::damaged;
pub(super) use repair::repair;

/// How many entries of a removed bucket are removed in one batch.
const SWEEP: usize = 1_000;

pub(super) struct State {
    // Dropped first: the folder is given up when its database is closed.
    inner: Mutex<Inner>,
    mode: DurableMode,
    folder: Folder,
}

struct Inner {
    database: Base,
    owners: HashMap<BucketName, Owner>,
    /// The last fence that was given out.
    fence: u64,
    /// The last batch that was written, and did not fail.
    sequence: u64,
    generation: u64,
    /// No write has succeeded since one has failed.
    has_failed: bool,
}

enum Base {
    Open(Engine),
    /// A write has failed, for this reason. These writes put back what it may have changed (S3).
    Broken {
        why: String,
        engine: Option<Engine>,
        undo: Vec<Write>,
    },
}

/// The process that may change a bucket.
struct Owner {
    fence: Fence,
    generation: u64,
}

impl State {
    pub(super) fn open(path: &Path, mode: DurableMode) -> Result<Self, OpenError> {
        let folder = Folder::open(path)?;
        let (engine, sequence) = opening::open_engine(&folder)?;
        if !folder.is_made() {
            folder.finish()?;
        }
        let generation = engine.number(&layout::GENERATION).map_err(damaged(path))?;
        let inner = Inner {
            database: Base::Open(engine),
            owners: HashMap::new(),
            fence: 0,
            sequence,
            generation,
            has_failed: false,
        };
        let state = Self { folder, mode, inner: Mutex::new(inner) };
        // If the disk is full for instance, the entries of removed buckets only take space until later.
        let _ = state.sweep_all();
        Ok(state)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn mode(&self) -> DurableMode {
        self.mode
    }

    pub(super) fn buckets(&self, after: Option<&BucketName>, limit: usize) -> Result<Vec<BucketName>, StorageError> {
        let after = after.map(layout::bucket);
        let names = self.inner.lock().engine()?.read(&layout::BUCKETS, after.as_deref());
        names
            .take(limit)
            .map(|read| read.map(|(key, _)| key))
            .map(|key| name(&key?))
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    pub(super) fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
        let mut inner = self.inner.lock();
        self.mend(&mut inner)?;
        let key = layout::bucket(bucket);
        let kept = inner.engine()?.get(&key).map_err(failed)?;
        let generation = match kept {
            Some(kept) => layout::number(&kept).ok_or_else(|| failed("its record is damaged"))?,
            None => self.make(&mut inner, key)?,
        };
        inner.fence += 1;
        let fence = Fence::new(inner.fence);
        inner.owners.insert(bucket.clone(), Owner { fence, generation });
        let found = inner.engine()?.read(&layout::entries(generation), None);
        // Nobody changes the bucket before this returns (S2), and other buckets need not wait for it.
        drop(inner);
        let entry = |read: Result<(Bytes, Bytes), String>| {
            let (key, value) = read?;
            layout::read_entry(key, value).ok_or_else(|| "an entry is damaged".to_owned())
        };
        let entries = found.map(entry).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Loaded { fence, entries })
    }

    /// Writes down a new bucket, and returns its generation.
    fn make(&self, inner: &mut Inner, key: Vec<u8>) -> Result<u64, StorageError> {
        let generation = inner.generation + 1;
        let number = Bytes::copy_from_slice(&generation.to_be_bytes());
        let last = Bytes::from_static(&layout::GENERATION);
        self.write(inner, vec![(key.into(), Some(number.clone())), (last, Some(number))], self.syncs())?;
        inner.generation = generation;
        Ok(generation)
    }

    /// Commits, and syncs if it is asked to.
    pub(super) fn commit(&self, commits: &[Commit], is_synced: bool) -> Vec<Result<(), StorageError>> {
        let mut inner = self.inner.lock();
        if let Err(error) = self.mend(&mut inner) {
            return vec![Err(error); commits.len()];
        }
        let mut writes = Vec::new();
        let results: Vec<_> = commits.iter().map(|commit| inner.prepare(commit, &mut writes)).collect();
        if writes.is_empty() {
            return results;
        }
        match self.write(&mut inner, writes, is_synced) {
            Ok(()) => results,
            Err(error) => results.into_iter().map(|result| result.and(Err(error.clone()))).collect(),
        }
    }

    pub(super) fn remove(&self, bucket: &BucketName, fence: Fence) -> Result<(), StorageError> {
        let mut inner = self.inner.lock();
        self.mend(&mut inner)?;
        let generation = inner.owned(bucket, fence)?;
        let marker = Bytes::copy_from_slice(&layout::garbage(generation));
        self.write(
            &mut inner,
            vec![(layout::bucket(bucket).into(), None), (marker, Some(Bytes::new()))],
            self.syncs(),
        )?;
        inner.owners.remove(bucket);
        drop(inner);
        // The bucket is gone. If its entries cannot be removed now, they are when the folder is opened again.
        let _ = self.sweep(generation);
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), StorageError> {
        let mut inner = self.inner.lock();
        self.mend(&mut inner)?;
        if inner.has_failed {
            // To sync what is there would not show that the disk takes more (S4).
            return self.write(&mut inner, Vec::new(), true);
        }
        if let Err(why) = inner.engine()?.sync() {
            inner.break_down(&why, Vec::new());
            return Err(failed(why));
        }
        self.acknowledge(inner.sequence);
        Ok(())
    }

    /// Whether everything is synced.
    fn syncs(&self) -> bool {
        self.mode == DurableMode::Sync
    }

    /// Writes one batch (S1), and remembers how to undo it if that fails.
    fn write(&self, inner: &mut Inner, writes: Vec<Write>, is_synced: bool) -> Result<(), StorageError> {
        let sequence = inner.sequence + 1;
        if let Err(why) = inner.engine()?.write(&writes, sequence, is_synced) {
            let undo = inner.undo(writes);
            inner.break_down(&why, undo);
            return Err(failed(why));
        }
        inner.sequence = sequence;
        inner.has_failed = false;
        if is_synced {
            self.acknowledge(sequence);
        }
        Ok(())
    }

    /// Without the mark, damage to the last batches would look like a write that was cut off. The commit has not failed for that.
    fn acknowledge(&self, sequence: u64) {
        let _ = self.folder.acknowledge(sequence);
    }

    /// Opens a database again whose last write has failed, and undoes that write (S3).
    fn mend(&self, inner: &mut Inner) -> Result<(), StorageError> {
        let Base::Broken { why, engine, undo } = &mut inner.database else { return Ok(()) };
        let why = why.clone();
        // Closed before it is opened: it has a lock of its own.
        drop(engine.take());
        let undo = undo.clone();
        let opened = Engine::open(&self.folder.database());
        let engine = opened.map_err(|now| failed(format!("{why}; it cannot be opened again: {now}")))?;
        let found = engine.sequence().map_err(failed)?;
        if found < inner.sequence {
            return Err(failed(format!("{why}; {} commits cannot be read any more", inner.sequence - found)));
        }
        if found > inner.sequence {
            engine.write(&undo, found + 1, true).map_err(failed)?;
            inner.sequence = found + 1;
            self.acknowledge(found + 1);
        }
        inner.database = Base::Open(engine);
        Ok(())
    }

    /// Removes the entries of all buckets that were removed.
    fn sweep_all(&self) -> Result<(), StorageError> {
        let found = self.inner.lock().engine()?.read(&layout::ALL_GARBAGE, None);
        for read in found {
            let (key, _) = read.map_err(failed)?;
            if let Some(generation) = layout::garbage_generation(&key) {
                self.sweep(generation)?;
            }
        }
        Ok(())
    }

    /// Removes the entries of a bucket that was removed, some at a time, so that other commits come in between.
    fn sweep(&self, generation: u64) -> Result<(), StorageError> {
        loop {
            let mut inner = self.inner.lock();
            self.mend(&mut inner)?;
            let found = inner.engine()?.read(&layout::entries(generation), None);
            let keys = found.take(SWEEP).map(|read| read.map(|(key, _)| (key, None)));
            let mut writes = keys.collect::<Result<Vec<_>, _>>().map_err(failed)?;
            let is_last = writes.len() < SWEEP;
            if is_last {
                writes.push((Bytes::copy_from_slice(&layout::garbage(generation)), None));
            }
            self.write(&mut inner, writes, self.syncs())?;
            if is_last {
                return Ok(());
            }
        }
    }
}

/// What was answered is marked as such, so that damage is found that comes while nobody uses the folder.
impl Drop for State {
    fn drop(&mut self) {
        let inner = self.inner.get_mut();
        let is_synced = matches!(&inner.database, Base::Open(engine) if engine.sync().is_ok());
        if is_synced {
            let _ = self.folder.acknowledge(inner.sequence);
        }
    }
}

impl Inner {
    fn engine(&self) -> Result<&Engine, StorageError> {
        match &self.database {
            Base::Open(engine) | Base::Broken { engine: Some(engine), .. } => Ok(engine),
            Base::Broken { why, .. } => Err(failed(why)),
        }
    }

    /// The generation of a bucket, if this is its last fence (S2).
    fn owned(&self, bucket: &BucketName, fence: Fence) -> Result<u64, StorageError> {
        let owner = self.owners.get(bucket).filter(|owner| owner.fence == fence);
        let owner = owner.ok_or_else(|| StorageError::not_owner(format!("the bucket {bucket:?} was loaded again")))?;
        Ok(owner.generation)
    }

    fn prepare(&self, commit: &Commit, writes: &mut Vec<Write>) -> Result<(), StorageError> {
        let generation = self.owned(&commit.bucket, commit.fence)?;
        let key = |change: &StorageChange| match change {
            StorageChange::Put(entry) => entry.key.len(),
            StorageChange::Delete(key) => key.len(),
        };
        if let Some(bytes) = commit.changes.iter().map(key).find(|bytes| *bytes > layout::KEY_MAX) {
            let max = layout::KEY_MAX;
            return Err(StorageError::new(format!("a key has {bytes} bytes, and may have {max}; use a shorter one")));
        }
        writes.extend(commit.changes.iter().map(|change| match change {
            StorageChange::Put(entry) => {
                let (key, value) = layout::put(generation, entry);
                (key, Some(value))
            }
            StorageChange::Delete(key) => (layout::entry(generation, key).into(), None),
        }));
        Ok(())
    }

    /// What puts back the values that these writes may have changed. The engine still has them: a batch that failed is only in
    /// its files.
    fn undo(&self, writes: Vec<Write>) -> Vec<Write> {
        let Ok(engine) = self.engine() else { return Vec::new() };
        writes.into_iter().filter_map(|(key, _)| engine.get(&key).ok().map(|value| (key, value))).collect()
    }

    fn break_down(&mut self, why: &str, undo: Vec<Write>) {
        self.has_failed = true;
        let broken = Base::Broken { why: why.to_owned(), engine: None, undo };
        let Base::Open(open) = mem::replace(&mut self.database, broken) else { return };
        // Reads go on.
        if let Base::Broken { engine, .. } = &mut self.database {
            *engine = Some(open);
        }
    }
}

fn name(key: &[u8]) -> Result<BucketName, String> {
    layout::bucket_name(key).ok_or_else(|| "the name of a bucket is damaged".to_owned())
}

fn failed(why: impl Into<String>) -> StorageError {
    StorageError::new(why.into())
}
