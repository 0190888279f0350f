//! The errors of reading, opening and writing a log.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format;

/// Why a log could not be [read](crate::persistence::replay).
///
/// # Examples
///
/// Reading events as the wrong type:
///
/// ```
/// use genevent::persistence::{ReadError, replay};
/// use genevent::{Manager, PersistenceHandler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let manager = Manager::start().await?;
/// manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
/// manager.sync_notify(7_000_u32).await?;
///
/// let mut names = replay::<String>(folder.path());
/// let Some(Err(error)) = names.next() else { panic!("it is not a name") };
/// assert!(matches!(error, ReadError::Decode { event: 0, .. }));
/// assert!(names.next().is_none(), "nothing comes after an error");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system returned an error.
    #[error("could not {doing} {file}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not a log file.
    #[error("{file} is not an event log; its name is one of a log's files, so move it away")]
    NotALog {
        /// The file.
        file: PathBuf,
    },
    /// The file was written by a later version of this crate.
    #[error(
        "{file} says at byte {at} that it is an event log of version {version}, and this program reads versions up to {last}; use a \
         later one", last = format::TAGGED
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// The offset of the version.
        at: u64,
        /// Its version.
        version: u32,
    },
    /// The log has another [tag](crate::persistence#tags) than the one that was asked for, or none was asked for.
    #[error(
        "{file} has at byte {at} the tag {found:?}, and {} was asked for; use `.tag({found:?})` and the type that was written, or, \
         for events of another type, a folder of their own",
        wanted.as_ref().map_or("none".to_owned(), |wanted| format!("{wanted:?}"))
    )]
    Tag {
        /// The file.
        file: PathBuf,
        /// The offset of the tag.
        at: u64,
        /// The tag of the file.
        found: String,
        /// The tag that was asked for.
        wanted: Option<String>,
    },
    /// The disk once had these bytes and no longer does.
    #[error(
        "{file} is corrupt at byte {at}, which is event {event}: what was on the disk has changed; restore the file, or move it and \
         what follows it away"
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// The offset of the damage.
        at: u64,
        /// The number of the first lost event.
        event: u64,
    },
    /// A later file exists, but not this one.
    #[error("{file} is missing between the other files of the log; restore it, or move those before it away")]
    Missing {
        /// The missing file.
        file: PathBuf,
    },
    /// The event is intact, but does not decode as the requested type.
    #[error(
        "event {event}, at byte {at} of {file}, is not what was asked for: {source}; read it as the type it was written as"
    )]
    Decode {
        /// The file.
        file: PathBuf,
        /// The offset of the event's record.
        at: u64,
        /// The number of the event.
        event: u64,
        /// The error of the decoder.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There was no runtime to read on.
    #[error(transparent)]
    NotRun(#[from] genserver::NotRun),
}

impl ReadError {
    pub(super) fn io(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, file: file.to_owned(), source }
    }
}

/// Why a log could not be [opened](crate::PersistenceHandler::open) for more events.
///
/// # Examples
///
/// ```
/// use genevent::PersistenceHandler;
/// use genevent::persistence::{OpenError, ReadError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("log.0000001"), "a diary, and no log of events at all")?;
/// let opened = PersistenceHandler::open(folder.path()).await;
/// assert!(matches!(opened, Err(OpenError::Read(ReadError::NotALog { .. }))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another handler has the log open, in this process or another.
    #[error(
        "the event log {folder} is open already, here or in another process, and only one may append; remove that handler, or give \
         this one a folder of its own (`replay` reads a log that is open)"
    )]
    Held {
        /// The log.
        folder: PathBuf,
    },
    /// The existing log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log could not be prepared for new events.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// There was no runtime to open on.
    #[error(transparent)]
    NotRun(#[from] genserver::NotRun),
}

/// Why a log takes no more events.
///
/// The error is final: after a failed write or sync, the state of the disk is unknown. Opening the log again reads it.
///
/// # Examples
///
/// An owner that is told that the disk has failed:
///
/// ```
/// use genevent::persistence::WriteError;
/// use genevent::{GoneReason, HandlerGone, Manager, PersistenceHandler};
/// use genserver::{Letter, Probe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("log");
/// let mut owner = Probe::<HandlerGone>::new();
/// let manager = Manager::start().await?;
/// let log = PersistenceHandler::open(&folder).rotate_at(1).await?;
/// manager.add_async_handler(log).owned_by(owner.sender()).await?;
/// manager.sync_notify("eggs".to_owned()).await?;
/// std::fs::remove_dir_all(&folder)?;
/// assert!(manager.sync_notify("milk".to_owned()).await.is_err(), "nobody keeps it");
///
/// let Ok(Letter::Message(gone)) = owner.recv().await else { panic!("the owner is told") };
/// let GoneReason::Failed(reason) = gone.why else { panic!("it has failed") };
/// let error = reason.downcast_ref::<WriteError>().ok_or("that is why")?;
/// assert!(error.file.starts_with(&folder));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "could not {doing} {file}: {source}; the log takes no more events. What was acknowledged is in it: open it again when the cause \
     is gone"
)]
#[non_exhaustive]
pub struct WriteError {
    /// What was being done.
    pub doing: &'static str,
    /// The file.
    pub file: PathBuf,
    /// The error of the operating system.
    pub source: Arc<io::Error>,
}

impl WriteError {
    pub(super) fn new(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { doing, file: file.to_owned(), source: Arc::new(source) }
    }

    /// The thread that writes could not be started, or has ended.
    pub(super) fn interrupted() -> Self {
        let source = Arc::new(io::Error::other("the runtime has not done it to the end"));
        Self { doing: "write", file: PathBuf::from("the log"), source }
    }
}
