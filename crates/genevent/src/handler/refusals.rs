//! How a manager remembers that a handler refuses events.
//!
//! 1. A refusal stands until an event that began after it was taken by every handler. So a manager that has a refusal knows
//!    that the next event may be refused, too.
//! 2. A refusal is counted before the sender is told of it. A sender that has heard of a refusal, and sends again, meets a
//!    manager that knows.

use std::sync::atomic::{AtomicUsize, Ordering};

use genserver::{Reason, Subject};

use crate::values::{HandlerId, NotifyAnswer, NotifyError};

/// The refusals of a manager's handlers.
pub(crate) struct Refusals {
    manager: Subject,
    /// How many there were.
    all: AtomicUsize,
    /// How many of them were before an event that every handler has taken.
    settled: AtomicUsize,
}

impl Refusals {
    pub(super) fn new(manager: Subject) -> Self {
        Self { manager, all: AtomicUsize::new(0), settled: AtomicUsize::new(0) }
    }

    /// Counts a refusal (rule 2).
    pub(crate) fn count(&self) {
        self.all.fetch_add(1, Ordering::Release);
    }

    /// How many there were.
    #[inline]
    pub(crate) fn so_far(&self) -> usize {
        self.all.load(Ordering::Acquire)
    }

    /// Whether one stands.
    #[inline]
    pub(crate) fn stand(&self) -> bool {
        self.so_far() != self.settled.load(Ordering::Relaxed)
    }

    /// Takes note of an event that every handler has taken. There were that many refusals when it began.
    #[inline]
    pub(crate) fn settle(&self, before: usize) {
        if self.settled.load(Ordering::Relaxed) != before {
            self.settled.fetch_max(before, Ordering::Relaxed);
        }
    }

    /// What the sender of a refused event gets.
    #[cold]
    pub(crate) fn error(&self, handler: Option<HandlerId>, reason: Reason) -> Box<NotifyError> {
        Box::new(NotifyError::Refused { manager: self.manager.clone(), handler, reason })
    }

    /// The answer to a sender whose event was taken, or refused.
    pub(crate) fn answer(&self, before: usize, refused: Option<Box<NotifyError>>) -> NotifyAnswer {
        if let Some(error) = refused {
            return Err(error);
        }
        self.settle(before);
        Ok(())
    }
}
