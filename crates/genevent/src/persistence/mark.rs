//! The file `synced`: how far the log was known to be on the disk.
//!
//! 1. It has two slots, and the newer one counts. A slot is `synced` and a version (8), the number of a file (8), how much of that
//!    file was on the disk (4), and a checksum (4); little-endian. The older slot is overwritten, and the slots are a sector apart:
//!    a write that is cut off leaves the other.
//! 2. A slot is written after the sync that it speaks of, so it never says too much. It is not always synced itself: after a
//!    power failure it may say too little.
//! 3. Nothing is cut off a log before the place that it names. So what it names must be there, or the log is damaged.
//! 4. It is read before the files that it is compared with. A log only grows, so those are then at least as new.

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::error::{ReadError, WriteError};
use super::folder;
use super::format::number;

const MAGIC: [u8; 8] = *b"synced\x01\0";

/// The length of a slot.
const SLOT: usize = 24;

/// Where the slots are.
const SLOTS: [u32; 2] = [0, 512];

/// The length of the file. It is written in full when it is made, so that a full disk has space for both slots.
const LENGTH: usize = 1024;

/// How far the log was on the disk: everything before this file, and that much of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Mark {
    pub(super) file: u64,
    pub(super) synced: u32,
}

impl Mark {
    /// How much of this file was on the disk, at least. All of a file before was, but its length is not known here: the file
    /// after it says how many events it has.
    pub(super) fn of_file(self, number: u64) -> u32 {
        match number.cmp(&self.file) {
            Ordering::Less => 1,
            Ordering::Equal => self.synced,
            Ordering::Greater => 0,
        }
    }

    fn to_bytes(self) -> [u8; SLOT] {
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&MAGIC);
        slot[8..16].copy_from_slice(&self.file.to_le_bytes());
        slot[16..20].copy_from_slice(&self.synced.to_le_bytes());
        let sum = crc32fast::hash(&slot[..20]);
        slot[20..].copy_from_slice(&sum.to_le_bytes());
        slot
    }

    fn of(slot: &[u8]) -> Option<Self> {
        let is_valid = slot[..8] == MAGIC && crc32fast::hash(&slot[..20]) == number(slot, 20);
        let file = u64::from(number(slot, 8)) | u64::from(number(slot, 12)) << 32;
        is_valid.then(|| Self { file, synced: number(slot, 16) })
    }
}

/// The marks of both slots.
fn slots(bytes: &[u8]) -> [Option<Mark>; 2] {
    SLOTS.map(|at| bytes.get(at as usize..at as usize + SLOT).and_then(Mark::of))
}

fn bytes(folder: &Path) -> Result<Vec<u8>, ReadError> {
    let path = folder::synced(folder);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(ReadError::io("read", &path)),
    }
}

/// The mark of a log, if it has one.
pub(super) fn read(folder: &Path) -> Result<Option<Mark>, ReadError> {
    Ok(slots(&bytes(folder)?).into_iter().flatten().max())
}

/// The numbers of a log's files, ascending; all that the mark speaks of are there.
pub(super) fn files(folder: &Path) -> Result<Vec<u64>, ReadError> {
    let mark = read(folder)?;
    let numbers = folder::numbers(folder)?;
    match mark {
        Some(mark) if numbers.last().is_none_or(|last| *last < mark.file) => {
            Err(ReadError::Missing { file: folder::file(folder, mark.file) })
        }
        _ => Ok(numbers),
    }
}

/// Writes the marks of a log.
pub(super) struct MarkWriter {
    medium: Box<dyn DiskFile>,
    path: PathBuf,
    /// The slot of the next mark.
    next: usize,
    last: Option<Mark>,
    is_synced: bool,
}

impl MarkWriter {
    pub(super) fn open(disk: &dyn Disk, folder: &Path) -> Result<Self, WriteError> {
        let path = folder::synced(folder);
        let old = bytes(folder).unwrap_or_default();
        let medium = if path.exists() { disk.open(&path) } else { disk.create(&path) };
        let mut medium = medium.map_err(WriteError::new("open", &path))?;
        if old.len() < LENGTH {
            let rest = vec![0; LENGTH - old.len()];
            let at = u32::try_from(old.len()).unwrap_or(0);
            medium.write(at, &rest).and_then(|()| medium.sync()).map_err(WriteError::new("begin", &path))?;
            disk.sync_names(folder).map_err(WriteError::new("sync", folder))?;
        }
        let [first, second] = slots(&old);
        let (next, last) = (usize::from(first > second), first.max(second));
        Ok(Self { medium, path, next, last, is_synced: true })
    }

    /// Says that the disk has this. It must have been synced (rule 2).
    pub(super) fn write(&mut self, file: u64, synced: u32) -> Result<(), WriteError> {
        let mark = Mark { file, synced };
        if self.last == Some(mark) {
            return Ok(());
        }
        // Once a slot may be broken, the other one must stay as it is until this one is whole.
        let written = self.medium.write(SLOTS[self.next], &mark.to_bytes());
        written.map_err(WriteError::new("write", &self.path))?;
        (self.next, self.last, self.is_synced) = (1 - self.next, Some(mark), false);
        Ok(())
    }

    /// Returns when the mark itself is on the disk.
    pub(super) fn sync(&mut self) -> Result<(), WriteError> {
        if !self.is_synced {
            self.medium.sync().map_err(WriteError::new("sync", &self.path))?;
            self.is_synced = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, Mark, MarkWriter, SLOTS, read};
    use crate::persistence::disk::System;
    use crate::persistence::folder;
    use crate::persistence::memory_folder::memory_folder;

    #[test]
    fn a_mark_that_is_cut_or_changed_is_the_one_before() {
        let temporary = memory_folder();
        let mut writer = MarkWriter::open(&System, temporary.path()).unwrap();
        assert_eq!(read(temporary.path()).unwrap(), None);
        let marks = [Mark { file: 1, synced: 72 }, Mark { file: 1, synced: 300 }, Mark { file: 2, synced: 72 }];
        for mark in marks {
            writer.write(mark.file, mark.synced).unwrap();
            assert_eq!(read(temporary.path()).unwrap(), Some(mark));
        }
        let path = folder::synced(temporary.path());
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), LENGTH);
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, changed).unwrap();
            let mark = read(temporary.path()).unwrap().unwrap();
            assert!(marks[1..].contains(&mark), "bit {bit}: {mark:?}");
        }
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mark = read(temporary.path()).unwrap();
            assert!(mark.is_none_or(|mark| marks.contains(&mark)), "{length} bytes: {mark:?}");
            let again = MarkWriter::open(&System, temporary.path()).unwrap();
            assert_eq!(again.last, mark);
        }
        assert_eq!(SLOTS[1] % 512, 0);
    }

    #[test]
    fn a_mark_that_is_opened_again_overwrites_the_older_one() {
        let temporary = memory_folder();
        for (file, synced) in [(1, 72), (1, 90), (1, 110), (2, 72)] {
            let mut writer = MarkWriter::open(&System, temporary.path()).unwrap();
            let before = read(temporary.path()).unwrap();
            writer.write(file, synced).unwrap();
            let bytes = std::fs::read(folder::synced(temporary.path())).unwrap();
            let marks: Vec<Option<Mark>> = super::slots(&bytes).to_vec();
            assert!(marks.contains(&Some(Mark { file, synced })) && (before.is_none() || marks.contains(&before)));
        }
    }
}
