//! One file of a log, record by record.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::ReadError;
use super::format::{self, FRAME, Header, NoHeader, TAG_AT, Tail, VERSION_AT, Whole};
use super::tag::Tag;

/// How much is read at once, unless an event is longer.
const CHUNK: usize = 64 << 10;

/// A log file being read.
#[derive(Debug)]
pub(super) struct Reader {
    file: File,
    path: PathBuf,
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
    /// An invalid record, with no proof that the disk ever had a valid one there.
    Torn(Tail),
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
    /// Opens a file, whose tag must be this one if it has any.
    pub(super) fn open(path: &Path, event: u64, wanted: Option<Tag>) -> Result<Self, HeaderError> {
        let wrong = |source| HeaderError::Wrong(ReadError::io("read", path)(source));
        let mut file = File::open(path).map_err(wrong)?;
        let mut window = Vec::new();
        file.by_ref().take(CHUNK as u64).read_to_end(&mut window).map_err(wrong)?;
        let header = match Header::of(&window) {
            Ok(header) => header,
            Err(NoHeader::Foreign | NoHeader::Damaged) if format::is_being_made(&window) => {
                let bytes = window.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
                return Err(HeaderError::TornTail { bytes });
            }
            Err(no) => {
                let file = path.to_owned();
                return Err(HeaderError::Wrong(match no {
                    NoHeader::Foreign => ReadError::NotALog { file },
                    NoHeader::Version(version) => ReadError::Version { file, at: VERSION_AT as u64, version },
                    NoHeader::Damaged => ReadError::Corrupt { file, at: 0, event },
                }));
            }
        };
        if let Some(found) = header.tag.filter(|found| Some(*found) != wanted) {
            return Err(HeaderError::Wrong(ReadError::Tag {
                file: path.to_owned(),
                at: TAG_AT as u64,
                found: found.to_string(),
                wanted: wanted.map(|wanted| wanted.to_string()),
            }));
        }
        let event = header.first;
        Ok(Self { file, path: path.to_owned(), header, at: header.size(), event, window, window_at: 0 })
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
        loop {
            let rest = self.rest(self.at)?;
            let tail = format::tail(&rest, self.header.salt, self.at);
            // A record being written at the first look may be there at the second, with the proof that it was synced.
            self.window.clear();
            if self.whole()?.is_some() {
                return Ok(Next::Record);
            }
            if tail.bytes == 0 {
                return Ok(Next::End);
            }
            if !tail.was_synced {
                return Ok(Next::Torn(tail));
            }
            // Read after the proof, so a missing record is damage for certain.
            let again = self.rest(self.at)?;
            if format::whole(&again, self.header.salt, self.at).is_none() {
                return Err(self.corrupt());
            }
        }
    }

    /// Returns the event of the record that [`look`](Self::look) has found, and steps over it.
    pub(super) fn event(&mut self) -> Result<&[u8], ReadError> {
        let Some(Whole { size, .. }) = self.whole()? else { return Err(self.corrupt()) };
        let from = (self.at - self.window_at) as usize;
        self.at += u32::try_from(size).unwrap_or(u32::MAX);
        self.event += 1;
        Ok(&self.window[from + FRAME..from + size])
    }

    /// Steps over all valid records, and returns what is behind them.
    pub(super) fn skip(&mut self) -> Result<Next, ReadError> {
        loop {
            while let Some(Whole { size, .. }) = self.whole()? {
                self.at += u32::try_from(size).unwrap_or(u32::MAX);
                self.event += 1;
            }
            match self.look()? {
                Next::Record => {}
                end => return Ok(end),
            }
        }
    }

    /// The error for a record that the disk had and lost.
    pub(super) fn corrupt(&self) -> ReadError {
        ReadError::Corrupt { file: self.path.clone(), at: self.at.into(), event: self.event }
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
            frame if frame.len() < FRAME || format::number(frame, 0) > format::EVENT_MAX => return Ok(None),
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
        let mut header = Header { first: 0, salt: 7, tag: None }.to_bytes();
        header[VERSION_AT] = 3;
        let sum = crc32fast::hash(&header[..24]);
        header[24..].copy_from_slice(&sum.to_le_bytes());
        for behind in [&b""[..], b"whatever a later version has"] {
            std::fs::write(&path, [&header, behind].concat()).unwrap();
            let Err(HeaderError::Wrong(refused)) = Reader::open(&path, 0, None) else { panic!("it is of version 3") };
            assert!(matches!(refused, ReadError::Version { at: 8, version: 3, .. }), "{refused}");
            let told = format!("{} says at byte 8 that it is an event log of version 3", path.display());
            assert!(
                refused.to_string().starts_with(&told) && refused.to_string().ends_with("use a later one"),
                "{refused}"
            );
        }
    }
}
