//! A reader: the events of a topic, and how far they were read.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures::Stream;
use futures::future::{BoxFuture, FutureExt as _, poll_fn};
use futures::stream::StreamExt as _;
use genserver::{poll_alive, time};

use crate::engine::{EngineError, Position};
use crate::events::error::EventsError;
use crate::events::event::{ClusterEvent, Received};
use crate::events::place::{Lost, Place};
use crate::events::subscription::Events;
use crate::events::topic::{Named, Topic};

/// The engine is told so often what was confirmed.
const EVERY: Duration = Duration::from_millis(50);

/// The events of a [`Topic`] behind what was confirmed under a name: made by [`Topic::reader`].
///
/// It is a stream as [`Events`] is. It begins behind the last event that a reader of its name has [confirmed](Self::confirm).
#[must_use = "a reader does nothing unless it is polled"]
pub struct Reader<E: ClusterEvent> {
    events: Events<E>,
    topic: Topic<E>,
    name: Named,
    /// What the engine is to be told.
    confirmed: Arc<AtomicU64>,
    writes: Writes,
    /// That the topic was made anew, until the engine has the place from which the next reader begins.
    made_anew: Option<EventsError>,
    /// When the engine may be told the next time.
    not_before: Instant,
}

/// What becomes of confirmations.
enum Writes {
    /// The engine has this place.
    Done(Place),
    /// It is told another one.
    UnderWay(BoxFuture<'static, (Place, Result<(), Lost>)>),
    /// It cannot be told any more.
    Over,
}

impl<E: ClusterEvent> Reader<E> {
    pub(super) fn new(topic: &Topic<E>, name: Named, place: Place) -> Self {
        let begin = place.confirmed();
        Self {
            events: Events::new(topic, begin, false),
            topic: topic.clone(),
            name,
            confirmed: Arc::new(AtomicU64::new(begin.0)),
            writes: Writes::Done(place),
            made_anew: None,
            not_before: time::now(),
        }
    }

    /// The position of the last event that it has returned, or behind which it began.
    pub fn position(&self) -> Position {
        self.events.position()
    }

    /// Says that all is done that this reader has returned: no later reader of its name gets it again.
    ///
    /// The engine is told while the reader is polled, at most twenty times a second, and by [`close`](Self::close).
    pub fn confirm(&mut self) {
        self.confirmed.store(self.events.position().0, Ordering::Relaxed);
    }

    /// Waits until the engine has what was confirmed, and ends the reader. A reader that is dropped instead may leave its last
    /// confirmations unsaid.
    ///
    /// # Errors
    ///
    /// [`EventsError::TakenOver`] if another reader has the name and the stream has not told so before, and [`EventsError::Engine`] if the engine refuses, or has not answered
    /// for as long as a name lives. Then the next reader may get events again that this one has confirmed.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the reader.
    pub async fn close(mut self) -> Result<(), EventsError> {
        let within = self.topic.space().time_to_live;
        let written = time::timeout(within, poll_fn(|cx| self.poll_written(cx))).await;
        written.unwrap_or_else(|_elapsed| Err(self.refused(EngineError::Unanswered)))
    }

    /// Tells the engine what was confirmed. Ready when it has all of that.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EventsError>> {
        ready!(poll_alive(cx));
        loop {
            match std::mem::replace(&mut self.writes, Writes::Over) {
                Writes::Done(place) if place.confirmed().0 == self.confirmed.load(Ordering::Relaxed) => {
                    self.writes = Writes::Done(place);
                    return Poll::Ready(Ok(()));
                }
                Writes::Done(place) => self.writes = Writes::UnderWay(self.write(place)),
                Writes::UnderWay(mut write) => {
                    let Poll::Ready((place, written)) = write.poll_unpin(cx) else {
                        self.writes = Writes::UnderWay(write);
                        return Poll::Pending;
                    };
                    self.not_before = time::now() + EVERY;
                    match written {
                        Ok(()) => self.writes = Writes::Done(place),
                        Err(lost) => return Poll::Ready(Err(self.lost(lost))),
                    }
                }
                // It has been told why.
                Writes::Over => return Poll::Ready(Ok(())),
            }
        }
    }

    fn write(&self, mut place: Place) -> BoxFuture<'static, (Place, Result<(), Lost>)> {
        let (confirmed, not_before) = (Arc::clone(&self.confirmed), self.not_before);
        async move {
            time::sleep_until(not_before).await;
            let written = place.confirm(Position(confirmed.load(Ordering::Relaxed))).await;
            (place, written)
        }
        .boxed()
    }

    fn lost(&self, lost: Lost) -> EventsError {
        match lost {
            Lost::TakenOver => {
                EventsError::TakenOver { topic: Arc::clone(self.topic.named()), reader: Arc::clone(&self.name) }
            }
            Lost::Refused(why) => self.refused(why),
        }
    }

    fn refused(&self, why: EngineError) -> EventsError {
        EventsError::Engine { topic: Arc::clone(self.topic.named()), why }
    }
}

impl<E: ClusterEvent> Stream for Reader<E> {
    type Item = Result<Received<E>, EventsError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if matches!(this.writes, Writes::Over) {
            return Poll::Ready(None);
        }
        let written = this.poll_written(cx);
        if let Poll::Ready(Err(error)) = written {
            return Poll::Ready(Some(Err(error)));
        }
        if this.made_anew.is_some() {
            return written.map(|_written| this.made_anew.take().map(Err));
        }
        match ready!(this.events.poll_next_unpin(cx)) {
            // What was confirmed of the topic before would keep every later reader waiting.
            Some(Err(error @ EventsError::MadeAnew { .. })) => {
                this.made_anew = Some(error);
                this.confirmed.store(0, Ordering::Relaxed);
                self.poll_next(cx)
            }
            next => Poll::Ready(next),
        }
    }
}

impl<E: ClusterEvent> Unpin for Reader<E> {}

impl<E: ClusterEvent> fmt::Debug for Reader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("name", &self.name).field("events", &self.events).finish_non_exhaustive()
    }
}
