//! A storage in a folder: what it promises, and how it is opened.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use genserver::{run_blocking, time};
use parking_lot::Mutex;

use crate::BucketName;
use crate::storage::{Commit, Durability, Fence, Loaded, Storage, StorageError};

// The embedded database, with buckets and entries in it.
mod engine;
// What stands in the folder beside the database: lock, format, mark.
mod folder;
// The keys and values of the database.
mod layout;
// The journals of the database, without the engine.
mod journal;
// Its manifests, without the engine.
mod manifests;
// What goes wrong when a folder is opened.
mod error;
// The state behind the storage, with its database open or broken.
mod state;

pub use error::{OpenError, RepairReport};
use state::State;

/// A storage in a folder: the entries outlive the program.
///
/// What its promise is worth depends on its [mode](DurableMode). By default an answered change survives a power failure.
///
/// Entries are in memory while their bucket runs; the folder is only written, until a bucket starts again. A folder belongs to
/// one storage of one process.
///
/// # Examples
///
/// ```
/// use kv_core::{Durable, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("store");
/// let store = Store::options().storage(Durable::open(&folder).await?).start().await?;
/// store.create("shopping").await?.put("milk", "1").await?;
/// store.stop().await?;
///
/// let store = Store::options().storage(Durable::open(&folder).await?).start().await?;
/// let shopping = store.create("shopping").await?;
/// assert_eq!(shopping.get("milk").await?, Some("1".into()));
/// # store.stop().await?;
/// # Ok(())
/// # }
/// ```
///
/// # When the disk fails
///
/// If a commit fails, because the disk is full for instance, its changes are taken back, and its clients get the error with the
/// cause. The store stays up and answers reads, and [`Store::storage_error`](crate::Store::storage_error) says why. Each later
/// commit, and one without changes that is tried once a second, first opens the database again, and makes sure that nothing of the failed
/// one is left; if that works, the storage works again. If the program ends before that, the changes that
/// failed may be found when the folder is opened.
///
/// # Damage
///
/// A folder whose files are damaged is [refused](OpenError::Damaged): nothing is guessed, and nothing is lost silently.
/// [`Durable::repair`] keeps what comes before the damage, and says what it dropped. The end of a write that a power failure
/// cut off is not damage: nobody was told that it is safe. With a mode that does not sync each commit, damage to what is not
/// synced yet cannot be told from that, until the storage is closed: that syncs everything.
#[derive(Clone)]
pub struct Durable {
    state: Arc<State>,
    window: Arc<Mutex<Window>>,
}

/// How long answered commits have waited for their sync, with [`DurableMode::Every`].
#[derive(Default)]
struct Window {
    /// When the first commit was answered that is not synced.
    since: Option<Instant>,
    longest: Duration,
}

/// When a [`Durable`] storage answers, and what an answered change survives.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum DurableMode {
    /// A commit is answered when the disk has it: it survives a power failure. All changes that wait at the same time share
    /// one sync.
    #[default]
    Sync,
    /// A commit is answered when the operating system has it, and survives the end of the program, even by a kill. A power
    /// failure loses at most what was answered within this time before it.
    Every(Duration),
    /// As [`Every`](Self::Every), without a limit: the operating system decides when the disk gets it.
    Buffered,
}

/// The options of a [`Durable`] storage.
#[derive(Clone, Debug)]
#[must_use = "a storage is opened with `open`"]
pub struct DurableOptions {
    folder: PathBuf,
    mode: DurableMode,
}

impl Durable {
    /// Opens the folder, and makes it if it is not there. Every commit is synced.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the folder cannot be used.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::options(folder).open().await
    }

    /// Returns the options of a storage in this folder, to be set before it is opened.
    pub fn options(folder: impl Into<PathBuf>) -> DurableOptions {
        DurableOptions { folder: folder.into(), mode: DurableMode::default() }
    }

    /// Opens a damaged folder, keeps what comes before the damage, and returns what it dropped. The folder can then be opened.
    ///
    /// The files as they were are kept beside the others, in the folder that the report names.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the folder cannot be used, or if nothing in it can be read.
    pub async fn repair(folder: impl Into<PathBuf>) -> Result<RepairReport, OpenError> {
        let folder = folder.into();
        run_blocking(move || state::repair(&folder)).await.map_err(OpenError::NoRuntime)?
    }
}

impl DurableOptions {
    /// Sets when a commit is answered (default: when it is synced).
    pub fn mode(mut self, mode: DurableMode) -> Self {
        self.mode = mode;
        self
    }

    /// Opens the folder, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the folder cannot be used.
    pub async fn open(self) -> Result<Durable, OpenError> {
        let opened = run_blocking(move || State::open(&self.folder, self.mode)).await;
        Ok(Durable { state: Arc::new(opened.map_err(OpenError::NoRuntime)??), window: Arc::default() })
    }
}

impl Durable {
    /// Returns the longest time that an answered commit has waited for its sync, with [`DurableMode::Every`]: so much a power
    /// failure could have lost at worst. Zero with another mode.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Durable;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temporary = tempfile::tempdir()?;
    /// let storage = Durable::open(temporary.path().join("store")).await?;
    /// assert!(storage.longest_unsynced().is_zero());
    /// # Ok(())
    /// # }
    /// ```
    pub fn longest_unsynced(&self) -> Duration {
        self.window.lock().longest
    }

    /// Whether commits have waited so long that the next one should be synced, whenever the committer comes to its sync.
    fn is_sync_due(&self, within: Duration) -> bool {
        self.window.lock().since.is_some_and(|since| time::now() - since >= within / 2)
    }

    /// All that was answered is synced.
    fn note_sync(&self, since: Option<Instant>) {
        let mut window = self.window.lock();
        window.since = None;
        window.longest = window.longest.max(since.map_or(Duration::ZERO, |since| time::now() - since));
    }

    /// Runs blocking work on the state.
    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&State) -> Result<R, StorageError> + Send + 'static,
    ) -> Result<R, StorageError> {
        let state = Arc::clone(&self.state);
        run_blocking(move || work(&state)).await.unwrap_or_else(|error| Err(StorageError::new(error)))
    }
}

fn is_any_done(results: &Result<Vec<Result<(), StorageError>>, StorageError>) -> bool {
    results.as_ref().is_ok_and(|results| results.iter().any(Result::is_ok))
}

#[async_trait]
impl Storage for Durable {
    fn durability(&self) -> Durability {
        match self.state.mode() {
            DurableMode::Sync => Durability::Power,
            DurableMode::Every(_) | DurableMode::Buffered => Durability::Machine,
        }
    }

    fn max_key(&self) -> usize {
        layout::KEY_MAX
    }

    async fn buckets(&self, after: Option<&BucketName>, limit: usize) -> Result<Vec<BucketName>, StorageError> {
        let after = after.cloned();
        self.run(move |state| state.buckets(after.as_ref(), limit)).await
    }

    async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
        let bucket = bucket.clone();
        self.run(move |state| state.load(&bucket)).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        let count = commits.len();
        let is_synced = match self.state.mode() {
            DurableMode::Sync => true,
            DurableMode::Every(within) => self.is_sync_due(within),
            DurableMode::Buffered => false,
        };
        let since = self.window.lock().since;
        let began = time::now();
        let results = self.run(move |state| Ok(state.commit(&commits, is_synced))).await;
        match self.state.mode() {
            // If nothing could be written, nothing was synced.
            DurableMode::Every(_) if is_synced && is_any_done(&results) => self.note_sync(since),
            DurableMode::Every(_) => drop(self.window.lock().since.get_or_insert(began)),
            DurableMode::Sync | DurableMode::Buffered => {}
        }
        results.unwrap_or_else(|error| vec![Err(error); count])
    }

    async fn remove(&self, bucket: &BucketName, fence: Fence) -> Result<(), StorageError> {
        let bucket = bucket.clone();
        self.run(move |state| state.remove(&bucket, fence)).await
    }

    fn sync_within(&self) -> Option<Duration> {
        // The other half is for what the committer does before, and for the sync itself.
        if let DurableMode::Every(within) = self.state.mode() { Some(within / 2) } else { None }
    }

    async fn sync(&self) -> Result<(), StorageError> {
        let since = self.window.lock().since;
        self.run(State::sync).await?;
        self.note_sync(since);
        Ok(())
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable")
            .field("folder", &self.state.folder())
            .field("mode", &self.state.mode())
            .finish_non_exhaustive()
    }
}
