//! What a log says: its entries, read one after the other.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use genserver_cluster::engine::{Engine, EngineError, LogEntry, Position};
use kv_core::{Entry, StorageChange};

use crate::record::{HEAD, Kind, Malformed, Record, put_size};

/// How many entries of a log are read at once.
const PAGE: usize = 64;

/// What an entry of a log takes besides its bytes, roughly.
const ENTRY_COST: usize = 64;

/// The contents of a log up to an entry.
#[derive(Clone, Default)]
pub(crate) struct Contents {
    entries: BTreeMap<Bytes, (Bytes, Option<SystemTime>)>,
    /// The entry up to which this was read.
    pub(crate) last: Position,
    /// Whether the bucket is absent: it was never loaded, or was removed.
    pub(crate) is_absent: bool,
    /// What the log takes.
    pub(crate) log_bytes: usize,
    /// What a snapshot of this takes at most.
    pub(crate) bytes: usize,
}

/// Why a log was not read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the entry {} of the log {log} cannot be read: {why}", position.0)]
    Malformed { position: Position, log: String, why: Malformed },
}

impl Contents {
    /// Of an empty log.
    pub(crate) fn new() -> Self {
        Self { is_absent: true, bytes: HEAD, ..Self::default() }
    }

    /// Reads on, to the end that the engine shows. There may be more.
    pub(crate) async fn read_on(&mut self, engine: &dyn Engine, log: &str) -> Result<(), ReadError> {
        loop {
            let page = engine.read(log, self.last, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for entry in page {
                self.take(&entry, log)?;
            }
        }
    }

    fn take(&mut self, entry: &LogEntry, log: &str) -> Result<(), ReadError> {
        let position = entry.position;
        let malformed = |why| ReadError::Malformed { position, log: log.to_owned(), why };
        let record = Record::decode(&entry.entry).map_err(malformed)?;
        self.apply(record.kind, entry.entry.len(), position);
        Ok(())
    }

    /// Adds an entry that is in the log.
    pub(crate) fn apply(&mut self, kind: Kind, length: usize, position: Position) {
        self.last = position;
        self.log_bytes += length + ENTRY_COST;
        match kind {
            Kind::Claim => self.is_absent = false,
            Kind::Commit(changes) => self.change(changes),
            Kind::Snapshot(changes) => {
                *self = Self { last: position, log_bytes: length + ENTRY_COST, is_absent: false, ..Self::new() };
                self.change(changes);
            }
            Kind::Removal => *self = Self { last: position, log_bytes: length + ENTRY_COST, ..Self::new() },
        }
    }

    /// Makes changes.
    pub(crate) fn change(&mut self, changes: impl IntoIterator<Item = StorageChange>) {
        for change in changes {
            let (key, before) = match change {
                StorageChange::Put(Entry { key, value, expires }) => {
                    self.bytes += put_size(&key, &value);
                    (key.clone(), self.entries.insert(key, (value, expires)))
                }
                StorageChange::Delete(key) => {
                    let before = self.entries.remove(&key);
                    (key, before)
                }
            };
            if let Some((value, _)) = before {
                self.bytes -= put_size(&key, &value);
            }
        }
    }

    /// What a key has.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Bytes> {
        self.entries.get(key).map(|(value, _)| value)
    }

    /// All keys, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Bytes> {
        self.entries.keys()
    }

    /// All entries, in the order of their keys.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entry = |(key, (value, expires)): (&Bytes, &(Bytes, Option<SystemTime>))| Entry {
            key: key.clone(),
            value: value.clone(),
            expires: *expires,
        };
        self.entries.iter().map(entry).collect()
    }

    /// A snapshot of all entries.
    pub(crate) fn snapshot(&self) -> Kind {
        Kind::Snapshot(self.entries().into_iter().map(StorageChange::Put).collect())
    }

    /// What the log takes, and its entries.
    pub(crate) fn size(&self) -> LogSize {
        LogSize { log: self.log_bytes, entries: self.bytes, since: 0 }
    }
}

/// What a log takes, and what its entries take in a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LogSize {
    log: usize,
    /// When the log was last read, at most.
    entries: usize,
    /// What was written since.
    since: usize,
}

/// The size of a log that needs no snapshot, however little is in its bucket.
const SMALL: usize = 64 << 10;

impl LogSize {
    /// After an entry of so many bytes.
    pub(crate) fn add(self, length: usize) -> Self {
        Self { log: self.log + length + ENTRY_COST, since: self.since + length, ..self }
    }

    /// Whether the log has grown enough for a snapshot, or its entries might not fit into one any more.
    pub(crate) fn is_due(self, entry_max: usize) -> bool {
        self.log > SMALL.max(3 * self.entries) || self.entries + self.since > entry_max
    }
}
