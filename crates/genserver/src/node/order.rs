//! An order to stop, on its way to a process.

use std::sync::Arc;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::values::reason::Reason;

/// An order to stop, on its way to the process.
pub(crate) struct Order {
    reason: Reason,
    /// Set when the process begins to stop because of this order, for the [`Stop`] that waits.
    carried_out: Option<Arc<AtomicBool>>,
}

impl Order {
    /// An order whose sender, a [`Stop`](crate::Stop), waits and learns from `carried_out` whether the process obeyed it.
    pub(crate) fn told(reason: Reason, carried_out: Arc<AtomicBool>) -> Self {
        Self { reason, carried_out: Some(carried_out) }
    }

    /// The process begins to stop because of this order: returns the reason.
    pub(crate) fn carry_out(self) -> Reason {
        if let Some(carried_out) = self.carried_out {
            // Relaxed: the waiting side reads this after it was told of the end, which happens under a lock.
            carried_out.store(true, Ordering::Relaxed);
        }
        self.reason
    }

    pub(crate) fn reason(&self) -> &Reason {
        &self.reason
    }
}

/// An order whose sender does not wait.
impl From<Reason> for Order {
    fn from(reason: Reason) -> Self {
        Self { reason, carried_out: None }
    }
}
