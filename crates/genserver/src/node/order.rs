//! An order to stop, on its way to a process.

use std::sync::Arc;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::values::reason::Reason;

/// An order to stop, on its way to the process.
pub(crate) struct Order {
    reason: Reason,
    /// Set for the [`Stop`] that waits, if one does.
    carried_out: Option<Arc<AtomicBool>>,
}

impl Order {
    /// An order for a [`Stop`](crate::Stop) that waits, and hears through `carried_out` whether the process came to it.
    pub(crate) fn told(reason: Reason, carried_out: Arc<AtomicBool>) -> Self {
        Self { reason, carried_out: Some(carried_out) }
    }

    /// The process begins to end because of it: the reason.
    pub(crate) fn carry_out(self) -> Reason {
        if let Some(carried_out) = self.carried_out {
            // Whoever waits reads it after it was told of the end, which is behind a lock.
            carried_out.store(true, Ordering::Relaxed);
        }
        self.reason
    }

    pub(crate) fn reason(&self) -> &Reason {
        &self.reason
    }
}

/// An order that nobody waits for.
impl From<Reason> for Order {
    fn from(reason: Reason) -> Self {
        Self { reason, carried_out: None }
    }
}
