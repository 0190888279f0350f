//! The number of clients served at once, and its limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The places for clients, shared by all listeners of a server.
#[derive(Debug)]
pub(super) struct Connections {
    open: AtomicUsize,
    limit: usize,
}

/// A client's place, free again when this is dropped.
pub(super) struct ConnectionSlot(Arc<Connections>);

impl Connections {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), limit })
    }

    /// Takes a place, unless all are taken.
    pub(super) fn enter(self: &Arc<Self>) -> Option<ConnectionSlot> {
        let one_more = |open: usize| (open < self.limit).then_some(open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(ConnectionSlot(Arc::clone(self)))
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    //! Taking, refusing and freeing places.

    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_client_has_gone() {
        let connections = Connections::new(2);
        let first = connections.enter();
        let second = connections.enter();
        assert!(first.is_some() && second.is_some() && connections.enter().is_none());
        assert_eq!(connections.open(), 2);
        drop(first);
        assert!(connections.enter().is_some());
        drop(second);
        assert_eq!(connections.open(), 0);
    }
}
