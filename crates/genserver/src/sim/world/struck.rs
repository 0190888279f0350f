//! What goes wrong in a world: the faults that its run has drawn, where they strike, and their end.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use crate::node::record::{self, Event};
use crate::runtime::simulated::{Begins, CallbackFault, Server, Simulation};
use crate::sim::faults::{CallbackStrike, Faults, Signal};
use crate::{AsProcess, Node};

use super::held::Held;
use super::{State, Timer, World};

impl World {
    /// Sets what may go wrong from now on.
    pub(in crate::sim) fn set_faults(&self, faults: Faults) {
        let mut state = self.state.lock();
        state.faults = Some(faults.drawn(&mut state.choices));
    }

    /// Nothing goes wrong any more, and what was held up goes on.
    pub(in crate::sim) fn heal(&self) {
        let mut state = self.state.lock();
        let faults = state.faults.take();
        state.squeezed.clear();
        state.heals += 1;
        let mut wakers: Vec<Waker> = std::mem::take(&mut state.held).into_values().flatten().collect();
        // Those that are late look again when they are due.
        if faults.is_some_and(|faults| faults.has_late_timers()) {
            wakers.extend(std::mem::take(&mut state.timers).into_values());
        }
        // They take the lock.
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Between two steps: kills a process of a node, or sends it an exit, if that is drawn.
    pub(in crate::sim) fn strike(&self, node: &Node) {
        let Some(signal) = self.state.lock().drawn_signal() else { return };
        let mut victims = node.process_list();
        let is_victim = signal.victim();
        victims.retain(|process| is_victim.is(process));
        if victims.is_empty() {
            return;
        }
        let victim = victims.swap_remove(self.choose(|choices| choices.of_faults(victims.len())));
        let what = match &signal {
            Signal::Kill(_) => "is killed".to_owned(),
            Signal::Exit(_, reason) => format!("is sent an exit: {reason}"),
        };
        let mut state = self.state.lock();
        if let Some(faults) = &mut state.faults {
            faults.count();
        }
        state.note(Server { name: victim.server, pid: victim.pid }, what);
        // A signal wakes tasks.
        drop(state);
        match (victim.pid.as_process(), signal) {
            (Some(process), Signal::Kill(_)) => process.kill(),
            (Some(process), Signal::Exit(_, reason)) => process.exit(reason),
            (None, _) => {}
        }
    }

    /// Holds a callback up, until an instant if there is one.
    fn hold(&self, state: &mut State, until: Option<Duration>) -> CallbackFault {
        state.last_held += 1;
        let number = state.last_held;
        state.held.insert(number, None);
        let until = until.map(|at| Timer { world: Weak::clone(&self.this), at, late: None, key: None });
        CallbackFault::Late(Box::pin(Held { world: Weak::clone(&self.this), number, until }))
    }
}

impl State {
    fn drawn_signal(&mut self) -> Option<Signal> {
        self.faults.as_ref()?.signal(&mut self.choices)
    }

    /// A fault has happened to this server.
    fn note(&mut self, Server { pid, .. }: Server, what: String) {
        self.struck += 1;
        record::note(|| Event::Fault { pid, text: Some(what) });
    }
}

impl Simulation for World {
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn callback_fault(&self, begins: &Begins<'_>) -> Option<Box<CallbackFault>> {
        let conditions = self.state.lock().faults.as_ref()?.conditions(begins.server.name);
        // Not under the lock: a condition is code of the test.
        let is_met = conditions.iter().any(|condition| condition.holds(begins.callback, begins.message));
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let strike = state.faults.as_mut()?.callback(begins, is_met, &mut state.choices)?;
        let Server { name, pid } = begins.server;
        let callback = begins.callback;
        let message = |when: &str| format!("a fault of the simulation {when} {callback} of {name} {pid}");
        let (what, fault) = match strike {
            CallbackStrike::Panic => (format!("panics before {callback}"), CallbackFault::Panic(message("before"))),
            CallbackStrike::LatePanic => {
                (format!("panics after {callback}"), CallbackFault::LatePanic(message("after")))
            }
            CallbackStrike::Stall(time) => {
                let until = state.elapsed + time;
                (format!("stalls in {callback} for {time:?}"), self.hold(state, Some(until)))
            }
            CallbackStrike::Stuck => (format!("is stuck in {callback}"), self.hold(state, None)),
        };
        state.note(begins.server, what);
        Some(Box::new(fault))
    }

    fn call_timeout(&self, server: Server, timeout: Duration) -> Duration {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let faults = state.faults.as_mut();
        let Some(early) = faults.and_then(|faults| faults.early_timeout(server.name, timeout, &mut state.choices))
        else {
            return timeout;
        };
        state.note(server, format!("is called with a timeout of {early:?} instead of {timeout:?}"));
        early
    }

    fn is_full(&self, server: Server, waiting: u32) -> bool {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        // It is full until there are fewer.
        if let Some(at) = state.squeezed.get(&server.pid) {
            let is_full = waiting >= *at;
            if !is_full {
                state.squeezed.remove(&server.pid);
            }
            return is_full;
        }
        let Some(faults) = state.faults.as_mut().filter(|_| waiting > 0) else { return false };
        if !faults.fills_mailbox(server.name, &mut state.choices) {
            return false;
        }
        state.squeezed.insert(server.pid, waiting);
        state.note(server, format!("has a full mailbox, of {waiting}"));
        true
    }
}
