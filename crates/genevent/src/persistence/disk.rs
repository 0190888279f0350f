//! What a log needs of the disk, as a seam: the tests have one that fails, and one that forgets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::folder;

/// Where the files of a log are.
pub(super) trait Disk: Send {
    /// A new, empty file. One that is there is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A file that is there.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A file goes.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the disk knows which files there are.
    fn sync_names(&self, folder: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub(super) trait DiskFile: Send {
    fn write(&mut self, at: u32, bytes: &[u8]) -> io::Result<()>;

    /// Returns when the disk has all that was written.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts it off behind so many bytes, and returns when the disk knows.
    fn cut(&mut self, length: u32) -> io::Result<()>;
}

/// The disks of this machine.
pub(super) struct System;

impl Disk for System {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        Ok(Box::new(SystemFile { file, at: Some(0) }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SystemFile { file: OpenOptions::new().write(true).open(path)?, at: Some(0) }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_names(&self, folder: &Path) -> io::Result<()> {
        folder::sync(folder)
    }
}

struct SystemFile {
    file: File,
    /// Where the file's cursor is, if that is known.
    at: Option<u64>,
}

impl DiskFile for SystemFile {
    fn write(&mut self, at: u32, bytes: &[u8]) -> io::Result<()> {
        if self.at != Some(at.into()) {
            self.file.seek(SeekFrom::Start(at.into()))?;
        }
        // Unknown until all of it is written.
        self.at = None;
        self.file.write_all(bytes)?;
        self.at = Some(u64::from(at) + bytes.len() as u64);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&mut self, length: u32) -> io::Result<()> {
        self.file.set_len(length.into())?;
        self.file.sync_all()
    }
}
