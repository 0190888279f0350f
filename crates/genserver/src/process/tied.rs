//! Links, monitors, waits for the end, and exits: the same for both kinds of processes, each behind its own lock.

use std::ops::DerefMut;
use std::sync::Arc;

use super::noted;
use super::ties::Ties;
use crate::node::any_process::{About, AnyProcess, ExitKind, LaidBy, Tied};
use crate::node::record::{self, Arrival, Event};
use crate::node::reply::Slot;
use crate::values::exit::Exit;
use crate::values::monitor::MonitorRef;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// What lies behind the lock of a process, as far as its ties and its end are concerned.
pub(super) trait TiedState {
    /// Whether everybody is being told of the end, or has been.
    fn is_dead(&self) -> bool;
    /// Whether a link or a monitor would come too late.
    fn refuses_ties(&self) -> bool {
        self.is_dead()
    }
    /// Whether an exit would come too late to have an effect.
    fn ignores_exits(&self) -> bool {
        self.is_dead()
    }
    /// Whether everybody has been told of the end. Until then the dead process still has its stoppers.
    fn has_told(&self) -> bool;
    /// The reason of an end that was ordered from outside; once the process is dead, the reason that was told.
    fn doom(&self) -> Option<&Reason>;
    fn ties(&mut self) -> &mut Ties;
    /// The ties, if there were any so far.
    fn known_ties(&mut self) -> Option<&mut Ties>;

    /// Adds a future that waits for the end; false if everybody has been told, and nobody would fill the slot.
    fn add_stopper(&mut self, own: Pid, ended: Arc<Slot<Reason>>) -> bool {
        if self.has_told() {
            return false;
        }
        self.ties().add_stopper(own, ended);
        true
    }
}

/// A process whose ties lie behind its one lock.
pub(super) trait TiesLock: AnyProcess + Sized {
    type Guard<'a>: DerefMut<Target: TiedState>
    where
        Self: 'a;

    fn lock(&self) -> Self::Guard<'_>;
    /// Whether it traps exits. Called under the lock.
    fn traps(&self, state: &Self::Guard<'_>) -> bool;
    /// Orders its end; the first reason wins. Takes the lock, and may run the end on this thread.
    fn end(self: &Arc<Self>, reason: Reason);
    /// Puts a trapped exit into the mailbox.
    fn trap(self: &Arc<Self>, state: Self::Guard<'_>, exit: Exit, kind: ExitKind);
}

impl<P: TiesLock> Tied for P {
    fn holds_name(&self) -> bool {
        !self.lock().is_dead()
    }

    fn about_child(&self) -> Arc<About> {
        self.lock().ties().about_child(self.head())
    }

    /// Whether exits are trapped is looked up here, on arrival.
    fn exit(self: Arc<Self>, exit: Exit, kind: ExitKind) {
        if kind == ExitKind::Kill {
            return self.end(Reason::Killed);
        }
        let text = record::text(|| exit.reason.to_string());
        let mut state = self.lock();
        if state.ignores_exits() {
            return;
        }
        // The exit of a link that has been taken back meanwhile is not heard. That look and the unlink are under one lock.
        if kind == ExitKind::Link && state.known_ties().is_none_or(|ties| ties.unlink(exit.from).is_none()) {
            return;
        }
        if self.traps(&state) {
            noted::with_text(self.head().pid, Arrival::Exit, text);
            return self.trap(state, exit, kind);
        }
        // `end` takes the lock itself.
        drop(state);
        // As in OTP: `normal` from another process is ignored, and from itself it is an end.
        if exit.reason != Reason::Normal || exit.from == self.head().pid {
            self.end(exit.reason);
        }
    }

    fn monitor(&self, reference: MonitorRef, watcher: Arc<dyn AnyProcess>) -> bool {
        noted::signal(self.head().pid, Arrival::Monitor);
        let mut state = self.lock();
        if state.refuses_ties() {
            return false;
        }
        let pid = self.head().pid;
        record::note(|| Event::Monitored { pid, by: watcher.head().pid, reference, is_refused: false });
        // Under the lock that the death is noted under: this monitor is among those that the end tells, or was refused above.
        state.ties().watch(reference, watcher);
        true
    }

    fn demonitor(&self, reference: MonitorRef, node: u32) {
        record::note(|| Event::Demonitored { pid: self.head().pid, by_node: node, reference });
        // Dropped outside the lock: it may be the last reference to the watcher (rule 3).
        let removed = self.lock().known_ties().and_then(|ties| ties.unwatch(reference, node));
        drop(removed);
    }

    fn link(&self, peer: Arc<dyn AnyProcess>, by: LaidBy) -> bool {
        let pid = peer.head().pid;
        noted::signal(self.head().pid, Arrival::Link);
        let mut state = self.lock();
        if state.refuses_ties() {
            return false;
        }
        let spare = state.ties().lay(pid, peer, by);
        drop(state);
        // A second reference to the peer, and perhaps the last one: dropped outside the lock (rule 3).
        drop(spare);
        true
    }

    fn take_back(&self, peer: Pid) -> bool {
        let taken = self.lock().known_ties().and_then(|ties| ties.take_back(peer));
        taken.is_some()
    }

    fn unlink(&self, peer: Pid) -> bool {
        let removed = self.lock().known_ties().and_then(|ties| ties.unlink(peer));
        removed.is_some()
    }

    fn await_end(&self, ended: Arc<Slot<Reason>>) -> Option<Reason> {
        let mut state = self.lock();
        if state.add_stopper(self.head().pid, ended) {
            return None;
        }
        Some(state.doom().cloned().unwrap_or(Reason::NoProc))
    }

    fn ended_with(&self) -> Option<Reason> {
        let state = self.lock();
        if state.is_dead() { state.doom().cloned() } else { None }
    }

    #[cfg(feature = "sim")]
    fn waiting(&self) -> Vec<Pid> {
        let own = self.head().pid;
        self.lock().known_ties().map(|ties| ties.waiting(own)).unwrap_or_default()
    }
}
