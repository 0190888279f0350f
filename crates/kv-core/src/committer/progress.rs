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
    /// How far the commits have come: all up to this number are committed, or were taken back. And the error of the round, if a commit
    /// in it has failed.
    ///
    /// The error is looked for first: who sees it also sees every commit before it. The other way round, commits that are made between
    /// the two looks would be taken back with the one that has failed.
    #[inline]
    pub(crate) fn look(&self, round: u64) -> (u64, Option<StorageError>) {
        self.look_twice(round, || ())
    }

    /// The same, with what happens between the two looks.
    #[inline]
    fn look_twice(&self, round: u64, between: impl FnOnce()) -> (u64, Option<StorageError>) {
        let broken = self.broken(round);
        between();
        (self.committed.load(Ordering::Acquire), broken)
    }

    pub(super) fn commit(&self, number: u64) {
        self.committed.store(number, Ordering::Release);
    }

    /// The error of the round, if a commit in it has failed.
    pub(super) fn broken(&self, round: u64) -> Option<StorageError> {
        if self.broken.load(Ordering::Acquire) < round { None } else { self.error.lock().clone() }
    }

    pub(super) fn break_round(&self, round: u64, error: &StorageError) {
        *self.error.lock() = Some(error.clone());
        self.broken.store(round, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    //! What the bucket sees while the committer writes.

    use super::*;

    #[test]
    fn who_sees_a_failure_sees_every_commit_before_it() {
        let progress = Progress::default();
        progress.commit(4);
        let error = StorageError::new("the disk is full");
        let seen = progress.look_twice(1, || {
            progress.commit(5);
            progress.break_round(1, &error);
        });
        // Commit 5 is not taken back with the one after it.
        assert_eq!(seen, (5, None));
        assert_eq!(progress.look(1), (5, Some(error)));
    }
}
