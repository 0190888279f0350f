//! Whether somebody wants to know something: before that, nothing is asked for it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::members::bell::Bell;

/// Whether it is wanted. That does not end.
#[derive(Default)]
pub(crate) struct Wanted {
    is_wanted: AtomicBool,
    bell: Bell,
}

impl Wanted {
    /// Says that it is.
    pub(crate) fn want(&self) {
        if !self.is_wanted.swap(true, Ordering::Relaxed) {
            self.bell.ring();
        }
    }

    /// Returns when it is.
    pub(crate) async fn wanted(&self) {
        let mut rung = self.bell.listen();
        while !self.is_wanted.load(Ordering::Relaxed) {
            rung.rung().await;
        }
    }
}
