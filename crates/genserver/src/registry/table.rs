//! The table of a registry: entries by key and by process, each map in parts, and the processes that the keeper monitors.
//!
//! An entry is stored in two maps, by its key and by its process, and no two locks are ever held at once. So at some moments
//! an entry is in only one of them; these rules make that harmless:
//!
//! - T1. The table of keys alone decides who holds a key, under the lock of one part.
//! - T2. An entry counts as long as its process has not ended; every reader checks that, and nothing else. So an ended
//!   process holds nothing from the moment of its end, whether or not its entries have been removed.
//! - T3. After an entry is in both maps, the registration checks once more whether its process has ended. If it has, the
//!   keeper may have run before, so the entry is removed here; if not, the keeper will remove it later.
//! - T4. A process is put on the keeper's list when it first registers, and stays there until its end.
//! - T5. Entries that are removed are dropped when no lock is held: their values may run user code.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::entry::{Entry, EntryPlace};
use super::error::{RegisterDuplicateError, RegisterUniqueError};
use super::keeper::{Keeper, Watch};
use super::listener::{Listeners, RegistryEvent};
use super::lock::Locks;
use super::meta::Meta;
use super::{Key, Value};
use crate::{Pid, ProcessRef, ServerRef};

/// How many parts each map has, so that writers on many threads do not contend for one lock: as many as the process table.
pub(super) const PARTS: usize = 16;

/// Everything that the clones of one registry share.
pub(super) struct Table<K: Key, V: Value> {
    /// Randomly keyed, so that outsiders cannot choose keys that collide. No visible order depends on the hashes:
    /// entries are ordered by their numbers.
    hasher: RandomState,
    last_number: AtomicU64,
    /// The entries of a key are next to each other, in the order in which they were made.
    by_key: [RwLock<BTreeMap<EntryPlace, Entry<K, V>>>; PARTS],
    by_owner: [Mutex<Owned<K, V>>; PARTS],
    is_kept: AtomicBool,
    keeper: Mutex<Option<ServerRef<Keeper<K, V>>>>,
    /// Processes that have registered for the first time and are not monitored yet; at most all processes.
    unwatched: Mutex<Vec<Pid>>,
    /// Whether the keeper has been told of them.
    nudged: AtomicBool,
    pub(super) listeners: Listeners<K, V>,
    pub(super) locks: Arc<Locks<K>>,
    pub(super) meta: Meta,
}

/// The entries of the processes of one part.
struct Owned<K, V> {
    entries: BTreeMap<(Pid, u64), Entry<K, V>>,
    /// The processes that the keeper monitors, or is about to.
    watched: BTreeSet<Pid>,
}

impl<K, V> Default for Owned<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), watched: BTreeSet::new() }
    }
}

impl<K: Key, V: Value> Table<K, V> {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            last_number: AtomicU64::new(0),
            by_key: Default::default(),
            by_owner: Default::default(),
            is_kept: AtomicBool::new(false),
            keeper: Mutex::new(None),
            unwatched: Mutex::new(Vec::new()),
            nudged: AtomicBool::new(false),
            listeners: Listeners::default(),
            locks: Arc::new(Locks::default()),
            meta: Meta::default(),
        }
    }

    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    fn keys_at(&self, hash: u64) -> &RwLock<BTreeMap<EntryPlace, Entry<K, V>>> {
        &self.by_key[part(hash)]
    }

    fn owned_by(&self, pid: Pid) -> &Mutex<Owned<K, V>> {
        &self.by_owner[part(pid.number())]
    }

    /// All entries that count, in the order in which they were made.
    pub(super) fn all(&self) -> Vec<Entry<K, V>> {
        let mut all = Vec::new();
        for part in &self.by_key {
            all.extend(part.read().values().cloned());
        }
        all.retain(Entry::counts);
        all.sort_unstable_by_key(|entry| entry.place().1);
        all
    }

    pub(super) fn count(&self) -> usize {
        self.by_key.iter().map(|part| part.read().values().filter(|entry| entry.counts()).count()).sum()
    }

    /// How many entries are in the table, and how many processes are monitored, whether or not they count.
    pub(super) fn sizes(&self) -> (usize, usize) {
        let entries = self.by_key.iter().map(|part| part.read().len()).sum();
        let watched = self.by_owner.iter().map(|part| part.lock().watched.len()).sum();
        (entries, watched)
    }

    /// The entries of a process, in the order in which it registered them.
    pub(super) fn of(&self, process: &ProcessRef) -> Vec<Entry<K, V>> {
        let pid = process.pid();
        let owned = self.owned_by(pid).lock();
        let entries: Vec<_> = owned.entries.range(all_of(pid)).map(|(_, entry)| entry.clone()).collect();
        drop(owned);
        if process.has_ended() { Vec::new() } else { entries }
    }

    /// Adds an entry to those of its process, and has the process monitored: rules T3 and T4.
    pub(super) fn own(&self, entry: &Entry<K, V>) {
        let pid = entry.pid();
        let mut owned = self.owned_by(pid).lock();
        owned.entries.insert((pid, entry.place().1), entry.clone());
        let is_new = owned.watched.insert(pid);
        drop(owned);
        if is_new {
            self.unwatched.lock().push(pid);
            self.nudge();
        }
        if !entry.counts() {
            self.remove(entry);
        }
    }

    /// Removes an entry; returns whether it was there.
    pub(super) fn remove(&self, entry: &Entry<K, V>) -> bool {
        let place = entry.place();
        let removed = self.keys_at(place.0).write().remove(&place);
        let owned = self.owned_by(entry.pid()).lock().entries.remove(&(entry.pid(), place.1));
        // Named, so that both are dropped here, where no lock is held: rule T5.
        drop(owned);
        removed.is_some()
    }

    /// Replaces `old` by `new`, if `old` is still there.
    pub(super) fn replace(&self, old: &Entry<K, V>, new: &Entry<K, V>) -> bool {
        let place = old.place();
        let mut keys = self.keys_at(place.0).write();
        let Some(found) = keys.get_mut(&place).filter(|found| found.is(old)) else { return false };
        let replaced = std::mem::replace(found, new.clone());
        drop(keys);
        let mut owned = self.owned_by(old.pid()).lock();
        let also = owned.entries.get_mut(&(old.pid(), place.1)).map(|found| std::mem::replace(found, new.clone()));
        drop(owned);
        drop((replaced, also));
        true
    }

    /// Removes the entries of a process that has ended.
    pub(super) fn forget(&self, pid: Pid) {
        let mut owned = self.owned_by(pid).lock();
        owned.watched.remove(&pid);
        let entries: Vec<_> = owned.entries.extract_if(all_of(pid), |_, _| true).collect();
        drop(owned);
        for (_, entry) in entries {
            let removed = self.keys_at(entry.place().0).write().remove(&entry.place());
            drop(removed);
        }
    }
}

/// The part that compares keys.
impl<K: Key, V: Value> Table<K, V> {
    pub(super) fn entry(&self, key: K, value: V, process: ProcessRef) -> Entry<K, V> {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        Entry::new((self.hash(&key), number), key, value, process)
    }

    /// Adds an entry to those of its key.
    pub(super) fn insert(&self, entry: &Entry<K, V>) {
        self.keys_at(entry.place().0).write().insert(entry.place(), entry.clone());
    }

    /// The same, if no other process holds the key; otherwise returns the holder. Rule T1: this decides.
    pub(super) fn insert_unique(&self, entry: &Entry<K, V>) -> Result<(), ProcessRef> {
        let hash = entry.place().0;
        let mut keys = self.keys_at(hash).write();
        let before = keys.range(all_at(hash)).map(|(_, found)| found).find(|found| found.key() == entry.key()).cloned();
        if let Some(before) = &before {
            if before.counts() {
                return Err(before.process().clone());
            }
            keys.remove(&before.place());
        }
        keys.insert(entry.place(), entry.clone());
        drop(keys);
        drop(before);
        Ok(())
    }

    /// All entries of a key that count, in the order in which they were made.
    pub(super) fn find<Q>(&self, key: &Q) -> Vec<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        let keys = self.keys_at(hash).read();
        let same = keys.range(all_at(hash)).filter(|(_, found)| found.key().borrow() == key);
        let mut entries: Vec<_> = same.map(|(_, found)| found.clone()).collect();
        drop(keys);
        entries.retain(Entry::counts);
        entries
    }

    /// The only entry of a key, if it has one that counts.
    pub(super) fn find_one<Q>(&self, key: &Q) -> Option<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        let keys = self.keys_at(hash).read();
        let found = keys.range(all_at(hash)).map(|(_, found)| found).find(|found| found.key().borrow() == key).cloned();
        drop(keys);
        found.filter(Entry::counts)
    }

    /// The entries of a key that belong to a process.
    pub(super) fn find_of<Q>(&self, pid: Pid, key: &Q) -> Vec<Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut entries = self.find(key);
        entries.retain(|entry| entry.pid() == pid);
        entries
    }
}

/// Registering.
impl<K: Key, V: Value> Table<K, V> {
    /// Registers a process under a key, and tells the listeners.
    pub(super) fn register_unique(
        &self,
        process: &ProcessRef,
        key: K,
        value: V,
    ) -> Result<Entry<K, V>, RegisterUniqueError<K, V>> {
        if !self.is_kept() {
            return Err(RegisterUniqueError::NotRunning { key, value });
        }
        let entry = self.entry(key, value, process.clone());
        match self.insert_unique(&entry) {
            Ok(()) => self.own(&entry),
            Err(holder) => {
                let (key, value) = entry.into_parts().expect("it has not been put anywhere");
                return Err(RegisterUniqueError::AlreadyRegistered { key, value, holder });
            }
        }
        self.listeners.tell(&RegistryEvent::Registered(entry.clone()));
        Ok(entry)
    }

    /// Adds an entry for a process, and tells the listeners.
    pub(super) fn register_duplicate(
        &self,
        process: &ProcessRef,
        key: K,
        value: V,
    ) -> Result<(), RegisterDuplicateError<K, V>> {
        if !self.is_kept() {
            return Err(RegisterDuplicateError::NotRunning { key, value });
        }
        let entry = self.entry(key, value, process.clone());
        self.insert(&entry);
        self.own(&entry);
        self.listeners.tell(&RegistryEvent::Registered(entry));
        Ok(())
    }
}

/// The part that the keeper and the registering processes share.
impl<K: Key, V: Value> Table<K, V> {
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    pub(super) fn keeper(&self) -> Option<ServerRef<Keeper<K, V>>> {
        self.keeper.lock().clone()
    }

    /// Begins as the keeper, unless there is one.
    pub(super) fn begin(&self, keeper: ServerRef<Keeper<K, V>>) -> bool {
        if self.is_kept.swap(true, Ordering::AcqRel) {
            return false;
        }
        let before = self.keeper.lock().replace(keeper);
        drop(before);
        // The processes on the list are among those that the new keeper is about to monitor.
        self.nudged.store(false, Ordering::Release);
        self.unwatched.lock().clear();
        true
    }

    /// The keeper has ended, for whatever reason.
    pub(super) fn end(&self) {
        self.is_kept.store(false, Ordering::Release);
    }

    /// All processes that are to be monitored.
    pub(super) fn owners(&self) -> Vec<Pid> {
        self.by_owner.iter().flat_map(|part| part.lock().watched.iter().copied().collect::<Vec<_>>()).collect()
    }

    /// The processes that are not monitored yet. A process that is added after this nudges again.
    pub(super) fn take_unwatched(&self) -> Vec<Pid> {
        self.nudged.store(false, Ordering::Release);
        std::mem::take(&mut *self.unwatched.lock())
    }

    /// Tells the keeper to look at the list, unless it has been told.
    fn nudge(&self) {
        if !self.nudged.swap(true, Ordering::AcqRel)
            && let Some(keeper) = self.keeper()
        {
            // There is never more than one in its mailbox, and if the keeper has ended, its successor takes all owners.
            let _ = keeper.cast(Watch::new());
        }
    }
}

fn all_at(hash: u64) -> std::ops::RangeInclusive<EntryPlace> {
    (hash, 0)..=(hash, u64::MAX)
}

fn all_of(pid: Pid) -> std::ops::RangeInclusive<(Pid, u64)> {
    (pid, 0)..=(pid, u64::MAX)
}

/// The part to which a number belongs.
fn part(number: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "less than the number of parts")]
    let part = (number % PARTS as u64) as usize;
    part
}
