//! The events of a log, oldest first.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures::stream::{self, Stream};
use serde::de::DeserializeOwned;

use super::damage::Damage;
use super::error::ReadError;
use super::format::Header;
use super::reader::{HeaderError, Next, Reader};
use super::tag::Tag;
use super::torn::TornTail;
use super::wall_clock::{nanoseconds, system_time};
use super::{folder, mark};

/// How many events a stream reads ahead.
const AHEAD: usize = 256;

/// The events of the log in `folder`, oldest first, as an iterator. [`into_stream`](Replay::into_stream) makes it a stream.
///
/// A handler may append at the same time. The iterator ends after the last whole event; called again later, it goes on from
/// there. It neither waits for the handler nor delays it, and changes nothing on the disk.
///
/// # Errors
///
/// An item may be a [`ReadError`], which is then the last item. An unfinished write at the end of a log, which nobody was told is
/// safe, is not an error: the iterator ends before it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genevent::persistence::replay;
/// use genevent::{Manager, PersistenceHandler};
///
/// let folder = tempfile::tempdir()?;
/// let manager = Manager::start().await?;
/// manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
/// manager.sync_notify("eggs".to_owned()).await?;
///
/// let mut events = replay::<String>(folder.path());
/// assert_eq!(events.next().transpose()?, Some("eggs".to_owned()));
/// assert_eq!(events.next().transpose()?, None);
///
/// manager.sync_notify("milk".to_owned()).await?;
/// assert_eq!(events.next().transpose()?, Some("milk".to_owned()));
/// # Ok(())
/// # }
/// ```
pub fn replay<E: DeserializeOwned>(folder: impl AsRef<Path>) -> Replay<E> {
    Replay {
        folder: folder.as_ref().to_owned(),
        reader: None,
        file: 0,
        failed: false,
        tag: None,
        start: Start::Oldest,
        time: None,
        torn: None,
        of: PhantomData,
    }
}

/// The events of a log: made by [`replay`].
///
/// # Examples
///
/// It is an iterator of results, so collecting stops at the first error:
///
/// ```
/// use genevent::persistence::{Replay, replay};
/// use genevent::{Manager, PersistenceHandler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let manager = Manager::start().await?;
/// manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
/// for number in [20_u64, 22] {
///     manager.sync_notify(number).await?;
/// }
/// let events: Replay<u64> = replay(folder.path());
/// assert_eq!(events.sum::<Result<u64, _>>()?, 42);
/// # Ok(())
/// # }
/// ```
#[must_use = "a log is read when this is iterated"]
pub struct Replay<E> {
    folder: PathBuf,
    /// The file being read. `None` before the first.
    reader: Option<Reader>,
    /// The number of that file.
    file: u64,
    failed: bool,
    tag: Option<Tag>,
    start: Start,
    /// The time of the last event.
    time: Option<u64>,
    torn: Option<TornTail>,
    of: PhantomData<fn() -> E>,
}

/// Where reading begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With the oldest event, or wherever reading is by now.
    Oldest,
    /// With the event of this number.
    At(u64),
    /// With the first event of this time, or a later one.
    Since(u64),
}

impl<E: DeserializeOwned> Replay<E> {
    /// Says which [tag](crate::persistence#tags) the log has. Files that were written without a tag are read all the same;
    /// another tag is [`ReadError::Tag`].
    ///
    /// # Panics
    ///
    /// If the tag has not 1 to 32 bytes, or has control characters.
    #[track_caller]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = Some(Tag::new(tag));
        self
    }

    /// Begins with the event of this [number](Self::number). Files before it are not read.
    ///
    /// If the log has [deleted](crate::persistence::OpenLog::keep) that event, the first item is [`ReadError::Deleted`].
    ///
    /// # Examples
    ///
    /// A reader that continues where it stopped:
    ///
    /// ```
    /// use genevent::persistence::replay;
    /// use genevent::{Manager, PersistenceHandler};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
    /// manager.sync_notify("eggs".to_owned()).await?;
    /// let mut yesterday = replay::<String>(folder.path());
    /// yesterday.next().transpose()?;
    /// let seen = yesterday.number();
    ///
    /// manager.sync_notify("milk".to_owned()).await?;
    /// let mut today = replay::<String>(folder.path()).from_number(seen);
    /// assert_eq!(today.next().transpose()?.as_deref(), Some("milk"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_number(mut self, number: u64) -> Self {
        self.start = Start::At(number);
        self
    }

    /// Begins with the first event that was logged at this time or later, of those that the log still has.
    ///
    /// The time of an event is that of the [wall clock](crate::persistence::OpenLog::clock) when the handler got it. All events
    /// after the first follow, also if the clock was set back in between. Files that end before the time are not read. If the log
    /// has files without times, written by an older version of this crate, the first item is [`ReadError::NoTimes`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use genevent::persistence::replay;
    /// use genevent::{Manager, PersistenceHandler};
    /// use genserver::time;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let start = time::now();
    /// let noon = UNIX_EPOCH + Duration::from_secs(12 * 60 * 60);
    /// let log = PersistenceHandler::open(folder.path())
    ///     .clock(move || noon + (time::now() - start))
    ///     .await?;
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(log).await?;
    /// manager.sync_notify("eggs".to_owned()).await?;
    /// time::sleep(Duration::from_secs(60)).await;
    /// manager.sync_notify("milk".to_owned()).await?;
    ///
    /// let mut late = replay::<String>(folder.path()).since(noon + Duration::from_secs(1));
    /// assert_eq!(late.next().transpose()?.as_deref(), Some("milk"));
    /// assert!(late.time() >= Some(noon + Duration::from_secs(60)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn since(mut self, time: SystemTime) -> Self {
        self.start = Start::Since(nanoseconds(time));
        self
    }

    /// The time of the event that was returned last. `None` before the first, and for an event of an older version's log.
    pub fn time(&self) -> Option<SystemTime> {
        self.time.map(system_time)
    }

    /// The unfinished write at which reading has ended, if it has ended at one: what follows the last event is not a whole event, and
    /// nobody was told that it was synced.
    ///
    /// It may just be being written. If it is not, it is cut off when the log is [opened](crate::PersistenceHandler::open).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::persistence::{SyncPolicy, replay};
    /// use genevent::{Manager, PersistenceHandler};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::fs;
    /// # let folder = tempfile::tempdir()?;
    /// let manager = Manager::start().await?;
    /// let log = PersistenceHandler::open(folder.path()).sync(SyncPolicy::Never).await?;
    /// manager.add_async_handler(log).await?;
    /// manager.sync_notify("eggs".to_owned()).await?;
    /// let file = folder.path().join("log.0000001");
    /// let whole = fs::read(&file)?;
    /// fs::write(&file, &whole[..whole.len() - 1])?;
    ///
    /// let mut events = replay::<String>(folder.path());
    /// assert!(events.next().is_none());
    /// assert_eq!(events.torn().map(|torn| torn.at), Some(72));
    /// # Ok(())
    /// # }
    /// ```
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// The number of the next event. The first event that the log ever had is number 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::persistence::replay;
    /// use genevent::{Manager, PersistenceHandler};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let manager = Manager::start().await?;
    /// manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
    /// manager.sync_notify("eggs".to_owned()).await?;
    /// let mut events = replay::<String>(folder.path());
    /// events.next().transpose()?;
    /// assert_eq!(events.number(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn number(&self) -> u64 {
        self.reader.as_ref().map_or(0, Reader::number)
    }

    /// The same events as a stream. They are read [beside the runtime's tasks](genserver::run_blocking), at most 256 ahead.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt;
    /// use genevent::persistence::replay;
    /// # use genevent::{Manager, PersistenceHandler};
    /// # let folder = tempfile::tempdir()?;
    /// # let manager = Manager::start().await?;
    /// # manager.add_async_handler(PersistenceHandler::open(folder.path()).await?).await?;
    /// # manager.sync_notify(40_u64).await?;
    /// # manager.sync_notify(2).await?;
    ///
    /// let sum = replay(folder.path())
    ///     .into_stream()
    ///     .try_fold(0, async |sum, event: u64| Ok(sum + event));
    /// assert_eq!(sum.await?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_stream(self) -> impl Stream<Item = Result<E, ReadError>> + Send + Unpin
    where
        E: Send + 'static,
    {
        let chunks = stream::unfold(Some(self), |replay| async {
            let mut replay = replay?;
            let read = genserver::run_blocking(move || {
                let chunk: Vec<_> = replay.by_ref().take(AHEAD).collect();
                let more = chunk.len() == AHEAD;
                (chunk, more.then_some(replay))
            });
            match read.await {
                Ok((chunk, rest)) => Some((chunk, rest)),
                Err(not_run) => Some((vec![Err(not_run.into())], None)),
            }
        });
        Box::pin(futures::StreamExt::flat_map(chunks, stream::iter))
    }

    /// Steps to the next record that is wanted, and returns false if there is none.
    fn find(&mut self) -> Result<bool, ReadError> {
        loop {
            if !self.find_any()? {
                return Ok(false);
            }
            let Some(reader) = &mut self.reader else { return Ok(false) };
            let is_wanted = match self.start {
                Start::Oldest => true,
                Start::At(number) => reader.number() >= number,
                Start::Since(time) => reader.time()?.is_none_or(|its| its >= time),
            };
            if is_wanted {
                self.start = Start::Oldest;
                return Ok(true);
            }
            reader.event()?;
        }
    }

    /// Steps to the next record, and returns false if there is none.
    fn find_any(&mut self) -> Result<bool, ReadError> {
        if self.reader.is_none() {
            let numbers = mark::files(&self.folder)?;
            let Some(first) = self.first_file(&numbers)? else { return Ok(false) };
            if !self.open(first, None)? {
                return Ok(false);
            }
        }
        loop {
            let Some(reader) = &mut self.reader else { return Ok(false) };
            self.torn = match reader.look()? {
                Next::Record => {
                    self.torn = None;
                    return Ok(true);
                }
                Next::Torn(tail) => Some(tail.of_file(reader.path(), reader.at())),
                Next::End => None,
            };
            // A file is complete before the next one is made, so this second look sees its end.
            let next = self.file + 1;
            let path = folder::file(&self.folder, next);
            if !path.exists() {
                let was_made = mark::read(&self.folder)?.is_some_and(|mark| mark.file >= next);
                if was_made && !path.exists() {
                    return Err(ReadError::Missing { file: path });
                }
                return Ok(false);
            }
            match reader.look()? {
                Next::Record => return Ok(true),
                Next::Torn(_) => return Err(reader.corrupt(Damage::Checksum)),
                Next::End => {}
            }
            let number = reader.number();
            if !self.open(next, Some(number))? {
                return Ok(false);
            }
        }
    }

    /// The file to begin with. Its events are not all before the start, as far as headers tell.
    fn first_file(&self, numbers: &[u64]) -> Result<Option<u64>, ReadError> {
        let Some((&oldest, later)) = numbers.split_first() else { return Ok(None) };
        let mut chosen = oldest;
        match self.start {
            Start::Oldest => {}
            Start::At(wanted) => {
                for &file in later.iter().rev() {
                    if self.header(file)?.is_some_and(|header| header.first <= wanted) {
                        return Ok(Some(file));
                    }
                }
                if let Some(first) = self.header(oldest)?.map(|header| header.first).filter(|first| *first > wanted) {
                    return Err(ReadError::Deleted { folder: self.folder.clone(), wanted, first });
                }
            }
            Start::Since(time) => {
                if self.header(oldest)?.is_some_and(|header| header.latest.is_none()) {
                    return Err(ReadError::NoTimes { file: folder::file(&self.folder, oldest) });
                }
                for &file in later {
                    if self.header(file)?.and_then(|header| header.latest).is_none_or(|latest| latest >= time) {
                        break;
                    }
                    chosen = file;
                }
            }
        }
        Ok(Some(chosen))
    }

    /// The header of a file, unless the file is just being made.
    fn header(&self, number: u64) -> Result<Option<Header>, ReadError> {
        match Reader::open(&self.folder, number, 0, self.tag) {
            Ok(reader) => Ok(Some(reader.header())),
            Err(HeaderError::TornTail { .. }) => Ok(None),
            Err(HeaderError::Wrong(error)) => Err(error),
        }
    }

    /// Goes on with a file, and returns false if it is just being made. Its first event must be the expected one.
    fn open(&mut self, number: u64, wanted: Option<u64>) -> Result<bool, ReadError> {
        let event = wanted.unwrap_or(0);
        let opened = match Reader::open(&self.folder, number, event, self.tag) {
            Ok(reader) => reader,
            Err(HeaderError::TornTail { .. }) if !folder::file(&self.folder, number + 1).exists() => return Ok(false),
            Err(HeaderError::TornTail { .. }) => {
                let file = folder::file(&self.folder, number);
                return Err(ReadError::Corrupt { file, at: 0, event, damage: Damage::Header });
            }
            Err(HeaderError::Wrong(error)) => return Err(error),
        };
        if wanted.is_some_and(|wanted| wanted != opened.number())
            && let Some(ended) = &self.reader
        {
            return Err(ended.corrupt(Damage::Count));
        }
        (self.reader, self.file) = (Some(opened), number);
        Ok(true)
    }

    fn read(&mut self) -> Result<Option<E>, ReadError> {
        if !self.find()? {
            return Ok(None);
        }
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let (at, event) = (u64::from(reader.at()), reader.number());
        self.time = reader.time()?;
        let source = match postcard::take_from_bytes(reader.event()?) {
            Ok((decoded, [])) => return Ok(Some(decoded)),
            Ok((_, left)) => format!("it has {} bytes more than that", left.len()).into(),
            Err(error) => error.into(),
        };
        Err(ReadError::Decode { file: reader.path().to_owned(), at, event, source })
    }
}

impl<E: DeserializeOwned> Iterator for Replay<E> {
    type Item = Result<E, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let read = self.read().transpose();
        self.failed = matches!(read, Some(Err(_)));
        read
    }
}

impl<E> fmt::Debug for Replay<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("folder", &self.folder).field("file", &self.file).finish_non_exhaustive()
    }
}
