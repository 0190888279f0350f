//! What goes wrong when a folder is opened, and what a repair has done.

use std::io;
use std::path::PathBuf;

use genserver::NotRun;

/// Why a folder cannot be used as a [`Durable`](crate::Durable) storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another storage has it open.
    #[error("the store in {} is in use by {}; end that, or use another folder", folder.display(), user(*pid))]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process that uses it, if it has said so.
        pid: Option<u32>,
    },
    /// There are files in it, and they are not those of a store.
    #[error("the folder {} holds something else than a store; use an empty one, or one that does not exist", folder.display())]
    NotAStore {
        /// The folder.
        folder: PathBuf,
    },
    /// It was written in another format.
    #[error("the store in {} has the format {found:?}, and this program reads {expected:?}; open it with the program that wrote it, export it, and import it here", folder.display())]
    OtherFormat {
        /// The folder.
        folder: PathBuf,
        /// What it says of itself.
        found: String,
        /// What it would have to say.
        expected: &'static str,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be used: {cause}; see to it that it exists, may be read and written, and that the disk has room", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Something in its files is not as it was written.
    #[error("the store in {} is damaged: {what}; `Durable::repair` keeps what comes before the damage", folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What is damaged, with the file and the place in it where they are known.
        what: String,
    },
    /// Nobody ran the work.
    #[error(transparent)]
    NoRuntime(NotRun),
}

fn user(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("the process {pid}"))
}

/// What [`Durable::repair`](crate::Durable::repair) has done.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RepairReport {
    /// How many commits it kept.
    pub kept: u64,
    /// How many commits that had been answered it dropped: those from the damage on.
    pub dropped: u64,
    /// The folder with the files as they were.
    pub originals: PathBuf,
}
