//! Whether the storage takes changes: the committer judges it by what becomes of its work, and a store tells it.
//!
//! - H1: the storage has failed from the first of its errors that a person has to do something about, until something works again.
//! - H2: while it has failed, the committer tries it once in [`RETRY`]. Otherwise only a client would find out that it works again, and
//!   clients may stay away from a store that says it has failed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use genserver::report::{CustomReport, Level, Report};
use genserver::{Cx, time};
use parking_lot::Mutex;

use super::{CommitterInfo, CommitterServer};
use crate::storage::{StorageError, StorageErrorKind};

/// How long after a failure the storage is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// For how long after a report of a failure another one would tell nothing new.
const TOLD_FOR: Duration = Duration::from_mins(1);

/// Why the storage takes no changes, for everybody to see.
pub(crate) type Failure = Mutex<Option<StorageError>>;

/// What the committer knows of its storage.
pub(super) struct Health {
    failure: Arc<Failure>,
    has_failed: bool,
    /// When a failure was last reported, ...
    told: Option<Instant>,
    /// ... and whether it is still to be reported that it is over.
    owes_the_end: bool,
}

impl Health {
    /// As the committer before this one has left it.
    pub(super) fn new(failure: Arc<Failure>) -> Self {
        let has_failed = failure.lock().is_some();
        Self { failure, has_failed, told: None, owes_the_end: false }
    }

    /// Whether the storage has failed, and nothing has worked since.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Judges the storage by what has become of some work (H1). If anything has worked, the storage works.
    pub(super) fn judge(&mut self, results: &[Result<(), StorageError>], cx: &mut Cx<CommitterServer>) {
        let mut failed = None;
        for result in results {
            match result {
                Ok(()) => return self.works(cx),
                Err(error) if error.kind() == StorageErrorKind::Failed => failed = failed.or(Some(error)),
                // These pass by themselves, or concern one bucket.
                Err(_) => {}
            }
        }
        if let Some(error) = failed {
            self.fails(error.clone(), cx);
        }
    }

    #[inline]
    fn works(&mut self, cx: &mut Cx<CommitterServer>) {
        if self.has_failed {
            self.works_again(cx);
        }
    }

    fn works_again(&mut self, cx: &mut Cx<CommitterServer>) {
        self.has_failed = false;
        let before = self.failure.lock().take();
        // Not under the lock: it may be the last reference to somebody's error.
        drop(before);
        if std::mem::take(&mut self.owes_the_end) {
            // As loud as those who heard of the failure listen.
            report(cx, Level::Warning, "the storage takes changes again", None);
        }
    }

    fn fails(&mut self, error: StorageError, cx: &mut Cx<CommitterServer>) {
        let now = time::now();
        if self.told.is_none_or(|told| now - told >= TOLD_FOR) {
            self.told = Some(now);
            self.owes_the_end = true;
            let what =
                "the storage takes no changes: clients get an error, and reads go on; it is tried again each second";
            report(cx, Level::Error, what, Some(&error));
        }
        let before = self.failure.lock().replace(error);
        drop(before);
        if !std::mem::replace(&mut self.has_failed, true) {
            retry_later(cx);
        }
    }
}

/// Asks for a message when the storage is to be tried again (H2).
pub(super) fn retry_later(cx: &mut Cx<CommitterServer>) {
    cx.send_after(RETRY, CommitterInfo::Retry);
}

fn report(cx: &Cx<CommitterServer>, level: Level, what: &'static str, why: Option<&StorageError>) {
    cx.report(level, |me| {
        let report = CustomReport::new(me, level, "Committer", what);
        Report::Custom(match why {
            Some(why) => report.with("why", why.to_string()),
            None => report,
        })
    });
}
