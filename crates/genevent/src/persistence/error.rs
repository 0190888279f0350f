//! Why a log could not be read, opened, or written.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a log could not be [read](crate::persistence::replay).
///
/// # Examples
///
/// Events that are read as what they are not:
///
/// ```
/// use genevent::persistence::{ReadError, replay};
/// use genevent::{Manager, PersistenceHandler};
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let manager = Manager::start().await?;
/// manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
/// manager.sync_notify(7_000_u32).await?;
///
/// let mut names = replay::<String>(folder.path());
/// let Some(Err(error)) = names.next() else { panic!("it is no name") };
/// assert!(matches!(error, ReadError::Decode { event: 0, .. }));
/// assert!(names.next().is_none(), "nothing comes after an error");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused.
    #[error("could not {doing} {file}: {source}")]
    Io {
        /// What was to be done.
        doing: &'static str,
        /// With which file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{file} is no event log; its name is one of a log's files, so move it away")]
    NotALog {
        /// Which file.
        file: PathBuf,
    },
    /// The file was written by a later version of this crate.
    #[error("{file} is an event log of version {version}, which this program cannot read; use a later one")]
    Version {
        /// Which file.
        file: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The disk had these bytes once, and does not have them any more.
    #[error(
        "{file} is corrupt at byte {at}, which is event {event}: what was on the disk has changed; restore the file, or move it and \
         what follows it away"
    )]
    Corrupt {
        /// Which file.
        file: PathBuf,
        /// Where the damage begins.
        at: u64,
        /// The number of the first event that is lost.
        event: u64,
    },
    /// There is a later file, but not this one.
    #[error("{file} is missing between the other files of the log; restore it, or move those before it away")]
    Missing {
        /// Which file.
        file: PathBuf,
    },
    /// The event was written as it stands there, but is none of the type that was asked for.
    #[error("event {event} in {file} is not what was asked for: {source}; read it as the type it was written as")]
    Decode {
        /// In which file.
        file: PathBuf,
        /// The number of the event.
        event: u64,
        /// What does not fit.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No runtime has done the reading.
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
    /// Another handler has it, in this process or in another.
    #[error(
        "the event log {folder} is open already, here or in another process, and only one may append; remove that handler, or give \
         this one a folder of its own (`replay` reads a log that is open)"
    )]
    Held {
        /// Which log.
        folder: PathBuf,
    },
    /// What is there could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is there could not be made ready for more.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// No runtime has done the opening.
    #[error(transparent)]
    NotRun(#[from] genserver::NotRun),
}

/// Why a log takes no more events.
///
/// It stays so: what a disk holds after it has refused once, nobody knows. Opening the log again finds out.
///
/// # Examples
///
/// An owner that is told that the disk has gone:
///
/// ```
/// use genevent::persistence::WriteError;
/// use genevent::{GoneReason, HandlerGone, Manager, PersistenceHandler};
/// use genserver::{Letter, Probe};
///
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
    /// What was to be done.
    pub doing: &'static str,
    /// With which file.
    pub file: PathBuf,
    /// What the system says.
    pub source: Arc<io::Error>,
}

impl WriteError {
    pub(super) fn new(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { doing, file: file.to_owned(), source: Arc::new(source) }
    }

    /// The thread that writes was not there, or has gone.
    pub(super) fn interrupted() -> Self {
        let source = Arc::new(io::Error::other("the runtime has not done it to the end"));
        Self { doing: "write", file: PathBuf::from("the log"), source }
    }
}
