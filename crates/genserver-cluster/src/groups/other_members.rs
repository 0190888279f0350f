//! What the keys of the other members say of their processes that are in groups.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use crate::engine::{Revision, WatchEvent};
use crate::groups::joined_record::JoinedRecord;
use crate::members::bell::Bell;
use crate::members::follow::{Seen, key_of};
use crate::members::wanted::Wanted;

/// How many times one process may be in a group of another member, whatever that says.
const TIMES_MAX: u32 = 1 << 16;

/// What was seen. Somebody else watches.
pub(super) struct Elsewhere {
    state: Mutex<State>,
    pub(super) wanted: Wanted,
    /// Rung when something has changed.
    bell: Bell,
}

#[derive(Default)]
struct State {
    is_seen: bool,
    /// By their keys. Bounded by the keys that are there.
    records: BTreeMap<String, (Revision, JoinedRecord)>,
}

impl Elsewhere {
    pub(super) fn new(bell: Bell) -> Self {
        Self { state: Mutex::default(), wanted: Wanted::default(), bell }
    }

    pub(super) fn want(&self) {
        self.wanted.want();
    }

    /// Whether all that was there was seen once.
    pub(super) fn is_seen(&self) -> bool {
        self.state.lock().is_seen
    }

    /// The numbers of those in a group, and how often they are in it.
    pub(super) fn find(&self, key: &str, group: &str, server: &str) -> Vec<(u64, u32)> {
        let state = self.state.lock();
        let Some((_, record)) = state.records.get(key) else { return Vec::new() };
        let found = record.find(group, server);
        found.map(|(number, times)| (number, times.min(TIMES_MAX))).collect()
    }

    pub(super) fn note(&self, Seen { events, is_all }: Seen) {
        {
            let mut state = self.state.lock();
            if is_all {
                state.is_seen = true;
                let keys: BTreeSet<_> = events.iter().filter_map(key_of).collect();
                state.records.retain(|key, _| keys.contains(key.as_str()));
            }
            for event in events {
                state.note(event);
            }
        }
        self.bell.ring();
    }

    /// Forgets all: nobody watches any more.
    pub(super) fn clear(&self) {
        *self.state.lock() = State::default();
        self.bell.ring();
    }
}

impl State {
    fn note(&mut self, event: WatchEvent) {
        let is_later = |records: &BTreeMap<String, (Revision, JoinedRecord)>, key: &str, revision| {
            records.get(key).is_none_or(|(last, _)| *last < revision)
        };
        match event {
            WatchEvent::Set(key, entry) if is_later(&self.records, &key, entry.revision) => {
                if let Some(record) = JoinedRecord::read(&entry) {
                    self.records.insert(key, (entry.revision, record));
                }
            }
            WatchEvent::Gone(key, revision) if is_later(&self.records, &key, revision) => {
                self.records.remove(&key);
            }
            _ => {}
        }
    }
}
