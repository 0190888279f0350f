//! The table of names and buckets, which every thread reads and one process writes.
//!
//! - T1: `order` has the names of `shards`, but for the one that is coming or going at the moment.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use genserver::Pid;
use parking_lot::RwLock;

use crate::{Bucket, BucketName};

/// Names and their buckets. Only the registry's process writes it. Lookups read it, and send no message.
///
/// It outlives the process: a restarted registry finds the names of the one before it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    // Several maps, so that lookups of different names seldom share a lock.
    shards: [RwLock<HashMap<BucketName, Bucket>>; SHARDS],
    // For pages in order. It has a lock of its own, so that a lookup waits for no page.
    order: RwLock<BTreeSet<BucketName>>,
}

/// How many names are read under the lock at a time: a create waits for no more.
const PAGE: usize = 256;

const SHARDS: usize = 16;

/// Maps below this capacity are never shrunk.
const SMALL: usize = 64;

impl Table {
    /// The bucket of this name, if it is running.
    pub(crate) fn alive(&self, name: &str) -> Option<Bucket> {
        self.get(name).filter(Bucket::is_alive)
    }

    /// The bucket of this name, even if it is ending.
    pub(crate) fn get(&self, name: &str) -> Option<Bucket> {
        self.shard(name).read().get(name).cloned()
    }

    pub(crate) fn insert(&self, name: BucketName, bucket: Bucket) {
        self.shard(&name).write().insert(name.clone(), bucket);
        self.order.write().insert(name);
    }

    /// Frees the name if it belongs to this process, and returns the bucket.
    pub(crate) fn remove(&self, name: &str, pid: Pid) -> Option<Bucket> {
        let mut shard = self.shard(name).write();
        let theirs = shard.get(name).is_some_and(|bucket| bucket.pid() == pid);
        let removed = theirs.then(|| shard.remove(name)).flatten();
        // A map never shrinks by itself, and a million names that came and went would keep their memory.
        if shard.capacity() > SMALL && shard.len() * 4 < shard.capacity() {
            let space = shard.len() * 2;
            shard.shrink_to(space);
        }
        drop(shard);
        if removed.is_some() {
            self.order.write().remove(name);
        }
        removed
    }

    /// Frees all names.
    pub(crate) fn clear(&self) {
        self.shards.iter().for_each(|shard| *shard.write() = HashMap::new());
        *self.order.write() = BTreeSet::new();
    }

    /// One page of the names of running buckets, in order: at most `limit`, from the beginning or after a name.
    pub(crate) fn names(&self, after: Option<&str>, limit: usize) -> Vec<BucketName> {
        let mut names = Vec::new();
        let mut last: Option<BucketName> = None;
        while names.len() < limit {
            let page = self.page(last.as_deref().or(after), PAGE.min(limit - names.len()));
            let Some(end) = page.last() else { break };
            last = Some(end.clone());
            names.extend(page.into_iter().filter(|name| self.alive(name).is_some()));
        }
        names
    }

    /// One page of the names, also of buckets that are ending. Only the last page is empty.
    pub(crate) fn page(&self, after: Option<&str>, limit: usize) -> Vec<BucketName> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.order.read().range::<str, _>((after, Bound::Unbounded)).take(limit).cloned().collect()
    }

    /// How many names there are, also of buckets that are ending.
    pub(crate) fn count(&self) -> usize {
        self.order.read().len()
    }

    /// The map that a name belongs to. Names chosen to collide only share a lock: the maps hash with a secret.
    fn shard(&self, name: &str) -> &RwLock<HashMap<BucketName, Bucket>> {
        let sum = name.bytes().fold(name.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        &self.shards[(sum ^ (sum >> 7)) % SHARDS]
    }
}
