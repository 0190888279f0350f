//! The starter of a server, and how it learns the result of init.

use std::cell::Cell;
use std::sync::Arc;

use crate::node::reply::Slot;
use crate::sync::thread_local;
use crate::values::reason::Reason;

/// What the starter hears of init.
pub(crate) enum Started {
    Running,
    Ignored,
    Failed(Reason),
}

/// Where the starter of a server waits for init.
pub(crate) enum Starter {
    /// On this thread, inside [`Process::run_init`].
    Here,
    /// In a task of its own, for init awaited something.
    Elsewhere(Arc<Slot<Started>>),
}

/// What a starter knows when init has been polled once.
pub(crate) enum Begun {
    Done(Started),
    Awaited(Arc<Slot<Started>>),
}

thread_local! {
    /// What the starter on this thread is told.
    pub(super) static BEGUN: Cell<Option<Begun>> = const { Cell::new(None) };
}

impl Starter {
    pub(crate) fn tell(self, told: Started) {
        match self {
            Self::Here => BEGUN.set(Some(Begun::Done(told))),
            Self::Elsewhere(slot) => slot.fill(Ok(told)),
        }
    }
}
