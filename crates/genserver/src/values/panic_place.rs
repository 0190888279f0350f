//! Where the last panic of this thread happened: the panic hook notes it, because the payload does not say.

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

/// Notes where the panic with this payload happened.
pub(crate) fn note(payload: &dyn Any, location: String, backtrace: Option<String>) {
    PLACE.set(Some(PanicPlace { message: text(payload), location, backtrace }));
}

/// Returns where the panic with this payload happened, if it is known. It is removed, so the next call returns `None`.
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
