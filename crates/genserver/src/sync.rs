//! The door to everything that threads share: locks, atomics, thread-locals.
//!
//! Behind it an ordinary build finds exactly what it would name without the door; these are re-exports and nothing more. A
//! build with `--cfg genserver_shuttle` finds the instruments of a model checker instead, which stops at each use of one and
//! chooses who goes on. So the models under `tests/models` run the very code that users run: see `cargo xtask models`.
//!
//! Three things stay outside the door. `Arc` and `OnceLock`, which nobody waits for. Atomics that only one thread at a time
//! writes and nobody decides by: each would be one more place to stop at, and hide the places that matter. And the modules
//! that are written on the crate's public interface alone, as a stranger would write them: they are not modelled.

// A lock that is held for a few instructions.
#[cfg(not(genserver_shuttle))]
pub(crate) mod lock;
// Foreign code, kept from unwinding any further.
pub(crate) mod barrier;
// Wakers that are kept.
pub(crate) mod waiter;
// One value, handed from one task to another.
pub(crate) mod handover;

#[cfg(not(genserver_shuttle))]
pub(crate) use crate::sync::lock::{Mutex, MutexGuard};
#[cfg(not(genserver_shuttle))]
pub(crate) use std::sync::atomic;
#[cfg(not(genserver_shuttle))]
pub(crate) use std::thread_local;

/// Locks that put whoever finds them held to sleep.
#[cfg(not(genserver_shuttle))]
pub(crate) mod parking {
    pub(crate) use parking_lot::{Mutex, MutexGuard};
}

/// A static that the whole program shares: in a model, one execution of it.
#[cfg(not(genserver_shuttle))]
macro_rules! program_static {
    ($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = $init:expr;) => {
        $(#[$attr])* $vis static $name: $type = $init;
    };
}

#[cfg(not(genserver_shuttle))]
pub(crate) use program_static;

// The same names for the model checker.
#[cfg(genserver_shuttle)]
pub(crate) mod modelled;

#[cfg(genserver_shuttle)]
pub(crate) use modelled::{Mutex, MutexGuard, atomic, parking, program_static, thread_local};
