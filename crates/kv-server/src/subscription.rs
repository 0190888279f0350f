//! The events of a store for one client, across restarts of the event manager.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use genevent::{EventStream, LagPolicy, Manager, NotifyMode, StreamError};
use genserver::supervisor::ChildError;
use genserver::{CallError, Reason};
use kv_core::{BucketEvent, BucketName, KeyEvent, KeyEvents, RemoteEvent, Store};

use crate::batch::Refusal;
use crate::served::{Kind, ServedStore};

/// The events of a store, as one client receives them.
///
/// The store does not wait for the client: when its buffer is full, the oldest events are dropped and counted. When the
/// event manager has crashed, this subscribes to its successor, and tells the client that events may be missing.
pub(crate) struct Subscription<E: StoreEvent = BucketEvent>(Source<E>);

/// Where they come from.
enum Source<E: StoreEvent> {
    /// A store of this program.
    Here { store: Store, buffer: usize, state: State<E> },
    /// One on several machines.
    Remote(BoxStream<'static, RemoteEvent>),
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
pub(crate) enum Notice<T = BucketNews> {
    Happened(T),
    /// The subscriber has missed events: how many, if that is known.
    Missed(Option<u64>),
}

/// What a subscriber is told of buckets.
pub(crate) enum BucketNews {
    Created(BucketName),
    Exited(BucketName, Reason),
}

/// The events that a store has a manager for.
pub(crate) trait StoreEvent: genevent::Event + Clone {
    /// What has to be kept so that there are events.
    type Listening: Send;

    /// What a subscriber is told of one.
    type News;

    /// The current manager, once it runs.
    fn manager(store: &Store) -> impl Future<Output = Result<(Manager<Self>, Self::Listening), ChildError>> + Send;

    /// What a subscriber is told, unless there is nothing to be told.
    fn news(self) -> Option<Self::News>;

    /// The same of an event of a store on several machines.
    fn remote_news(event: RemoteEvent) -> Option<Self::News>;
}

impl StoreEvent for BucketEvent {
    type Listening = ();
    type News = BucketNews;

    async fn manager(store: &Store) -> Result<(Manager<Self>, ()), ChildError> {
        Ok((store.events().await?, ()))
    }

    fn news(self) -> Option<BucketNews> {
        match self {
            Self::Created { name, .. } => Some(BucketNews::Created(name)),
            Self::Exited { name, reason, .. } => Some(BucketNews::Exited(name, reason)),
            // An event that no protocol has a line for.
            _ => None,
        }
    }

    fn remote_news(event: RemoteEvent) -> Option<BucketNews> {
        match event {
            RemoteEvent::Created(name) => Some(BucketNews::Created(name)),
            // A bucket that is removed here ends with this reason, too.
            RemoteEvent::Removed(name) => Some(BucketNews::Exited(name, Reason::Normal)),
            _ => None,
        }
    }
}

impl StoreEvent for KeyEvent {
    type Listening = KeyEvents;
    type News = Self;

    async fn manager(store: &Store) -> Result<(Manager<Self>, KeyEvents), ChildError> {
        let events = store.key_events().await?;
        Ok((events.manager().clone(), events))
    }

    fn news(self) -> Option<Self> {
        Some(self)
    }

    fn remote_news(event: RemoteEvent) -> Option<Self> {
        if let RemoteEvent::Key(event) = event { Some(event) } else { None }
    }
}

/// After so many events in a row that are not for this subscriber, others have their turn.
const OTHERS_IN_A_ROW: u32 = 256;

impl<E: StoreEvent> Subscription<E> {
    /// Begins a subscription.
    pub(crate) async fn begin(store: &ServedStore, buffer: usize) -> Result<Self, Refusal> {
        let source = match store.kind() {
            Kind::Here(store) => {
                let told = subscribe(store.clone(), buffer).await;
                let told = told.map_err(|error| Refusal::Error(error.to_string()))?;
                Source::Here { store: store.clone(), buffer, state: State::Told(Box::new(told)) }
            }
            Kind::Remote(remote) => Source::Remote(remote.events().await?),
        };
        Ok(Self(source))
    }

    /// The next item. `None` if the store has stopped.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notice<E::News>>> {
        for _ in 0..OTHERS_IN_A_ROW {
            let news = match &mut self.0 {
                Source::Here { store, buffer, state } => match ready!(poll_here(store, *buffer, state, cx)) {
                    Some(Notice::Happened(event)) => event.news(),
                    Some(Notice::Missed(events)) => return Poll::Ready(Some(Notice::Missed(events))),
                    None => return Poll::Ready(None),
                },
                Source::Remote(events) => match ready!(events.poll_next_unpin(cx)) {
                    Some(RemoteEvent::Missed(events)) => return Poll::Ready(Some(Notice::Missed(events))),
                    Some(event) => E::remote_news(event),
                    None => return Poll::Ready(None),
                },
            };
            if let Some(news) = news {
                return Poll::Ready(Some(Notice::Happened(news)));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn poll_here<E: StoreEvent>(
    store: &Store,
    buffer: usize,
    state: &mut State<E>,
    cx: &mut Context<'_>,
) -> Poll<Option<Notice<E>>> {
    loop {
        match state {
            State::Told(told) => match ready!(told.stream.poll_next_unpin(cx)) {
                Some(Ok(event)) => return Poll::Ready(Some(Notice::Happened(event))),
                Some(Err(StreamError::Lagged { missed })) => {
                    return Poll::Ready(Some(Notice::Missed(Some(missed))));
                }
                Some(Err(_)) | None => *state = State::Coming(Box::pin(subscribe(store.clone(), buffer))),
            },
            State::Coming(coming) => match ready!(Pin::new(coming).poll(cx)) {
                Ok(told) => {
                    *state = State::Told(Box::new(told));
                    return Poll::Ready(Some(Notice::Missed(None)));
                }
                Err(_) => return Poll::Ready(None),
            },
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
