//! The format of a log file: a header, records, and how to tell a torn tail from damage.
//!
//! 1. A file is a header, records, and then zeros or nothing. Numbers are little-endian.
//! 2. The header of version 3: `genevent`, the version (4), the number of the file's first event (8), a salt (4), the checksum of
//!    all that (4), the tag (32, with zeros behind it; only zeros if there is none), the latest time of all events in the files
//!    before (8), and the checksum of everything before (4). Every version has the same first 28 bytes, so that it is told apart
//!    from damage. Version 2 has no time in its header, and version 1 no tag either. They are read, and no longer written.
//! 3. A record: the length of its event (4), how much of the file was known to be on the disk when the record was written (4), a
//!    checksum (4), the time (8, nanoseconds since 1970; from version 3 on), and the event as postcard writes it. The length
//!    counts the time. No record begins with twelve zeros, because of its second number.
//! 4. A record's checksum covers the salt, its offset in the file, its two numbers and all behind them. So a record is valid only
//!    where it was written: bytes inside an event, or left over from another file, never pass for one.
//! 5. The log ends at the first offset that has no valid record. If a later record or the [mark](super::mark) says that the disk
//!    had that offset, the disk has lost it, and the file is corrupt. If neither does, nobody was told that those bytes are safe:
//!    it is a torn tail.

use std::path::Path;

use crc32fast::Hasher;

use super::checksums::Checksums;
use super::damage::Damage;
use super::tag::{TAG_MAX, Tag};
use super::torn::TornTail;

const MAGIC: [u8; 8] = *b"genevent";

/// The version of a file without a tag and times.
const UNTAGGED: u32 = 1;

/// The version of a file with a tag and without times.
const TAGGED: u32 = 2;

/// The version that is written, and the last one that is read.
pub(super) const VERSION: u32 = 3;

/// Where a header has its version.
pub(super) const VERSION_AT: usize = 8;

/// The length of what every header begins with.
const HEADER_BEGINNING: u32 = 28;

/// The length of a header.
pub(super) const HEADER: u32 = header_of(VERSION);

/// Where a header has its tag.
pub(super) const TAG_AT: usize = HEADER_BEGINNING as usize;

/// Where a header has the latest time.
const LATEST_AT: usize = TAG_AT + TAG_MAX;

/// The length of a record's fields before its time.
pub(super) const FRAME: usize = 12;

/// The length of a record's time.
pub(super) const TIME: usize = 8;

/// The longest event, in bytes.
pub(super) const EVENT_MAX: u32 = 64 << 20;

/// The greatest length that a record can say. A greater one is damage.
pub(super) const LENGTH_MAX: u32 = EVENT_MAX + 8;

/// The length of a header of this version.
const fn header_of(version: u32) -> u32 {
    match version {
        UNTAGGED => HEADER_BEGINNING,
        TAGGED => 64,
        _ => 72,
    }
}

/// The header of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The number of its first event, counted from the first event of the log, which is 0.
    pub(super) first: u64,
    /// A number that other files are unlikely to have.
    pub(super) salt: u32,
    /// What the program calls its events, if it calls them anything.
    pub(super) tag: Option<Tag>,
    /// The latest time of all events in the files before, or `None` if the file has an older version, without times.
    pub(super) latest: Option<u64>,
    version: u32,
}

/// Why a file has no valid header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoHeader {
    /// It is another kind of file.
    Foreign,
    /// It has a later version.
    Version(u32),
    /// It was a header, and is damaged.
    Damaged,
}

impl Header {
    pub(super) fn new(first: u64, salt: u32, tag: Option<Tag>, latest: u64) -> Self {
        Self { first, salt, tag, latest: Some(latest), version: VERSION }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend_from_slice(self.tag.as_ref().map_or(&[0; TAG_MAX], |tag| tag.bytes()));
        bytes.extend_from_slice(&self.latest.unwrap_or_default().to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn of(bytes: &[u8]) -> Result<Self, NoHeader> {
        let Some(head) = bytes.get(..HEADER_BEGINNING as usize) else { return Err(NoHeader::Damaged) };
        if crc32fast::hash(&head[..24]) != number(head, 24) {
            return Err(if head[..8] == MAGIC { NoHeader::Damaged } else { NoHeader::Foreign });
        }
        let version = number(head, VERSION_AT);
        if head[..8] != MAGIC {
            return Err(NoHeader::Foreign);
        }
        if !(UNTAGGED..=VERSION).contains(&version) {
            return Err(NoHeader::Version(version));
        }
        let (first, salt) = (long(head, 12), number(head, 20));
        let whole = bytes.get(..header_of(version) as usize).ok_or(NoHeader::Damaged)?;
        let (covered, sum) = whole.split_at(whole.len() - 4);
        if version != UNTAGGED && crc32fast::hash(covered) != number(sum, 0) {
            return Err(NoHeader::Damaged);
        }
        let tag = covered.get(TAG_AT..LATEST_AT).and_then(|tag| tag.try_into().ok());
        let tag = tag.filter(|tag| *tag != [0; TAG_MAX]).map(Tag::of);
        let latest = (version == VERSION).then(|| long(covered, LATEST_AT));
        Ok(Self { first, salt, tag, latest, version })
    }

    /// Its length.
    pub(super) fn size(self) -> u32 {
        header_of(self.version)
    }

    /// How many bytes the time takes in a record of its file.
    pub(super) fn time_size(self) -> usize {
        if self.latest.is_some() { TIME } else { 0 }
    }
}

/// Whether a file without a valid header can be one that was just being made: it begins as one, and has nothing behind its header.
pub(super) fn is_being_made(bytes: &[u8]) -> bool {
    let begun = &bytes[..bytes.len().min(MAGIC.len())];
    let written = begun.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if !MAGIC.starts_with(&begun[..written]) {
        return false;
    }
    let is_old = bytes.len() >= HEADER_BEGINNING as usize && number(bytes, VERSION_AT) == TAGGED;
    let header = if is_old { header_of(TAGGED) } else { HEADER };
    bytes.iter().skip(header as usize).all(|byte| *byte == 0)
}

/// The number at that offset.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_le_bytes(four.expect("the caller checks that there are four bytes"))
}

/// The number of eight bytes at that offset.
pub(super) fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(number(bytes, at)) | u64::from(number(bytes, at + 4)) << 32
}

/// Appends a record, to be sealed later.
pub(super) fn push(records: &mut Vec<u8>, time: u64, event: &[u8]) {
    let length = u32::try_from(TIME + event.len()).expect("the caller checks EVENT_MAX");
    records.extend_from_slice(&length.to_le_bytes());
    records.extend_from_slice(&[0; 8]);
    records.extend_from_slice(&time.to_le_bytes());
    records.extend_from_slice(event);
}

/// The time of a record that was pushed.
pub(super) fn time(record: &[u8]) -> u64 {
    long(record, FRAME)
}

/// The length of the record that begins with these bytes.
pub(super) fn size(record: &[u8]) -> usize {
    FRAME + number(record, 0) as usize
}

/// Seals a record that is about to be written at `at`, when the disk has the first `synced` bytes of its file.
pub(super) fn seal(record: &mut [u8], salt: u32, at: u32, synced: u32) {
    record[4..8].copy_from_slice(&synced.to_le_bytes());
    let sum = sum(record, salt, at);
    record[8..12].copy_from_slice(&sum.to_le_bytes());
}

/// A valid record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Whole {
    /// Its length.
    pub(super) size: usize,
    /// How much of the file was on the disk when the record was written.
    pub(super) synced: u32,
}

/// The record at the beginning of `bytes`, which lie at `at` in their file, if it is valid.
pub(super) fn whole(bytes: &[u8], salt: u32, at: u32) -> Option<Whole> {
    let found = framed(bytes, at)?;
    (sum(&bytes[..found.size], salt, at) == number(bytes, 8)).then_some(found)
}

/// A candidate: bytes that could be the header of a record at that offset.
fn framed(bytes: &[u8], at: u32) -> Option<Whole> {
    if bytes.len() < FRAME || number(bytes, 0) > LENGTH_MAX {
        return None;
    }
    let (size, synced) = (size(bytes), number(bytes, 4));
    (HEADER_BEGINNING..=at).contains(&synced).then_some(Whole { size, synced }).filter(|_| size <= bytes.len())
}

/// Why there is no valid record at the beginning of `bytes`, which are the rest of a file.
pub(super) fn damage(bytes: &[u8]) -> Damage {
    if bytes.len() < FRAME {
        Damage::End
    } else if number(bytes, 0) > LENGTH_MAX || size(bytes) > bytes.len() {
        Damage::Length
    } else {
        Damage::Checksum
    }
}

fn sum(record: &[u8], salt: u32, at: u32) -> u32 {
    let mut hasher = front(record, salt, at);
    hasher.update(&record[FRAME..]);
    hasher.finalize()
}

/// The part of a record's checksum that covers everything but its time and event.
fn front(record: &[u8], salt: u32, at: u32) -> Hasher {
    let mut hasher = Hasher::new_with_initial(salt);
    hasher.update(&at.to_le_bytes());
    hasher.update(&record[..8]);
    hasher
}

/// What lies after the last valid record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tail {
    /// How many bytes, not counting zeros at the end.
    pub(super) bytes: u64,
    /// How many valid records there are after the gap.
    pub(super) events: u64,
    /// Whether one of them says that the disk had the offset of the gap.
    pub(super) was_synced: bool,
}

impl Tail {
    /// The same of a file that it begins in at that offset.
    pub(super) fn of_file(self, file: &Path, at: u32) -> TornTail {
        TornTail { file: file.to_owned(), at: at.into(), bytes: self.bytes, events: self.events, kept: None }
    }
}

/// Searches the rest of a file from `at` on.
///
/// Under [`SyncPolicy::Never`](super::SyncPolicy::Never) that may be nearly the whole file, and any byte of it may look
/// like the beginning of a long record. Checksums of parts come from [`Checksums`], so the search takes time in proportion
/// to the bytes.
pub(super) fn tail(rest: &[u8], salt: u32, at: u32) -> Tail {
    let bytes = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut tail = Tail { bytes: bytes as u64, events: 0, was_synced: false };
    if bytes > 0 {
        // The zeros at the end count: they may be the end of an event.
        search(&Checksums::of(rest), rest, salt, at, &mut tail);
    }
    tail
}

/// Searches for records.
fn search(sums: &Checksums<'_>, rest: &[u8], salt: u32, at: u32, tail: &mut Tail) {
    let mut next = 0;
    while (next as u64) < tail.bytes {
        let Some(place) = u32::try_from(next).ok().and_then(|next| at.checked_add(next)) else { return };
        let record = &rest[next..];
        let found = framed(record, place).filter(|found| {
            let event = next + FRAME..next + found.size;
            sums.behind(front(record, salt, place), event) == number(record, 8)
        });
        match found {
            Some(Whole { size, synced }) => {
                tail.events += 1;
                tail.was_synced |= synced > at;
                next += size;
            }
            None => next += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::checksums::Checksums;
    use super::super::tag::Tag;
    use super::{
        FRAME, HEADER, Header, NoHeader, TIME, Tail, VERSION_AT, Whole, is_being_made, push, seal, search, tail, whole,
    };

    fn record(event: &[u8], at: u32, synced: u32) -> Vec<u8> {
        let mut record = Vec::new();
        push(&mut record, 9, event);
        seal(&mut record, 7, at, synced);
        record
    }

    #[test]
    fn a_header_says_what_was_put_in_and_no_bit_of_it_may_change() {
        for tag in [None, Some(Tag::new("Sale/1")), Some(Tag::new(&"x".repeat(32)))] {
            let header = Header::new(1 << 40 | 5, 7, tag, 1 << 50 | 3);
            let bytes = header.to_bytes();
            assert_eq!(bytes.len(), header.size() as usize);
            assert_eq!(Header::of(&bytes), Ok(header));
            for bit in 0..bytes.len() * 8 {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(matches!(Header::of(&bytes), Err(NoHeader::Damaged | NoHeader::Foreign)), "bit {bit}");
            }
            for length in 0..bytes.len() {
                assert_eq!(Header::of(&bytes[..length]), Err(NoHeader::Damaged), "{length} bytes");
                assert!(is_being_made(&bytes[..length]), "{length} bytes");
            }
        }
    }

    #[test]
    fn headers_of_older_versions_are_read() {
        let mut bytes = b"genevent\x01\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0".to_vec();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let old = Header::of(&bytes).unwrap();
        assert_eq!((old.first, old.salt, old.tag, old.latest, old.size()), (1, 2, None, None, 28));
        let tag = Tag::new("Sale/1");
        bytes[VERSION_AT] = 2;
        let sum = crc32fast::hash(&bytes[..24]);
        bytes[24..].copy_from_slice(&sum.to_le_bytes());
        bytes.extend(tag.bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let old = Header::of(&bytes).unwrap();
        assert_eq!((old.first, old.salt, old.tag, old.latest, old.size()), (1, 2, Some(tag), None, 64));
    }

    #[test]
    fn a_header_of_a_later_version_is_told_apart() {
        let mut bytes = Header::new(0, 7, None, 0).to_bytes();
        bytes[VERSION_AT] = 4;
        let sum = crc32fast::hash(&bytes[..24]);
        bytes[24..28].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Header::of(&bytes), Err(NoHeader::Version(4)));
    }

    #[test]
    fn a_record_is_whole_only_as_and_where_it_was_written() {
        let good = record(b"hello", 100, HEADER);
        assert_eq!(whole(&good, 7, 100), Some(Whole { size: FRAME + TIME + 5, synced: HEADER }));
        assert_eq!(whole(&good, 7, 101), None, "another place");
        assert_eq!(whole(&good, 8, 100), None, "another file");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(whole(&bad, 7, 100), None, "bit {bit}");
        }
        for length in 0..good.len() {
            assert_eq!(whole(&good[..length], 7, 100), None, "{length} bytes");
        }
    }

    #[test]
    fn an_empty_event_is_a_record_and_zeros_are_none() {
        assert!(whole(&record(b"", 100, HEADER), 7, 100).is_some());
        assert_eq!(whole(&[0; 64], 0, 100), None);
    }

    #[test]
    fn a_later_record_tells_whether_the_disk_had_the_gap() {
        let mut rest = b"torn".to_vec();
        rest.extend(record(b"after", 104, 100));
        rest.extend([0; 9]);
        assert_eq!(tail(&rest, 7, 100), Tail { bytes: 29, events: 1, was_synced: false });
        let mut rest = b"torn".to_vec();
        rest.extend(record(b"after", 104, 103));
        assert_eq!(tail(&rest, 7, 100), Tail { bytes: 29, events: 1, was_synced: true });
        assert_eq!(tail(&[0; 40], 7, 100), Tail { bytes: 0, events: 0, was_synced: false });
    }

    /// The same search, hashing each candidate in full.
    fn tail_tried(rest: &[u8], salt: u32, at: u32) -> Tail {
        let bytes = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut tail = Tail { bytes: bytes as u64, events: 0, was_synced: false };
        let mut next = 0;
        while next < bytes {
            let found = whole(&rest[next..], salt, at + u32::try_from(next).unwrap());
            tail.events += u64::from(found.is_some());
            tail.was_synced |= found.is_some_and(|found| found.synced > at);
            next += found.map_or(1, |found| found.size);
        }
        tail
    }

    #[test]
    fn a_search_finds_what_trying_each_byte_finds() {
        for length in 0..200 {
            let mut rest = Vec::new();
            for number in 0..12_usize {
                let event: Vec<u8> = (0..number * length % 97).map(|at| u8::from(at % 3 == 0)).collect();
                let place = 100 + u32::try_from(rest.len()).unwrap();
                // Some are valid, some were written at another offset, and some lose their end to the next.
                rest.extend(record(&event, place + u32::from(number % 4 == 1), 99 + u32::from(number % 5 == 4)));
                if number % 3 == 2 {
                    rest.truncate(rest.len() - length % 7);
                }
            }
            rest.extend([0; 5]);
            let found = tail(&rest, 7, 100);
            assert!(found.events > 0);
            assert_eq!(found, tail_tried(&rest, 7, 100), "{length}");
        }
    }

    #[test]
    fn a_search_looks_at_each_byte_a_bounded_number_of_times() {
        for kibibytes in [64, 128, 256] {
            // Two of four bytes in a row look like the beginning of a record: of 268 bytes, and of 64 kibibytes.
            let rest = [1, 0, 0, 0].repeat(kibibytes << 8);
            let sums = Checksums::of(&rest);
            let mut tail = Tail { bytes: rest.len() as u64, events: 0, was_synced: false };
            search(&sums, &rest, 7, 1 << 20, &mut tail);
            assert_eq!(tail.events, 0);
            let looked_at = sums.looked_at();
            assert!(looked_at < rest.len() * 150, "{looked_at} for {kibibytes} KiB");
            assert!(looked_at > rest.len() * 2, "there was something to look at");
        }
    }
}
