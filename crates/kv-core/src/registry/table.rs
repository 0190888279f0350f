//! The table of a registry: which bucket has which name, for everybody to read and for one process to write.

use std::collections::HashMap;

use genserver::Pid;
use parking_lot::RwLock;

use crate::{Bucket, BucketName};

/// Names and their buckets. Only the registry's process writes; whoever looks up reads, and sends no message.
///
/// It outlives the process: a registry that is started again finds what the one before it knew.
#[derive(Debug, Default)]
pub(crate) struct Table {
    // Several maps, so that readers of different names seldom touch the same lock.
    shards: [RwLock<HashMap<BucketName, Bucket>>; SHARDS],
}

const SHARDS: usize = 16;

/// Below this capacity a map is left as it is.
const SMALL: usize = 64;

impl Table {
    /// The bucket of that name, if it takes requests.
    pub(crate) fn alive(&self, name: &str) -> Option<Bucket> {
        self.get(name).filter(Bucket::is_alive)
    }

    /// The bucket of that name, also one that is about to end.
    pub(crate) fn get(&self, name: &str) -> Option<Bucket> {
        self.shard(name).read().get(name).cloned()
    }

    pub(crate) fn insert(&self, name: BucketName, bucket: Bucket) {
        self.shard(&name).write().insert(name, bucket);
    }

    /// Frees the name, if it is that process's. Returns the bucket.
    pub(crate) fn remove(&self, name: &str, pid: Pid) -> Option<Bucket> {
        let mut shard = self.shard(name).write();
        let theirs = shard.get(name).is_some_and(|bucket| bucket.pid() == pid);
        let removed = theirs.then(|| shard.remove(name)).flatten();
        // A map never gives memory back by itself: a million names that came and went would be paid for ever.
        if shard.capacity() > SMALL && shard.len() * 4 < shard.capacity() {
            let room = shard.len() * 2;
            shard.shrink_to(room);
        }
        removed
    }

    /// The names of all buckets that take requests, in their order.
    pub(crate) fn names(&self) -> Vec<BucketName> {
        let mut names: Vec<_> =
            self.entries().into_iter().filter_map(|(name, bucket)| bucket.is_alive().then_some(name)).collect();
        names.sort_unstable();
        names
    }

    /// All that is in it, in no order.
    pub(crate) fn entries(&self) -> Vec<(BucketName, Bucket)> {
        let copy = |shard: &RwLock<HashMap<BucketName, Bucket>>| {
            shard.read().iter().map(|(name, bucket)| (name.clone(), bucket.clone())).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(copy).collect()
    }

    /// Which map has a name. Names that are chosen to fall together share a lock, and nothing worse: the maps hash with a secret.
    fn shard(&self, name: &str) -> &RwLock<HashMap<BucketName, Bucket>> {
        let sum = name.bytes().fold(name.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        &self.shards[(sum ^ (sum >> 7)) % SHARDS]
    }
}
