//! The engine for production: NATS with JetStream, version 2.11 or newer; 2.15 is what it is tested with.
//!
//! ```no_run
//! use genserver_cluster::engine::Engine;
//! use genserver_cluster::engine::nats::Nats;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let nats = Nats::connect("nats://127.0.0.1:4222").await?;
//! assert_eq!(nats.get("shop.name.n6d").await?, None);
//! # Ok(())
//! # }
//! ```
//!
//! It needs Tokio: the client of NATS runs its connection on the Tokio runtime in which [`connect`](Nats::connect) is called. The
//! rest of this crate runs on every runtime.
//!
//! # What it keeps in NATS
//!
//! | what | where |
//! |---|---|
//! | keys | the key-value bucket `genserver`, which is the stream `KV_genserver`; `nats kv ls genserver` lists them |
//! | logs | the stream `LOG_genserver`, with the subject `LOG.genserver.<log>` for each |
//! | events | the stream `EVENTS_genserver~<stream>` for each stream, with the subject `EVENTS.genserver.<stream>`; a `.` is a `~` in its name |
//! | messages | subjects of the same names, without a stream |
//!
//! The first member that connects makes the bucket and the stream of logs, and the first that uses a stream of events makes that, with
//! the [replicas](Options::replicas) that it was told. Nobody changes their limits later: that is done with `nats stream edit`. Members
//! with another [name](Options::name) have others. A user with limited permissions needs to publish and subscribe to the
//! subjects of its name space, to `$KV.genserver.>`, `LOG.genserver.>`, `EVENTS.genserver.>`, `_INBOX.>`, `$JS.API.>` and `$JS.FC.>`.
//!
//! # What is not promised
//!
//! - **Power.** A server acknowledges before the disk has what was written, unless it is configured with `sync_interval: always`.
//!   That is a setting of the server, not of a client. Without it, an acknowledged change survives the end of every process, but not
//!   that all servers lose power at once.
//! - **Whole seconds.** A time to live is rounded up to whole seconds, and is one second at least. A key ends up to a quarter of a
//!   second later.
//! - **Later changes.** NATS keeps one value of a key. If a key changes twice within a moment, a watch may be told of the second
//!   change alone.
//! - **Old reads.** [`get`](Nats#method.get) asks the leader of the bucket, and [`read`](Nats#method.read) any replica of the logs,
//!   which may not have what was appended a moment ago. During a partition both may return what was true many seconds before.
//! - **Other servers.** A server hears a moment later of a subscription at another one.
//! - **Noticing.** A connection that breaks without a word is noticed by two pings that are not answered: after up to 15 seconds by
//!   default. [`Options::ping_interval`] sets that.
//! - **Streams that are deleted.** If somebody deletes a stream of events and it is made again, its positions begin anew: who follows it
//!   behind an old position hears nothing until it has grown that far.
//! - A subscription that does not take its messages loses those beyond 65,536.

use std::sync::Arc;
use std::time::Duration;

use async_nats::ToServerAddrs;
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::Stream;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::engine::subject::{check, check_id, check_prefix};
use crate::engine::{
    ChangeError, Delivery, Engine, EngineError, Entry, LogEntry, Position, RequestError, Retention, Revision,
    StreamedEvent, WatchEvent,
};

// How one connects.
mod options;
// The connection: whether it is there, and questions over it.
mod link;
// Writing to a stream, and what its answer means.
mod write;
// Keys, ...
mod keys;
// ... who is told of their changes, ...
mod watch;
// ... logs, ...
mod logs;
// ... streams of events ...
mod events;
// ... and messages.
mod messages;

pub use async_nats::ConnectOptions;
use link::Link;
pub use options::Options;

/// The engine on NATS: see [the page](self).
///
/// Its clones share one connection. It connects again by itself; what was subscribed and watched has ended then.
#[derive(Clone, Debug)]
pub struct Nats {
    inner: Arc<Inner>,
}

/// A connection and its places in NATS.
#[derive(Debug)]
struct Inner {
    link: Link,
    context: Context,
    name: String,
    replicas: usize,
    keys: Stream<()>,
}

impl Nats {
    /// Connects to a server, or to several: with the default [`Options`].
    ///
    /// # Errors
    ///
    /// As [`Options::connect`].
    pub async fn connect(addresses: impl ToServerAddrs) -> Result<Self, EngineError> {
        Options::new().connect(addresses).await
    }
}

#[async_trait]
impl Engine for Nats {
    async fn create(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<Revision, ChangeError> {
        check(key)?;
        self.inner.create(key, value, time_to_live).await
    }

    async fn update(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        last: Revision,
    ) -> Result<Revision, ChangeError> {
        check(key)?;
        self.inner.update(key, value, time_to_live, last).await
    }

    async fn delete(&self, key: &str, last: Revision) -> Result<(), ChangeError> {
        check(key)?;
        self.inner.delete(key, last).await
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>, EngineError> {
        check(key)?;
        self.inner.get(key).await
    }

    async fn watch(&self, prefix: &str) -> Result<BoxStream<'static, WatchEvent>, EngineError> {
        check_prefix(prefix)?;
        self.inner.watch(prefix).await
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), EngineError> {
        check(subject)?;
        self.inner.publish(subject, payload).await
    }

    async fn subscribe(&self, subject: &str) -> Result<BoxStream<'static, Delivery>, EngineError> {
        check(subject)?;
        self.inner.subscribe(subject).await
    }

    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        check(subject)?;
        self.inner.request(subject, payload, timeout).await
    }

    async fn append(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        check(log)?;
        self.inner.append(log, entry, last).await
    }

    async fn snapshot(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        check(log)?;
        self.inner.snapshot(log, entry, last).await
    }

    async fn read(&self, log: &str, after: Position, limit: usize) -> Result<Vec<LogEntry>, EngineError> {
        check(log)?;
        self.inner.read(log, after, limit).await
    }

    async fn open_stream(&self, stream: &str, retention: Retention) -> Result<Position, EngineError> {
        check(stream)?;
        self.inner.open_stream(stream, retention).await
    }

    async fn add(&self, stream: &str, id: &str, event: Bytes) -> Result<Position, EngineError> {
        check(stream)?;
        check_id(id)?;
        self.inner.add(stream, id, event).await
    }

    async fn follow(&self, stream: &str, after: Position) -> Result<BoxStream<'static, StreamedEvent>, EngineError> {
        check(stream)?;
        self.inner.follow(stream, after).await
    }
}
