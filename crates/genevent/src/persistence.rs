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
//! Acknowledged events are in the log in the order in which the manager handled them, with all earlier ones that were not refused.
//! Events sent by [`notify`](crate::Manager::notify) or [`ack_notify`](crate::Manager::ack_notify) are written just as soon, but
//! their senders are not told when: to find out, [ask](LogCall::Flush). When the handler is removed or its manager stops,
//! everything is written first, and synced unless the policy is `Never`. All this assumes a disk that keeps what it has
//! acknowledged.
//!
//! # When the disk fails
//!
//! A log with [`FailurePolicy::Refuse`], which is the default with `EachEvent`, refuses an event that it cannot keep, because the
//! disk is full, or a write or a sync has failed. The sender of a `sync_notify` gets
//! [`NotifyError::Refused`](crate::NotifyError::Refused), with the handler and a [`LogError`]. The other handlers see the event.
//!
//! ```
//! use genevent::persistence::{LogError, replay};
//! use genevent::{Manager, NotifyError, PersistenceHandler};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let folder = temporary.path();
//! let manager = Manager::start().await?;
//! let log = PersistenceHandler::open(folder).rotate_at(1).await?;
//! let log = manager.add_async_handler(log).await?;
//! manager.sync_notify("eggs".to_owned()).await?;
//!
//! // Something is in the way of the next file.
//! let obstacle = folder.join("log.0000002");
//! std::fs::create_dir(&obstacle)?;
//! let Err(NotifyError::Refused { handler, reason, .. }) =
//!     manager.sync_notify("milk".to_owned()).await
//! else {
//!     panic!("the log cannot keep it")
//! };
//! assert_eq!(handler, Some(log.id()));
//! assert!(matches!(reason.downcast_ref(), Some(LogError::Write(_))));
//!
//! // Nobody waits for this one, so the log keeps it in memory.
//! manager.notify("tea".to_owned())?;
//! std::fs::remove_dir(&obstacle)?;
//! manager.sync_notify("bread".to_owned()).await?;
//! let events: Vec<String> = replay(folder).collect::<Result<_, _>>()?;
//! assert_eq!(events, ["eggs", "tea", "bread"]);
//! # Ok(())
//! # }
//! ```
//!
//! **The log works again** when the disk has taken an event again. Each new event and each [`Flush`](LogCall::Flush) is an attempt;
//! nothing else has to be done. Before an attempt, what was written and not acknowledged is cut off the file, and what was
//! acknowledged without a sync is written once more, because a failed sync may have dropped it. Until then:
//!
//! - every `sync_notify` whose event is not kept is refused with the cause;
//! - an `ack_notify`, whose answer says no more than that the event was taken, waits for the log like a `sync_notify`;
//! - an event sent by `notify`, or acknowledged before the log had failed, waits in memory. It is written before anything newer, so
//!   an acknowledgement covers it;
//! - the failure, and its end, are [reported](genserver::report) once each.
//!
//! About two mebibytes can wait in memory. An event that nobody waits for, and that has no space there or cannot be encoded, is
//! lost. From then on the log refuses all events with [`LogError::Lost`], even if the disk works: an acknowledgement would claim that
//! the lost one is kept. [`LogCall::Reopen`] says that the log may go on without it.
//!
//! A refused event is not in the log once the log works again or was closed. If the program or the machine ends before, its bytes
//! may be in the file, and are then an event. A reader beside the handler may see an event before its sender is answered; if it
//! is refused then, the reader gets [`ReadError::Corrupt`], and has to begin again.
//!
//! With [`FailurePolicy::Remove`], the default with the other policies, the first event that cannot be kept fails the handler. Its
//! sender is told as above, and the handler's owner with the same [`LogError`]. But from then on the manager has no log, and
//! acknowledges events that nothing keeps.
//!
//! # What a reader can know
//!
//! The log records how far it was synced: in the file `synced` after each sync, and in each record for all before it. What it
//! knows to have been on the disk, and is cut off or changed now, is [`ReadError::Corrupt`] with the file and the offset, or
//! [`ReadError::Missing`] if a whole file is gone. It is never read as another event, and never skipped.
//!
//! The rest is not acknowledged as synced, and may be an unfinished write. It ends a log without an error:
//! [`Replay::torn`] and [`PersistenceHandler::torn`] say where. Three things decide what belongs to it:
//!
//! - After a crash of the program, it is only what was written since the last sync. With `EachEvent`, none of that was
//!   acknowledged.
//! - After a power failure, `synced` itself may be older than the last syncs. It is synced with each [`Flush`](LogCall::Flush), with
//!   each sync of `Every`, and when the log is opened or closed. With `EachEvent`, the next sync proves the one before, so only
//!   the events that shared the very last sync have no proof. They are on the disk; but if they are damaged as well, that looks
//!   like an unfinished write. To prove each event would take a second sync.
//! - Without `synced`, for instance in a copy of the `log` files only, each record still proves those before it.
//!
//! Where [`replay`] begins can be chosen by [number](Replay::from_number) or by [time](Replay::since).
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
//! A sync of an event also writes 24 bytes to the file `synced`, which the system writes to the disk when it likes to.
//!
//! # Files
//!
//! `log.0000001` is the first file. When a file reaches the size of [`rotate_at`](OpenLog::rotate_at), the next one begins.
//! The oldest files are deleted if [`keep`](OpenLog::keep) sets a bound. `synced` says how far the log was synced. `lock` is
//! locked by the process that appends. With `EachEvent`, the newest file has up to a mebibyte of zeros at its end: space allocated in
//! advance.
//!
//! Files of older versions of this crate are read, and a log that has them goes on in a new file. Their events have no time.
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
//!   and [returned](PersistenceHandler::torn) and [reported](genserver::report): how many bytes, and where. If there are whole
//!   events after the gap, which a power failure can leave when nothing had been synced, the piece is kept in a file `cut...`.
//! - **A changed byte**, a file that was cut, and a length or checksum that was forged are [`ReadError::Corrupt`] where the disk was
//!   known to have better. [`Damage`] says what is wrong. Its message says how to go on without what is lost.
//! - **A log of other events** is refused with [`ReadError::Tag`], and one of a later version of this crate with
//!   [`ReadError::Version`]. Its files are not changed. Without a tag, the type is not known. Events of another type are
//!   [`ReadError::Decode`] if they do not decode, or if they are longer than what was decoded.
//! - **A second handler** for the same log, in this or another process, is refused with [`OpenError::Held`]; on Unix also if
//!   `lock` was deleted meanwhile, with [`OpenError::LockFileLost`].
//!
//! # When (not) to use it
//!
//! It is a log: for replaying, for auditing, for catching up. It has no index and no compaction; to look events up, use a
//! database.

use std::time::Duration;

// The handler, ...
mod handler;
// ... the queue between it and the thread that writes, ...
mod write_queue;
// ... what waits in it, ...
mod batch;
// ... and the end of the log, where that thread writes.
mod writer;
// How far the log was known to be on the disk.
mod mark;
// The events of a log, oldest first.
mod replay;
// One file, record by record.
mod reader;
// The format of a file.
mod format;
// What is wrong in a corrupt file, ...
mod damage;
// ... and an unfinished write, which is not damage.
mod torn;
// What a log says that its events are.
mod tag;
// Checksums of many parts of the same bytes.
mod checksums;
// The wall clock.
mod wall_clock;
// The names of the files, and the lock of the folder.
mod folder;
// The disk, as a trait.
mod disk;
// How many events a log has, and how many are synced.
mod position;
// The errors of opening, reading and writing.
mod error;

// A disk that fails, and loses what was not synced, ...
#[cfg(test)]
mod outages;
// ... and a folder for many small files.
#[cfg(test)]
mod memory_folder;

use tag::Tag;

pub use damage::Damage;
pub use error::{LogError, OpenError, ReadError, WriteError};
pub use handler::{LogCall, OpenLog, PersistenceHandler};
pub use position::LogPosition;
pub use replay::{Replay, replay};
pub use torn::TornTail;

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

/// What happens to an event that a log cannot keep: see [`OpenLog::on_failure`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailurePolicy {
    /// The log stays, and [refuses](crate::React::refuse) the event: its sender gets a [`LogError`]. No event is acknowledged
    /// until the log [works again](self#when-the-disk-fails).
    Refuse,
    /// The handler fails, and is removed. From then on the manager acknowledges events that nothing keeps.
    Remove,
}

/// The options of a log.
#[derive(Clone, Copy, Debug)]
struct LogOptions {
    sync: SyncPolicy,
    rotate_at: u32,
    keep: Option<u64>,
    tag: Option<Tag>,
    failure: Option<FailurePolicy>,
}

impl LogOptions {
    fn failure(&self) -> FailurePolicy {
        self.failure.unwrap_or(match self.sync {
            SyncPolicy::EachEvent => FailurePolicy::Refuse,
            SyncPolicy::Every(_) | SyncPolicy::Never => FailurePolicy::Remove,
        })
    }
}
