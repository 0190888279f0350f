//! How many events a log has, and how many of them are synced.

/// How many events a log has, and how many of them are synced.
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
    /// How many events were ever written to it. They survive a crash of the program.
    pub written: u64,
    /// How many of them are on the disk. They survive a crash of the machine.
    pub synced: u64,
}
