//! The simulation that a thread runs, as the runtime of whatever is started on it.

use std::cell::RefCell;
use std::sync::Arc;

use super::Runtime;

/// Set in every id of a simulation, because those of the other runtimes count from one, or from the half of this.
pub(crate) const SIMULATED: u64 = 3 << 62;

thread_local! {
    static SIMULATION: RefCell<Option<Arc<dyn Runtime>>> = const { RefCell::new(None) };
}

/// Makes this the runtime of the thread, until the guard is dropped.
pub(crate) fn enter(simulation: Arc<dyn Runtime>) -> Entered {
    SIMULATION.set(Some(simulation));
    Entered(())
}

/// The thread runs a simulation.
pub(crate) struct Entered(());

impl Drop for Entered {
    fn drop(&mut self) {
        drop(SIMULATION.take());
    }
}

/// The simulation that this thread runs.
pub(crate) fn ambient() -> Option<Arc<dyn Runtime>> {
    SIMULATION.with_borrow(Clone::clone)
}

/// Its id.
pub(crate) fn ambient_id() -> Option<u64> {
    SIMULATION.with_borrow(|simulation| simulation.as_ref().map(|simulation| simulation.id()))
}
