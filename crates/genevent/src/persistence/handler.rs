//! The handler that appends to a log, and how it is opened.

use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use genserver::report::{Level, Report, Told};
use genserver::sys::Shown;
use genserver::task::Task;
use genserver::{Reason, run_blocking, time};
use serde::Serialize;

use super::disk::{Disk, System};
use super::error::{OpenError, WriteError};
use super::folder;
use super::format::EVENT_MAX;
use super::position::LogPosition;
use super::write_queue::WriteQueue;
use super::writer::Writer;
use super::{LogOptions, SyncPolicy, TornTail};
use crate::handler::{AsyncHandler, HandlerCaller, HandlerCx, React, Reaction};
use crate::values::{Event, NotifyMode, TerminateReason};

/// At what size a file is full, unless it is said otherwise.
const ROTATE_AT_DEFAULT: u32 = 64 << 20;

/// How long a log may be held by a handler that has been killed and is at its last write.
const HELD_FOR: Duration = Duration::from_millis(500);

/// A handler that appends each event to a log on disk: the seeds' `PersistenceHandler`. See the [module](crate::persistence) for what
/// it promises.
///
/// # Examples
///
/// ```
/// use genevent::persistence::{LogCall, SyncPolicy};
/// use genevent::{Manager, PersistenceHandler};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path();
/// let manager = Manager::start().await?;
/// let log = PersistenceHandler::open(folder).sync(SyncPolicy::Every(Duration::from_millis(100))).keep(10).await?;
/// let log = manager.add_async_handler(log).await?;
///
/// manager.notify("eggs".to_owned())?;
/// manager.notify("milk".to_owned())?;
/// let position = manager.call_async_handler(&log, LogCall::Flush).await??;
/// assert_eq!(position.synced, 2);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "disk_log")]
pub struct PersistenceHandler {
    queue: Arc<WriteQueue>,
    folder: PathBuf,
    limits: LogOptions,
    torn: Option<TornTail>,
    scratch: Vec<u8>,
    /// Whether it has been a manager's handler, and has gone.
    closed: bool,
}

/// What a [`PersistenceHandler`] can be asked.
///
/// # Examples
///
/// ```
/// use genevent::persistence::LogCall;
/// use genevent::{Manager, PersistenceHandler};
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let manager = Manager::start().await?;
/// let log = manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
/// manager.notify("eggs".to_owned())?;
/// manager.notify("milk".to_owned())?;
/// manager.call_async_handler(&log, LogCall::Flush).await??;
/// assert_eq!(manager.call_async_handler(&log, LogCall::Position).await?.synced, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub enum LogCall {
    /// Write and sync all events that the manager has handled, and answer then. It does not hold up the manager, unless a thousand
    /// wait for that already.
    #[doc(alias = "sync")]
    Flush(HandlerCaller<Result<LogPosition, WriteError>>),
    /// How far the log is. Events that still wait to be written are not counted.
    Position(HandlerCaller<LogPosition>),
}

/// A log that is about to be opened: made by [`PersistenceHandler::open`]. Await it.
///
/// # Examples
///
/// ```
/// use genevent::PersistenceHandler;
/// use genevent::persistence::SyncPolicy;
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("log");
/// let open = PersistenceHandler::open(&folder).sync(SyncPolicy::Never).keep(3);
/// assert!(!folder.exists(), "it is opened when this is awaited");
/// let _log = open.await?;
/// assert!(folder.exists());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a log is opened when this is awaited"]
pub struct OpenLog {
    folder: PathBuf,
    limits: LogOptions,
}

impl PersistenceHandler {
    /// Opens the log in this folder for more events, or begins one there; the folder is made if there is none.
    ///
    /// Before it is awaited, it can be told [when to sync](OpenLog::sync), and how large and how many its files may be.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: another handler has it open, or what is there cannot be read. One that was killed may still be at its last
    /// write, so half a second is waited before that is an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping it opens nothing, or closes what was opened.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::PersistenceHandler;
    /// use genevent::persistence::OpenError;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let log = PersistenceHandler::open(folder.path()).await?;
    /// assert_eq!(log.torn(), None);
    /// assert!(matches!(PersistenceHandler::open(folder.path()).await, Err(OpenError::Held { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(folder: impl AsRef<Path>) -> OpenLog {
        let limits = LogOptions { sync: SyncPolicy::default(), rotate_at: ROTATE_AT_DEFAULT, keep: None };
        OpenLog { folder: folder.as_ref().to_owned(), limits }
    }

    /// What was cut off the end of the log when it was opened, if anything was. It is [reported](genserver::report) besides, when the
    /// handler is added.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::PersistenceHandler;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let log = PersistenceHandler::open(folder.path()).await?;
    /// if let Some(torn) = log.torn() {
    ///     println!("{torn}");
    /// }
    /// # assert_eq!(log.torn(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// How far the log is.
    ///
    /// # Examples
    ///
    /// How many events a log has had before:
    ///
    /// ```
    /// use genevent::{Manager, PersistenceHandler};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
    /// manager.notify("eggs".to_owned())?;
    /// manager.stop().await?;
    ///
    /// let log = PersistenceHandler::open(folder.path()).await?;
    /// assert_eq!(log.position().written, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn position(&self) -> LogPosition {
        self.queue.position()
    }

    pub(super) fn on(disk: Box<dyn Disk>, folder: PathBuf, limits: LogOptions) -> Result<Self, OpenError> {
        let held = folder::hold(&folder)?;
        let (writer, torn) = Writer::open(disk, &folder, limits)?;
        let queue = Arc::new(WriteQueue::new(writer, limits, held));
        Ok(Self { queue, folder, limits, torn, scratch: Vec::new(), closed: false })
    }

    /// Writes the event as it will stand in the log.
    fn encode(&mut self, event: &impl Serialize) -> Result<(), Reason> {
        self.scratch.clear();
        self.scratch = postcard::to_extend(event, std::mem::take(&mut self.scratch)).map_err(|error| {
            Reason::term(format!("the event cannot be written to {}: {error}", self.folder.display()))
        })?;
        if self.scratch.len() > EVENT_MAX as usize {
            let length = self.scratch.len();
            return Err(Reason::term(format!(
                "an event of {length} bytes is too long for the log in {}; keep what is so large elsewhere",
                self.folder.display()
            )));
        }
        Ok(())
    }

    /// Has a sync asked for when it is time.
    fn sync_later(&self) -> Result<(), Reason> {
        let SyncPolicy::Every(period) = self.limits.sync else { return Ok(()) };
        let queue = Arc::downgrade(&self.queue);
        Task::start(async move {
            time::sleep(period).await;
            if let Some(queue) = queue.upgrade() {
                queue.flush(None);
            }
        })?;
        Ok(())
    }
}

impl OpenLog {
    /// When the disk has to have an event. If this is not said, [`SyncPolicy::EachEvent`].
    ///
    /// # Examples
    ///
    /// Events that may be lost with the machine, but not with the program:
    ///
    /// ```
    /// use std::time::Duration;
    /// use genevent::PersistenceHandler;
    /// use genevent::persistence::SyncPolicy;
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let log = PersistenceHandler::open(folder.path()).sync(SyncPolicy::Every(Duration::from_secs(1))).await?;
    /// # assert_eq!(log.torn(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sync(mut self, sync: SyncPolicy) -> Self {
        self.limits.sync = sync;
        self
    }

    /// At how many bytes a file is full, and the next one begun. If this is not said, 64 MiB. An event that is longer has a file
    /// for itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Manager, PersistenceHandler};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path();
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(PersistenceHandler::open(folder).rotate_at(1).await?).await?;
    /// for event in ["eggs", "milk", "tea"] {
    ///     manager.sync_notify(event.to_owned()).await?;
    /// }
    /// assert!(folder.join("log.0000003").exists(), "each has a file for itself");
    /// # Ok(())
    /// # }
    /// ```
    pub fn rotate_at(mut self, bytes: u32) -> Self {
        self.limits.rotate_at = bytes;
        self
    }

    /// How many full files are kept; older ones are deleted when a file is full. If this is not said, all.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::persistence::replay;
    /// use genevent::{Manager, PersistenceHandler};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path();
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(PersistenceHandler::open(folder).rotate_at(1).keep(1).await?).await?;
    /// for number in 1..=5 {
    ///     manager.sync_notify(number).await?;
    /// }
    /// let kept: Vec<i32> = replay(folder).collect::<Result<_, _>>()?;
    /// assert_eq!(kept, [4, 5], "a full file, and the newest");
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep(mut self, files: u64) -> Self {
        self.limits.keep = Some(files);
        self
    }

    async fn opened(self) -> Result<PersistenceHandler, OpenError> {
        let until = time::now() + HELD_FOR;
        loop {
            let Self { folder, limits } = self.clone();
            match run_blocking(move || PersistenceHandler::on(Box::new(System), folder, limits)).await? {
                Err(OpenError::Held { .. }) if time::now() < until => time::sleep(HELD_FOR / 50).await,
                opened => return opened,
            }
        }
    }
}

impl IntoFuture for OpenLog {
    type Output = Result<PersistenceHandler, OpenError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.opened())
    }
}

impl<E: Event + Serialize, I: Event> AsyncHandler<E, I> for PersistenceHandler {
    type Call = LogCall;

    async fn init(&mut self, cx: &mut HandlerCx<E, I>) -> Result<(), Reason> {
        if self.closed {
            let folder = self.folder.display();
            return Err(Reason::term(format!("the log in {folder} was closed when its handler went; open it again")));
        }
        let Some(manager) = cx.manager() else { return Ok(()) };
        if let Some(torn) = &self.torn {
            manager.process_ref().report(Level::Warning, |me| {
                let told = Told::new(me, Level::Warning, "Event manager", "has opened a log with an unfinished end");
                Report::Told(told.with("torn", torn.to_string()))
            });
        }
        if let Some(me) = cx.handler::<Self>() {
            let failed = self.queue.watch();
            Task::start(async move {
                if failed.await.is_ok() {
                    // Asked anything, the handler fails, and its owner hears of it, also if no event ever comes again.
                    let _failed = manager.call_async_handler(&me, LogCall::Position).await;
                }
            })?;
        }
        Ok(())
    }

    async fn handle_event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        self.encode(event)?;
        self.queue.room().await;
        let hold = (cx.mode() == NotifyMode::Sync).then(|| cx.hold());
        if self.queue.push(&self.scratch, hold)? {
            self.sync_later()?;
        }
        React::stay()
    }

    async fn handle_call(&mut self, call: LogCall, _cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        match call {
            LogCall::Flush(client) => {
                self.queue.room().await;
                self.queue.flush(Some(client));
            }
            LogCall::Position(client) => client.reply(self.queue.position()),
        }
        match self.queue.failed() {
            Some(failed) => Err(failed.into()),
            None => React::stay(),
        }
    }

    async fn terminate(&mut self, _why: TerminateReason, cx: &mut HandlerCx<E, I>) {
        self.closed = true;
        let known = self.queue.failed().is_some();
        if let Err(error) = self.queue.close().await
            && !known
            && let Some(manager) = cx.manager()
        {
            manager.process_ref().report(Level::Error, |me| {
                let told = Told::new(me, Level::Error, "Event manager", "could not close a log");
                Report::Told(told.because(error.into()))
            });
        }
    }

    fn format_status(&self, shown: &mut Shown) {
        let LogPosition { written, synced } = self.position();
        shown.state = format!("log in {}: {written} events written, {synced} synced", self.folder.display());
    }
}

impl fmt::Debug for PersistenceHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PersistenceHandler");
        shown.field("folder", &self.folder).field("position", &self.position()).finish_non_exhaustive()
    }
}
