//! The embedded database: opening it, reading it, writing batches.
//!
//! - E1: each batch has the next sequence in it, so the database knows how much of what was written it has read.
//! - E2: a batch that failed may be in the files all the same. Nothing is written after it before the database has been opened
//!   again.
//!
//! Never `Keyspace::clear`, no FIFO compaction, no separation of values: in these the engine has lost or revived data.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::layout;

/// A database that is open.
pub(super) struct Engine {
    database: Database,
    keys: Keyspace,
}

/// What a key becomes; `None` removes it.
pub(super) type Write = (Bytes, Option<Bytes>);

/// Why a database cannot be opened.
pub(super) enum NotOpened {
    /// The system refuses something: it is not the files that are wrong.
    Refused(io::Error),
    Damaged(String),
}

impl Engine {
    /// Opens the database, or makes it. The engine panics on some damage, which is an error here.
    pub(super) fn open(folder: &Path) -> Result<Self, NotOpened> {
        let open = || {
            // The entries are in the memory of their buckets: the engine needs no cache of them.
            let database = Database::builder(folder).cache_size(1 << 20).open()?;
            let keys = database.keyspace("store", KeyspaceCreateOptions::default)?;
            Ok::<_, fjall::Error>(Self { database, keys })
        };
        match catch_unwind(AssertUnwindSafe(open)) {
            Ok(opened) => opened.map_err(NotOpened::from),
            Err(panic) => Err(NotOpened::Damaged(said(&*panic))),
        }
    }

    /// The sequence of the last batch that is in it (E1).
    pub(super) fn sequence(&self) -> Result<u64, String> {
        self.number(&layout::SEQUENCE)
    }

    /// The number at a key; zero if there is none.
    pub(super) fn number(&self, key: &[u8]) -> Result<u64, String> {
        let found = self.get(key)?;
        Ok(found.and_then(|number| layout::number(&number)).unwrap_or(0))
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, String> {
        let found = self.keys.get(key).map_err(|error| text(&error))?;
        Ok(found.map(Bytes::from))
    }

    /// Reads keys with this prefix, after the key `after` if there is one, in order.
    pub(super) fn read(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), String>> + use<> {
        let (prefix, after) = (prefix.to_vec(), after.map(<[u8]>::to_vec));
        let found = match &after {
            Some(after) => self.keys.range(after.clone()..),
            None => self.keys.prefix(&prefix),
        };
        let read = found.map(|guard| match guard.into_inner() {
            Ok((key, value)) => Ok((Bytes::from(key), Bytes::from(value))),
            Err(error) => Err(text(&error)),
        });
        read.filter(move |read| !read.as_ref().is_ok_and(|(key, _)| Some(&key[..]) == after.as_deref()))
            .take_while(move |read| read.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix)))
    }

    /// Writes one batch, with this sequence.
    pub(super) fn write(&self, writes: &[Write], sequence: u64, is_synced: bool) -> Result<(), String> {
        let mode = if is_synced { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.database.batch().durability(Some(mode));
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(&self.keys, key.clone(), value.clone()),
                None => batch.remove(&self.keys, key.clone()),
            }
        }
        batch.insert(&self.keys, layout::SEQUENCE, sequence.to_be_bytes());
        batch.commit().map_err(|error| text(&error))
    }

    pub(super) fn sync(&self) -> Result<(), String> {
        self.database.persist(PersistMode::SyncData).map_err(|error| text(&error))
    }
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => why.fmt(f),
            Self::Damaged(why) => why.fmt(f),
        }
    }
}

impl From<fjall::Error> for NotOpened {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) if is_refused(&error) => {
                Self::Refused(error)
            }
            other => Self::Damaged(text(&other)),
        }
    }
}

/// Whether the system says no, whatever is in the files.
fn is_refused(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    // What is missing, too short or not as it should be is damage. Without a code it does not come from the system.
    error.raw_os_error().is_some()
        && !matches!(error.kind(), Kind::NotFound | Kind::InvalidInput | Kind::NotADirectory | Kind::IsADirectory)
}

fn text(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) => error.to_string(),
        fjall::Error::Poisoned => "an earlier write has failed".to_owned(),
        other => other.to_string(),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "the engine panicked".to_owned())
}
