//! How many messages a server has handled.

use std::sync::atomic::{AtomicU64, Ordering};

use super::mail::{Doing, Process};
use crate::server::GenServer;

/// How many messages a server has begun to handle. Written by the poller only, so a count is a load and a store, which is one
/// instruction.
#[derive(Default)]
pub(crate) struct Handled {
    messages: AtomicU64,
}

impl Handled {
    /// Counts a message.
    #[inline]
    pub(super) fn count(&self) {
        // Relaxed: nothing but a tool reads it on another thread.
        self.messages.store(self.messages.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}

impl<S: GenServer> Process<S> {
    /// Notes that the callback for a message begins, and counts the message.
    #[inline]
    pub(super) fn begin_message(&self, doing: Doing) {
        self.set_doing(doing);
        self.handled.count();
    }
}
