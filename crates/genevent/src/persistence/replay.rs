//! The events of a log, oldest first.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use futures::stream::{self, Stream};
use serde::de::DeserializeOwned;

use super::error::ReadError;
use super::folder;
use super::reader::{HeaderError, Next, Reader};
use super::tag::Tag;

/// How many events a stream reads ahead.
const AHEAD: usize = 256;

/// The events of the log in `folder`, oldest first, as an iterator. [`into_stream`](Replay::into_stream) makes it a stream.
///
/// A handler may append at the same time. The iterator ends after the last whole event; called again later, it goes on from
/// there. It neither waits for the handler nor delays it, and changes nothing on the disk.
///
/// # Errors
///
/// An item may be a [`ReadError`], which is then the last item. An unfinished write at the end of a log is not an error:
/// the iterator ends before it.
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
    Replay { folder: folder.as_ref().to_owned(), reader: None, file: 0, failed: false, tag: None, of: PhantomData }
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
    of: PhantomData<fn() -> E>,
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

    /// The number of the next event. The first event that the log ever had is number 0.
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
    /// let mut today = replay::<String>(folder.path());
    /// while today.number() < seen {
    ///     today.next().transpose()?;
    /// }
    /// assert_eq!(today.next().transpose()?.as_deref(), Some("milk"));
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

    /// Steps to the next record, and returns false if there is none.
    fn find(&mut self) -> Result<bool, ReadError> {
        if self.reader.is_none() {
            let Some(&first) = folder::numbers(&self.folder)?.first() else { return Ok(false) };
            if !self.open(first, None)? {
                return Ok(false);
            }
        }
        loop {
            let Some(reader) = &mut self.reader else { return Ok(false) };
            if reader.look()? == Next::Record {
                return Ok(true);
            }
            // A file is complete before the next one is made, so this second look sees its end.
            let next = self.file + 1;
            if !folder::file(&self.folder, next).exists() {
                return Ok(false);
            }
            match reader.look()? {
                Next::Record => return Ok(true),
                Next::Torn(_) => return Err(reader.corrupt()),
                Next::End => {}
            }
            let number = reader.number();
            if !self.open(next, Some(number))? {
                return Ok(false);
            }
        }
    }

    /// Goes on with a file, and returns false if it is just being made. Its first event must be the expected one.
    fn open(&mut self, number: u64, wanted: Option<u64>) -> Result<bool, ReadError> {
        let path = folder::file(&self.folder, number);
        let opened = match Reader::open(&path, wanted.unwrap_or(0), self.tag) {
            Ok(reader) => reader,
            Err(HeaderError::TornTail { .. }) if !folder::file(&self.folder, number + 1).exists() => return Ok(false),
            Err(HeaderError::TornTail { .. }) => {
                return Err(ReadError::Corrupt { file: path, at: 0, event: wanted.unwrap_or(0) });
            }
            Err(HeaderError::Wrong(error)) => return Err(error),
        };
        if wanted.is_some_and(|wanted| wanted != opened.number())
            && let Some(ended) = &self.reader
        {
            // The file before this one had more events, or fewer, than it has now.
            return Err(ended.corrupt());
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
        match postcard::from_bytes(reader.event()?) {
            Ok(decoded) => Ok(Some(decoded)),
            Err(source) => Err(ReadError::Decode { file: reader.path().to_owned(), at, event, source: source.into() }),
        }
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
