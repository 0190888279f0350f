//! Starts a watch when it is first needed.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::members::notify::Notify;

/// Whether it is wanted. That does not end.
#[derive(Default)]
pub(crate) struct FirstUse {
    is_wanted: AtomicBool,
    notify: Notify,
}

impl FirstUse {
    /// Says that it is.
    pub(crate) fn want(&self) {
        if !self.is_wanted.swap(true, Ordering::Relaxed) {
            self.notify.notify();
        }
    }

    /// Returns when it is.
    pub(crate) async fn wanted(&self) {
        let mut listener = self.notify.listen();
        while !self.is_wanted.load(Ordering::Relaxed) {
            listener.notified().await;
        }
    }
}
