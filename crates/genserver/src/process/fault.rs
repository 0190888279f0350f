//! What a simulation lets go wrong in a callback: it begins late, or panics.

use std::any::Any;
use std::panic::resume_unwind;

use crate::runtime::simulated::{self, Begins, CallbackFault, Server};
use crate::values::info::Callback;
use crate::values::pid::Pid;

/// What goes wrong in one callback: mostly nothing.
pub(super) struct Fault(Option<Box<CallbackFault>>);

impl Fault {
    /// Asks for it, if the thread runs a simulation.
    pub(super) fn of<S>(pid: Pid, callback: Callback, message: Option<&dyn Any>) -> Self {
        let begins = |simulation: &dyn simulated::Simulation| {
            simulation.callback_fault(&Begins { server: Server::new::<S>(pid), callback, message })
        };
        Self(simulated::ask(begins).flatten())
    }

    /// What happens before the callback.
    pub(super) async fn begin(&mut self) {
        match self.0.as_deref_mut() {
            Some(CallbackFault::Late(sleep)) => sleep.await,
            // Without the hook, which would print it.
            Some(CallbackFault::Panic(message)) => resume_unwind(Box::new(std::mem::take(message))),
            Some(CallbackFault::LatePanic(_)) | None => {}
        }
    }

    /// What happens after it.
    pub(super) fn end(self) {
        if let Some(CallbackFault::LatePanic(message)) = self.0.map(|fault| *fault) {
            resume_unwind(Box::new(message));
        }
    }
}

/// Awaits a callback, with what a simulation lets go wrong in it. The callback is written last, because it is made when it begins.
macro_rules! run {
    ($server:ty, $pid:expr, $callback:ident, $message:expr, $running:expr) => {{
        let mut fault =
            $crate::process::fault::Fault::of::<$server>($pid, $crate::values::info::Callback::$callback, $message);
        fault.begin().await;
        let outcome = $running.await;
        fault.end();
        outcome
    }};
}

pub(super) use run;
