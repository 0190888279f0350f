//! An engine that answers requests as a test says, and does nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use genserver::time;

use crate::engine::{
    ChangeError, Delivery, Engine, EngineError, Entry, LogEntry, Position, RequestError, Retention, Revision,
    StreamedEvent, WatchEvent,
};
use crate::space::{MESSAGE_MAX, Space, TIME_TO_LIVE};
use crate::traces::Traces;
use crate::wire::desk::Desk;
use crate::wire::{Handed, Service};

type Answering = Box<dyn Fn(Bytes) -> BoxFuture<'static, Result<Bytes, RequestError>> + Send + Sync>;

/// The engine.
pub(super) struct Script {
    answer: Answering,
    /// What was published, and where.
    pub(super) published: Mutex<Vec<(String, Bytes)>>,
    /// Where requests went.
    pub(super) requested: Mutex<Vec<String>>,
    /// What publishing fails with.
    pub(super) refuses: Option<EngineError>,
}

impl Script {
    /// Answers every request alike.
    pub(super) fn always(answer: Result<Bytes, RequestError>) -> Self {
        Self::with(move |_request| std::future::ready(answer.clone()).boxed())
    }

    /// Hands every request to a service, as a keeper does.
    pub(super) fn served_by(service: Service<Desk>) -> Self {
        Self::with(move |request| match service.hand(&request, time::now()) {
            Handed::Call(answer) => answer.map(Ok).boxed(),
            Handed::Cast | Handed::Dropped(_) => std::future::pending().boxed(),
        })
    }

    pub(super) fn with(
        answer: impl Fn(Bytes) -> BoxFuture<'static, Result<Bytes, RequestError>> + Send + Sync + 'static,
    ) -> Self {
        let (published, requested) = (Mutex::default(), Mutex::default());
        Self { answer: Box::new(answer), published, requested, refuses: None }
    }

    /// A name space of this engine.
    pub(super) fn space(self: &Arc<Self>) -> Space {
        let engine = Arc::clone(self) as Arc<dyn Engine>;
        let (time_to_live, message_max) = (TIME_TO_LIVE, MESSAGE_MAX);
        Space { engine, name: "test".into(), time_to_live, message_max, traces: Traces::default() }
    }
}

fn unused() -> EngineError {
    EngineError::Refused("this test has only requests".into())
}

#[async_trait]
impl Engine for Script {
    async fn create(&self, _: &str, _: Bytes, _: Duration) -> Result<Revision, ChangeError> {
        Err(unused().into())
    }

    async fn update(&self, _: &str, _: Bytes, _: Duration, _: Revision) -> Result<Revision, ChangeError> {
        Err(unused().into())
    }

    async fn delete(&self, _: &str, _: Revision) -> Result<(), ChangeError> {
        Err(unused().into())
    }

    async fn get(&self, _: &str) -> Result<Option<Entry>, EngineError> {
        Err(unused())
    }

    async fn watch(&self, _: &str) -> Result<BoxStream<'static, WatchEvent>, EngineError> {
        Err(unused())
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), EngineError> {
        if let Some(error) = &self.refuses {
            return Err(error.clone());
        }
        self.published.lock().unwrap().push((subject.to_owned(), payload));
        Ok(())
    }

    async fn subscribe(&self, _: &str) -> Result<BoxStream<'static, Delivery>, EngineError> {
        Err(unused())
    }

    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        self.requested.lock().unwrap().push(subject.to_owned());
        time::timeout(timeout, (self.answer)(payload)).await.unwrap_or(Err(RequestError::TimedOut))
    }

    async fn append(&self, _: &str, _: Bytes, _: Position) -> Result<Position, ChangeError> {
        Err(unused().into())
    }

    async fn snapshot(&self, _: &str, _: Bytes, _: Position) -> Result<Position, ChangeError> {
        Err(unused().into())
    }

    async fn read(&self, _: &str, _: Position, _: usize) -> Result<Vec<LogEntry>, EngineError> {
        Err(unused())
    }

    async fn open_stream(&self, _: &str, _: Retention) -> Result<Position, EngineError> {
        Err(unused())
    }

    async fn add(&self, _: &str, _: &str, _: Bytes) -> Result<Position, EngineError> {
        Err(unused())
    }

    async fn follow(&self, _: &str, _: Position) -> Result<BoxStream<'static, StreamedEvent>, EngineError> {
        Err(unused())
    }
}
