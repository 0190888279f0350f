//! A handler that keeps every event in a log on disk, and the replay of such a log.
//!
//! ```
//! use futures::TryStreamExt;
//! use genevent::persistence::replay;
//! use genevent::{Manager, PersistenceHandler};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let folder = temporary.path();
//! let manager = Manager::start().await?;
//! manager.add_async_handler(PersistenceHandler::open(folder).await?).await?;
//! manager.sync_notify("eggs".to_owned()).await?;
//! // Here the disk has the event. Whatever happens next, to the program or to the machine:
//! manager.process_ref().kill();
//!
//! let events: Vec<String> = replay(folder).into_stream().try_collect().await?;
//! assert_eq!(events, ["eggs"]);
//! # Ok(())
//! # }
//! ```
//!
//! A [`PersistenceHandler`] appends each event of its manager to a log: a folder of its own, with files that only grow at
//! their end. An event is any type that [serde](https://serde.rs) can serialize, and is encoded with
//! [postcard](https://docs.rs/postcard). OTP has `disk_log` for this.
//!
//! # What survives
//!
//! | policy | an event survives, once [`sync_notify`](crate::Manager::sync_notify) has returned, | a crash of the machine may lose |
//! |---|---|---|
//! | [`SyncPolicy::EachEvent`] | a crash of the program, and of the machine | nothing that was acknowledged |
//! | [`SyncPolicy::Every`]`(d)` | a crash of the program | the events of the last `d`, and of the time a sync takes |
//! | [`SyncPolicy::Never`] | a crash of the program | everything the system has not written by itself |
//!
//! Acknowledged events are in the log in the order in which the manager handled them, with all earlier ones. Events sent by
//! [`notify`](crate::Manager::notify) or [`ack_notify`](crate::Manager::ack_notify) are written just as soon, but their
//! senders are not told when: to find out, [ask](LogCall::Flush). When the handler is removed or its manager stops,
//! everything is written first, and synced unless the policy is `Never`. All this assumes a disk that keeps what it has
//! acknowledged.
//!
//! The example `events_with_replay` (`cargo run -p genevent --example events_with_replay`) makes a state from the log at each
//! start.
//!
//! # What it costs
//!
//! The handler encodes the event and goes on; a thread [beside the runtime's](genserver::run_blocking) writes it. So the
//! manager never waits for the disk, and events that arrive during a write share the next sync: sixteen senders that wait
//! for their events are not sixteen times as slow as one. If more than a mebibyte waits to be written, the handler waits,
//! and the manager with it. Its mailbox then fills up, and its senders notice.
//!
//! # Files
//!
//! `log.0000001` is the first file. When a file reaches the size of [`rotate_at`](OpenLog::rotate_at), the next one begins.
//! The oldest files are deleted if [`keep`](OpenLog::keep) sets a bound. `lock` is locked by the process that appends. With
//! `EachEvent`, the newest file has up to a mebibyte of zeros at its end: space allocated in advance.
//!
//! # Tags
//!
//! postcard writes values and not their types, so events that are read as another type may decode by chance. A log with a
//! tag is refused instead. The tag is a short text that names the type and its version, as you call them:
//!
//! ```
//! use genevent::persistence::{ReadError, replay};
//! use genevent::{Manager, PersistenceHandler};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let folder = temporary.path();
//! let log = PersistenceHandler::open(folder).tag("Price in cents/1").await?;
//! let manager = Manager::start().await?;
//! manager.add_async_handler(log).await?;
//! manager.sync_notify(250_u32).await?;
//!
//! let mut prices = replay::<u32>(folder).tag("Price in cents/1");
//! assert_eq!(prices.next().transpose()?, Some(250));
//!
//! let mut names = replay::<Option<u8>>(folder).tag("Discount/1");
//! let Some(Err(error)) = names.next() else { panic!("it has another tag") };
//! assert!(matches!(error, ReadError::Tag { .. }));
//! # Ok(())
//! # }
//! ```
//!
//! A type may grow by variants at the end of an enum, as postcard allows, and keep its tag. When it changes otherwise, give it
//! a new tag and the log a new folder, and write the old events there: replay them with the old type and tag, and notify a manager
//! of the new ones. A log that was begun without a tag is still read, with a tag and without; opened with one, it goes on in
//! a new file that has it.
//!
//! # When something goes wrong
//!
//! - **A write that was cut off** by a crash or a power failure leaves a torn tail. It is cut off when the log is opened,
//!   and [returned](PersistenceHandler::torn) and [reported](genserver::report): how many bytes, and where. None of it was
//!   acknowledged under a policy that promises to survive what happened. If there are whole events after the gap, which a
//!   power failure can leave when nothing had been synced, the piece is kept in a file `cut...`.
//! - **A changed byte** in what the disk had is [`ReadError::Corrupt`], when opening and when reading. It is never read as
//!   another event, and never skipped. Only in the very last event it looks like a torn tail.
//! - **A disk that is full or broken** fails the handler with a [`WriteError`], which names the file and the cause. The
//!   handler is removed, its owner is told, and senders that wait in `sync_notify` get
//!   [`CallError::NoReply`](genserver::CallError::NoReply) instead of an acknowledgement. What was acknowledged stays. A
//!   failed sync is not tried again. From then on the manager has no log and acknowledges events that nothing keeps: if you
//!   rely on the log, [own](crate::AddHandler::owned_by) the handler, and stop the manager when it is gone.
//! - **A log of other events** is refused with [`ReadError::Tag`], and one of a later version of this crate with
//!   [`ReadError::Version`]. Its files are not changed. Without a tag, events of another type may be
//!   [`ReadError::Decode`].
//! - **A second handler** for the same log, in this or another process, is refused with [`OpenError::Held`].
//!
//! # When (not) to use it
//!
//! It is a log: for replaying, for auditing, for catching up. It has no index and no compaction; to look events up, use a
//! database.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

// The handler, ...
mod handler;
// ... the queue between it and the thread that writes, ...
mod write_queue;
// ... and the end of the log, where that thread writes.
mod writer;
// The events of a log, oldest first.
mod replay;
// One file, record by record.
mod reader;
// The format of a file.
mod format;
// What a log says that its events are.
mod tag;
// Checksums of many parts of the same bytes.
mod checksums;
// The names of the files, and the lock of the folder.
mod folder;
// The disk, as a trait.
mod disk;
// How many events a log has, and how many are synced.
mod position;
// The errors of opening, reading and writing.
mod error;

// A disk that fails, and loses what was not synced.
#[cfg(test)]
mod outages;

use tag::Tag;

pub use error::{OpenError, ReadError, WriteError};
pub use handler::{LogCall, OpenLog, PersistenceHandler};
pub use position::LogPosition;
pub use replay::{Replay, replay};

/// When events are synced to the disk: see the [table](self#what-survives).
///
/// # Examples
///
/// With `Never`, an acknowledged event may not be on the disk yet:
///
/// ```
/// use genevent::persistence::{LogCall, SyncPolicy};
/// use genevent::{Manager, PersistenceHandler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path();
/// let log = PersistenceHandler::open(folder).sync(SyncPolicy::Never).await?;
/// let manager = Manager::start().await?;
/// let log = manager.add_async_handler(log).await?;
/// manager.sync_notify(7).await?;
/// let position = manager.call_async_handler(&log, LogCall::Position).await?;
/// assert_eq!((position.written, position.synced), (1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncPolicy {
    /// Before they are acknowledged. Events that wait at the same time share a sync.
    #[default]
    EachEvent,
    /// After this period, for all events of the period.
    Every(Duration),
    /// When the operating system does it.
    Never,
}

/// The unfinished write that was cut off the end of a log when it was opened.
///
/// # Examples
///
/// A log whose last write was cut off:
///
/// ```
/// use genevent::{Manager, PersistenceHandler};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::fs;
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path();
/// let manager = Manager::start().await?;
/// manager.add_async_handler(PersistenceHandler::open(folder).await?).await?;
/// manager.notify("eggs".to_owned())?;
/// manager.stop().await?;
/// let file = folder.join("log.0000001");
/// let whole = fs::read(&file)?;
/// fs::write(&file, &whole[..whole.len() - 1])?;
///
/// let log = PersistenceHandler::open(folder).await?;
/// let torn = log.torn().ok_or("it is torn")?;
/// assert_eq!((&torn.file, torn.bytes, torn.events), (&file, 16, 0));
/// assert_eq!(log.position().written, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TornTail {
    /// The file.
    pub file: PathBuf,
    /// The offset of the cut.
    pub at: u64,
    /// How many bytes were cut off, not counting zeros at the end.
    pub bytes: u64,
    /// How many whole events were among them, after a gap. None of them had been acknowledged as durable.
    pub events: u64,
    /// Where those events are kept, if there were any.
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

/// The options of a log.
#[derive(Clone, Copy, Debug)]
struct LogOptions {
    sync: SyncPolicy,
    rotate_at: u32,
    keep: Option<u64>,
    tag: Option<Tag>,
}
