//! One bucket's changes on their way to the storage, and who is answered when they are there.

use std::fmt;
use std::sync::Arc;

use super::Progress;
use crate::BucketName;
use crate::key_event::KeyEventBatch;
use crate::operation::OperationError;
use crate::storage::{Fence, StorageChange, StorageError, StorageErrorKind};

/// Answers a client once the storage has answered.
pub(crate) type SendReply = Box<dyn FnOnce(Result<(), OperationError>) + Send>;

/// Changes to be committed. Without changes: a read that waits for those before it.
pub(crate) struct Request {
    pub(crate) bucket: BucketName,
    pub(crate) fence: Fence,
    pub(crate) progress: Arc<Progress>,
    pub(crate) round: u64,
    pub(crate) number: u64,
    /// Until the committer takes them.
    pub(crate) changes: Vec<StorageChange>,
    pub(crate) events: Option<Box<KeyEventBatch>>,
    pub(crate) send_reply: SendReply,
}

impl Request {
    /// The bytes of its keys and values.
    pub(super) fn bytes(&self) -> usize {
        let bytes = |change: &StorageChange| match change {
            StorageChange::Put(entry) => entry.key.len() + entry.value.len(),
            StorageChange::Delete(key) => key.len(),
        };
        self.changes.iter().map(bytes).sum()
    }

    /// Why it may not be committed.
    pub(super) fn broken(&self) -> Option<StorageError> {
        self.progress.broken(self.round)
    }

    /// Writes the bucket's progress, sends the events of what is committed, and answers the client.
    pub(super) fn answer(self, stored: Result<(), StorageError>) {
        // Something before it may have failed in the same batch.
        let stored = self.broken().map_or(stored, Err);
        match &stored {
            // Of a read it is the number of the commit before it, which is there, too.
            Ok(()) => self.progress.commit(self.number),
            Err(error) if self.broken().is_none() => self.progress.break_round(self.round, error),
            Err(_) => {}
        }
        if let (Ok(()), Some(events)) = (&stored, self.events) {
            events.send();
        }
        match stored {
            // The client may not hear that nothing was changed: with what would answer it dropped, it hears that there is no answer.
            Err(error) if error.kind() == StorageErrorKind::Unanswered => drop(self.send_reply),
            stored => (self.send_reply)(stored.map_err(OperationError::from)),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("bucket", &self.bucket)
            .field("number", &self.number)
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}
