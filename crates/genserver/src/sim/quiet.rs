//! Panics that print nothing: while a failing run is made smaller, the same failure is met again and again.
//!
//! Instead, it is noted where they were: so two failures are known for the same, whatever their messages say.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::node::current;
use crate::node::record::{self, Event};

thread_local! {
    /// Whether panics of this thread are expected, and print nothing.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// The last of them.
    static PANICS: RefCell<VecDeque<Panic>> = const { RefCell::new(VecDeque::new()) };
}

/// So many are remembered: that of a test is among the last of its run.
const PANICS_MAX: usize = 64;

/// A panic that printed nothing.
struct Panic {
    message: String,
    /// File, line and column.
    place: String,
}

/// While it lives, panics of this thread print nothing.
pub(super) struct Quiet(());

impl Quiet {
    /// Begins it. The program's panic hook is wrapped once, and only in a program in which a simulation has failed.
    pub(super) fn begin() -> Self {
        static WRAPPED: Once = Once::new();
        WRAPPED.call_once(|| {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if QUIET.get() {
                    record::note(|| Event::Panicked { pid: current::sender() });
                    remember(panic);
                } else {
                    hook(panic);
                }
            }));
        });
        QUIET.set(true);
        Self(())
    }
}

fn remember(panic: &PanicHookInfo<'_>) {
    let (Some(message), Some(place)) = (panic.payload_as_str(), panic.location()) else { return };
    PANICS.with_borrow_mut(|panics| {
        if panics.len() == PANICS_MAX {
            panics.pop_front();
        }
        panics.push_back(Panic { message: message.to_owned(), place: place.to_string() });
    });
}

/// Where a run has panicked that ended with a panic of this message; nothing if that was printed, or was only resumed. All panics so
/// far are forgotten.
///
/// `own` is the message of the test, without what was added to it when the panic was resumed.
pub(super) fn place_of(message: &str, own: &str) -> Option<String> {
    let panics = PANICS.take();
    let last = |message| panics.iter().rfind(|panic| panic.message == message).map(|panic| panic.place.clone());
    last(own).or_else(|| last(message))
}

/// A run begins: the panics before it are forgotten.
pub(super) fn begin_run() {
    PANICS.take();
}

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(false);
    }
}
