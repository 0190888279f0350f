//! The handler that keeps every event on disk, and how to have the events back.
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
//! A [`PersistenceHandler`] appends each event of its manager to a log: a folder of its own, with files that only ever grow at
//! their end. An event is anything that [serde](https://serde.rs) can write, and is encoded with
//! [postcard](https://docs.rs/postcard). OTP has `disk_log` for this.
//!
//! # What survives
//!
//! | policy | when [`sync_notify`](crate::Manager::sync_notify) has returned, the event survives | when the machine goes down, what may be lost |
//! |---|---|---|
//! | [`SyncPolicy::EachEvent`] | a crash of the program, and of the machine | nothing that was acknowledged |
//! | [`SyncPolicy::Every`]`(d)` | a crash of the program | the events of the last `d`, and of the time a sync takes |
//! | [`SyncPolicy::Never`] | a crash of the program | whatever the system has not written by itself |
//!
//! What is acknowledged is in the log in the order in which the manager handled it, with all that came before. An event that was sent by
//! [`notify`](crate::Manager::notify) or [`ack_notify`](crate::Manager::ack_notify) is written as soon, but nobody is told when.
//! Whoever wants to know [asks](LogCall::Flush). When the handler is removed, or its manager stops, all is written before, and
//! synced unless the policy is `Never`. As long as a disk keeps what it has said it has: one that lies about that can be helped
//! by nobody.
//!
//! # What it costs
//!
//! The handler encodes the event and goes on; a thread [beside the runtime's](genserver::run_blocking) writes it. So the manager
//! never waits for the disk, and events that come while the disk is at work share the next sync: sixteen senders that wait for
//! theirs are not sixteen times as slow as one. If more than a mebibyte waits to be written, the handler waits, and the manager
//! with it, so that its mailbox fills, and the senders hear of it.
//!
//! # Files
//!
//! `log.0000001` is the first. When a file has reached the size of [`rotate_at`](OpenLog::rotate_at), the next one is begun; the
//! oldest are deleted if there is a bound on how many are [kept](OpenLog::keep). `lock` is held by whoever appends. While each event is
//! synced, the newest file has up to a mebibyte of zeros at its end, which is room made ahead.
//!
//! # When something goes wrong
//!
//! - **A write that was cut off**, by a crash or an outage, leaves a torn tail. It is cut off when the log is opened, and
//!   [told](PersistenceHandler::torn) and [reported](genserver::report): how many bytes, and where. Nothing of it was acknowledged
//!   under a policy that promises to survive what happened. Should there be whole events behind the gap, as an outage may leave when
//!   nothing had been synced, the piece is kept aside in a file `cut...`.
//! - **A changed byte** in what the disk had is [`ReadError::Corrupt`], for the opener as for the reader. It is never read as another
//!   event, and never skipped. Only in the very last event it cannot be told from a torn tail.
//! - **A disk that is full or broken** fails the handler with a [`WriteError`], which names the file and the cause: it is removed, its
//!   owner is told, and whoever waits in `sync_notify` gets [`CallError::NoReply`](genserver::CallError::NoReply) rather than an
//!   acknowledgement. What was acknowledged stays. A sync that failed is not tried again. From then on the manager has no log, and
//!   acknowledges what nobody keeps: whoever relies on the log [owns](crate::AddHandler::owned_by) the handler, and stops the manager.
//! - **A second handler** for the same log, here or in another process, is refused with [`OpenError::Held`].
//!
//! # When (not) to use it
//!
//! It is a log: for replaying, for auditing, for feeding whoever was away. It has no index and no compaction; what looks events
//! up wants a database. The types of events may grow, by variants at the end, as postcard allows; the log does not know
//! them, so reading it as another type may succeed by chance.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

// The handler, ...
mod handler;
// ... what it asks of the thread that writes, ...
mod write_queue;
// ... and the end of the log, where that one writes.
mod writer;
// The events of a log, oldest first.
mod replay;
// One file, record by record.
mod reader;
// The bytes of a file.
mod format;
// Their checksums, where many are asked for.
mod checksums;
// The names of the files, and who holds the folder.
mod folder;
// What a log needs of the disk.
mod disk;
// How far a log is.
mod position;
// Why something could not be done.
mod error;

// A disk that fails, and forgets.
#[cfg(test)]
mod outages;

pub use error::{OpenError, ReadError, WriteError};
pub use handler::{LogCall, OpenLog, PersistenceHandler};
pub use position::LogPosition;
pub use replay::{Replay, replay};

/// When the disk has to have an event: see the [table](self#what-survives).
///
/// # Examples
///
/// Who waits, waits as long as the disk takes, or does not:
///
/// ```
/// use genevent::persistence::{LogCall, SyncPolicy};
/// use genevent::{Manager, PersistenceHandler};
///
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
    /// Before it is acknowledged. Events that wait at the same time share a sync.
    #[default]
    EachEvent,
    /// After so much time, for all events of that time.
    Every(Duration),
    /// When the system likes.
    Never,
}

/// What was cut off the end of a log when it was opened: a write that was never finished.
///
/// # Examples
///
/// A log whose last write was cut off:
///
/// ```
/// use genevent::{Manager, PersistenceHandler};
///
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
    /// Of which file.
    pub file: PathBuf,
    /// Where the cut is.
    pub at: u64,
    /// How many bytes were cut off, without zeros at the end.
    pub bytes: u64,
    /// How many whole events were among them, behind a gap. Nobody had been promised that they survive.
    pub events: u64,
    /// Where they are, if there were any.
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

/// How a log is kept.
#[derive(Clone, Copy, Debug)]
struct LogOptions {
    sync: SyncPolicy,
    rotate_at: u32,
    keep: Option<u64>,
}
