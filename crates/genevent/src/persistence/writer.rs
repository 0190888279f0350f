//! The end of a log: appending records, syncing them, and starting the next file.
//!
//! 1. Only the newest file is ever written. It is synced before the next one is made, so a torn tail can only be in the
//!    newest.
//! 2. A new file has its header on the disk, and its name in the folder, before an older file is deleted.
//! 3. With `EachEvent`, zeros are written ahead: a sync that does not change the length of the file is a third cheaper.
//!    Nothing depends on it. If the disk has no space for them, it is skipped.
//! 4. After an error nothing is written before [`recover`](Writer::recover) has succeeded. A failed sync may have dropped the data
//!    it could not write, and a later sync would not know. So what was written since the last good sync is cut off if nobody was
//!    told that it is kept, and otherwise written again and synced.
//! 5. The [mark](super::mark) never names a place that is cut off later: it is written after a sync, and only what was not synced is
//!    cut off.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::damage::Damage;
use super::disk::{Disk, DiskFile};
use super::error::{OpenError, ReadError, WriteError};
use super::format::{self, Header, Whole};
use super::mark::{self, MarkWriter};
use super::reader::{HeaderError, Next, Reader};
use super::tag::Tag;
use super::torn::TornTail;
use super::{LogOptions, SyncPolicy, folder};

/// How many zeros to write ahead: as many as the file is long, within these bounds.
const AHEAD: RangeInclusive<u32> = 1 << 16..=1 << 20;

/// Appends to a log.
pub(super) struct Writer {
    disk: Box<dyn Disk>,
    folder: PathBuf,
    limits: LogOptions,
    /// The newest file, ...
    medium: Box<dyn DiskFile>,
    /// ... its name, its number, and that of the oldest that is still there.
    path: PathBuf,
    number: u64,
    oldest: u64,
    salt: u32,
    /// The offset of the next record.
    end: u32,
    /// The end of the zeros written ahead.
    space: u32,
    /// How much of this file is on the disk for certain.
    synced: u32,
    /// How many events the log has ever had.
    events: u64,
    /// How many of them are on the disk for certain.
    events_synced: u64,
    /// The latest time of them all.
    latest: u64,
    mark: MarkWriter,
    /// Whether something has failed, and has to be made good (rule 4).
    is_broken: bool,
}

impl Writer {
    /// Prepares the log in `folder` for more events. An unfinished write is cut off and returned.
    pub(super) fn open(
        disk: Box<dyn Disk>,
        folder: &Path,
        limits: LogOptions,
    ) -> Result<(Self, Option<TornTail>), OpenError> {
        let numbers = mark::files(folder)?;
        let mark = MarkWriter::open(&*disk, folder)?;
        let (Some(&oldest), Some(&number)) = (numbers.first(), numbers.last()) else {
            return Ok((Self::start(disk, mark, folder, limits, (1, 1), (0, 0))?, None));
        };
        let reader = match Reader::open(folder, number, 0, limits.tag) {
            Ok(reader) => reader,
            Err(HeaderError::Wrong(error)) => return Err(error.into()),
            Err(HeaderError::TornTail { bytes }) => {
                let before = if oldest < number { whole_file(folder, number - 1, limits.tag)? } else { (0, 0) };
                let writer = Self::start(disk, mark, folder, limits, (oldest, number), before)?;
                let file = folder::file(folder, number);
                return Ok((writer, Some(TornTail { file, at: 0, bytes, events: 0, kept: None })));
            }
        };
        Self::go_on(disk, mark, folder, limits, (oldest, number), reader)
    }

    /// Continues after the last valid record of the newest file.
    fn go_on(
        disk: Box<dyn Disk>,
        mark: MarkWriter,
        folder: &Path,
        limits: LogOptions,
        (oldest, number): (u64, u64),
        mut reader: Reader,
    ) -> Result<(Self, Option<TornTail>), OpenError> {
        let (end, latest) = reader.skip()?;
        let torn = match end {
            Next::Torn(tail) => Some(tail),
            Next::Record | Next::End => None,
        };
        let (path, end) = (reader.path().to_owned(), reader.at());
        let doing = |doing| WriteError::new(doing, &path);
        let kept = match torn {
            Some(tail) if tail.events > 0 => {
                let kept = folder::cut(folder, number, end);
                let mut medium = disk.create(&kept).map_err(WriteError::new("make", &kept))?;
                let rest = reader.rest(end)?;
                medium.write(0, &rest).and_then(|()| medium.sync()).map_err(WriteError::new("write", &kept))?;
                Some(kept)
            }
            _ => None,
        };
        let mut medium = disk.open(&path).map_err(doing("open"))?;
        // Valid records may still be in the system's memory only. From here on they are claimed to be on the disk.
        medium.cut(end).map_err(doing("cut the unfinished end off"))?;
        disk.sync_names(folder).map_err(WriteError::new("sync", folder))?;
        let torn = torn.map(|tail| TornTail { kept, ..tail.of_file(&path, end) });
        let events = reader.number();
        let mut writer = Self {
            disk,
            folder: folder.to_owned(),
            limits,
            medium,
            path,
            number,
            oldest,
            salt: reader.header().salt,
            end,
            space: end,
            synced: end,
            events,
            events_synced: events,
            latest,
            mark,
            is_broken: false,
        };
        writer.mark.write(number, end)?;
        if reader.header().tag != limits.tag || reader.header().latest.is_none() {
            // A file without a tag, or without times, is left as it is, and the next one has both.
            writer.rotate()?;
        }
        writer.mark.sync()?;
        Ok((writer, torn))
    }

    /// Starts a file, after so many events, of which this is the latest time.
    fn start(
        disk: Box<dyn Disk>,
        mut mark: MarkWriter,
        folder: &Path,
        limits: LogOptions,
        (oldest, number): (u64, u64),
        (events, latest): (u64, u64),
    ) -> Result<Self, WriteError> {
        let path = folder::file(folder, number);
        let (medium, salt) = begin(&*disk, folder, &path, limits.tag, (events, latest))?;
        mark.write(number, format::HEADER)?;
        mark.sync()?;
        Ok(Self {
            disk,
            folder: folder.to_owned(),
            limits,
            medium,
            path,
            number,
            oldest,
            salt,
            end: format::HEADER,
            space: format::HEADER,
            synced: format::HEADER,
            events,
            events_synced: events,
            latest,
            mark,
            is_broken: false,
        })
    }

    /// How many events the log has ever had, and how many of them are on the disk for certain. After an error, only those count
    /// that it keeps.
    pub(super) fn events(&self) -> (u64, u64) {
        (self.events, self.events_synced)
    }

    /// Seals records and writes them.
    pub(super) fn append(&mut self, records: &mut [u8]) -> Result<(), WriteError> {
        let appended = self.try_append(records);
        self.known(appended)
    }

    /// Returns when everything appended is on the disk.
    pub(super) fn sync(&mut self) -> Result<(), WriteError> {
        let synced = self.try_sync();
        self.known(synced)
    }

    /// Returns when the proof of that is on the disk, too.
    pub(super) fn sync_mark(&mut self) -> Result<(), WriteError> {
        let synced = self.mark.sync();
        self.known(synced)
    }

    /// Closes the log in good order.
    pub(super) fn close(&mut self) -> Result<(), WriteError> {
        match self.limits.sync {
            SyncPolicy::Never => Ok(()),
            SyncPolicy::EachEvent | SyncPolicy::Every(_) => {
                let finished = self.finish().and_then(|()| self.mark.sync());
                self.known(finished)
            }
        }
    }

    /// Takes note of an error (rule 4).
    fn known(&mut self, done: Result<(), WriteError>) -> Result<(), WriteError> {
        if done.is_err() {
            self.is_broken = true;
            if self.limits.sync == SyncPolicy::EachEvent {
                (self.end, self.events) = (self.synced, self.events_synced);
            }
        }
        done
    }

    /// Makes the log fit for more events after an error, if there was one (rule 4).
    pub(super) fn recover(&mut self) -> Result<(), WriteError> {
        if !self.is_broken {
            return Ok(());
        }
        // A file that was being made when it failed.
        let next = folder::file(&self.folder, self.number + 1);
        if next.exists() {
            self.disk.remove(&next).map_err(WriteError::new("delete", &next))?;
            self.disk.sync_names(&self.folder).map_err(WriteError::new("sync", &self.folder))?;
        }
        let doing = |doing| WriteError::new(doing, &self.path);
        let again = self.written_since_sync().map_err(doing("read back"))?;
        let mut medium = self.disk.open(&self.path).map_err(doing("open"))?;
        if !again.is_empty() {
            medium.write(self.synced, &again).map_err(doing("write again"))?;
        }
        medium.cut(self.end).map_err(doing("cut what was not kept off"))?;
        self.medium = medium;
        (self.space, self.synced, self.events_synced) = (self.end, self.end, self.events);
        self.mark.write(self.number, self.end)?;
        self.is_broken = false;
        Ok(())
    }

    /// What was written since the last good sync, and is kept.
    fn written_since_sync(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.synced.into()))?;
        file.take(u64::from(self.end - self.synced)).read_to_end(&mut bytes)?;
        let (mut at, mut place) = (0, self.synced);
        while let Some(Whole { size, .. }) = format::whole(&bytes[at..], self.salt, place) {
            (at, place) = (at + size, place + u32::try_from(size).unwrap_or(u32::MAX));
        }
        if place == self.end { Ok(bytes) } else { Err(io::Error::other("it has lost what was written to it")) }
    }

    fn try_append(&mut self, records: &mut [u8]) -> Result<(), WriteError> {
        let (mut from, mut at, mut count) = (0, 0, 0);
        while at < records.len() {
            let size = format::size(&records[at..]);
            let place = self.end as usize + (at - from);
            if place + size > self.limits.rotate_at as usize && place > format::HEADER as usize {
                self.write(&records[from..at], count)?;
                self.rotate()?;
                (from, count) = (at, 0);
            }
            let place = self.end + u32::try_from(at - from).unwrap_or(u32::MAX);
            format::seal(&mut records[at..at + size], self.salt, place, self.synced);
            self.latest = self.latest.max(format::time(&records[at..]));
            at += size;
            count += 1;
        }
        self.write(&records[from..], count)
    }

    fn write(&mut self, records: &[u8], count: u64) -> Result<(), WriteError> {
        let end = self.end + u32::try_from(records.len()).unwrap_or(u32::MAX);
        if self.limits.sync == SyncPolicy::EachEvent && end > self.space {
            self.write_ahead(end);
        }
        self.medium.write(self.end, records).map_err(WriteError::new("append to", &self.path))?;
        self.end = end;
        self.events += count;
        Ok(())
    }

    /// Writes zeros ahead, if there is space for them.
    fn write_ahead(&mut self, end: u32) {
        let most = self.limits.rotate_at.max(end) as usize;
        let wanted = end.clamp(*AHEAD.start(), *AHEAD.end());
        let ahead = (end as usize + wanted as usize).min(most).saturating_sub(self.end as usize);
        let zeros = vec![0; ahead];
        // If not, the record itself may still fit, and if it does not, that is the error.
        if self.medium.write(self.end, &zeros).is_ok() {
            self.space = self.end + u32::try_from(ahead).unwrap_or(u32::MAX);
        }
    }

    fn try_sync(&mut self) -> Result<(), WriteError> {
        if self.events_synced < self.events {
            self.medium.sync().map_err(WriteError::new("sync", &self.path))?;
            // Set before the mark is written: if that fails, the events are on the disk all the same.
            (self.synced, self.events_synced) = (self.end, self.events);
            self.mark.write(self.number, self.synced)?;
        }
        Ok(())
    }

    /// Closes the full file and starts the next.
    fn rotate(&mut self) -> Result<(), WriteError> {
        self.finish()?;
        let number = self.number + 1;
        let path = folder::file(&self.folder, number);
        let (medium, salt) = begin(&*self.disk, &self.folder, &path, self.limits.tag, (self.events, self.latest))?;
        (self.medium, self.path, self.number, self.salt) = (medium, path, number, salt);
        self.end = format::HEADER;
        (self.space, self.synced) = (self.end, self.end);
        self.mark.write(number, self.end)?;
        let Some(keep) = self.limits.keep else { return Ok(()) };
        while self.number - self.oldest > keep {
            let old = folder::file(&self.folder, self.oldest);
            self.disk.remove(&old).map_err(WriteError::new("delete", &old))?;
            self.oldest += 1;
        }
        Ok(())
    }

    /// Syncs under any policy, and cuts the zeros off.
    fn finish(&mut self) -> Result<(), WriteError> {
        self.medium.cut(self.end).map_err(WriteError::new("sync", &self.path))?;
        (self.space, self.synced, self.events_synced) = (self.end, self.end, self.events);
        self.mark.write(self.number, self.synced)
    }
}

/// Makes a file with only a header, after so many events, of which this is the latest time.
fn begin(
    disk: &dyn Disk,
    folder: &Path,
    path: &Path,
    tag: Option<Tag>,
    (events, latest): (u64, u64),
) -> Result<(Box<dyn DiskFile>, u32), WriteError> {
    let salt = crc32fast::hash(path.as_os_str().as_encoded_bytes()) ^ crc32fast::hash(&events.to_le_bytes());
    let mut medium = disk.create(path).map_err(WriteError::new("make", path))?;
    let header = Header::new(events, salt, tag, latest).to_bytes();
    medium.write(0, &header).and_then(|()| medium.sync()).map_err(WriteError::new("begin", path))?;
    disk.sync_names(folder).map_err(WriteError::new("sync", folder))?;
    Ok((medium, salt))
}

/// The number of the event after a file that must be intact, and the latest time until then.
fn whole_file(folder: &Path, number: u64, tag: Option<Tag>) -> Result<(u64, u64), ReadError> {
    let mut reader = match Reader::open(folder, number, 0, tag) {
        Ok(reader) => reader,
        Err(HeaderError::TornTail { .. }) => {
            let file = folder::file(folder, number);
            return Err(ReadError::Corrupt { file, at: 0, event: 0, damage: Damage::Header });
        }
        Err(HeaderError::Wrong(error)) => return Err(error),
    };
    match reader.skip()? {
        (Next::Record | Next::End, latest) => Ok((reader.number(), latest)),
        (Next::Torn(_), _) => Err(reader.corrupt(Damage::Checksum)),
    }
}
