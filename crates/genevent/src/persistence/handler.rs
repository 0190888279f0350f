//! The handler that appends to a log, and how to open one.

use std::fmt::{self, Write};
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use genserver::report::{CustomReport, Level, Report};
use genserver::sys::Shown;
use genserver::task::Task;
use genserver::{Reason, run_blocking, time};
use serde::Serialize;

use super::disk::{Disk, System};
use super::error::{LogError, OpenError};
use super::folder;
use super::format::EVENT_MAX;
use super::position::LogPosition;
use super::tag::Tag;
use super::torn::TornTail;
use super::wall_clock::WallClock;
use super::write_queue::{Observer, WriteQueue};
use super::writer::Writer;
use super::{FailurePolicy, LogOptions, SyncPolicy};
use crate::handler::{AsyncHandler, HandlerCaller, HandlerCx, React, Reaction};
use crate::values::{Event, NotifyMode, TerminateReason};

/// The size at which a file is full, by default.
const ROTATE_AT_DEFAULT: u32 = 64 << 20;

/// How long to wait for a log whose handler was killed and may still be in its last write.
const HELD_FOR: Duration = Duration::from_millis(500);

/// A handler that appends each event to a log on disk. See the [module](crate::persistence) for what it promises.
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
/// let log = PersistenceHandler::open(folder)
///     .sync(SyncPolicy::Every(Duration::from_millis(100)))
///     .keep(10)
///     .await?;
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
    clock: WallClock,
    /// Whether the log was closed because the handler left its manager.
    closed: bool,
}

/// What a [`PersistenceHandler`] can be asked.
#[derive(Debug)]
pub enum LogCall {
    /// Writes and syncs all events that the manager has handled, then answers. The manager goes on meanwhile, unless a
    /// thousand callers already wait for this. A log that has failed tries again.
    #[doc(alias = "sync")]
    Flush(HandlerCaller<Result<LogPosition, LogError>>),
    /// Goes on without the events that were [lost](LogError::Lost), and then does the same.
    Reopen(HandlerCaller<Result<LogPosition, LogError>>),
    /// Returns how many events the log has. Events that still wait to be written are not counted.
    Position(HandlerCaller<LogPosition>),
}

/// A log to be opened: made by [`PersistenceHandler::open`], and opened when awaited.
#[derive(Clone, Debug)]
#[must_use = "a log is opened when this is awaited"]
pub struct OpenLog {
    folder: PathBuf,
    limits: LogOptions,
    clock: WallClock,
}

impl PersistenceHandler {
    /// Opens the log in this folder, or creates it, and the folder with it.
    ///
    /// Before it is awaited, it can be told [when to sync](OpenLog::sync), and how large and how many its files may be.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: another handler has the log open, or it cannot be read. A handler that was killed may still be in its
    /// last write, so this waits for half a second before it reports that the log is open.
    ///
    /// # Cancel safety
    ///
    /// Dropping it opens nothing, or closes the log again.
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
    /// assert!(matches!(
    ///     PersistenceHandler::open(folder.path()).await,
    ///     Err(OpenError::Held { .. })
    /// ));
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(folder: impl AsRef<Path>) -> OpenLog {
        let limits = LogOptions {
            sync: SyncPolicy::default(),
            rotate_at: ROTATE_AT_DEFAULT,
            keep: None,
            tag: None,
            failure: None,
        };
        OpenLog { folder: folder.as_ref().to_owned(), limits, clock: WallClock::default() }
    }

    /// The torn tail that was cut off when the log was opened, if there was one. It is also [reported](genserver::report)
    /// when the handler is added.
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// How many events the log has, and how many of them are synced.
    pub fn position(&self) -> LogPosition {
        self.queue.position()
    }

    pub(super) fn on(
        disk: Box<dyn Disk>,
        folder: PathBuf,
        limits: LogOptions,
        clock: WallClock,
    ) -> Result<Self, OpenError> {
        let held = folder::hold(&folder)?;
        let (writer, torn) = Writer::open(disk, &folder, limits)?;
        let queue = Arc::new(WriteQueue::new(writer, folder.clone(), limits, held));
        Ok(Self { queue, folder, limits, torn, scratch: Vec::new(), clock, closed: false })
    }

    /// Encodes the event into the scratch buffer.
    fn encode(&mut self, event: &impl Serialize) -> Result<(), LogError> {
        let refused = |why| LogError::Event { folder: self.folder.clone(), why };
        self.scratch.clear();
        let encoded = postcard::to_extend(event, std::mem::take(&mut self.scratch));
        self.scratch = encoded.map_err(|error| refused(error.to_string()))?;
        if self.scratch.len() > EVENT_MAX as usize {
            let length = self.scratch.len();
            return Err(refused(format!(
                "it has {length} bytes, and {EVENT_MAX} are the most; keep what is so large elsewhere"
            )));
        }
        Ok(())
    }

    /// What the handler does after an event that it does not keep. Its sender was told, if there is one.
    fn not_kept<E: Event, I: Event>(&self, error: LogError) -> Reaction<E, I> {
        match self.limits.failure() {
            FailurePolicy::Refuse => React::stay(),
            FailurePolicy::Remove => Err(error.into()),
        }
    }

    /// Schedules the sync of [`SyncPolicy::Every`].
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
    /// Sets when events are synced to the disk (default: [`SyncPolicy::EachEvent`]).
    pub fn sync(mut self, sync: SyncPolicy) -> Self {
        self.limits.sync = sync;
        self
    }

    /// Sets the size in bytes at which a file is full and the next one begins (default: 64 MiB). An event longer than that
    /// has a file of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Manager, PersistenceHandler};
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

    /// Sets how many full files to keep; older ones are deleted when a file is full (default: all).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::persistence::replay;
    /// use genevent::{Manager, PersistenceHandler};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path();
    /// let manager = Manager::start().await?;
    /// manager
    ///     .add_async_handler(PersistenceHandler::open(folder).rotate_at(1).keep(1).await?)
    ///     .await?;
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

    /// Sets what happens to an event that the log cannot keep (default: [`FailurePolicy::Refuse`] with
    /// [`SyncPolicy::EachEvent`], and otherwise [`FailurePolicy::Remove`]).
    ///
    /// # Examples
    ///
    /// A log that is synced once in a second, and refuses what it cannot write:
    ///
    /// ```
    /// use std::time::Duration;
    /// use genevent::persistence::{FailurePolicy, SyncPolicy};
    /// use genevent::{Manager, PersistenceHandler};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path();
    /// let log = PersistenceHandler::open(folder)
    ///     .sync(SyncPolicy::Every(Duration::from_secs(1)))
    ///     .on_failure(FailurePolicy::Refuse)
    ///     .rotate_at(1)
    ///     .await?;
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(log).await?;
    /// manager.sync_notify("eggs".to_owned()).await?;
    /// // Something is in the way of the next file.
    /// std::fs::create_dir(folder.join("log.0000002"))?;
    /// assert!(manager.sync_notify("milk".to_owned()).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_failure(mut self, failure: FailurePolicy) -> Self {
        self.limits.failure = Some(failure);
        self
    }

    /// Sets the wall clock that gives each event its [time](super::Replay::time) (default: [`SystemTime::now`]). A test gives one of
    /// its own: see [`since`](super::Replay::since).
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = WallClock::new(now);
        self
    }

    /// Sets the [tag](crate::persistence#tags): what the program calls the type of its events, and its version (default:
    /// none). A log with another tag is refused with [`ReadError::Tag`](super::ReadError::Tag). A log without a tag goes
    /// on with this one, in a new file.
    ///
    /// # Panics
    ///
    /// If the tag has not 1 to 32 bytes, or has control characters.
    #[track_caller]
    pub fn tag(mut self, tag: &str) -> Self {
        self.limits.tag = Some(Tag::new(tag));
        self
    }

    async fn opened(self) -> Result<PersistenceHandler, OpenError> {
        let until = time::now() + HELD_FOR;
        loop {
            let Self { folder, limits, clock } = self.clone();
            match run_blocking(move || PersistenceHandler::on(Box::new(System), folder, limits, clock)).await? {
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
                let told =
                    CustomReport::new(me, Level::Warning, "Event manager", "has opened a log with an unfinished end");
                Report::Custom(told.with("torn", torn.to_string()))
            });
        }
        self.queue.observe(Observer::new(manager.process_ref(), cx.refusals()));
        if self.limits.failure() == FailurePolicy::Remove
            && let Some(me) = cx.handler::<Self>()
        {
            let failed = self.queue.watch();
            Task::start(async move {
                if failed.await.is_ok() {
                    // Any question fails the handler now, so its owner is told even if no event ever comes again.
                    let _failed = manager.call_async_handler(&me, LogCall::Position).await;
                }
            })?;
        }
        Ok(())
    }

    async fn handle_event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        let mut hold = (cx.mode() == NotifyMode::Sync).then(|| cx.hold());
        if let Err(error) = self.encode(event) {
            self.queue.lose(&error, hold.take());
            return self.not_kept(error);
        }
        self.queue.space().await;
        match self.queue.push(&self.scratch, self.clock.now(), hold) {
            Ok(false) => React::stay(),
            Ok(true) => {
                self.sync_later()?;
                React::stay()
            }
            Err(error) => self.not_kept(error),
        }
    }

    async fn handle_call(&mut self, call: LogCall, _cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        match call {
            LogCall::Flush(client) => {
                self.queue.space().await;
                self.queue.flush(Some(client));
            }
            LogCall::Reopen(client) => {
                self.queue.space().await;
                self.queue.reopen();
                self.queue.flush(Some(client));
            }
            LogCall::Position(client) => client.reply(self.queue.position()),
        }
        match self.queue.failed() {
            Some(failed) => self.not_kept(failed),
            None => React::stay(),
        }
    }

    async fn terminate(&mut self, _why: TerminateReason, cx: &mut HandlerCx<E, I>) {
        self.closed = true;
        let known = self.limits.failure() == FailurePolicy::Remove && self.queue.failed().is_some();
        if let Err(error) = self.queue.close().await
            && !known
            && let Some(manager) = cx.manager()
        {
            manager.process_ref().report(Level::Error, |me| {
                let told = CustomReport::new(me, Level::Error, "Event manager", "could not close a log");
                Report::Custom(told.because(error.into()))
            });
        }
    }

    fn format_status(&self, shown: &mut Shown) {
        let LogPosition { written, synced } = self.position();
        shown.state = format!("log in {}: {written} events written, {synced} synced", self.folder.display());
        if let Some(failed) = self.queue.failed() {
            let _ = write!(shown.state, "; it refuses events: {failed}");
        }
    }
}

impl fmt::Debug for PersistenceHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PersistenceHandler");
        shown.field("folder", &self.folder).field("position", &self.position()).finish_non_exhaustive()
    }
}
