//! The log of one bucket, as its owner writes it: one entry at a time, behind the last one that it knows.
//!
//! - L1: an entry is written only behind the last one that its owner knows. So the first entry of another owner ends the turn of this
//!   one, and whatever of it is still on its way is never written.
//! - L2: an entry that the engine has not answered is sent again, behind the same one. So it is written once at most, and the entry
//!   behind that one tells whether it was.
//! - L3: if that entry is the snapshot of another owner, nobody can tell, and the answer is [`WriteError::Unknown`].

use std::time::Duration;

use bytes::Bytes;
use genserver::time;
use genserver_cluster::engine::{ChangeError, Engine, EngineError, Position};
use kv_core::StorageChange;

use crate::contents::{Contents, LogSize, ReadError};
use crate::record::{HEAD, Id, Kind, Record, size};

/// How often the engine is asked again if it does not answer, or does not show what is there.
const TRIES: u32 = 12;

/// The pause before the first time, and before each of the later ones.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Waits before the engine is asked for the `n`-th time again.
pub(crate) async fn pause(n: u32) {
    time::sleep(PAUSE.saturating_mul(2_u32.saturating_pow(n)).min(PAUSE_MAX)).await;
}

/// The numbers of the times that the engine is asked.
pub(crate) fn tries() -> std::ops::Range<u32> {
    0..TRIES
}

/// An engine's log.
#[derive(Clone, Copy)]
pub(crate) struct Log<'a> {
    pub(crate) engine: &'a dyn Engine,
    pub(crate) name: &'a str,
    /// The most bytes that an entry may have.
    pub(crate) entry_max: usize,
}

/// What the owner of a bucket knows of its log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// The position of the claim with which it began.
    pub(crate) fence: u64,
    /// How many records were written in it, or may have been.
    number: u64,
    last: Position,
    size: LogSize,
}

/// Why a record is not in a log, or may not be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// It is not there. The turn goes on.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not there. The turn goes on.
    #[error(
        "the bucket would take {bytes} bytes, and may take {max} here; delete some of its keys, or use several buckets"
    )]
    Full { bytes: usize, max: usize },
    /// There is no bucket, and none was to be made. There is no turn.
    #[error("there is no such bucket")]
    Absent,
    /// It is not there. The turn is over.
    #[error("another member has loaded the bucket since")]
    NotOwner,
    /// It may be there. The turn is over.
    #[error("the engine has not answered in time, so the change may be kept or not; read it to find out")]
    Unknown,
}

impl Turn {
    /// A turn that begins with a claim.
    pub(crate) fn new(claim: Position, contents: &Contents) -> Self {
        Self { fence: claim.0, number: 0, last: claim, size: contents.size() }
    }
}

impl Log<'_> {
    /// Writes changes of a bucket: as a commit, or with everything else in the bucket as a snapshot, if it is time for one.
    pub(crate) async fn commit(&self, turn: &mut Turn, changes: Vec<StorageChange>) -> Result<(), WriteError> {
        let length = HEAD + changes.iter().map(size).sum::<usize>();
        if length > self.entry_max || turn.size.add(length).is_due(self.entry_max) {
            return self.compact(turn, changes, length).await;
        }
        let length = self.write(turn, Kind::Commit(changes)).await?;
        turn.size = turn.size.add(length);
        Ok(())
    }

    async fn compact(&self, turn: &mut Turn, changes: Vec<StorageChange>, length: usize) -> Result<(), WriteError> {
        let mut contents = self.read_all(turn.last).await?;
        turn.size = contents.size();
        let is_growing = changes.iter().any(|change| matches!(change, StorageChange::Put(_)));
        contents.change(changes.iter().cloned());
        if contents.bytes <= self.entry_max {
            let length = self.write(turn, contents.snapshot()).await?;
            contents.log_bytes = length;
            turn.size = contents.size();
            return Ok(());
        }
        // The largest entry of another member may have been larger, and then what is there has to go before anything can come.
        if is_growing || length > self.entry_max {
            return Err(WriteError::Full { bytes: contents.bytes, max: self.entry_max });
        }
        self.write(turn, Kind::Commit(changes)).await?;
        Ok(())
    }

    /// Writes that the bucket is removed. Returns where.
    pub(crate) async fn remove(&self, turn: &mut Turn) -> Result<Position, WriteError> {
        self.write(turn, Kind::Removal).await?;
        Ok(turn.last)
    }

    /// Reads the log up to what is known to be its last entry.
    async fn read_all(&self, last: Position) -> Result<Contents, WriteError> {
        let mut contents = Contents::new();
        for n in tries() {
            contents.read_on(self.engine, self.name).await?;
            if contents.last == last {
                return Ok(contents);
            }
            if contents.last > last {
                return Err(WriteError::NotOwner);
            }
            // What was read is old.
            pause(n).await;
        }
        Err(ReadError::Engine(EngineError::Unanswered).into())
    }

    /// Writes a record behind the last one (L1). Returns its length.
    async fn write(&self, turn: &mut Turn, kind: Kind) -> Result<usize, WriteError> {
        turn.number += 1;
        let id = Id { fence: turn.fence, number: turn.number };
        let is_snapshot = matches!(kind, Kind::Snapshot(_) | Kind::Removal);
        let bytes = Record { id, kind }.encode();
        let length = bytes.len();
        turn.last = self.send(id, bytes, is_snapshot, turn.last).await?;
        Ok(length)
    }

    async fn send(&self, id: Id, bytes: Bytes, is_snapshot: bool, last: Position) -> Result<Position, WriteError> {
        let mut may_be_there = false;
        for n in tries() {
            match self.add(bytes.clone(), is_snapshot, last).await {
                Ok(position) => return Ok(position),
                Err(ChangeError::Conflict) if may_be_there => return self.find(id, last).await,
                Err(ChangeError::Conflict) => return Err(WriteError::NotOwner),
                Err(ChangeError::Engine(EngineError::Unanswered)) => may_be_there = true,
                Err(ChangeError::Engine(error)) if !may_be_there => return Err(ReadError::Engine(error).into()),
                // It may be there from before.
                Err(_) => {}
            }
            pause(n).await;
        }
        Err(WriteError::Unknown)
    }

    /// Adds an entry, or replaces all of them by it.
    pub(crate) async fn add(&self, bytes: Bytes, is_snapshot: bool, last: Position) -> Result<Position, ChangeError> {
        if is_snapshot {
            self.engine.snapshot(self.name, bytes, last).await
        } else {
            self.engine.append(self.name, bytes, last).await
        }
    }

    /// Looks for a record that may be there, when another one may be there instead (L2).
    async fn find(&self, id: Id, last: Position) -> Result<Position, WriteError> {
        for n in tries() {
            let entries = self.engine.read(self.name, last, 1).await.unwrap_or_default();
            let Some(entry) = entries.first() else {
                // What was read is old.
                pause(n).await;
                continue;
            };
            let is_it = Record::decode(&entry.entry).is_ok_and(|record| record.id == id);
            return match (is_it, entry.is_snapshot) {
                (true, _) => Ok(entry.position),
                (false, true) => Err(WriteError::Unknown),
                (false, false) => Err(WriteError::NotOwner),
            };
        }
        Err(WriteError::Unknown)
    }
}
