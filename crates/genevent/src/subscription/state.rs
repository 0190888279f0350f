//! What the lock of the log protects: where the events are, how far each consumer has come, and who sleeps.

use std::sync::Arc;
use std::task::Waker;

use super::cursor::{Cursor, End, Terms};
use super::segment::{Segments, Unread};
use super::stream_end::StreamEnd;
use crate::values::{LagPolicy, NotifyMode};

pub(super) struct State<E> {
    /// The number of the next event.
    pub(super) head: u64,
    /// How the last event was sent.
    pub(super) mode: NotifyMode,
    /// Below this number there is space for every consumer. It may be too low, but not too high.
    pub(super) full_at: u64,
    pub(super) segments: Segments<E>,
    places: Vec<Place>,
    /// The places without a cursor.
    free: Vec<u32>,
    /// How many consumers take the next event.
    live: u32,
    /// The places of the consumers that sleep. Some may have been woken, or be gone.
    pub(super) asleep: Vec<u32>,
    /// The manager, while it waits for a consumer.
    pub(super) manager: Option<WaitingManager>,
    /// Whether a consumer has ended since the manager last swept.
    pub(super) is_to_sweep: bool,
}

#[derive(Default)]
struct Place {
    /// Boxed, because the list of places has space for twice as many.
    cursor: Option<Box<Cursor>>,
    /// Whether it is in `asleep`.
    is_listed: bool,
}

/// Which consumer.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(super) place: u32,
    /// The number of the stream.
    pub(super) stream: u64,
}

/// The manager, while it waits for a consumer.
pub(super) struct WaitingManager {
    pub(super) place: u32,
    pub(super) waker: Waker,
    /// Held while the declared wait lasts (rule 4).
    pub(super) kept: Option<Arc<()>>,
}

/// What the manager waits for.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// The buffer holds at most its capacity.
    Space,
    /// The consumer has come as far as it should with the last event.
    Settled,
}

impl<E> State<E> {
    pub(super) fn new() -> Self {
        Self {
            head: 0,
            mode: NotifyMode::Async,
            full_at: u64::MAX,
            segments: Segments::new(),
            places: Vec::new(),
            free: Vec::new(),
            live: 0,
            asleep: Vec::new(),
            manager: None,
            is_to_sweep: false,
        }
    }

    /// Adds a consumer, who takes the next event.
    pub(super) fn add(&mut self, stream: u64, terms: Terms) -> Key {
        let cursor = Box::new(Cursor::new(stream, terms, self.head));
        self.full_at = self.full_at.min(cursor.full_at());
        self.live += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            u32::try_from(self.places.len() - 1).expect("there are fewer streams than that")
        });
        self.places[place as usize].cursor = Some(cursor);
        Key { place, stream }
    }

    /// Writes an event for all consumers that are not over. Returns it if there are none.
    pub(super) fn write(&mut self, event: E, mode: NotifyMode) -> Option<E> {
        if self.live == 0 {
            return Some(event);
        }
        self.segments.of_next(self.head).write(self.head, event, self.live);
        self.head += 1;
        self.mode = mode;
        None
    }

    /// Removes a consumer, and collects the events that it has not taken.
    pub(super) fn remove(&mut self, key: Key, unread: &mut Vec<Unread<E>>) -> Option<Box<Cursor>> {
        self.cursor(key)?;
        let cursor = self.places[key.place as usize].cursor.take()?;
        self.live -= u32::from(cursor.end.is_none());
        self.is_to_sweep = true;
        self.free.push(key.place);
        self.segments.collect(cursor.next, cursor.until(self.head), unread);
        Some(cursor)
    }

    /// Every consumer.
    pub(super) fn keys(&self) -> Vec<Key> {
        let keys = (0..).zip(&self.places).filter_map(|(place, at)| Some((place, at.cursor.as_ref()?.stream)));
        keys.map(|(place, stream)| Key { place, stream }).collect()
    }

    pub(super) fn cursor_mut(&mut self, key: Key) -> Option<&mut Cursor> {
        self.places.get_mut(key.place as usize)?.cursor.as_deref_mut().filter(|cursor| cursor.stream == key.stream)
    }

    pub(super) fn cursor(&self, key: Key) -> Option<&Cursor> {
        self.places.get(key.place as usize)?.cursor.as_deref().filter(|cursor| cursor.stream == key.stream)
    }

    pub(super) fn is_over(&self, key: Key) -> bool {
        self.cursor(key).is_none_or(|cursor| cursor.end.is_some())
    }

    pub(super) fn has_reached(&self, key: Key, goal: Goal) -> bool {
        let Some(cursor) = self.cursor(key).filter(|cursor| cursor.end.is_none()) else { return true };
        match goal {
            Goal::Space => cursor.terms.lag != LagPolicy::Wait || self.head <= cursor.full_at(),
            Goal::Settled => cursor.has_settled(self.mode, self.head),
        }
    }

    /// Makes space for the next event where the policy says so, and finds out how long there is space for all.
    pub(super) fn make_space(&mut self, skipped: &mut Vec<Unread<E>>) {
        let head = self.head;
        let mut full_at = u64::MAX;
        let cursors = self.places.iter_mut().filter_map(|place| place.cursor.as_mut());
        for cursor in cursors.filter(|cursor| cursor.end.is_none()) {
            if head >= cursor.full_at() {
                match cursor.terms.lag {
                    LagPolicy::Wait => {}
                    LagPolicy::DropOldest => {
                        self.segments.collect(cursor.next, cursor.next + 1, skipped);
                        cursor.next += 1;
                        cursor.lost += 1;
                    }
                    LagPolicy::End => {
                        cursor.end = Some(Box::new(End { why: StreamEnd::Lagged, at: head }));
                        self.live -= 1;
                        self.is_to_sweep = true;
                        continue;
                    }
                }
            }
            full_at = full_at.min(cursor.full_at());
        }
        self.full_at = full_at;
    }

    /// Ends a stream. Returns what wakes its consumer.
    pub(super) fn end(&mut self, key: Key, why: StreamEnd, skipped: &mut Vec<Unread<E>>) -> Option<Waker> {
        let head = self.head;
        let cursor = self.cursor_mut(key).filter(|cursor| cursor.end.is_none())?;
        let at = head.min(cursor.full_at());
        cursor.end = Some(Box::new(End { why, at }));
        let waker = cursor.waker.take();
        self.live -= 1;
        self.is_to_sweep = true;
        // The event that the manager holds while it waits for space.
        self.segments.collect(at, head, skipped);
        waker
    }

    pub(super) fn take_wakers(&mut self, wakers: &mut Vec<Waker>) {
        for place in self.asleep.drain(..) {
            let place = &mut self.places[place as usize];
            place.is_listed = false;
            wakers.extend(place.cursor.as_mut().and_then(|cursor| cursor.waker.take()));
        }
    }

    /// Notes that a consumer sleeps.
    pub(super) fn list_sleeper(&mut self, key: Key) {
        let place = &mut self.places[key.place as usize];
        if !std::mem::replace(&mut place.is_listed, true) {
            self.asleep.push(key.place);
        }
    }

    /// The manager, if it waits for this consumer.
    pub(super) fn take_manager(&mut self, key: Key) -> Option<WaitingManager> {
        self.manager.take_if(|waiting| waiting.place == key.place)
    }
}
