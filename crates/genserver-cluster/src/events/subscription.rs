//! The events of a topic as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::stream::{self, BoxStream, StreamExt as _};
use genserver::poll_alive;

use crate::engine::Position;
use crate::events::error::EventsError;
use crate::events::event::{ClusterEvent, Received};
use crate::events::following::Following;
use crate::events::topic::{Named, Topic};

/// The events of a [`Topic`], as a [`Stream`]: made by [`Topic::events`] and [`Topic::events_after`].
///
/// It gets every event, in order, and once. It ends only behind an error that says so. If the engine is not there it waits, and goes on
/// behind the last event that it has returned. What it has not returned waits in the engine, but for a few hundred events. If the topic
/// [forgets](Topic::retention) events before they were returned, [`EventsError::Missed`] tells at that point how many.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Events<E: ClusterEvent> {
    topic: Named,
    told: BoxStream<'static, Told<E>>,
    after: Position,
}

/// What is returned, and the position that is done with it.
type Told<E> = (Position, Result<Received<E>, EventsError>);

impl<E: ClusterEvent> Events<E> {
    /// Follows a topic: from its oldest event on, if the position is that of no event.
    pub(super) fn new(topic: &Topic<E>, after: Position, begins_with_oldest: bool) -> Self {
        let following = Following::new(topic.clone(), after, begins_with_oldest);
        let told = stream::unfold(following, |mut following| async move {
            let told = following.next().await?;
            Some((told, following))
        });
        Self { topic: topic.named().clone(), told: told.boxed(), after }
    }

    /// The position of the last event that it has returned, or behind which it began.
    pub fn position(&self) -> Position {
        self.after
    }
}

impl<E: ClusterEvent> Stream for Events<E> {
    type Item = Result<Received<E>, EventsError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(poll_alive(cx));
        let this = self.get_mut();
        let told = ready!(this.told.poll_next_unpin(cx));
        Poll::Ready(told.map(|(position, item)| {
            this.after = position;
            item
        }))
    }
}

impl<E: ClusterEvent> Unpin for Events<E> {}

impl<E: ClusterEvent> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("topic", &self.topic).field("after", &self.after).finish_non_exhaustive()
    }
}
