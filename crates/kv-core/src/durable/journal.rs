//! The journals of the database, read before the engine reads them.
//!
//! The engine reads a journal up to what it cannot read, cuts off the rest, and goes on with the next journal. So damage would be
//! taken for a write that was cut off. It also believes the number under which a batch came, which no checksum covers: a flipped
//! bit in it would let an older value win. Rules:
//!
//! - J1: nothing is written here, so a folder that is refused because of its journals is as it was.
//! - J2: each batch is whole, has the sequence that follows the one before it, whichever journal that is in, and came under a
//!   higher number.
//! - J3: what comes after the first batch for which this does not hold is not there.
//! - J4: the engine skips batches whose number says that its tables have them. Of a flipped bit J2 does not notice only that in
//!   the first batch. So the engine has to have the values of that batch which no later one has changed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::layout;

/// What can be read of all journals.
#[derive(Debug, Default)]
pub(super) struct Journals {
    /// The sequence of the last batch; `None` if there is no batch.
    pub(super) last: Option<u64>,
    /// The sequence of the first.
    pub(super) first: Option<u64>,
    /// The journals, oldest first, each with the end of its last batch.
    pub(super) ends: Vec<(PathBuf, u64)>,
    /// Where reading has stopped, if it was not at the end of the last journal.
    pub(super) stop: Option<Stop>,
    /// What the first batch wrote and no later one did (J4).
    first_writes: BTreeMap<Bytes, Option<Bytes>>,
    /// The number of the last batch.
    number: Option<u64>,
}

/// The place of the first thing that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) journal: PathBuf,
    pub(super) offset: u64,
    pub(super) why: &'static str,
}

/// A batch as it was written.
#[derive(Debug)]
pub(super) struct Batch {
    number: u64,
    pub(super) sequence: u64,
    /// Each key with its value, or without if it was removed. The sequence is not among them.
    pub(super) writes: Vec<(Bytes, Option<Bytes>)>,
}

impl Journals {
    /// Reads all journals of a database (J1).
    pub(super) fn read(database: &Path) -> io::Result<Self> {
        let mut all = Self::default();
        for path in paths(database)? {
            let mut journal = Journal::open(&path)?;
            let mut end = 0;
            let why = loop {
                match journal.next()? {
                    Next::Batch(batch) => match all.add(batch) {
                        Ok(()) => end = journal.at,
                        Err(why) => break Some(why),
                    },
                    Next::End => break None,
                    Next::Broken(why) => break Some(why),
                }
            };
            // What follows in another journal may still be the next batch: the engine has begun another after a failure.
            if let (Some(why), None) = (why, &all.stop) {
                all.stop = Some(Stop { journal: path.clone(), offset: end, why });
            }
            all.ends.push((path, end));
        }
        Ok(all)
    }

    /// Takes a batch for the next one (J2), or says why it is not.
    fn add(&mut self, batch: Batch) -> Result<(), &'static str> {
        if self.last.is_some_and(|last| last + 1 != batch.sequence) {
            return Err("the commits before it are missing");
        }
        if self.number.is_some_and(|number| number >= batch.number) {
            return Err("a commit came under a number that another has");
        }
        if self.last.is_none() {
            self.first = Some(batch.sequence);
            self.first_writes = batch.writes.into_iter().collect();
        } else {
            for (key, _) in batch.writes {
                self.first_writes.remove(&key);
            }
        }
        (self.last, self.number) = (Some(batch.sequence), Some(batch.number));
        // The batch that was torn is not missing if this one is the next.
        self.stop = None;
        Ok(())
    }

    /// Whether a database that was opened has what the journals have (J4).
    pub(super) fn are_in(&self, get: impl Fn(&[u8]) -> Result<Option<Bytes>, String>) -> Result<bool, String> {
        for (key, value) in &self.first_writes {
            if get(key)? != *value {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Cuts off what comes after the batches, so that the engine meets nothing else.
    pub(super) fn cut(&self) -> io::Result<()> {
        for (path, end) in &self.ends {
            let file = File::options().write(true).open(path)?;
            if file.metadata()?.len() > *end {
                file.set_len(*end)?;
                file.sync_all()?;
            }
        }
        Ok(())
    }

    /// All batches again, in their order.
    pub(super) fn batches(&self) -> impl Iterator<Item = io::Result<Batch>> {
        let one = |(path, end): &(PathBuf, u64)| -> io::Result<Vec<Batch>> {
            let mut journal = Journal::open(path)?;
            let mut batches = Vec::new();
            while journal.at < *end {
                let Next::Batch(batch) = journal.next()? else { break };
                batches.push(batch);
            }
            Ok(batches)
        };
        self.ends.iter().flat_map(move |journal| match one(journal) {
            Ok(batches) => batches.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }
}

/// The journals in a folder, oldest first.
fn paths(database: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in fs::read_dir(database)? {
        let path = file?.path();
        let number = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse::<u64>().ok());
        if let (Some(number), Some("jnl")) = (number, path.extension().and_then(OsStr::to_str)) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// A journal that is being read.
struct Journal {
    from: BufReader<File>,
    len: u64,
    /// The end of what was read.
    at: u64,
}

enum Next {
    Batch(Batch),
    /// The file ends here, or the zeros begin that the engine has allocated in advance.
    End,
    Broken(&'static str),
}

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
/// What a batch ends with, behind its checksum.
const MAGIC: [u8; 4] = *b"FJL\x03";
/// The bytes of an item before its key.
const ITEM_HEAD: u64 = 21;
/// The type of an item that has a value.
const VALUE: u8 = 0;

impl Journal {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { from: BufReader::with_capacity(1 << 16, file), len, at: 0 })
    }

    fn next(&mut self) -> io::Result<Next> {
        let mut kind = Vec::new();
        if !self.take(1, &mut kind)? || kind[0] == 0 {
            return Ok(Next::End);
        }
        if kind[0] != START {
            return Ok(Next::Broken("no commit begins here"));
        }
        Ok(self.batch()?.map_or(Next::Broken("a commit is not as it was written"), Next::Batch))
    }

    /// Reads a batch after its first byte; nothing if it is not whole.
    fn batch(&mut self) -> io::Result<Option<Batch>> {
        let mut head = Vec::new();
        if !self.take(12, &mut head)? {
            return Ok(None);
        }
        let (count, number) = (u32_at(&head, 0), u64_at(&head, 4));
        let mut items = Vec::new();
        let mut writes = Vec::new();
        for _ in 0..count {
            let begin = items.len();
            if !self.take(ITEM_HEAD, &mut items)? || items[begin] != ITEM {
                return Ok(None);
            }
            let item = &items[begin..];
            let (kind, key, value) = (item[1], u64::from(u16_at(item, 11)), u64::from(u32_at(item, 13)));
            // Nothing is compressed, so the value has one length.
            if u64::from(u32_at(item, 17)) != value || !self.take(key + value, &mut items)? {
                return Ok(None);
            }
            writes.push((kind, begin + 21, begin + 21 + usize::from(u16_at(&items[begin..], 11))));
        }
        let mut end = Vec::new();
        let is_whole = self.take(13, &mut end)? && end[0] == END && end[9..] == MAGIC;
        if !is_whole || u64_at(&end, 1) != xxh3_64(&items) {
            return Ok(None);
        }
        let items = Bytes::from(items);
        let ends = writes.iter().skip(1).map(|(_, key, _)| key - 21).chain([items.len()]);
        let mut writes: Vec<_> = (writes.iter().zip(ends))
            .map(|((kind, key, value), end)| {
                (items.slice(*key..*value), (*kind == VALUE).then(|| items.slice(*value..end)))
            })
            .collect();
        let sequence = writes.pop().filter(|(key, _)| *key == layout::SEQUENCE[..]).and_then(|(_, value)| value);
        Ok(sequence.and_then(|value| layout::number(&value)).map(|sequence| Batch { number, sequence, writes }))
    }

    /// Reads so many bytes to the end of `to`. Returns whether the file has them: a length that is wrong allocates nothing.
    fn take(&mut self, bytes: u64, to: &mut Vec<u8>) -> io::Result<bool> {
        if self.len - self.at < bytes {
            return Ok(false);
        }
        let read = (&mut self.from).take(bytes).read_to_end(to)?;
        self.at += bytes;
        Ok(read as u64 == bytes)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
