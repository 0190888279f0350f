//! The end of a log: appending records, syncing them, and starting the next file.
//!
//! 1. Only the newest file is ever written. It is synced before the next one is made, so a torn tail can only be in the
//!    newest.
//! 2. A new file has its header on the disk, and its name in the folder, before an older file is deleted.
//! 3. With `EachEvent`, zeros are written ahead: a sync that does not change the length of the file is a third cheaper.
//!    Nothing depends on it. If the disk has no space for them, it is skipped.
//! 4. After an error nothing more is written, and nothing is synced again: a failed sync may have dropped the data it could
//!    not write, and a later sync would not know.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::error::{OpenError, ReadError, WriteError};
use super::folder;
use super::format::{self, Header};
use super::reader::{HeaderError, Next, Reader};
use super::tag::Tag;
use super::{LogOptions, SyncPolicy, TornTail};

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
}

impl Writer {
    /// Prepares the log in `folder` for more events. An unfinished write is cut off and returned.
    pub(super) fn open(
        disk: Box<dyn Disk>,
        folder: &Path,
        limits: LogOptions,
    ) -> Result<(Self, Option<TornTail>), OpenError> {
        let numbers = folder::numbers(folder)?;
        let (Some(&oldest), Some(&number)) = (numbers.first(), numbers.last()) else {
            return Ok((Self::start(disk, folder, limits, (1, 1), 0)?, None));
        };
        let path = folder::file(folder, number);
        let reader = match Reader::open(&path, 0, limits.tag) {
            Ok(reader) => reader,
            Err(HeaderError::Wrong(error)) => return Err(error.into()),
            Err(HeaderError::TornTail { bytes }) => {
                let events =
                    if oldest < number { whole_file(&folder::file(folder, number - 1), limits.tag)? } else { 0 };
                let writer = Self::start(disk, folder, limits, (oldest, number), events)?;
                return Ok((writer, Some(TornTail { file: path, at: 0, bytes, events: 0, kept: None })));
            }
        };
        Self::go_on(disk, folder, limits, (oldest, number), reader)
    }

    /// Continues after the last valid record of the newest file.
    fn go_on(
        disk: Box<dyn Disk>,
        folder: &Path,
        limits: LogOptions,
        (oldest, number): (u64, u64),
        mut reader: Reader,
    ) -> Result<(Self, Option<TornTail>), OpenError> {
        let torn = match reader.skip()? {
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
        let torn = torn.map(|tail| TornTail {
            file: path.clone(),
            at: end.into(),
            bytes: tail.bytes,
            events: tail.events,
            kept,
        });
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
        };
        if reader.header().tag != limits.tag {
            // A file without a tag is left as it is, and the tag begins with the next one.
            writer.rotate()?;
        }
        Ok((writer, torn))
    }

    /// Starts a file.
    fn start(
        disk: Box<dyn Disk>,
        folder: &Path,
        limits: LogOptions,
        (oldest, number): (u64, u64),
        events: u64,
    ) -> Result<Self, WriteError> {
        let path = folder::file(folder, number);
        let (medium, salt) = begin(&*disk, folder, &path, events, limits.tag)?;
        let folder = folder.to_owned();
        let end = format::size_with(limits.tag);
        let (space, synced) = (end, end);
        let events_synced = events;
        Ok(Self { disk, folder, limits, medium, path, number, oldest, salt, end, space, synced, events, events_synced })
    }

    /// How many events the log has ever had, and how many of them are on the disk for certain.
    pub(super) fn events(&self) -> (u64, u64) {
        (self.events, self.events_synced)
    }

    /// Seals records and writes them.
    pub(super) fn append(&mut self, records: &mut [u8]) -> Result<(), WriteError> {
        let (mut from, mut at, mut count) = (0, 0, 0);
        while at < records.len() {
            let size = format::size(&records[at..]);
            let place = self.end as usize + (at - from);
            if place + size > self.limits.rotate_at as usize && place > format::size_with(self.limits.tag) as usize {
                self.write(&records[from..at], count)?;
                self.rotate()?;
                (from, count) = (at, 0);
            }
            let place = self.end + u32::try_from(at - from).unwrap_or(u32::MAX);
            format::seal(&mut records[at..at + size], self.salt, place, self.synced);
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

    /// Returns when everything appended is on the disk.
    pub(super) fn sync(&mut self) -> Result<(), WriteError> {
        if self.events_synced < self.events {
            self.medium.sync().map_err(WriteError::new("sync", &self.path))?;
            self.synced = self.end;
            self.events_synced = self.events;
        }
        Ok(())
    }

    /// Closes the full file and starts the next.
    fn rotate(&mut self) -> Result<(), WriteError> {
        self.finish()?;
        let number = self.number + 1;
        let path = folder::file(&self.folder, number);
        let (medium, salt) = begin(&*self.disk, &self.folder, &path, self.events, self.limits.tag)?;
        (self.medium, self.path, self.number, self.salt) = (medium, path, number, salt);
        self.end = format::size_with(self.limits.tag);
        (self.space, self.synced) = (self.end, self.end);
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
        (self.synced, self.events_synced) = (self.end, self.events);
        Ok(())
    }

    /// Closes the log in good order.
    pub(super) fn close(&mut self) -> Result<(), WriteError> {
        match self.limits.sync {
            SyncPolicy::Never => Ok(()),
            SyncPolicy::EachEvent | SyncPolicy::Every(_) => self.finish(),
        }
    }
}

/// Makes a file with only a header.
fn begin(
    disk: &dyn Disk,
    folder: &Path,
    path: &Path,
    events: u64,
    tag: Option<Tag>,
) -> Result<(Box<dyn DiskFile>, u32), WriteError> {
    let salt = crc32fast::hash(path.as_os_str().as_encoded_bytes()) ^ crc32fast::hash(&events.to_le_bytes());
    let mut medium = disk.create(path).map_err(WriteError::new("make", path))?;
    let header = Header { first: events, salt, tag }.to_bytes();
    medium.write(0, &header).and_then(|()| medium.sync()).map_err(WriteError::new("begin", path))?;
    disk.sync_names(folder).map_err(WriteError::new("sync", folder))?;
    Ok((medium, salt))
}

/// The number of the event after a file that must be intact.
fn whole_file(path: &Path, tag: Option<Tag>) -> Result<u64, ReadError> {
    let mut reader = match Reader::open(path, 0, tag) {
        Ok(reader) => reader,
        Err(HeaderError::TornTail { .. }) => return Err(ReadError::Corrupt { file: path.to_owned(), at: 0, event: 0 }),
        Err(HeaderError::Wrong(error)) => return Err(error),
    };
    match reader.skip()? {
        Next::Record | Next::End => Ok(reader.number()),
        Next::Torn(_) => Err(reader.corrupt()),
    }
}
