//! Which processes a thread has entered, one after the other, while somebody wants to know.

use std::cell::RefCell;

use crate::values::pid::Pid;

thread_local! {
    /// Each process that was entered, and how many others it was entered inside of. Nothing if nobody wants to know.
    static ENTRIES: RefCell<Option<Vec<(Pid, u8)>>> = const { RefCell::new(None) };
}

/// Begins to note them, anew.
pub(crate) fn record_entries() {
    ENTRIES.set(Some(Vec::new()));
}

/// Returns those that were noted since, and stops noting them.
pub(crate) fn take_entries() -> Vec<(Pid, u8)> {
    ENTRIES.take().unwrap_or_default()
}

/// A process is entered.
pub(super) fn entry(pid: Pid, depth: u8) {
    ENTRIES.with_borrow_mut(|entries| {
        if let Some(entries) = entries {
            entries.push((pid, depth));
        }
    });
}
