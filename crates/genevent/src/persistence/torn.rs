//! An unfinished write at the end of a log.

use std::fmt;
use std::path::PathBuf;

/// An unfinished write at the end of a log: where reading has ended, or what was cut off when the log was opened.
///
/// # Examples
///
/// A log whose last write was cut off:
///
/// ```
/// use genevent::persistence::SyncPolicy;
/// use genevent::{Manager, PersistenceHandler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::fs;
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path();
/// let manager = Manager::start().await?;
/// let log = PersistenceHandler::open(folder).sync(SyncPolicy::Never).await?;
/// manager.add_async_handler(log).await?;
/// manager.notify("eggs".to_owned())?;
/// manager.stop().await?;
/// let file = folder.join("log.0000001");
/// let whole = fs::read(&file)?;
/// fs::write(&file, &whole[..whole.len() - 1])?;
///
/// let log = PersistenceHandler::open(folder).await?;
/// let torn = log.torn().ok_or("it is torn")?;
/// assert_eq!((&torn.file, torn.bytes, torn.events), (&file, 24, 0));
/// assert_eq!(log.position().written, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TornTail {
    /// The file.
    pub file: PathBuf,
    /// The offset of its beginning.
    pub at: u64,
    /// How many bytes it has, not counting zeros at the end.
    pub bytes: u64,
    /// How many whole events were among them, after a gap. None of them had been acknowledged as durable.
    pub events: u64,
    /// Where those events are kept, if there were any and they were cut off.
    pub kept: Option<PathBuf>,
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, at, bytes, events, kept } = self;
        write!(f, "{bytes} bytes of an unfinished write were cut off {} at byte {at}", file.display())?;
        match kept {
            Some(kept) => write!(f, "; {events} whole events were among them, and are kept in {}", kept.display()),
            None => Ok(()),
        }
    }
}
