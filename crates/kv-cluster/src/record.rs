//! The format of an entry of a log: what one commit, one load, one snapshot or one removal of a bucket is in bytes.
//!
//! Version 1. Numbers are little-endian.
//!
//! ```text
//! record  = version: u8 = 1, kind: u8, fence: u64, number: u64, change*
//! kind    = 0 claim | 1 commit | 2 snapshot | 3 removal
//! change  = 0: u8, length: u32, key
//!         | 1: u8, length: u32, key, length: u32, value
//!         | 2: u8, length: u32, key, length: u32, value, expires: u64 (milliseconds since 1970)
//! ```
//!
//! - A *claim* is what a load writes. It has no changes.
//! - A *commit* has the changes of a bucket, in order.
//! - A *snapshot* has all entries of a bucket, as changes, and replaces what is before it.
//! - A *removal* says that the bucket is gone. It has no changes, and replaces what is before it.
//!
//! `fence` is the position of the claim under which the record was written, and `number` counts the records under one claim. Together
//! they tell the records of a log apart. Both are 0 in a claim.
//!
//! A reader refuses a record of another version, an unknown kind, and bytes that are cut off or left over. It takes no length on trust:
//! what it reads is never longer than the record.

use std::time::{Duration, SystemTime};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kv_core::{Entry, StorageChange};

/// The version that this build reads and writes.
const VERSION: u8 = 1;

/// The bytes before the changes.
pub(crate) const HEAD: usize = 18;

const CLAIM: u8 = 0;
const COMMIT: u8 = 1;
const SNAPSHOT: u8 = 2;
const REMOVAL: u8 = 3;

const DELETE: u8 = 0;
const PUT: u8 = 1;
const PUT_EXPIRING: u8 = 2;

/// What a record does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Claim,
    Commit(Vec<StorageChange>),
    Snapshot(Vec<StorageChange>),
    Removal,
}

/// Which record it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Id {
    pub(crate) fence: u64,
    pub(crate) number: u64,
}

/// An entry of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("it has version {0} of the format, and this build reads version {VERSION}; update this build")]
    Version(u8),
    #[error("it ends too early")]
    Cut,
    #[error("{0} is not a kind of record or change")]
    Kind(u8),
    #[error("a claim or a removal has no changes, and it has")]
    LeftOver,
}

impl Record {
    /// The bytes of it.
    pub(crate) fn encode(&self) -> Bytes {
        let (kind, changes): (u8, &[StorageChange]) = match &self.kind {
            Kind::Claim => (CLAIM, &[]),
            Kind::Commit(changes) => (COMMIT, changes),
            Kind::Snapshot(changes) => (SNAPSHOT, changes),
            Kind::Removal => (REMOVAL, &[]),
        };
        let mut out = BytesMut::with_capacity(HEAD + changes.iter().map(size).sum::<usize>());
        out.put_u8(VERSION);
        out.put_u8(kind);
        out.put_u64_le(self.id.fence);
        out.put_u64_le(self.id.number);
        for change in changes {
            write_change(change, &mut out);
        }
        out.freeze()
    }

    /// Reads one. Keys and values are copies, so that one of them does not keep all the others in memory.
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, Malformed> {
        let version = bytes.try_get_u8().map_err(cut)?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let kind = bytes.try_get_u8().map_err(cut)?;
        let fence = bytes.try_get_u64_le().map_err(cut)?;
        let number = bytes.try_get_u64_le().map_err(cut)?;
        let mut changes = Vec::new();
        while bytes.has_remaining() {
            changes.push(read_change(&mut bytes)?);
        }
        let kind = match (kind, changes.is_empty()) {
            (CLAIM, true) => Kind::Claim,
            (COMMIT, _) => Kind::Commit(changes),
            (SNAPSHOT, _) => Kind::Snapshot(changes),
            (REMOVAL, true) => Kind::Removal,
            (CLAIM | REMOVAL, false) => return Err(Malformed::LeftOver),
            (kind, _) => return Err(Malformed::Kind(kind)),
        };
        Ok(Self { id: Id { fence, number }, kind })
    }
}

/// How many bytes a change has.
pub(crate) fn size(change: &StorageChange) -> usize {
    match change {
        StorageChange::Put(entry) => put_size(&entry.key, &entry.value),
        StorageChange::Delete(key) => 5 + key.len(),
    }
}

/// How many bytes a put has at most.
pub(crate) fn put_size(key: &[u8], value: &[u8]) -> usize {
    17 + key.len() + value.len()
}

fn write_change(change: &StorageChange, out: &mut BytesMut) {
    match change {
        StorageChange::Delete(key) => {
            out.put_u8(DELETE);
            write_bytes(key, out);
        }
        StorageChange::Put(Entry { key, value, expires }) => {
            out.put_u8(if expires.is_some() { PUT_EXPIRING } else { PUT });
            write_bytes(key, out);
            write_bytes(value, out);
            if let Some(expires) = expires {
                out.put_u64_le(millis(*expires));
            }
        }
    }
}

/// A log takes no record of four gigabytes, so the length fits.
fn write_bytes(bytes: &[u8], out: &mut BytesMut) {
    out.put_u32_le(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

fn read_change(bytes: &mut &[u8]) -> Result<StorageChange, Malformed> {
    let kind = bytes.try_get_u8().map_err(cut)?;
    if !matches!(kind, DELETE | PUT | PUT_EXPIRING) {
        return Err(Malformed::Kind(kind));
    }
    let key = read_bytes(bytes)?;
    if kind == DELETE {
        return Ok(StorageChange::Delete(key));
    }
    let value = read_bytes(bytes)?;
    let expires = if kind == PUT_EXPIRING {
        let since = Duration::from_millis(bytes.try_get_u64_le().map_err(cut)?);
        // A time that the clock of this machine cannot say never comes.
        SystemTime::UNIX_EPOCH.checked_add(since)
    } else {
        None
    };
    Ok(StorageChange::Put(Entry { key, value, expires }))
}

fn read_bytes(bytes: &mut &[u8]) -> Result<Bytes, Malformed> {
    let length = bytes.try_get_u32_le().map_err(cut)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let (read, rest) = bytes.split_at_checked(length).ok_or(Malformed::Cut)?;
    *bytes = rest;
    Ok(Bytes::copy_from_slice(read))
}

/// Rounded up, so that a key lives no shorter than it should.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn cut(_error: bytes::TryGetError) -> Malformed {
    Malformed::Cut
}

#[cfg(test)]
mod tests {
    //! What is written is read, and nothing else is.

    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
    }

    fn change() -> impl Strategy<Value = StorageChange> {
        let expires = proptest::option::of(any::<u32>());
        prop_oneof![
            bytes().prop_map(StorageChange::Delete),
            (bytes(), bytes(), expires).prop_map(|(key, value, expires)| {
                let expires = expires.map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis.into()));
                StorageChange::Put(Entry { key, value, expires })
            }),
        ]
    }

    fn record() -> impl Strategy<Value = Record> {
        let changes = || proptest::collection::vec(change(), 0..5);
        let kind = prop_oneof![
            Just(Kind::Claim),
            changes().prop_map(Kind::Commit),
            changes().prop_map(Kind::Snapshot),
            Just(Kind::Removal),
        ];
        (any::<u64>(), any::<u64>(), kind).prop_map(|(fence, number, kind)| Record { id: Id { fence, number }, kind })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in record()) {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }

        #[test]
        fn a_record_takes_no_more_than_was_counted(record in record()) {
            let changes = match &record.kind {
                Kind::Commit(changes) | Kind::Snapshot(changes) => changes.iter().map(size).sum(),
                Kind::Claim | Kind::Removal => 0,
            };
            prop_assert!(record.encode().len() <= HEAD + changes);
        }

        #[test]
        fn any_bytes_are_a_record_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Record::decode(&bytes);
            let mut bytes = bytes;
            bytes.splice(0..0, [VERSION, COMMIT]);
            let _ = Record::decode(&bytes);
        }
    }

    #[test]
    fn a_record_has_the_bytes_that_are_written_down() {
        let changes = vec![
            StorageChange::Put(Entry::new("k", "v")),
            StorageChange::Delete("d".into()),
            StorageChange::Put(Entry {
                expires: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(258)),
                ..Entry::new("k", "")
            }),
        ];
        let record = Record { id: Id { fence: 3, number: 1 }, kind: Kind::Commit(changes) };
        let head = [1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        let put = [1, 1, 0, 0, 0, b'k', 1, 0, 0, 0, b'v'];
        let delete = [0, 1, 0, 0, 0, b'd'];
        let expiring = [2, 1, 0, 0, 0, b'k', 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0];
        let expected = [&head[..], &put, &delete, &expiring].concat();
        assert_eq!(record.encode(), expected);
    }

    #[test]
    fn another_version_is_named() {
        let error = Record::decode(&[2, 0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has version 2 of the format, and this build reads version 1; update this build"
        );
    }

    #[test]
    fn a_record_that_is_cut_off_is_refused() {
        let record = Record { id: Id::default(), kind: Kind::Commit(vec![StorageChange::Delete("key".into())]) };
        let bytes = record.encode();
        for length in (0..HEAD).chain(HEAD + 1..bytes.len()) {
            assert_eq!(Record::decode(&bytes[..length]), Err(Malformed::Cut), "{length}");
        }
    }
}
