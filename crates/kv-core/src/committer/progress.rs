//! How far the commits of one bucket have come: the committer writes it, and the bucket reads it before each message.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::storage::StorageError;

/// Shared by a bucket and the committer, so that a commit costs the bucket no message.
///
/// Each commit has a *number*, which grows, and belongs to a *round*. A round ends when a commit fails: the bucket takes back
/// what is not committed and begins the next one.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The last number that is committed.
    committed: AtomicU64,
    /// The last round with a failed commit; 0 if there is none.
    broken: AtomicU64,
    /// The first error of that round.
    error: Mutex<Option<StorageError>>,
}

impl Progress {
    /// All commits up to this number are committed, or were taken back.
    pub(crate) fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    pub(super) fn commit(&self, number: u64) {
        self.committed.store(number, Ordering::Release);
    }

    /// The error of the round, if a commit in it has failed.
    pub(crate) fn broken(&self, round: u64) -> Option<StorageError> {
        if self.broken.load(Ordering::Acquire) < round { None } else { self.error.lock().clone() }
    }

    pub(super) fn break_round(&self, round: u64, error: &StorageError) {
        *self.error.lock() = Some(error.clone());
        self.broken.store(round, Ordering::Release);
    }
}
