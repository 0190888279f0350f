//! The entries of a bucket at one point in time, as a client reads them.

use std::sync::Arc;

use genserver::CallError;

use super::snapshot::SnapshotRequest;
use super::{Bucket, BucketCall, CallKind};
use crate::storage::Entry;

/// The entries that a bucket had at one point in time, page by page: made by [`Bucket::snapshot`].
///
/// The point in time is that of the first page. Other clients go on writing meanwhile. The bucket keeps the old values of what they
/// change, until they have been handed out or this is dropped.
#[derive(Debug)]
pub struct BucketSnapshot {
    bucket: Bucket,
    client: Arc<()>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Begins,
    Continues,
    IsOver,
}

/// How many keys the bucket looks at for one page, which takes it a tenth of a millisecond.
const PAGE: usize = 256;

/// Why there are no more pages of a snapshot.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bucket did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The bucket has loaded its entries again, or sixteen snapshots of it are being read.
    #[error("the bucket does not have this snapshot of its entries any more, or has too many; take another one")]
    Lost,
}

impl BucketSnapshot {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self { bucket, client: Arc::default(), state: State::Begins }
    }

    /// Returns the next entries, in the order of their keys; `None` after the last. A page may be empty.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] if there are no more.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, a page may be lost. Take another snapshot.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Entry>>, SnapshotError> {
        if self.state == State::IsOver {
            return Ok(None);
        }
        let is_first = self.state == State::Begins;
        let request = SnapshotRequest { client: Arc::clone(&self.client), is_first, limit: PAGE };
        self.state = State::Continues;
        let asked = self.bucket.0.call(|caller| BucketCall(CallKind::Snapshot(request, caller)));
        let page = asked.await?.ok_or(SnapshotError::Lost)?;
        if page.is_last {
            self.state = State::IsOver;
        }
        Ok(Some(page.entries))
    }
}
