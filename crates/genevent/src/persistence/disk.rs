//! The disk as a trait: tests have one that fails, and one that loses what was not synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::folder;

/// A place for the files of a log.
pub(super) trait Disk: Send {
    /// Creates an empty file. An existing one is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the folder's list of files is on the disk.
    fn sync_names(&self, folder: &Path) -> io::Result<()>;
}

/// A file being written.
pub(super) trait DiskFile: Send {
    fn write(&mut self, at: u32, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Truncates the file to this length, and returns when that is on the disk.
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
    /// The position of the file's cursor, if it is known.
    at: Option<u64>,
}

impl DiskFile for SystemFile {
    fn write(&mut self, at: u32, bytes: &[u8]) -> io::Result<()> {
        if self.at != Some(at.into()) {
            self.file.seek(SeekFrom::Start(at.into()))?;
        }
        // The cursor is unknown until the whole write has succeeded.
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
