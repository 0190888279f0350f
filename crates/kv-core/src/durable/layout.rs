//! The keys and values of the database.
//!
//! | key | value |
//! |---|---|
//! | `0`, `s` | the sequence: how many batches were written |
//! | `0`, `g` | the last generation |
//! | `1`, a bucket's name | the bucket's generation |
//! | `2`, generation, key | when it expires, and the value |
//! | `3`, generation | nothing: the entries of this generation are to be removed |
//!
//! Numbers are big-endian, of eight bytes. A bucket that is removed and made again has another generation, so that removing a
//! large one is one small batch, and its entries can go later.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf as _, Bytes};

use crate::BucketName;
use crate::storage::Entry;

const META: u8 = 0;
const BUCKET: u8 = 1;
const ENTRY: u8 = 2;
const GARBAGE: u8 = 3;

/// The most bytes that a key in the database may have, and so what is left for a key of a bucket.
pub(super) const KEY_MAX: usize = u16::MAX as usize - 9;

pub(super) const SEQUENCE: [u8; 2] = [META, b's'];
pub(super) const GENERATION: [u8; 2] = [META, b'g'];

/// All buckets.
pub(super) const BUCKETS: [u8; 1] = [BUCKET];

/// All generations to be removed.
pub(super) const ALL_GARBAGE: [u8; 1] = [GARBAGE];

pub(super) fn bucket(name: &BucketName) -> Vec<u8> {
    [&[BUCKET], name.as_bytes()].concat()
}

/// The name in the key of a bucket; `None` if it is not one.
pub(super) fn bucket_name(key: &[u8]) -> Option<BucketName> {
    BucketName::new(std::str::from_utf8(key.get(1..)?).ok()?).ok()
}

/// What the keys of all entries of a generation begin with.
pub(super) fn entries(generation: u64) -> [u8; 9] {
    numbered(ENTRY, generation)
}

pub(super) fn entry(generation: u64, key: &[u8]) -> Vec<u8> {
    [&entries(generation)[..], key].concat()
}

pub(super) fn garbage(generation: u64) -> [u8; 9] {
    numbered(GARBAGE, generation)
}

/// The generation in the key of one that is to be removed.
pub(super) fn garbage_generation(key: &[u8]) -> Option<u64> {
    number(key.get(1..)?)
}

fn numbered(kind: u8, generation: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&generation.to_be_bytes());
    key
}

pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// The key and the value of an entry, in one allocation: a store makes them for each put, and the engine clones them.
pub(super) fn put(generation: u64, entry: &Entry) -> (Bytes, Bytes) {
    // Zero stands for never: nothing expires at the beginning of 1970.
    let expires = entry.expires.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let expires = expires.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let both = [&entries(generation)[..], &entry.key, &expires.to_be_bytes(), &entry.value].concat();
    let mut key = Bytes::from(both);
    let value = key.split_off(9 + entry.key.len());
    (key, value)
}

/// The entry of a key and a value in the database; `None` if they are not those of an entry.
pub(super) fn read_entry(mut key: Bytes, mut value: Bytes) -> Option<Entry> {
    let expires = number(value.get(..8)?)?;
    if key.len() < 9 {
        return None;
    }
    // Cheaper than slices, of which a million have to be counted.
    key.advance(9);
    value.advance(8);
    Some(Entry { key, value, expires: (expires > 0).then(|| at(expires)) })
}

fn at(millis: u64) -> SystemTime {
    // A time that the system cannot express is as good as never.
    UNIX_EPOCH
        .checked_add(Duration::from_millis(millis))
        .unwrap_or(UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    //! What is written is read.

    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for expires in [None, Some(UNIX_EPOCH + Duration::from_millis(1_234))] {
            let entry = Entry { expires, ..Entry::new("milk", "3") };
            let (key, value) = put(7, &entry);
            assert_eq!(key, super::entry(7, &entry.key));
            assert_eq!(read_entry(key, value), Some(entry));
        }
    }

    #[test]
    fn generations_do_not_share_keys() {
        assert!(!entry(256, b"").starts_with(&entries(1)));
        assert_eq!(garbage_generation(&garbage(9)), Some(9));
        assert_eq!(read_entry(Bytes::from_static(b"short"), Bytes::from_static(b"12345678")), None);
    }

    #[test]
    fn the_name_of_a_bucket_is_read_from_its_key() {
        let name = BucketName::new("Einkäufe").unwrap();
        assert_eq!(bucket_name(&bucket(&name)), Some(name));
        assert_eq!(bucket_name(&[BUCKET]), None);
    }
}
