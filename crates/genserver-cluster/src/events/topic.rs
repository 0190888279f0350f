//! Topics: where events of one type are published, and subscribed to.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use genevent::{AsyncHandler, Event, HandlerCx, NotifyMode, React, Reaction};
use genserver::{Never, time};

use crate::engine::{DOUBLES_WITHIN, EngineError, Position, Retention};
use crate::events::error::{PublishError, SubscribeError};
use crate::events::event::{ClusterEvent, write};
use crate::events::pauses::Pauses;
use crate::events::place::Place;
use crate::events::reader::Reader;
use crate::events::subscription::Events;
use crate::space::Space;

/// The longest name of a topic, a reader or a type of events, in bytes.
const NAME_MAX: usize = 200;

/// The name of a topic or a reader.
pub(super) type Named = Arc<str>;

/// A topic of a cluster: events of one type, which subscribers on every member get. Made by [`Cluster::topic`](crate::Cluster::topic).
///
/// It is cheap to clone. See [the page](crate::events) for what it promises.
pub struct Topic<E: ClusterEvent> {
    shared: Arc<Shared>,
    of: PhantomData<fn(E) -> E>,
}

/// What all clones of a topic share.
struct Shared {
    space: Space,
    name: Named,
    stream: String,
    retention: Retention,
    /// Whether there was such a stream when it was last asked for.
    is_open: AtomicBool,
    /// Tells what is published here from what is published elsewhere.
    publisher: u64,
    published: AtomicU64,
}

impl<E: ClusterEvent> Topic<E> {
    #[track_caller]
    pub(crate) fn new(space: Space, name: Named) -> Self {
        check(&name);
        let length = space.name.len() + name.len();
        assert!(
            length <= NAME_MAX,
            "the topic `{name}` and its name space have {length} bytes, and may have {NAME_MAX}"
        );
        assert!(E::NAME.len() <= NAME_MAX, "the name `{}` of an event has more than {NAME_MAX} bytes", E::NAME);
        Self::with(space, name, Retention::default())
    }

    fn with(space: Space, name: Named, retention: Retention) -> Self {
        // Only compared for equality, so it does not decide what a simulation does.
        let publisher = RandomState::new().hash_one(&name);
        let stream = space.topic_stream(&name);
        let (is_open, published) = (AtomicBool::new(false), AtomicU64::new(0));
        let shared = Shared { space, name, stream, retention, is_open, publisher, published };
        Self { shared: Arc::new(shared), of: PhantomData }
    }

    /// What the topic keeps, if this member is the first that uses it (default: that of [`Retention`]). Afterwards, it is changed with
    /// the tools of the engine.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "model")]
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::StreamExt;
    /// use genserver_cluster::Cluster;
    /// use genserver_cluster::engine::Retention;
    /// use genserver_cluster::engine::model::Model;
    /// use genserver_cluster::events::{ClusterEvent, EventsError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Tick(u32);
    /// # impl ClusterEvent for Tick {
    /// #     const NAME: &str = "tick";
    /// #     const VERSION: u32 = 1;
    /// # }
    ///
    /// let cluster = Cluster::over(Model::new().member("a")).start().await?;
    /// let kept = Retention { events: 2, ..Retention::default() };
    /// let ticks = cluster.topic::<Tick>("ticks").retention(kept);
    /// let mut events = ticks.events().await?;
    /// for number in 1..=5 {
    ///     ticks.publish(&Tick(number)).await?;
    /// }
    /// let missed = events.next().await.expect("it waits").err();
    /// assert!(matches!(missed, Some(EventsError::Missed { count: 3, .. })));
    /// assert_eq!(events.next().await.expect("it waits")?.event.0, 4);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "model"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Panics
    ///
    /// If it keeps no events or no bytes, or an age of less than [two minutes](DOUBLES_WITHIN): for that time the engine has to know the
    /// ids of events, so that one is not there twice.
    #[must_use = "it is the topic with this retention"]
    #[track_caller]
    pub fn retention(self, retention: Retention) -> Self {
        let Retention { events, bytes, age } = retention;
        assert!(
            events > 0 && bytes > 0 && age >= DOUBLES_WITHIN,
            "the topic {} has to keep an event, a byte and an age of {DOUBLES_WITHIN:?} at least, and not {retention:?}",
            self.shared.name
        );
        Self::with(self.shared.space.clone(), Arc::clone(&self.shared.name), retention)
    }

    /// The name of the topic.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Publishes an event. Returns its position when the engine has it.
    ///
    /// If the engine does not answer, it is asked again for as long as a name lives, and for a minute at most. The event is in the topic
    /// once all the same.
    ///
    /// # Errors
    ///
    /// [`PublishError`], which says whether the event may be published all the same.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the event may have been published, and may still be.
    pub async fn publish(&self, event: &E) -> Result<Position, PublishError> {
        let number = self.shared.published.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}.{number}", self.shared.publisher);
        self.publish_as(&id, event).await
    }

    /// The same with an id of your own, for an event that may be published again: by a program that was started anew, for instance.
    /// If the topic has taken one with this id within [two minutes](DOUBLES_WITHIN), it returns the position of that.
    ///
    /// An id has 1 to 200 printable characters of ASCII, and no spaces. No other event of the topic may have it.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish). [`EngineError::Refused`] if the id has other characters.
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](Self::publish).
    pub async fn publish_as(&self, id: &str, event: &E) -> Result<Position, PublishError> {
        let Shared { space, name, stream, .. } = &*self.shared;
        let written = write(id, event, space.message_max);
        let written = written.map_err(|error| PublishError::not_written(Arc::clone(name), error))?;
        // All tries are within the time in which their id is known.
        let until = time::now() + space.time_to_live.min(DOUBLES_WITHIN / 2);
        let (mut pauses, mut may_be_published) = (Pauses::new(), false);
        loop {
            let mut is_sent = false;
            let publish = async {
                if !self.shared.is_open.load(Ordering::Relaxed) {
                    self.open().await?;
                }
                is_sent = true;
                space.engine.add(stream, id, written.clone()).await
            };
            let left = until.saturating_duration_since(time::now());
            let why = match time::timeout(left, publish).await.unwrap_or(Err(EngineError::Unanswered)) {
                Ok(position) => return Ok(position),
                Err(why) => why,
            };
            may_be_published |= is_sent && why == EngineError::Unanswered;
            // Somebody may have deleted it.
            self.shared.is_open.store(false, Ordering::Relaxed);
            if matches!(why, EngineError::Refused(_)) || !pauses.pause_until(until).await {
                return Err(PublishError::Engine { topic: Arc::clone(name), why, may_be_published });
            }
        }
    }

    /// Subscribes to all events that are published from now on.
    ///
    /// Each whose [`publish`](Self::publish) begins after this has returned is told. The first ones may have been published shortly
    /// before.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if the engine refuses, or has not answered for as long as a name lives.
    ///
    /// # Cancel safety
    ///
    /// Dropping it subscribes to nothing.
    pub async fn events(&self) -> Result<Events<E>, SubscribeError> {
        Ok(Events::new(self, self.last().await?, false))
    }

    /// Subscribes to all events behind a position that was [received](crate::events::Received::position) or
    /// [published](Self::publish) before. Behind that of `Position::default()` are all events that the topic still keeps.
    ///
    /// Nothing is asked of the engine yet.
    pub fn events_after(&self, position: Position) -> Events<E> {
        Events::new(self, position, position == Position::default())
    }

    /// Subscribes behind the last event that a reader of this name has [confirmed](Reader::confirm), on any machine. The first one begins
    /// now.
    ///
    /// Another reader of this name ends when it next confirms something. One name is for one reader at a time: it is not a way to share
    /// the work.
    ///
    /// # Errors
    ///
    /// As [`events`](Self::events).
    ///
    /// # Panics
    ///
    /// If the name is empty, has more than 200 bytes, or has other characters than `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it may have taken the name from another reader.
    pub async fn reader(&self, name: impl Into<Arc<str>>) -> Result<Reader<E>, SubscribeError> {
        let name = name.into();
        check(&name);
        let last = self.last().await?;
        let Shared { space, name: topic, .. } = &*self.shared;
        let log = space.reader_log(topic, &name);
        let place = Place::claim(space, log, last).await.map_err(|why| self.not_subscribed(why))?;
        Ok(Reader::new(self, name, place))
    }

    /// The position of the last event, after the stream was made if there was none.
    async fn last(&self) -> Result<Position, SubscribeError> {
        let until = time::now() + self.shared.space.time_to_live;
        let mut pauses = Pauses::new();
        loop {
            let left = until.saturating_duration_since(time::now());
            let opened = time::timeout(left, self.open()).await;
            match opened.unwrap_or(Err(EngineError::Unanswered)) {
                Ok(last) => return Ok(last),
                Err(EngineError::Unreachable(_) | EngineError::Unanswered) if pauses.pause_until(until).await => {}
                Err(why) => return Err(self.not_subscribed(why)),
            }
        }
    }

    /// Makes the stream if there is none. Returns the position of its last event.
    pub(super) async fn open(&self) -> Result<Position, EngineError> {
        let Shared { space, stream, retention, is_open, .. } = &*self.shared;
        let last = space.engine.open_stream(stream, *retention).await?;
        is_open.store(true, Ordering::Relaxed);
        Ok(last)
    }

    pub(super) fn space(&self) -> &Space {
        &self.shared.space
    }

    pub(super) fn named(&self) -> &Named {
        &self.shared.name
    }

    pub(super) fn stream(&self) -> &str {
        &self.shared.stream
    }

    fn not_subscribed(&self, why: EngineError) -> SubscribeError {
        SubscribeError { topic: Arc::clone(&self.shared.name), why }
    }
}

#[track_caller]
fn check(name: &str) {
    let is_of_alphabet = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    assert!(
        is_of_alphabet && (1..=NAME_MAX).contains(&name.len()),
        "the name `{name}` of a topic or a reader has to have 1 to {NAME_MAX} characters of A-Z, a-z, 0-9, - and _"
    );
}

/// As a handler of a manager, a topic publishes each of its events, and the manager waits until the engine has it.
///
/// If an event is not published, a sender that used [`sync_notify`](genevent::Manager::sync_notify) is refused, and the handler stays. Of
/// any other sender's event nobody would hear, so then the handler fails, is reported and removed, and its
/// [owner](genevent::AddHandler::owned_by) is told.
impl<E: ClusterEvent, I: Event> AsyncHandler<E, I> for Topic<E> {
    type Call = Never;

    async fn handle_event(&mut self, event: &E, cx: &mut HandlerCx<E, I>) -> Reaction<E, I> {
        match self.publish(event).await {
            Ok(_) => React::stay(),
            Err(error) if cx.mode() == NotifyMode::Sync => React::refuse(error),
            Err(error) => Err(error.into()),
        }
    }
}

impl<E: ClusterEvent> Clone for Topic<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), of: PhantomData }
    }
}

impl<E: ClusterEvent> fmt::Debug for Topic<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("name", &self.shared.name).field("event", &E::NAME).finish()
    }
}
