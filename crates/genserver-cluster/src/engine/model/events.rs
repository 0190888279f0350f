//! How streams of events grow and are followed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::channel::oneshot;
use genserver::time;

use super::links::Side;
use super::member::Needs;
use super::past::Moment;
use super::system::{Due, System, Way};
use crate::engine::{DOUBLES_WITHIN, EngineError, Position, Retention, StreamedEvent};

/// A follower is told of so many events at a time.
const BATCH: usize = 16;

/// A stream.
pub(super) struct Events {
    retention: Retention,
    /// Oldest first, and without gaps.
    kept: VecDeque<Kept>,
    /// The bytes of those that are kept.
    bytes: u64,
    last: Position,
    /// The ids of the last events, each with its position, ...
    ids: BTreeMap<String, Position>,
    /// ... and in the order in which they are forgotten.
    known_until: VecDeque<(Instant, String)>,
}

struct Kept {
    since: Moment,
    event: StreamedEvent,
}

/// Somebody who waits for the next events of a stream.
pub(super) struct Follower {
    member: Arc<str>,
    stream: String,
    after: Position,
    sender: oneshot::Sender<Vec<StreamedEvent>>,
}

impl Events {
    fn forget(&mut self, now: Instant) {
        let Retention { events, bytes, age } = self.retention;
        let is_old = |kept: &Kept| kept.since.at + age <= now;
        while self.kept.len() as u64 > events || self.bytes > bytes || self.kept.front().is_some_and(is_old) {
            let Some(kept) = self.kept.pop_front() else { return };
            self.bytes -= kept.event.event.len() as u64;
        }
    }

    fn forget_ids(&mut self, now: Instant) {
        while self.known_until.front().is_some_and(|(until, _)| *until < now) {
            let id = self.known_until.pop_front();
            id.and_then(|(_, id)| self.ids.remove(&id));
        }
    }

    /// The events behind a position, as many as are told at a time, as they were at a moment.
    fn behind(&self, after: Position, as_of: Moment) -> Vec<StreamedEvent> {
        let was_there = |kept: &&Kept| kept.since.at <= as_of.at && kept.since.last <= as_of.last;
        let behind = self.kept.iter().filter(|kept| kept.event.position > after);
        behind.take_while(was_there).take(BATCH).map(|kept| kept.event.clone()).collect()
    }
}

impl System {
    /// Makes a stream if there is none. Returns the position of its last event, as it was at a moment.
    pub(super) fn open_stream(&mut self, stream: &str, retention: Retention, now: Instant) -> Position {
        let stale = self.dice.up_to(self.faults.stale);
        let new = || Events {
            retention,
            kept: VecDeque::new(),
            bytes: 0,
            last: Position::default(),
            ids: BTreeMap::new(),
            known_until: VecDeque::new(),
        };
        let events = self.events.entry(stream.to_owned()).or_insert_with(new);
        let newer = events.kept.iter().rev().take_while(|kept| kept.since.at + stale > now).count();
        Position(events.last.0 - newer as u64)
    }

    /// Deletes a stream. Those who follow it have to begin anew.
    pub(super) fn delete_stream(&mut self, stream: &str) {
        self.events.remove(stream);
        self.followers.retain(|_, follower| follower.stream != stream);
    }

    /// Adds an event, unless its id is known.
    pub(super) fn add(
        &mut self,
        stream: &str,
        id: String,
        event: Bytes,
        now: Instant,
    ) -> Result<Position, EngineError> {
        let since = Moment { at: now, last: self.next_change() };
        let events = self.events.get_mut(stream).ok_or_else(|| no_stream(stream))?;
        events.forget_ids(now);
        if let Some(position) = events.ids.get(&id) {
            return Ok(*position);
        }
        let position = Position(events.last.0 + 1);
        events.last = position;
        events.bytes += event.len() as u64;
        events.kept.push_back(Kept { since, event: StreamedEvent { position, event } });
        events.forget(now);
        events.known_until.push_back((now + DOUBLES_WITHIN, id.clone()));
        events.ids.insert(id, position);
        let wait = self.followers.iter().filter(|(_, follower)| follower.stream == stream);
        let wait: Vec<u64> = wait.map(|(number, _)| *number).collect();
        for number in wait {
            self.look_later(number);
        }
        Ok(position)
    }

    /// Checks that there is a stream.
    pub(super) fn expect_stream(&self, stream: &str) -> Result<(), EngineError> {
        self.events.get(stream).map(|_| ()).ok_or_else(|| no_stream(stream))
    }

    /// Asks for the next events of a stream. They come when there are any, or never: then nothing comes, and the follower has to begin
    /// anew.
    pub(super) fn fetch(
        &mut self,
        member: &Arc<str>,
        stream: &str,
        after: Position,
    ) -> Option<oneshot::Receiver<Vec<StreamedEvent>>> {
        if self.side(member) == (Side::Cut { is_noticed: true }) || self.dice.once_in(self.faults.unanswered) {
            return None;
        }
        self.followers.retain(|_, follower| !follower.sender.is_canceled());
        let (sender, receiver) = oneshot::channel();
        let (number, late) = (self.next_number(), self.latency());
        let follower = Follower { member: Arc::clone(member), stream: stream.to_owned(), after, sender };
        self.followers.insert(number, follower);
        if !matches!(self.side(member), Side::Cut { .. }) {
            self.note(Way::From(Arc::clone(member)), late, move |system, now| system.look(number, now));
        }
        Some(receiver)
    }

    /// Looks whether there is something for a follower.
    fn look(&mut self, number: u64, now: Instant) {
        let Some(follower) = self.followers.get(&number) else { return };
        let (member, after) = (Arc::clone(&follower.member), follower.after);
        let stream = follower.stream.clone();
        let Ok(as_of) = self.as_of(&member, Needs::Any, now) else { return self.end_follower(number) };
        let Some(events) = self.events.get_mut(&stream) else { return self.end_follower(number) };
        events.forget(now);
        let told = events.behind(after, as_of);
        let is_behind = told.is_empty() && events.last > after;
        if is_behind {
            // The server that was asked does not know of them yet.
            return self.look_later(number);
        }
        if told.is_empty() {
            return;
        }
        let late = self.latency();
        self.note(Way::To(member), late, move |system, _| {
            if let Some(follower) = system.followers.remove(&number) {
                system.afterwards(move || drop(follower.sender.send(told)));
            }
        });
    }

    /// Looks when the server that the follower asks knows what is true now. One of a minority does not learn of it.
    fn look_later(&mut self, number: u64) {
        let Some(member) = self.followers.get(&number).map(|follower| Arc::clone(&follower.member)) else { return };
        if self.side(&member) == Side::Majority {
            let late = self.latency() + self.faults.stale;
            self.note(Way::To(member), late, move |system, now| system.look(number, now));
        }
    }

    /// The followers of a member that is back from a minority go on, or begin anew.
    pub(super) fn resume_followers(&mut self, member: &str) {
        for number in self.followers_of(member) {
            if self.dice.way(2) == 0 {
                self.end_follower(number);
            } else {
                self.note_at(
                    time::now(),
                    Due { way: Way::Inside, happens: Box::new(move |it, now| it.look(number, now)) },
                );
            }
        }
    }

    pub(super) fn end_followers(&mut self, member: &str) {
        self.followers_of(member).into_iter().for_each(|number| self.end_follower(number));
    }

    fn followers_of(&self, member: &str) -> Vec<u64> {
        self.followers.iter().filter(|(_, it)| *it.member == *member).map(|(number, _)| *number).collect()
    }

    fn end_follower(&mut self, number: u64) {
        let follower = self.followers.remove(&number);
        self.afterwards(move || drop(follower));
    }
}

fn no_stream(stream: &str) -> EngineError {
    EngineError::Refused(format!("the stream `{stream}` does not exist; open it first"))
}
