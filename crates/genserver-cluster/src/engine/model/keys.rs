//! How keys change, and who is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::mpsc;

use super::links::Side;
use super::past::Moment;
use super::system::{Due, System, Way};
use crate::engine::{ChangeError, Entry, Revision, WatchEvent};

/// So many changes may wait in a watch. If there are more, it is lost.
const WATCH_QUEUE: usize = 65_536;

/// The change of a key: what it has since then, or nothing if it is gone.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) revision: Revision,
    value: Option<Bytes>,
}

impl Change {
    pub(super) fn entry(&self) -> Option<Entry> {
        Some(Entry { value: self.value.clone()?, revision: self.revision })
    }

    fn event(&self, key: &str) -> WatchEvent {
        let key = key.to_owned();
        self.entry().map_or(WatchEvent::Gone(key.clone(), self.revision), |entry| WatchEvent::Set(key, entry))
    }
}

/// Somebody who is told of changes.
pub(super) struct Watch {
    member: Arc<str>,
    prefix: String,
    sender: mpsc::UnboundedSender<WatchEvent>,
    /// The last change that it was told of, ...
    told: Revision,
    /// ... and when it will have been told of all so far.
    until: Instant,
}

impl System {
    pub(super) fn create(
        &mut self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        now: Instant,
    ) -> Result<Revision, ChangeError> {
        if self.keys.latest(key).and_then(Change::entry).is_some() {
            return Err(ChangeError::Conflict);
        }
        Ok(self.lease(key, value, time_to_live, now))
    }

    pub(super) fn update(
        &mut self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        last: Revision,
        now: Instant,
    ) -> Result<Revision, ChangeError> {
        self.expect_last(key, last)?;
        Ok(self.lease(key, value, time_to_live, now))
    }

    pub(super) fn delete(&mut self, key: &str, last: Revision, now: Instant) -> Result<(), ChangeError> {
        self.expect_last(key, last)?;
        self.change(key, None, now);
        Ok(())
    }

    /// What a key had at a moment.
    pub(super) fn get(&self, key: &str, as_of: Moment) -> Option<Entry> {
        self.keys.at(key, as_of).and_then(Change::entry)
    }

    fn expect_last(&self, key: &str, last: Revision) -> Result<(), ChangeError> {
        let entry = self.keys.latest(key).and_then(Change::entry);
        if entry.is_some_and(|entry| entry.revision == last) { Ok(()) } else { Err(ChangeError::Conflict) }
    }

    /// Sets a key that ends by itself.
    fn lease(&mut self, key: &str, value: Bytes, time_to_live: Duration, now: Instant) -> Revision {
        let revision = self.change(key, Some(value), now);
        let late = self.dice.up_to(self.faults.late_leases);
        let key = key.to_owned();
        let happens = move |system: &mut Self, now| {
            if system.expect_last(&key, revision).is_ok() {
                system.change(&key, None, now);
            }
        };
        self.note_at(now + time_to_live + late, Due { way: Way::Inside, happens: Box::new(happens) });
        revision
    }

    fn change(&mut self, key: &str, value: Option<Bytes>, now: Instant) -> Revision {
        let revision = Revision(self.next_change());
        let change = Change { revision, value };
        let event = change.event(key);
        self.keys.set(key, change, self.moment(now), self.kept_from(now));
        let watches: Vec<u64> = self.watches.iter().filter(|(_, it)| it.sees(key)).map(|(number, _)| *number).collect();
        for number in watches {
            self.tell(number, event.clone(), revision, now);
        }
        revision
    }

    /// Tells a watch of a change, some time after it was made. One on the side of a minority hears nothing.
    fn tell(&mut self, number: u64, event: WatchEvent, revision: Revision, now: Instant) {
        let late = self.latency() + self.dice.up_to(self.faults.stale);
        let Some((member, until)) = self.watches.get(&number).map(|it| (Arc::clone(&it.member), it.until)) else {
            return;
        };
        if self.side(&member) != Side::Majority {
            return;
        }
        // None overtakes another.
        let at = until.max(now + late);
        self.watches.entry(number).and_modify(|watch| watch.until = at);
        let happens = move |system: &mut Self, _: Instant| {
            if system.has_changed_again(&event, revision) && system.dice.way(2) == 1 {
                return;
            }
            let Some(watch) = system.watches.get_mut(&number) else { return };
            if watch.sender.is_closed() || watch.sender.len() >= WATCH_QUEUE {
                system.end_watch(number);
                return;
            }
            watch.told = revision;
            let sender = watch.sender.clone();
            system.afterwards(move || drop(sender.unbounded_send(event)));
        };
        self.note_at(at, Due { way: Way::To(member), happens: Box::new(happens) });
    }

    /// Whether the key of an event has a later change: then a watch need not be told of this one.
    fn has_changed_again(&self, event: &WatchEvent, revision: Revision) -> bool {
        let (WatchEvent::Set(key, _) | WatchEvent::Gone(key, _)) = event else { return false };
        self.keys.latest(key).is_some_and(|latest| latest.revision > revision)
    }

    /// Begins a watch with what was there at a moment.
    pub(super) fn watch(
        &mut self,
        member: &Arc<str>,
        prefix: &str,
        now: Instant,
        as_of: Moment,
    ) -> mpsc::UnboundedReceiver<WatchEvent> {
        // Bounded by `WATCH_QUEUE`, but for what is there at first: that exists already.
        let (sender, receiver) = mpsc::unbounded();
        let there = self.keys.all_at(prefix, as_of);
        let told = there.iter().map(|(_, change)| change.revision).max().unwrap_or(Revision(0));
        let set = there.iter().filter(|(_, change)| change.value.is_some()).map(|(key, change)| change.event(key));
        for event in set.chain([WatchEvent::Current]) {
            // It has its receiver still.
            let _ = sender.unbounded_send(event);
        }
        let watch = Watch { member: Arc::clone(member), prefix: prefix.to_owned(), sender, told, until: now };
        let number = self.next_number();
        self.watches.insert(number, watch);
        self.catch_up(number, now);
        receiver
    }

    /// Tells a watch of all that it was not told of.
    fn catch_up(&mut self, number: u64, now: Instant) {
        let Some(watch) = self.watches.get(&number) else { return };
        let missed = self.keys.all(&watch.prefix).filter(|(_, change)| change.revision > watch.told);
        let mut missed: Vec<_> = missed.map(|(key, change)| (change.revision, change.event(key))).collect();
        missed.sort_by_key(|(revision, _)| *revision);
        for (revision, event) in missed {
            self.tell(number, event, revision, now);
        }
    }

    /// The watches of a member that is back from a minority go on, or are lost.
    pub(super) fn resume_watches(&mut self, member: &str, now: Instant) {
        for number in self.watches_of(member) {
            if self.dice.way(2) == 0 {
                self.end_watch(number);
            } else {
                self.catch_up(number, now);
            }
        }
    }

    pub(super) fn end_watches(&mut self, member: &str) {
        self.watches_of(member).into_iter().for_each(|number| self.end_watch(number));
    }

    fn watches_of(&self, member: &str) -> Vec<u64> {
        self.watches.iter().filter(|(_, watch)| *watch.member == *member).map(|(number, _)| *number).collect()
    }

    fn end_watch(&mut self, number: u64) {
        let watch = self.watches.remove(&number);
        self.afterwards(move || drop(watch));
    }
}

impl Watch {
    fn sees(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }
}
