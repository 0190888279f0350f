//! What the keys of the other members say of their processes that are in groups.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use crate::engine::{Revision, WatchEvent};
use crate::groups::joined_record::JoinedRecord;
use crate::members::first_use::FirstUse;
use crate::members::follow::{Seen, key_of};
use crate::members::notify::Notify;

/// What was seen. Somebody else watches.
pub(super) struct OtherMembers {
    state: Mutex<State>,
    pub(super) wanted: FirstUse,
    /// Told when something has changed.
    notify: Notify,
}

#[derive(Default)]
struct State {
    is_seen: bool,
    /// By their keys. Bounded by the keys that are there.
    records: BTreeMap<String, (Revision, JoinedRecord)>,
}

impl OtherMembers {
    pub(super) fn new(notify: Notify) -> Self {
        Self { state: Mutex::default(), wanted: FirstUse::default(), notify }
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
        record.find(group, server).collect()
    }

    /// Notes what a watch has told. What one begins with may be old, so by J3 it takes nothing from the members that are up.
    pub(super) fn note(&self, Seen { events, is_all }: Seen, keys_of_up: impl FnOnce() -> BTreeSet<String>) {
        let keys_of_up = if is_all { keys_of_up() } else { BTreeSet::new() };
        {
            let mut state = self.state.lock();
            if is_all {
                state.is_seen = true;
                let keys: BTreeSet<_> = events.iter().filter_map(key_of).collect();
                state.records.retain(|key, _| keys.contains(key.as_str()) || keys_of_up.contains(key));
            }
            for event in events {
                state.note(event);
            }
        }
        self.notify.notify();
    }

    /// Forgets all: nobody watches any more.
    pub(super) fn clear(&self) {
        *self.state.lock() = State::default();
        self.notify.notify();
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
