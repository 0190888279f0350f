//! A store's events for one client: a stream of them that goes on when the event manager is started again.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::future::BoxFuture;
use genevent::{EventStream, LagPolicy, NotifyMode, StreamError};
use genserver::CallError;
use genserver::supervisor::ChildError;
use kv_core::{BucketEvent, Store};

/// The events of a store, as one client is told of them.
///
/// Nobody waits for the client: when its buffer is full, the oldest events go, and it is told how many. And when the event manager
/// has crashed, the client is subscribed again at the one that takes its place, and told that there may have been events in between.
pub(crate) struct Subscription {
    store: Store,
    buffer: usize,
    stage: Stage,
}

enum Stage {
    Told(Box<EventStream<BucketEvent>>),
    /// The event manager is gone, and there will be another.
    Coming(BoxFuture<'static, Result<EventStream<BucketEvent>, ChildError>>),
}

/// What a subscriber is told.
pub(crate) enum News {
    Happened(BucketEvent),
    /// Events that it was not told of, and how many if that is known.
    Missed(Option<u64>),
}

impl Subscription {
    /// From now on the client is told.
    pub(crate) async fn begin(store: &Store, buffer: usize) -> Result<Self, ChildError> {
        let stream = subscribe(store.clone(), buffer).await?;
        Ok(Self { store: store.clone(), buffer, stage: Stage::Told(Box::new(stream)) })
    }

    /// What the client is told next; None if the store has stopped.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<News>> {
        loop {
            match &mut self.stage {
                Stage::Told(stream) => match ready!(stream.poll_next_unpin(cx)) {
                    Some(Ok(event)) => return Poll::Ready(Some(News::Happened(event))),
                    Some(Err(StreamError::Lagged { missed })) => return Poll::Ready(Some(News::Missed(Some(missed)))),
                    Some(Err(_)) | None => {
                        self.stage = Stage::Coming(Box::pin(subscribe(self.store.clone(), self.buffer)));
                    }
                },
                Stage::Coming(coming) => match ready!(Pin::new(coming).poll(cx)) {
                    Ok(stream) => {
                        self.stage = Stage::Told(Box::new(stream));
                        return Poll::Ready(Some(News::Missed(None)));
                    }
                    Err(_) => return Poll::Ready(None),
                },
            }
        }
    }
}

/// A stream that has begun. The supervisor limits how often a manager may end while this is tried.
async fn subscribe(store: Store, buffer: usize) -> Result<EventStream<BucketEvent>, ChildError> {
    loop {
        let mut stream =
            store.events().await?.stream().buffer(buffer).lag(LagPolicy::DropOldest).mode(NotifyMode::Async);
        let begun: Result<(), CallError> = stream.subscribe().await;
        if begun.is_ok() {
            return Ok(stream);
        }
    }
}
