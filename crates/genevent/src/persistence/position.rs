//! How far a log is.

/// How far a log is.
///
/// # Examples
///
/// ```
/// use genevent::PersistenceHandler;
/// use genevent::persistence::LogPosition;
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let log = PersistenceHandler::open(folder.path()).await?;
/// let LogPosition { written, synced, .. } = log.position();
/// assert_eq!((written, synced), (0, 0), "it is a new log");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LogPosition {
    /// How many events have ever been written to it. They survive a crash of the program.
    pub written: u64,
    /// How many of those the disk has. They survive a crash of the machine.
    pub synced: u64,
}
