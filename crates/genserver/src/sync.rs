//! Everything that threads share: locks, atomics, thread-locals.
//!
//! In an ordinary build these are re-exports and nothing more. A build with `--cfg genserver_shuttle` replaces them by those of
//! a model checker, which stops at each use and chooses the thread that goes on. So the models under `tests/models` run the same
//! code that users run: see `cargo xtask models`.
//!
//! Three things are not replaced. `Arc` and `OnceLock`, because no thread waits for them. Atomics that only one thread at a time
//! writes and that decide nothing: each would add a stop, and hide the stops that matter. And the modules that use only the
//! crate's public interface: they are not modelled.

// A lock that is held for a few instructions.
#[cfg(not(genserver_shuttle))]
pub(crate) mod lock;
// User code, called so that its panic goes no further.
pub(crate) mod barrier;
// Wakers of waiting tasks.
pub(crate) mod waiter;
// One value, sent from one task to another.
pub(crate) mod oneshot;

#[cfg(not(genserver_shuttle))]
pub(crate) use crate::sync::lock::{Mutex, MutexGuard};
#[cfg(not(genserver_shuttle))]
pub(crate) use std::sync::atomic;
#[cfg(not(genserver_shuttle))]
pub(crate) use std::thread_local;

/// Locks that put a thread to sleep while it waits.
#[cfg(not(genserver_shuttle))]
pub(crate) mod parking {
    pub(crate) use parking_lot::{Mutex, MutexGuard};
}

/// A static of the whole program; in a model, of one execution.
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
