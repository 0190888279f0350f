//! The files as they were before the engine has opened them.
//!
//! The engine cuts off what it cannot read, and removes what nothing refers to. If that was damage, and not a write that was cut
//! off, a person may want the rest of it.
//!
//! - O1: journals change in place, so they are copied, up to their last byte that counts. All other files are written once and
//!   removed as a whole, so another link to each is enough.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::durable::error::OpenError;
use crate::durable::folder::{Folder, io_error};
use crate::durable::journal::Journals;

/// Another folder of the database's files.
pub(super) struct Originals {
    database: PathBuf,
    copies: PathBuf,
}

impl Originals {
    /// Keeps the files until the folder is known to be well. Journals are copied if there may be more in them than what was read;
    /// else the engine takes nothing from them but zeros.
    pub(super) fn keep(folder: &Folder, journals: &Journals) -> Result<Self, OpenError> {
        let copies = folder.path().join("originals");
        let originals = Self { database: folder.database(), copies };
        originals.copy(journals.stop.is_some() || journals.last.is_none()).map_err(io_error(&originals.copies))?;
        Ok(originals)
    }

    /// Keeps all files for a person, under a name that is free.
    pub(super) fn keep_for_good(folder: &Folder) -> Result<Self, OpenError> {
        let free = (1_u32..).map(|number| folder.path().join(format!("originals-{number}")));
        let copies = free.into_iter().find(|place| !place.exists()).unwrap_or_default();
        let originals = Self { database: folder.database(), copies };
        originals.copy(true).map_err(io_error(&originals.copies))?;
        Ok(originals)
    }

    pub(super) fn path(&self) -> &Path {
        &self.copies
    }

    fn copy(&self, with_journals: bool) -> io::Result<()> {
        if self.copies.try_exists()? {
            // Of a program that ended while it opened the folder.
            fs::remove_dir_all(&self.copies)?;
        }
        copy(&self.database, &self.copies, with_journals)
    }

    /// Removes the copies: all is well.
    pub(super) fn discard(self) -> Result<(), OpenError> {
        fs::remove_dir_all(&self.copies).map_err(io_error(&self.copies))
    }

    /// Puts the files back as they were.
    pub(super) fn put_back(self) -> Result<(), OpenError> {
        put_back(&self.copies, &self.database).map_err(io_error(&self.database))?;
        self.discard()
    }
}

fn copy(from: &Path, to: &Path, with_journals: bool) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let (path, copy_of) = (file.path(), to.join(file.file_name()));
        if file.file_type()?.is_dir() {
            copy(&path, &copy_of, with_journals)?;
        } else if !is_journal(&path) {
            // Not every file system has links.
            fs::hard_link(&path, &copy_of).or_else(|_| fs::copy(&path, &copy_of).map(drop))?;
        } else if with_journals {
            let journal = File::open(&path)?;
            let len = len_of_content(&journal)?;
            let (all, mut copy) = (journal.metadata()?.len(), File::create(copy_of)?);
            io::copy(&mut journal.take(len), &mut copy)?;
            // The zeros again, which take nothing on the disk.
            copy.set_len(all)?;
        }
    }
    Ok(())
}

/// Removes what was not there, and puts back what was. Journals that were not copied stay.
fn put_back(copies: &Path, to: &Path) -> io::Result<()> {
    for file in fs::read_dir(to)? {
        let file = file?;
        let is_dir = file.file_type()?.is_dir();
        if is_dir {
            fs::remove_dir_all(file.path())?;
        } else if !is_journal(&file.path()) || copies.join(file.file_name()).exists() {
            fs::remove_file(file.path())?;
        }
    }
    copy(copies, to, true)
}

/// The length of a file up to its last byte that is not zero: the engine allocates journals in advance.
fn len_of_content(file: &File) -> io::Result<u64> {
    let mut chunk = vec![0; 1 << 16];
    let mut end = file.metadata()?.len();
    while end > 0 {
        let begin = end.saturating_sub(chunk.len() as u64);
        let chunk = &mut chunk[..usize::try_from(end - begin).unwrap_or_default()];
        file.read_exact_at(chunk, begin)?;
        if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
            return Ok(begin + last as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jnl")
}
