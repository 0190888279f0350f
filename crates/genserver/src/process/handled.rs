//! How many messages a server has handled.

use std::sync::atomic::{AtomicU64, Ordering};

use super::mail::{Doing, Process};
use crate::server::GenServer;

/// How many kinds of message are told apart: with the feature `metrics` calls, casts and infos. It costs no instruction more.
const KINDS: usize = if cfg!(feature = "metrics") { 3 } else { 1 };

/// How many messages a server has begun to handle. Written by the poller only, so a count is a load and a store, which is one
/// instruction.
pub(crate) struct Handled([AtomicU64; KINDS]);

impl Handled {
    pub(super) fn new() -> Self {
        Self([const { AtomicU64::new(0) }; KINDS])
    }

    /// Counts a message for which this callback begins.
    #[inline]
    pub(super) fn count(&self, doing: Doing) {
        let count = &self.0[place(doing)];
        // Relaxed: nothing but a tool reads it on another thread.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Calls, casts and infos.
    #[cfg(feature = "metrics")]
    pub(super) fn by_kind(&self) -> [u64; KINDS] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

impl<S: GenServer> Process<S> {
    /// Notes that the callback for a message begins, and counts the message.
    #[inline]
    pub(super) fn begin_message(&self, doing: Doing) {
        self.set_doing(doing);
        self.handled.count(doing);
    }
}

/// Where a message is counted for which this callback begins.
#[cfg(feature = "metrics")]
#[inline]
fn place(doing: Doing) -> usize {
    match doing {
        Doing::Call => 0,
        Doing::Cast => 1,
        _ => 2,
    }
}

#[cfg(not(feature = "metrics"))]
#[inline]
fn place(_doing: Doing) -> usize {
    0
}
