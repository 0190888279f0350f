//! The starter of a server, and how it learns the result of init.

use std::sync::Arc;

use crate::node::reply::{Slot, Waiting};
use crate::values::reason::Reason;

/// What the starter hears of init.
pub(crate) enum Started {
    Running,
    Ignored,
    Failed(Reason),
}

/// Where the starter of a server waits for init, unless that simply makes the server on the starter's thread.
pub(crate) struct Starter(Arc<Slot<Started>>);

/// What a starter knows when init has been polled once.
pub(crate) enum Begun {
    Done(Started),
    Awaited(Arc<Slot<Started>>),
}

impl Starter {
    pub(crate) fn new(slot: &Arc<Slot<Started>>) -> Self {
        Self(Arc::clone(slot))
    }

    pub(crate) fn tell(self, told: Started) {
        self.0.fill(Ok(told));
    }

    /// Whether the start is still awaited: its starter may have ended.
    pub(crate) fn waits(&self) -> bool {
        self.0.is_open()
    }
}

impl Begun {
    /// Init has been polled: the starter has been told, or goes on waiting.
    pub(crate) fn of(slot: Arc<Slot<Started>>) -> Self {
        match slot.take() {
            Some(told) => Self::Done(told.unwrap_or(Started::Failed(Reason::RuntimeGone))),
            None => Self::Awaited(slot),
        }
    }
}
