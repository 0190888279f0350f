//! What a cluster needs of the system under it, and the rules that every such system keeps.
//!
//! A cluster has no consensus, no replication and no transport of its own. It stands on an *engine* that has them: keys that end
//! by themselves, messages, logs, and streams of events. `nats` is the real one. `model` is one in memory with the same rules and every fault that the
//! rules allow, for simulations. Each is there with the feature of its name.
//!
//! # Rules
//!
//! What the cluster promises follows from these rules and from nothing else. The tests in `tests/engine` hold every engine to them.
//!
//! - E1: Of two [`create`](Engine::create)s of a key at most one succeeds, unless in between the key was deleted or its time to
//!   live has passed.
//! - E2: Every change of a key has a revision, larger than that of each earlier change of a key of the same engine.
//! - E3: [`update`](Engine::update) and [`delete`](Engine::delete) change a key only if its last change has the given revision, which
//!   is that of a value: what [`create`](Engine::create) or `update` has returned, or that of an [`Entry`].
//! - E4: A key is there for at least its time to live, counted from when the engine made its last change. A caller does not know
//!   when that was; it was after the caller sent it. A key may be there for longer.
//! - E5: What [`get`](Engine::get) returns was true once, and may not be any more. A watch may be late as well. So neither
//!   proves that a key has an owner: only a change does.
//! - E6: A change that fails with [`EngineError::Unanswered`] may have been made, and may still be made later. Every other error
//!   says that it was not made.
//! - E7: [`append`](Engine::append) and [`snapshot`](Engine::snapshot) succeed only if the last entry of the log has the given
//!   position. Positions grow. [`read`](Engine::read) may miss the newest entries, as E5; it misses none in the middle.
//! - E8: A message is delivered at most once to each subscription, and may be lost. Those that one member publishes to one subject
//!   arrive in the order in which they were published. [`RequestError::NoResponders`] says that no subscription has got the request.
//! - E9: A watch that was returned is in place: each change that is made afterwards is told, in the order of revisions, or a later
//!   change of the same key is told instead, or the stream says that it is [lost](WatchEvent::Lost). A subscription that was
//!   returned is in place for what its own member publishes. For others it may begin a moment later, and until then their requests
//!   fail with [`RequestError::NoResponders`]. Its stream ends when its member has lost the connection. Messages can be lost without
//!   that, as E8 says.
//! - E10: A stream keeps events in the order in which it took them. The first has position 1, and each has the position behind that of
//!   the one before. A stream forgets its oldest events when it has more, or when they are older, than its [`Retention`] says, and
//!   forgets no others. An event that [`add`](Engine::add) has confirmed comes before each whose `add` begins afterwards.
//! - E11: Of several `add`s with one id, each within [`DOUBLES_WITHIN`] of the first that was taken, one makes an event, and all that
//!   succeed return its position. As E6 says, one that was not answered may be taken later.
//! - E12: [`follow`](Engine::follow) tells each event behind a position that is not forgotten, once, in order. It may be late. If a
//!   position is left out, its event was forgotten. The stream ends when it cannot go on, for instance because its member has lost
//!   the connection. Then [`follow`](Engine::follow) continues behind the last event that it has told.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

// Why an operation of an engine failed.
mod error;
// Any text as a part of them.
mod encoded;
// What keys, subjects and names of logs are made of.
#[cfg(any(feature = "model", feature = "nats"))]
mod subject;
// The one for production, ...
#[cfg(feature = "nats")]
pub mod nats;
// ... and one in memory, for tests.
#[cfg(feature = "model")]
pub mod model;

pub use encoded::encoded;
pub use error::{ChangeError, EngineError, RequestError};

/// For how long a stream knows the ids of its events: see rule [E11](self#rules).
pub const DOUBLES_WITHIN: Duration = Duration::from_mins(2);

/// The system that a cluster stands on: see [the rules](self#rules).
///
/// Keys, subjects and the names of logs and streams are text of the characters `A-Z`, `a-z`, `0-9`, `-`, `_` and `.`, where a `.` separates
/// parts that are not empty. An engine refuses others.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Creates a key with this value, which ends after its time to live. Returns the revision of this change.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Conflict`] if the key is there.
    async fn create(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<Revision, ChangeError>;

    /// Changes a key, whose time to live begins anew. Returns the revision of this change.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Conflict`] if the last change of the key is not `last`, or if the key is not there.
    async fn update(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        last: Revision,
    ) -> Result<Revision, ChangeError>;

    /// Deletes a key.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    async fn delete(&self, key: &str, last: Revision) -> Result<(), ChangeError>;

    /// Reads a key. What it returns may be old.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it cannot be read.
    async fn get(&self, key: &str) -> Result<Option<Entry>, EngineError>;

    /// Tells of all keys below a prefix, such as `shop.name.`, which ends with a `.`: first those that are there, then
    /// [`WatchEvent::Current`], then each change, or a later one of the same key. The stream ends with [`WatchEvent::Lost`] when
    /// changes may have been missed.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if nothing can be watched.
    async fn watch(&self, prefix: &str) -> Result<BoxStream<'static, WatchEvent>, EngineError>;

    /// Publishes a message to a subject. It returns when the message is on its way.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it was not sent.
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), EngineError>;

    /// Subscribes to a subject. The stream ends when messages may have been missed.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if there is no subscription.
    async fn subscribe(&self, subject: &str) -> Result<BoxStream<'static, Delivery>, EngineError>;

    /// Publishes a request, and waits for the first answer.
    ///
    /// # Errors
    ///
    /// [`RequestError::NoResponders`] if nobody has subscribed to the subject, [`RequestError::TimedOut`] if no answer came in time.
    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError>;

    /// Adds an entry to a log whose last entry is `last`. Returns the position of the new entry.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Conflict`] if another entry is the last.
    async fn append(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError>;

    /// Replaces all entries of a log whose last entry is `last` with one. Returns its position.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    async fn snapshot(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError>;

    /// Reads the entries of a log behind a position. Returns at most `limit` of them, oldest first.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it cannot be read.
    async fn read(&self, log: &str, after: Position, limit: usize) -> Result<Vec<LogEntry>, EngineError>;

    /// Makes a stream of events if there is none of this name. Returns the position of its last event, which may be old, as E5.
    ///
    /// A stream that is there keeps the retention with which it was made.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it is not known whether there is a stream.
    async fn open_stream(&self, stream: &str, retention: Retention) -> Result<Position, EngineError>;

    /// Adds an event to a stream, unless it has taken one with this id. Returns the position of the event.
    ///
    /// An id has 1 to 200 printable characters of ASCII, and no spaces.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it was not added, or if that is not known.
    async fn add(&self, stream: &str, id: &str, event: Bytes) -> Result<Position, EngineError>;

    /// Tells of the events of a stream behind a position: those that are there, and then those that come.
    ///
    /// What is not taken out of the returned stream waits in the engine, but for a bounded number of events.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] if the stream does not exist, and others if that is not known.
    async fn follow(&self, stream: &str, after: Position) -> Result<BoxStream<'static, StreamedEvent>, EngineError>;
}

/// The number of a change of a key. Later changes have larger ones. No change has the default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in a log or a stream. That of an empty one is the default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position(pub u64);

/// What a key has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// The change that set it.
    pub revision: Revision,
}

/// What a watch tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WatchEvent {
    /// A key has this value.
    Set(String, Entry),
    /// A key was deleted, or its time to live has passed.
    Gone(String, Revision),
    /// All that was there when the watch began has been told.
    Current,
    /// Changes may have been missed: watch again.
    Lost,
}

/// A message that was delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The message.
    pub payload: Bytes,
    /// Where the answer is [published](Engine::publish) to, if it is a request.
    pub reply_to: Option<String>,
}

/// An entry of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Where it is.
    pub position: Position,
    /// What it is.
    pub entry: Bytes,
    /// Whether it has replaced all entries before it.
    pub is_snapshot: bool,
}

/// What a stream of events keeps: as much as all three allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// The largest number of events.
    pub events: u64,
    /// The largest number of bytes. Each engine also counts what it keeps beside an event.
    pub bytes: u64,
    /// The largest age. If it is less than [`DOUBLES_WITHIN`], ids are known for no longer.
    pub age: Duration,
}

/// 100,000 events, 64 MiB, seven days.
impl Default for Retention {
    fn default() -> Self {
        Self { events: 100_000, bytes: 64 << 20, age: Duration::from_hours(7 * 24) }
    }
}

/// An event of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamedEvent {
    /// Where it is.
    pub position: Position,
    /// What it is.
    pub event: Bytes,
}
