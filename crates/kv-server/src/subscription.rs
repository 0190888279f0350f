//! The events of a store for one client, across restarts of the event manager.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::future::BoxFuture;
use genevent::{EventStream, LagPolicy, NotifyMode, StreamError};
use genserver::CallError;
use genserver::supervisor::ChildError;
use kv_core::{BucketEvent, Store};

/// The events of a store, as one client receives them.
///
/// The store does not wait for the client: when its buffer is full, the oldest events are dropped and counted. When the
/// event manager has crashed, this subscribes to its successor, and tells the client that events may be missing.
pub(crate) struct Subscription {
    store: Store,
    buffer: usize,
    state: State,
}

enum State {
    Told(Box<EventStream<BucketEvent>>),
    /// The event manager is gone, and its successor is awaited.
    Coming(BoxFuture<'static, Result<EventStream<BucketEvent>, ChildError>>),
}

/// What a subscriber receives.
pub(crate) enum Notice {
    Happened(BucketEvent),
    /// The subscriber has missed events: how many, if that is known.
    Missed(Option<u64>),
}

impl Subscription {
    /// Begins a subscription.
    pub(crate) async fn begin(store: &Store, buffer: usize) -> Result<Self, ChildError> {
        let stream = subscribe(store.clone(), buffer).await?;
        Ok(Self { store: store.clone(), buffer, state: State::Told(Box::new(stream)) })
    }

    /// The next item. `None` if the store has stopped.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        loop {
            match &mut self.state {
                State::Told(stream) => match ready!(stream.poll_next_unpin(cx)) {
                    Some(Ok(event)) => return Poll::Ready(Some(Notice::Happened(event))),
                    Some(Err(StreamError::Lagged { missed })) => {
                        return Poll::Ready(Some(Notice::Missed(Some(missed))));
                    }
                    Some(Err(_)) | None => {
                        self.state = State::Coming(Box::pin(subscribe(self.store.clone(), self.buffer)));
                    }
                },
                State::Coming(coming) => match ready!(Pin::new(coming).poll(cx)) {
                    Ok(stream) => {
                        self.state = State::Told(Box::new(stream));
                        return Poll::Ready(Some(Notice::Missed(None)));
                    }
                    Err(_) => return Poll::Ready(None),
                },
            }
        }
    }
}

/// Returns a stream that has begun. The supervisor limits how often a manager may end while this retries.
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
