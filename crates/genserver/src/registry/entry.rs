//! One entry of a registry: a key, the process that holds it, and the value beside it.

use std::fmt;
use std::sync::Arc;

use crate::{Pid, ProcessRef};

/// A key that a process holds, with its value: the result of a lookup.
///
/// It is a snapshot, cheap to clone. It does not change when the key is released or the value is
/// replaced, and it neither keeps the process alive nor the key taken.
pub struct Entry<K, V> {
    parts: Arc<Parts<K, V>>,
}

/// A value that was replaced: the result of [`Registry::update_value`](super::Registry::update_value).
#[derive(Debug)]
pub struct Updated<K, V> {
    /// The new entry.
    pub new: Entry<K, V>,
    /// The old entry.
    pub old: Entry<K, V>,
}

struct Parts<K, V> {
    place: EntryPlace,
    key: K,
    value: V,
    process: ProcessRef,
}

/// The position of an entry in the table of keys: the hash of its key, and its number among all entries.
pub(super) type EntryPlace = (u64, u64);

impl<K, V> Entry<K, V> {
    pub(super) fn new(place: EntryPlace, key: K, value: V, process: ProcessRef) -> Self {
        Self { parts: Arc::new(Parts { place, key, value, process }) }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.parts.key
    }

    /// The value that was registered with it.
    pub fn value(&self) -> &V {
        &self.parts.value
    }

    /// The process that holds the key.
    pub fn process(&self) -> &ProcessRef {
        &self.parts.process
    }

    /// The pid of the process that holds the key.
    pub fn pid(&self) -> Pid {
        self.parts.process.pid()
    }

    pub(super) fn place(&self) -> EntryPlace {
        self.parts.place
    }

    /// Returns whether its process has not ended: an entry ends with its process, not when it is removed.
    pub(super) fn counts(&self) -> bool {
        !self.parts.process.has_ended()
    }

    /// Key and value, if no one else holds the entry.
    pub(super) fn into_parts(self) -> Option<(K, V)> {
        Arc::into_inner(self.parts).map(|parts| (parts.key, parts.value))
    }

    /// Returns whether both are the same entry with the same value, and not only under the same key.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }
}

impl<K, V> Clone for Entry<K, V> {
    fn clone(&self) -> Self {
        Self { parts: Arc::clone(&self.parts) }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Entry<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", self.key())
            .field("value", self.value())
            .field("process", self.process())
            .finish()
    }
}
