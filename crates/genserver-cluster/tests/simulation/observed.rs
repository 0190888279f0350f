//! An engine that looks at what its member publishes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use genserver::time;
use genserver_cluster::engine::model::Member;
use genserver_cluster::engine::{
    ChangeError, Delivery, Engine, EngineError, Entry, LogEntry, Position, RequestError, Retention, Revision,
    StreamedEvent, WatchEvent,
};

use super::cart::Oracle;
use super::shop::SPACE;

pub(super) struct Observed {
    pub(super) engine: Member,
    pub(super) member: String,
    pub(super) oracle: Arc<Oracle>,
}

impl Observed {
    /// A change of a key was confirmed. Only that of a name lets a server run.
    fn keeps(&self, key: &str, until: Instant) {
        if key.starts_with(&format!("{SPACE}.name.")) {
            self.oracle.keeps(&self.member, until);
        }
    }
}

#[async_trait]
impl Engine for Observed {
    async fn create(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<Revision, ChangeError> {
        let sent = time::now();
        let created = self.engine.create(key, value, time_to_live).await?;
        self.keeps(key, sent + time_to_live);
        Ok(created)
    }

    async fn update(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        last: Revision,
    ) -> Result<Revision, ChangeError> {
        let sent = time::now();
        let updated = self.engine.update(key, value, time_to_live, last).await?;
        self.keeps(key, sent + time_to_live);
        Ok(updated)
    }

    async fn delete(&self, key: &str, last: Revision) -> Result<(), ChangeError> {
        self.engine.delete(key, last).await
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>, EngineError> {
        self.engine.get(key).await
    }

    async fn watch(&self, prefix: &str) -> Result<BoxStream<'static, WatchEvent>, EngineError> {
        self.engine.watch(prefix).await
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), EngineError> {
        // What is published to no subject of ours is the answer to a request.
        if !subject.starts_with(&format!("{SPACE}.")) {
            self.oracle.is_answered_by(&self.member);
        }
        self.engine.publish(subject, payload).await
    }

    async fn subscribe(&self, subject: &str) -> Result<BoxStream<'static, Delivery>, EngineError> {
        self.engine.subscribe(subject).await
    }

    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.engine.request(subject, payload, timeout).await
    }

    async fn append(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        self.engine.append(log, entry, last).await
    }

    async fn snapshot(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        self.engine.snapshot(log, entry, last).await
    }

    async fn read(&self, log: &str, after: Position, limit: usize) -> Result<Vec<LogEntry>, EngineError> {
        self.engine.read(log, after, limit).await
    }

    async fn open_stream(&self, stream: &str, retention: Retention) -> Result<Position, EngineError> {
        self.engine.open_stream(stream, retention).await
    }

    async fn add(&self, stream: &str, id: &str, event: Bytes) -> Result<Position, EngineError> {
        self.engine.add(stream, id, event).await
    }

    async fn follow(&self, stream: &str, after: Position) -> Result<BoxStream<'static, StreamedEvent>, EngineError> {
        self.engine.follow(stream, after).await
    }
}
