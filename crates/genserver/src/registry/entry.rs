//! One entry of a registry: a key, whoever holds it, and the value beside it.

use std::fmt;
use std::sync::Arc;

use crate::{Pid, ProcessRef};

/// A key that a process holds, with its value: what a look-up finds.
///
/// It is a snapshot, cheap to clone. It goes on saying what it said when the key has been given up or its value has been
/// replaced, and keeps neither the process alive nor the key taken.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::Probe;
/// use genserver::registry::Registry;
///
/// let rooms = Registry::unique();
/// rooms.start().await?;
/// let alice = Probe::<()>::new();
/// rooms.of(&alice).register("lobby", 7)?;
///
/// let entry = rooms.lookup("lobby").expect("alice holds it");
/// assert_eq!((entry.key(), entry.value(), entry.pid()), (&"lobby", &7, alice.pid()));
/// # Ok(())
/// # }
/// ```
pub struct Entry<K, V> {
    parts: Arc<Parts<K, V>>,
}

/// A value that was replaced: what [`Registry::update_value`](super::Registry::update_value) returns.
#[derive(Debug)]
pub struct Updated<K, V> {
    /// The entry as it is now.
    pub new: Entry<K, V>,
    /// The entry as it was.
    pub old: Entry<K, V>,
}

struct Parts<K, V> {
    place: Place,
    key: K,
    value: V,
    process: ProcessRef,
}

/// Where an entry stands in the table of keys: the hash of its key, and its number among all entries.
pub(super) type Place = (u64, u64);

impl<K, V> Entry<K, V> {
    pub(super) fn new(place: Place, key: K, value: V, process: ProcessRef) -> Self {
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

    pub(super) fn place(&self) -> Place {
        self.parts.place
    }

    /// Whether its process is still there to hold anything: an entry ends with its process, not when somebody clears it away.
    pub(super) fn counts(&self) -> bool {
        !self.parts.process.has_ended()
    }

    /// Key and value, if nobody else has the entry.
    pub(super) fn into_parts(self) -> Option<(K, V)> {
        Arc::into_inner(self.parts).map(|parts| (parts.key, parts.value))
    }

    /// Whether both are the same entry with the same value, not only under the same key.
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
