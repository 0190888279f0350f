//! Panics that print nothing: while a failing run is made smaller, the same failure is met again and again.

use std::cell::Cell;
use std::sync::Once;

thread_local! {
    /// Whether panics of this thread are expected, and print nothing.
    static QUIET: Cell<bool> = const { Cell::new(false) };
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
                if !QUIET.get() {
                    hook(panic);
                }
            }));
        });
        QUIET.set(true);
        Self(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(false);
    }
}
