//! The table of names and buckets, which every thread reads and one process writes.

use std::collections::HashMap;

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
}

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
        self.shard(&name).write().insert(name, bucket);
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
        removed
    }

    /// The names of all running buckets, in order.
    pub(crate) fn names(&self) -> Vec<BucketName> {
        let mut names: Vec<_> =
            self.entries().into_iter().filter_map(|(name, bucket)| bucket.is_alive().then_some(name)).collect();
        names.sort_unstable();
        names
    }

    /// All entries, in no order.
    pub(crate) fn entries(&self) -> Vec<(BucketName, Bucket)> {
        let copy = |shard: &RwLock<HashMap<BucketName, Bucket>>| {
            shard.read().iter().map(|(name, bucket)| (name.clone(), bucket.clone())).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(copy).collect()
    }

    /// The map that a name belongs to. Names chosen to collide only share a lock: the maps hash with a secret.
    fn shard(&self, name: &str) -> &RwLock<HashMap<BucketName, Bucket>> {
        let sum = name.bytes().fold(name.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        &self.shards[(sum ^ (sum >> 7)) % SHARDS]
    }
}
