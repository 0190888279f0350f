//! What goes to a storage and comes back from it: entries, changes, commits, fences.

use std::time::SystemTime;

use bytes::Bytes;

use crate::BucketName;

/// A key with its value, as a storage keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// When it expires; `None` if it does not. A storage keeps it to the millisecond.
    pub expires: Option<SystemTime>,
}

impl Entry {
    /// An entry that does not expire.
    pub fn new(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { key: key.into(), value: value.into(), expires: None }
    }
}

/// A change to a bucket, for [`Storage::commit`](crate::Storage::commit).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StorageChange {
    /// The key now has this value.
    Put(Entry),
    /// The key now has no value.
    Delete(Bytes),
}

/// Changes of one bucket: all of them are made, or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The bucket.
    pub bucket: BucketName,
    /// What [`load`](crate::Storage::load) returned to the process that made the changes.
    pub fence: Fence,
    /// The changes, in order. A later one to the same key counts.
    pub changes: Vec<StorageChange>,
}

/// What a storage knows of a bucket: see [`Storage::load`](crate::Storage::load).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loaded {
    /// Goes into each commit of the process that has loaded the bucket.
    pub fence: Fence,
    /// All entries, in any order.
    pub entries: Vec<Entry>,
}

/// Tells the process that may change a bucket from those that might before it.
///
/// Each [`load`](crate::Storage::load) of a bucket returns another fence, and from then on the storage refuses the earlier
/// ones. So a process that was killed, and whose last commit is still under way, changes nothing after the next one has read.
/// What the number means is the storage's affair: a count, or the revision of a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fence(u64);

impl Fence {
    /// A fence with this number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}
