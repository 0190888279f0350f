//! How the stream of a topic is followed: without gaps that are not told, and whatever happens to the connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use genserver::time;

use crate::engine::{EngineError, Position, StreamedEvent};
use crate::events::error::EventsError;
use crate::events::event::{ClusterEvent, Received, read};
use crate::events::pauses::Pauses;
use crate::events::topic::Topic;

/// A topic that seems shorter than what was read of it is so after this time: what the engine says may be old, but not as old.
const MADE_ANEW_AFTER: Duration = Duration::from_mins(1);

/// Somebody who reads a topic.
pub(super) struct Following<E: ClusterEvent> {
    topic: Topic<E>,
    /// The last position of which something was told.
    after: Position,
    /// Whether what is before the first event is of no interest.
    begins_with_oldest: bool,
    events: Option<BoxStream<'static, StreamedEvent>>,
    /// An event behind a gap, which is told first.
    ahead: Option<StreamedEvent>,
    is_over: bool,
}

impl<E: ClusterEvent> Following<E> {
    pub(super) fn new(topic: Topic<E>, after: Position, begins_with_oldest: bool) -> Self {
        Self { topic, after, begins_with_oldest, events: None, ahead: None, is_over: false }
    }

    /// The next event, or what is instead of it, and the position that is done with it. `None` behind the last error.
    pub(super) async fn next(&mut self) -> Option<(Position, Result<Received<E>, EventsError>)> {
        if self.is_over {
            return None;
        }
        match self.next_event().await {
            Ok(event) => Some(self.told(event)),
            Err(error) => {
                self.is_over = true;
                Some((self.after, Err(error)))
            }
        }
    }

    async fn next_event(&mut self) -> Result<StreamedEvent, EventsError> {
        if let Some(event) = self.ahead.take() {
            return Ok(event);
        }
        loop {
            let mut events = match self.events.take() {
                Some(events) => events,
                None => self.follow().await?,
            };
            let next = events.next().await;
            // What was told is not told again, even by an engine that breaks its rules.
            if let Some(event) = next {
                self.events = Some(events);
                if event.position > self.after {
                    return Ok(event);
                }
            }
        }
    }

    fn told(&mut self, event: StreamedEvent) -> (Position, Result<Received<E>, EventsError>) {
        let topic = self.topic.named();
        let count = event.position.0 - self.after.0 - 1;
        if count > 0 && !self.begins_with_oldest {
            self.after = Position(event.position.0 - 1);
            self.ahead = Some(event);
            return (self.after, Err(EventsError::Missed { topic: Arc::clone(topic), count }));
        }
        self.begins_with_oldest = false;
        self.after = event.position;
        (self.after, read(topic, &event, self.topic.space().message_max))
    }

    /// Follows the stream behind what was told, as soon as the engine does that.
    async fn follow(&mut self) -> Result<BoxStream<'static, StreamedEvent>, EventsError> {
        let (mut pauses, mut short_since) = (Pauses::new(), None::<Instant>);
        loop {
            match self.try_follow().await {
                Ok(Some(events)) => return Ok(events),
                Ok(None) if time::now() - *short_since.get_or_insert_with(time::now) >= MADE_ANEW_AFTER => {
                    return Err(EventsError::MadeAnew { topic: Arc::clone(self.topic.named()) });
                }
                Err(why @ EngineError::Refused(_)) => {
                    return Err(EventsError::Engine { topic: Arc::clone(self.topic.named()), why });
                }
                Ok(None) => pauses.pause().await,
                Err(EngineError::Unreachable(_) | EngineError::Unanswered) => {
                    // What was told before says nothing any more.
                    short_since = None;
                    pauses.pause().await;
                }
            }
        }
    }

    /// Nothing if the stream seems to be shorter than what was read of it.
    async fn try_follow(&mut self) -> Result<Option<BoxStream<'static, StreamedEvent>>, EngineError> {
        if self.topic.open().await? < self.after {
            return Ok(None);
        }
        self.topic.space().engine.follow(self.topic.stream(), self.after).await.map(Some)
    }
}
