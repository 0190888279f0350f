//! A registry as one process sees it: its entries, registering and releasing.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use super::entry::{Entry, Updated};
use super::error::{RegisterDuplicateError, RegisterUniqueError, UpdateError};
use super::listener::RegistryEvent;
use super::{Duplicate, Key, Registry, Unique, Value};
use crate::ProcessRef;

/// A registry as one process sees it; made by [`Registry::of`] and [`Registry::caller`].
///
/// All the operations that a registry does for the calling process, this does for the process it was made for.
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::registry::Registry;
///
/// # genserver_doc::run! {
/// let rooms = Registry::unique();
/// rooms.start().await?;
/// let alice = Probe::<()>::new();
///
/// let of_alice = rooms.of(&alice);
/// of_alice.register("lobby", 7)?;
/// of_alice.register("garden", 2)?;
/// of_alice.unregister("lobby");
/// assert_eq!(of_alice.keys(), ["garden"]);
/// # }
/// ```
pub struct Owner<'a, K: Key, V: Value, Kind> {
    registry: &'a Registry<K, V, Kind>,
    /// None for plain code, and for a pid or a name that no longer refers to a process.
    process: Option<ProcessRef>,
}

impl<'a, K: Key, V: Value, Kind> Owner<'a, K, V, Kind> {
    pub(super) fn new(registry: &'a Registry<K, V, Kind>, process: Option<ProcessRef>) -> Self {
        Self { registry, process: process.filter(|process| !process.has_ended()) }
    }

    /// Releases everything that the process holds under `key`. Returns whether there was anything.
    pub fn unregister<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.unregister_match(key, |_| true) > 0
    }

    /// Releases the entries of the process under `key` whose value `wanted` accepts. Returns how many there were.
    pub fn unregister_match<Q>(&self, key: &Q, mut wanted: impl FnMut(&V) -> bool) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut entries = self.entries(key);
        entries.retain(|entry| wanted(entry.value()) && self.registry.table.remove(entry));
        let count = entries.len();
        for entry in entries {
            self.registry.table.listeners.tell(&RegistryEvent::Unregistered(entry));
        }
        count
    }

    /// The keys that the process holds, in the order in which it took them: OTP's `keys/2`.
    ///
    /// In a duplicate registry a key appears as often as the process holds it.
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        let process = self.process.as_ref();
        let entries = process.map(|process| self.registry.table.of(process)).unwrap_or_default();
        entries.iter().map(|entry| entry.key().clone()).collect()
    }

    /// The values of the process under `key`, in the order in which it registered them: OTP's `values/3`.
    pub fn values<Q>(&self, key: &Q) -> Vec<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.entries(key).iter().map(|entry| entry.value().clone()).collect()
    }

    fn entries<Q>(&self, key: &Q) -> Vec<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let process = self.process.as_ref();
        process.map(|process| self.registry.table.find_of(process.pid(), key)).unwrap_or_default()
    }
}

impl<K: Key, V: Value> Owner<'_, K, V, Unique> {
    /// Registers the process under `key`: see [`Registry::register`].
    ///
    /// # Errors
    ///
    /// As [`Registry::register`].
    pub fn register(&self, key: K, value: V) -> Result<(), RegisterUniqueError<K, V>> {
        let Some(process) = &self.process else { return Err(RegisterUniqueError::NoProcess { key, value }) };
        self.registry.table.register_unique(process, key, value).map(|_| ())
    }

    /// Replaces the value beside `key`, which the process holds: see [`Registry::update_value`].
    ///
    /// # Errors
    ///
    /// As [`Registry::update_value`].
    pub fn update_value<Q>(&self, key: &Q, mut update: impl FnMut(&V) -> V) -> Result<Updated<K, V>, UpdateError>
    where
        K: Borrow<Q> + Clone,
        Q: Hash + Eq + ?Sized,
    {
        let table = &self.registry.table;
        loop {
            let Some(old) = table.find_one(key) else { return Err(UpdateError::NotRegistered) };
            if self.process.as_ref() != Some(old.process()) {
                return Err(UpdateError::NotOwned { holder: old.process().clone() });
            }
            let value = update(old.value());
            let new = Entry::new(old.place(), old.key().clone(), value, old.process().clone());
            if table.replace(&old, &new) {
                return Ok(Updated { new, old });
            }
        }
    }
}

impl<K: Key, V: Value> Owner<'_, K, V, Duplicate> {
    /// Adds an entry for the process: see [`Registry::register`].
    ///
    /// # Errors
    ///
    /// As [`Registry::register`].
    pub fn register(&self, key: K, value: V) -> Result<(), RegisterDuplicateError<K, V>> {
        let Some(process) = &self.process else { return Err(RegisterDuplicateError::NoProcess { key, value }) };
        self.registry.table.register_duplicate(process, key, value)
    }
}

impl<K: Key, V: Value, Kind> fmt::Debug for Owner<'_, K, V, Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("process", &self.process).finish_non_exhaustive()
    }
}
