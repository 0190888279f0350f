//! One file of a log, record by record.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::damage::Damage;
use super::error::ReadError;
use super::format::{self, FRAME, Header, NoHeader, TAG_AT, Tail, VERSION_AT, Whole};
use super::tag::Tag;
use super::{folder, mark};

/// How much is read at once, unless an event is longer.
const CHUNK: usize = 64 << 10;

/// A log file being read.
#[derive(Debug)]
pub(super) struct Reader {
    file: File,
    folder: PathBuf,
    path: PathBuf,
    /// Which file of the log it is.
    file_number: u64,
    header: Header,
    /// The offset of the next record.
    at: u32,
    /// The number of the next event.
    event: u64,
    /// A piece of the file, and its offset.
    window: Vec<u8>,
    window_at: u32,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A valid record: get it with [`Reader::event`].
    Record,
    /// The end of the file.
    End,
    /// An invalid record, with no proof that the disk ever had a valid one there. Nobody was told that it has.
    Torn(Tail),
}

/// The beginning of a file.
fn beginning(path: &Path) -> Result<(File, Vec<u8>), ReadError> {
    let mut file = File::open(path).map_err(ReadError::io("read", path))?;
    let mut window = Vec::new();
    file.by_ref().take(CHUNK as u64).read_to_end(&mut window).map_err(ReadError::io("read", path))?;
    Ok((file, window))
}

/// How much of a file the disk is known to have had.
fn acknowledged(folder: &Path, file_number: u64) -> Result<u32, ReadError> {
    Ok(mark::read(folder)?.map_or(0, |mark| mark.of_file(file_number)))
}

impl From<ReadError> for HeaderError {
    fn from(error: ReadError) -> Self {
        Self::Wrong(error)
    }
}

/// A file without a valid header.
#[derive(Debug)]
pub(super) enum HeaderError {
    /// The file was just being made: it has at most a header.
    TornTail { bytes: u64 },
    /// The file is not what it should be, or cannot be read.
    Wrong(ReadError),
}

impl Reader {
    /// Opens a file of the log in `folder`, whose tag must be this one if it has any. Its first event should be `event`.
    pub(super) fn open(folder: &Path, file_number: u64, event: u64, wanted: Option<Tag>) -> Result<Self, HeaderError> {
        let path = folder::file(folder, file_number);
        let (mut file, mut window) = beginning(&path)?;
        if let Err(NoHeader::Foreign | NoHeader::Damaged) = Header::of(&window)
            && format::is_being_made(&window)
        {
            // Read again after the proof that it was made (rule 4 of `mark`).
            let was_made = acknowledged(folder, file_number)? > 0;
            (file, window) = beginning(&path)?;
            if Header::of(&window).is_err() && format::is_being_made(&window) {
                if was_made {
                    return Err(ReadError::Corrupt { file: path, at: 0, event, damage: Damage::Header }.into());
                }
                let bytes = window.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
                return Err(HeaderError::TornTail { bytes });
            }
        }
        let header = Header::of(&window).map_err(|no| {
            let file = path.clone();
            match no {
                NoHeader::Foreign => ReadError::NotALog { file },
                NoHeader::Version(version) => ReadError::Version { file, at: VERSION_AT as u64, version },
                NoHeader::Damaged => ReadError::Corrupt { file, at: 0, event, damage: Damage::Header },
            }
        })?;
        if let Some(found) = header.tag.filter(|found| Some(*found) != wanted) {
            return Err(HeaderError::Wrong(ReadError::Tag {
                file: path,
                at: TAG_AT as u64,
                found: found.to_string(),
                wanted: wanted.map(|wanted| wanted.to_string()),
            }));
        }
        let (folder, event) = (folder.to_owned(), header.first);
        Ok(Self { file, folder, path, file_number, header, at: header.size(), event, window, window_at: 0 })
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The offset of the next record.
    pub(super) fn at(&self) -> u32 {
        self.at
    }

    /// The number of the next event.
    pub(super) fn number(&self) -> u64 {
        self.event
    }

    /// Looks at what comes next. Looking again reads again, because a file may grow.
    pub(super) fn look(&mut self) -> Result<Next, ReadError> {
        if self.whole()?.is_some() {
            return Ok(Next::Record);
        }
        let rest = self.rest(self.at)?;
        let tail = format::tail(&rest, self.header.salt, self.at);
        let was_there = tail.was_synced || acknowledged(&self.folder, self.file_number)? > self.at;
        // Read after the proof (rule 4 of `mark`): a record being written at the first look may be there at the second.
        self.window.clear();
        if self.whole()?.is_some() {
            return Ok(Next::Record);
        }
        if was_there {
            return Err(self.corrupt(format::damage(&rest)));
        }
        Ok(if tail.bytes == 0 { Next::End } else { Next::Torn(tail) })
    }

    /// The time of the record that [`look`](Self::look) has found, if its file has times.
    pub(super) fn time(&mut self) -> Result<Option<u64>, ReadError> {
        if self.header.latest.is_none() {
            return Ok(None);
        }
        match self.whole()? {
            Some(Whole { size, .. }) if size >= FRAME + format::TIME => Ok(Some(format::time(self.ahead()))),
            _ => Err(self.corrupt(Damage::Length)),
        }
    }

    /// Returns the event of the record that [`look`](Self::look) has found, and steps over it.
    pub(super) fn event(&mut self) -> Result<&[u8], ReadError> {
        let before = FRAME + self.header.time_size();
        let Some(Whole { size, .. }) = self.whole()?.filter(|found| found.size >= before) else {
            return Err(self.corrupt(Damage::Length));
        };
        let from = (self.at - self.window_at) as usize;
        self.at += u32::try_from(size).unwrap_or(u32::MAX);
        self.event += 1;
        Ok(&self.window[from + before..from + size])
    }

    /// Steps over all valid records. Returns what is behind them, and the latest time of all events until there.
    pub(super) fn skip(&mut self) -> Result<(Next, u64), ReadError> {
        let mut latest = self.header.latest.unwrap_or_default();
        loop {
            while self.whole()?.is_some() {
                latest = latest.max(self.time()?.unwrap_or_default());
                self.event()?;
            }
            match self.look()? {
                Next::Record => {}
                end => return Ok((end, latest)),
            }
        }
    }

    /// The error for a record that the disk had and lost.
    pub(super) fn corrupt(&self, damage: Damage) -> ReadError {
        ReadError::Corrupt { file: self.path.clone(), at: self.at.into(), event: self.event, damage }
    }

    /// All of the file from `at` on.
    pub(super) fn rest(&mut self, at: u32) -> Result<Vec<u8>, ReadError> {
        let mut rest = Vec::new();
        let read =
            self.file.seek(SeekFrom::Start(at.into())).and_then(|_| self.file.read_to_end(&mut rest)).map(|_| rest);
        read.map_err(ReadError::io("read", &self.path))
    }

    /// The next record, if it is valid. It is in the window then.
    fn whole(&mut self) -> Result<Option<Whole>, ReadError> {
        self.want(FRAME).map_err(ReadError::io("read", &self.path))?;
        let size = match self.ahead() {
            frame if frame.len() < FRAME || format::number(frame, 0) > format::LENGTH_MAX => return Ok(None),
            frame => format::size(frame),
        };
        self.want(size).map_err(ReadError::io("read", &self.path))?;
        Ok(format::whole(self.ahead(), self.header.salt, self.at))
    }

    /// The window from the next record on.
    fn ahead(&self) -> &[u8] {
        self.window.get((self.at - self.window_at) as usize..).unwrap_or_default()
    }

    /// Reads this many bytes into the window, if the file has them.
    fn want(&mut self, bytes: usize) -> io::Result<()> {
        if self.ahead().len() >= bytes {
            return Ok(());
        }
        self.window.clear();
        self.window_at = self.at;
        self.file.seek(SeekFrom::Start(self.at.into()))?;
        // A nonsensical length costs a useless read, but no further than the end of the file.
        self.file.by_ref().take(bytes.max(CHUNK) as u64).read_to_end(&mut self.window)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderError, ReadError, Reader};
    use crate::persistence::format::{Header, VERSION_AT};

    #[test]
    fn a_file_of_a_later_version_is_refused_also_if_it_has_no_events() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.0000001");
        let mut header = Header::new(0, 7, None, 0).to_bytes();
        header[VERSION_AT] = 4;
        let sum = crc32fast::hash(&header[..24]);
        header[24..28].copy_from_slice(&sum.to_le_bytes());
        for behind in [&b""[..], b"whatever a later version has"] {
            std::fs::write(&path, [&header, behind].concat()).unwrap();
            let Err(HeaderError::Wrong(refused)) = Reader::open(folder.path(), 1, 0, None) else {
                panic!("it is of version 4")
            };
            assert!(matches!(refused, ReadError::Version { at: 8, version: 4, .. }), "{refused}");
            let told = format!("{} says at byte 8 that it is an event log of version 4", path.display());
            assert!(
                refused.to_string().starts_with(&told) && refused.to_string().ends_with("use a later one"),
                "{refused}"
            );
        }
    }
}
