//! Where the last panic of this thread came from: noted by a hook of the program's, because the panic itself does not say.

use std::any::Any;
use std::cell::Cell;

/// Where a process panicked.
pub(crate) struct PanicPlace {
    message: Option<String>,
    pub(crate) location: String,
    pub(crate) backtrace: Option<String>,
}

thread_local! {
    /// The last panic on this thread that came from inside a process.
    static PLACE: Cell<Option<PanicPlace>> = const { Cell::new(None) };
}

/// Notes where the panic with this payload came from.
pub(crate) fn note(payload: &dyn Any, location: String, backtrace: Option<String>) {
    PLACE.set(Some(PanicPlace { message: text(payload), location, backtrace }));
}

/// Where the panic with this payload came from, if it is known. It is told once.
pub(crate) fn take(payload: &(dyn Any + Send)) -> Option<PanicPlace> {
    // The noted panic may have been caught by other code, and a different one resumed since.
    PLACE.take().filter(|place| place.message == text(payload))
}

fn text(payload: &dyn Any) -> Option<String> {
    match payload.downcast_ref::<&str>() {
        Some(text) => Some((*text).to_owned()),
        None => payload.downcast_ref::<String>().cloned(),
    }
}
