//! The events that a thread has noted since they were last taken.

use std::cell::{Cell, RefCell};

use super::Event;
use crate::values::pid::Pid;

thread_local! {
    // Beside the list, which has a destructor: a look at this costs one load.
    static LEVEL: Cell<Level> = const { Cell::new(Level::Off) };
    static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

/// How much is noted on a thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// Nothing.
    Off,
    /// What happens to which process: that by which two steps can depend on each other, and it costs little.
    Races,
    /// And the texts of messages, names and reasons, for a run that is shown.
    Texts,
}

/// Notes events until the guard is dropped, beginning with none.
#[must_use = "it ends with the guard"]
pub(crate) fn begin(level: Level) -> Recording {
    EVENTS.take();
    LEVEL.set(level);
    Recording(())
}

/// A thread notes events.
pub(crate) struct Recording(());

impl Drop for Recording {
    fn drop(&mut self) {
        LEVEL.set(Level::Off);
        EVENTS.take();
    }
}

/// Takes what was noted since the last time, in the place of these. Their space is used for what is noted next.
pub(crate) fn take_into(events: &mut Vec<Event>) {
    events.clear();
    EVENTS.with_borrow_mut(|noted| std::mem::swap(noted, events));
}

/// Takes what was noted since the last time.
#[cfg(test)]
pub(crate) fn take() -> Vec<Event> {
    EVENTS.take()
}

/// How many events were noted since they were taken.
pub(crate) fn len() -> usize {
    EVENTS.with_borrow(Vec::len)
}

/// Notes an event, if events are noted.
#[inline]
pub(super) fn keep(event: impl FnOnce() -> Event) {
    if LEVEL.get() > Level::Off {
        let event = event();
        EVENTS.with_borrow_mut(|events| events.push(event));
    }
}

/// Whether texts are wanted.
pub(super) fn has_texts() -> bool {
    LEVEL.get() == Level::Texts
}

/// This process goes on only to poll something that is not a part of it: that it was entered is not noted.
pub(crate) fn take_back_entry(left: Pid) {
    EVENTS.with_borrow_mut(|events| {
        let is_entry = matches!(events.last(), Some(Event::Entered { pid, .. }) if *pid == left);
        if is_entry {
            events.pop();
        }
    });
}
