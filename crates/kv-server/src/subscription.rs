//! The events of a store for one client, across restarts of the event manager.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::future::BoxFuture;
use genevent::{EventStream, LagPolicy, Manager, NotifyMode, StreamError};
use genserver::CallError;
use genserver::supervisor::ChildError;
use kv_core::{BucketEvent, KeyEvent, KeyEvents, Store};

/// The events of a store, as one client receives them.
///
/// The store does not wait for the client: when its buffer is full, the oldest events are dropped and counted. When the
/// event manager has crashed, this subscribes to its successor, and tells the client that events may be missing.
pub(crate) struct Subscription<E: StoreEvent = BucketEvent> {
    store: Store,
    buffer: usize,
    state: State<E>,
}

enum State<E: StoreEvent> {
    Told(Box<Told<E>>),
    /// The event manager is gone, and its successor is awaited.
    Coming(BoxFuture<'static, Result<Told<E>, ChildError>>),
}

/// A stream that has begun.
struct Told<E: StoreEvent> {
    stream: EventStream<E>,
    #[expect(dead_code, reason = "events are sent as long as it is there")]
    listening: E::Listening,
}

/// What a subscriber receives.
pub(crate) enum Notice<E = BucketEvent> {
    Happened(E),
    /// The subscriber has missed events: how many, if that is known.
    Missed(Option<u64>),
}

/// The events that a store has a manager for.
pub(crate) trait StoreEvent: genevent::Event + Clone {
    /// What has to be kept so that there are events.
    type Listening: Send;

    /// The current manager, once it runs.
    fn manager(store: &Store) -> impl Future<Output = Result<(Manager<Self>, Self::Listening), ChildError>> + Send;
}

impl StoreEvent for BucketEvent {
    type Listening = ();

    async fn manager(store: &Store) -> Result<(Manager<Self>, ()), ChildError> {
        Ok((store.events().await?, ()))
    }
}

impl StoreEvent for KeyEvent {
    type Listening = KeyEvents;

    async fn manager(store: &Store) -> Result<(Manager<Self>, KeyEvents), ChildError> {
        let events = store.key_events().await?;
        Ok((events.manager().clone(), events))
    }
}

impl<E: StoreEvent> Subscription<E> {
    /// Begins a subscription.
    pub(crate) async fn begin(store: &Store, buffer: usize) -> Result<Self, ChildError> {
        let told = subscribe(store.clone(), buffer).await?;
        Ok(Self { store: store.clone(), buffer, state: State::Told(Box::new(told)) })
    }

    /// The next item. `None` if the store has stopped.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notice<E>>> {
        loop {
            match &mut self.state {
                State::Told(told) => match ready!(told.stream.poll_next_unpin(cx)) {
                    Some(Ok(event)) => return Poll::Ready(Some(Notice::Happened(event))),
                    Some(Err(StreamError::Lagged { missed })) => {
                        return Poll::Ready(Some(Notice::Missed(Some(missed))));
                    }
                    Some(Err(_)) | None => {
                        self.state = State::Coming(Box::pin(subscribe(self.store.clone(), self.buffer)));
                    }
                },
                State::Coming(coming) => match ready!(Pin::new(coming).poll(cx)) {
                    Ok(told) => {
                        self.state = State::Told(Box::new(told));
                        return Poll::Ready(Some(Notice::Missed(None)));
                    }
                    Err(_) => return Poll::Ready(None),
                },
            }
        }
    }
}

/// Returns a stream that has begun. The supervisor limits how often a manager may end while this retries.
async fn subscribe<E: StoreEvent>(store: Store, buffer: usize) -> Result<Told<E>, ChildError> {
    loop {
        let (manager, listening) = E::manager(&store).await?;
        let mut stream = manager.stream().buffer(buffer).lag(LagPolicy::DropOldest).mode(NotifyMode::Async);
        let begun: Result<(), CallError> = stream.subscribe().await;
        if begun.is_ok() {
            return Ok(Told { stream, listening });
        }
    }
}
