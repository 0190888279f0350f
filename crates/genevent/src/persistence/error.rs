//! The errors of reading, opening and writing a log.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::damage::Damage;
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
    /// The file was written by a later version of this crate. Files of earlier versions are read.
    #[error(
        "{file} says at byte {at} that it is an event log of version {version}, and this program reads versions up to {last}; use a \
         later one", last = format::VERSION
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
        "{file} is corrupt at byte {at}, which is event {event}: {damage}; restore the file, or, to go on without what is lost, move \
         it, what follows it, and the file `synced` away"
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// The offset of the damage.
        at: u64,
        /// The number of the first lost event.
        event: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// A later file exists, or the file `synced` says that this one was on the disk; but it is not there.
    #[error(
        "{file} is missing; restore it, or, to go on without what is lost, move the files before it away, or `synced` if none follows \
         it"
    )]
    Missing {
        /// The missing file.
        file: PathBuf,
    },
    /// The events before this one were [deleted](crate::persistence::OpenLog::keep), and reading was to begin with one of them.
    #[error("event {wanted} is no longer in the log {folder}, whose first is event {first}; begin with that one")]
    Deleted {
        /// The log.
        folder: PathBuf,
        /// The event that reading was to begin with.
        wanted: u64,
        /// The first event that is still there.
        first: u64,
    },
    /// Reading was to begin at a time, and this file was written by a version of this crate that kept no times.
    #[error("{file} was written before logs had times; begin with the number of an event, or with the first")]
    NoTimes {
        /// The file.
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
    /// Another process has the log open, and its lock file was deleted.
    #[error(
        "{lock} was deleted while a process had the event log {folder} open, and only one may append; stop that process, and never \
         delete this file"
    )]
    LockFileLost {
        /// The log.
        folder: PathBuf,
        /// The file.
        lock: PathBuf,
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

/// Why a log does not keep an event: what the sender of the event gets as the reason of
/// [`NotifyError::Refused`](crate::NotifyError::Refused).
///
/// # Examples
///
/// ```
/// use genevent::persistence::LogError;
/// use genevent::{Manager, NotifyError, PersistenceHandler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path();
/// let manager = Manager::start().await?;
/// manager.add_async_handler(PersistenceHandler::open(folder).rotate_at(1).await?).await?;
/// manager.sync_notify("eggs".to_owned()).await?;
/// // Something is in the way of the next file.
/// std::fs::create_dir(folder.join("log.0000002"))?;
/// let Err(NotifyError::Refused { reason, .. }) = manager.sync_notify("milk".to_owned()).await
/// else {
///     panic!("the log cannot keep it")
/// };
/// let Some(LogError::Write(error)) = reason.downcast_ref() else { panic!("{reason}") };
/// assert_eq!(error.file, folder.join("log.0000002"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The disk did not take it.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The event cannot be encoded, or is too long.
    #[error("the event cannot be written to the log {folder}: {why}")]
    Event {
        /// The log.
        folder: PathBuf,
        /// Why not.
        why: String,
    },
    /// Events that nobody waited for were lost before. So an acknowledgement of this one would claim too much.
    #[error(
        "the log {folder} has lost {lost} events that nobody waited for, because {cause}; to go on without them, send it \
         `LogCall::Reopen`"
    )]
    Lost {
        /// The log.
        folder: PathBuf,
        /// How many.
        lost: u64,
        /// Why the first of them was lost.
        #[source]
        cause: Arc<LogError>,
    },
}

/// What the disk did not do.
///
/// What was acknowledged before is in the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("could not {doing} {file}: {source}; make space or repair the disk. What was acknowledged is in the log")]
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
    pub(super) fn interrupted(folder: &Path) -> Self {
        Self::new("write", folder)(io::Error::other("the runtime has not done it to the end"))
    }
}
