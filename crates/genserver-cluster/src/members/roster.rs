//! Who is up, as far as this member has seen: N2 to N4 of [`members`](super), without I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::engine::{EngineError, Entry, Revision, WatchEvent};
use crate::members::MemberInfo;
use crate::members::first_use::FirstUse;
use crate::members::follow::{Seen, key_of};
use crate::members::member_record::MemberRecord;
use crate::members::notify::Notify;

/// Who is up. Somebody else watches, and reads the clock.
#[derive(Default)]
pub(crate) struct Roster {
    state: Mutex<State>,
    /// Told when somebody is up or is not any more.
    notify: Notify,
    pub(super) wanted: FirstUse,
}

#[derive(Default)]
struct State {
    /// By their keys. Bounded by the keys that are there, and those that were within a time to live.
    up: BTreeMap<String, Up>,
    /// The last change of each that was not seen for too long: it brings nobody back. Bounded by the keys that are there.
    expired: BTreeMap<String, Revision>,
    /// Why nothing was seen of late.
    why: Option<EngineError>,
}

/// A member that is up.
struct Up {
    info: MemberInfo,
    time_to_live: Duration,
    /// The change by which it was seen first, ...
    first: Revision,
    /// ... the last one, ...
    last: Revision,
    /// ... and when that was seen.
    seen: Instant,
}

impl Up {
    fn until(&self) -> Instant {
        self.seen + self.time_to_live
    }
}

impl Roster {
    pub(crate) fn notify(&self) -> &Notify {
        &self.notify
    }

    /// Who is up, in the order in which they were seen first.
    pub(crate) fn up(&self) -> BTreeMap<Revision, MemberInfo> {
        self.state.lock().up.values().map(|up| (up.first, up.info.clone())).collect()
    }

    pub(super) fn is_up(&self, member: &MemberInfo) -> bool {
        self.state.lock().up.values().any(|up| up.info == *member)
    }

    /// Why nothing was seen of late.
    pub(super) fn why(&self) -> EngineError {
        self.state.lock().why.clone().unwrap_or(EngineError::Unanswered)
    }

    /// Notes what was seen.
    pub(super) fn note(&self, Seen { events, is_all }: Seen, now: Instant) {
        self.change(|state| {
            state.why = None;
            if is_all {
                let keys: BTreeSet<_> = events.iter().filter_map(key_of).collect();
                state.expired.retain(|key, _| keys.contains(key.as_str()));
            }
            events.into_iter().filter(|event| state.note(event, now)).count() > 0
        });
    }

    /// Notes that nothing can be seen for now.
    pub(super) fn note_failure(&self, why: EngineError) {
        self.state.lock().why = Some(why);
    }

    /// Ends those that were not seen for too long.
    pub(super) fn expire(&self, now: Instant) {
        self.change(|state| {
            let expired = state.up.extract_if(.., |_, up| up.until() <= now).map(|(key, up)| (key, up.last));
            let before = state.expired.len();
            state.expired.extend(expired);
            state.expired.len() > before
        });
    }

    /// When the next ends, if it is not seen until then.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.state.lock().up.values().map(Up::until).min()
    }

    /// Ends all: nobody watches any more.
    pub(super) fn clear(&self) {
        *self.state.lock() = State::default();
        // Who waits for this member to be seen finds out that it does not run.
        self.notify.notify();
    }

    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        let has_changed = change(&mut self.state.lock());
        if has_changed {
            self.notify.notify();
        }
    }
}

impl State {
    /// Returns whether somebody is up, or not any more, by this.
    fn note(&mut self, event: &WatchEvent, now: Instant) -> bool {
        match event {
            WatchEvent::Set(key, entry) => self.set(key, entry, now),
            WatchEvent::Gone(key, revision) => {
                self.expired.remove(key);
                let is_later = self.up.get(key).is_some_and(|up| up.last < *revision);
                is_later && self.up.remove(key).is_some()
            }
            WatchEvent::Current | WatchEvent::Lost => false,
        }
    }

    fn set(&mut self, key: &str, entry: &Entry, now: Instant) -> bool {
        // What is not a member was not written by one.
        let Some(record) = MemberRecord::read(entry) else { return false };
        let last = entry.revision;
        if let Some(up) = self.up.get_mut(key) {
            if up.last < last {
                (up.last, up.seen) = (last, now);
            }
            return false;
        }
        if self.expired.get(key).is_some_and(|expired| *expired >= last) {
            return false;
        }
        self.expired.remove(key);
        let (info, time_to_live) = (record.info(), record.time_to_live());
        self.up.insert(key.to_owned(), Up { info, time_to_live, first: last, last, seen: now });
        true
    }
}
