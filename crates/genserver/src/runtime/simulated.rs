//! The simulation that a thread runs, as the runtime of whatever is started on it.

use std::any::{Any, type_name};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use super::{Runtime, Sleep};
use crate::values::info::Callback;
use crate::values::pid::Pid;

/// Set in every id of a simulation, because those of the other runtimes count from one, or from the half of this.
pub(crate) const SIMULATED: u64 = 3 << 62;

/// A runtime that may let things go wrong. It is asked on its own thread, by the code in which they would.
pub(crate) trait Simulation: Runtime {
    /// A callback is about to begin. Returns what goes wrong with it, if anything does.
    fn callback_fault(&self, begins: &Begins<'_>) -> Option<Box<CallbackFault>>;

    /// How long a call may wait: as long as its timeout says, or less.
    fn call_timeout(&self, server: Server, timeout: Duration) -> Duration;

    /// Whether a mailbox in which so many messages wait counts as full, although it has space. Asked under the lock of the
    /// process, so it must not look at any.
    fn is_full(&self, server: Server, waiting: u32) -> bool;

    /// The same, to be found as what it is.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// A server: its type, and its process.
#[derive(Clone, Copy)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) pid: Pid,
}

impl Server {
    pub(crate) fn new<S>(pid: Pid) -> Self {
        Self { name: type_name::<S>(), pid }
    }
}

/// A callback that is about to begin.
pub(crate) struct Begins<'a> {
    pub(crate) server: Server,
    pub(crate) callback: Callback,
    /// What it handles, as one of the server's three types of messages.
    pub(crate) message: Option<&'a dyn Any>,
}

/// What goes wrong with a callback.
pub(crate) enum CallbackFault {
    /// It begins when this is over.
    Late(Sleep),
    /// It panics with this message instead of beginning, ...
    Panic(String),
    /// ... or when it is done, before anything is made of what it returned.
    LatePanic(String),
}

thread_local! {
    static SIMULATION: RefCell<Option<Arc<dyn Simulation>>> = const { RefCell::new(None) };
}

/// Makes this the runtime of the thread, until the guard is dropped.
pub(crate) fn enter(simulation: Arc<dyn Simulation>) -> Entered {
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

/// The simulation that this thread runs, as a runtime.
pub(crate) fn ambient() -> Option<Arc<dyn Runtime>> {
    SIMULATION.with_borrow(|simulation| Some(Arc::clone(simulation.as_ref()?) as Arc<dyn Runtime>))
}

/// The simulation that this thread runs, as what it is.
pub(crate) fn ambient_as<S: Simulation>() -> Option<Arc<S>> {
    let simulation = SIMULATION.with_borrow(Clone::clone)?;
    simulation.into_any().downcast().ok()
}

/// Asks the simulation that this thread runs, if it runs one.
#[inline]
pub(crate) fn ask<T>(question: impl FnOnce(&dyn Simulation) -> T) -> Option<T> {
    SIMULATION.with_borrow(|simulation| simulation.as_deref().map(question))
}

/// Its id.
pub(crate) fn ambient_id() -> Option<u64> {
    SIMULATION.with_borrow(|simulation| simulation.as_ref().map(|simulation| simulation.id()))
}
