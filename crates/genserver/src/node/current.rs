//! Which process the current thread is running, how deep, and what its callback left behind.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::node::record;
use crate::node::reply::Waiting;
use crate::sync::thread_local;
use crate::values::pid::Pid;

/// How many servers may run inside one another on one thread before a call is queued instead: the stack is the caller's.
const DEPTH_MAX: u8 = 4;

thread_local! {
    static PID: Cell<Pid> = const { Cell::new(Pid::NOBODY) };
    static DEPTH: Cell<u8> = const { Cell::new(0) };
    // Deaths do not nest: while this is set, a process that is doomed is left to its task.
    static DYING: Cell<bool> = const { Cell::new(false) };
    // Beside the list, which has a destructor: a look at this costs one load.
    static UNANSWERED_NOTED: Cell<bool> = const { Cell::new(false) };
    static UNANSWERED: RefCell<Vec<(Pid, Arc<dyn Waiting>)>> = const { RefCell::new(Vec::new()) };
}

/// The process whose callback runs on this thread, if one does.
#[inline]
pub(crate) fn pid() -> Option<Pid> {
    let pid = PID.get();
    if pid.serial == 0 { None } else { Some(pid) }
}

/// The process that a signal sent from here comes from.
pub(crate) fn sender() -> Pid {
    pid().unwrap_or(Pid::NOBODY)
}

/// Whether a callback of this process runs on this thread, innermost.
#[inline]
pub(crate) fn is(pid: Pid) -> bool {
    PID.get() == pid
}

/// How many servers run inside one another on this thread.
#[inline]
pub(crate) fn depth() -> usize {
    usize::from(DEPTH.get())
}

/// Whether one more server may be run inside the present one.
#[inline]
pub(crate) fn may_nest() -> bool {
    DEPTH.get() < DEPTH_MAX
}

/// Whether the current process runs inside a callback of another.
pub(crate) fn is_nested() -> bool {
    DEPTH.get() > 1
}

/// Whether this thread is inside the death of some process, where nobody else's code may run.
pub(crate) fn is_dying() -> bool {
    DYING.get()
}

/// Makes `pid` the current process until the guard is dropped, also when a panic drops it.
#[inline]
pub(crate) fn enter(pid: Pid) -> Entered {
    record::note(|| record::Event::Entered { pid, depth: DEPTH.get() });
    // Kept on the stack of the poll, so that servers inside one another find their way back.
    let before = PID.replace(pid);
    DEPTH.set(DEPTH.get() + 1);
    Entered { before }
}

/// Takes this thread out of the process that it runs until the guard is dropped: what runs meanwhile is a task of its own, which
/// only happens to be polled here.
#[cfg(feature = "sim")]
pub(crate) fn leave() -> Left {
    record::take_back_entry(PID.get());
    Left { pid: PID.replace(Pid::NOBODY), depth: DEPTH.replace(0) }
}

/// Restores what was current before [`leave`].
#[cfg(feature = "sim")]
pub(crate) struct Left {
    pid: Pid,
    depth: u8,
}

#[cfg(feature = "sim")]
impl Drop for Left {
    fn drop(&mut self) {
        PID.set(self.pid);
        DEPTH.set(self.depth);
    }
}

/// Restores what was current before [`enter`].
pub(crate) struct Entered {
    before: Pid,
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        PID.set(self.before);
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Marks this thread as being inside a death until the guard is dropped.
pub(crate) fn begin_death() -> DeathBegun {
    DeathBegun { before: DYING.replace(true) }
}

/// Restores what held before [`begin_death`].
pub(crate) struct DeathBegun {
    before: bool,
}

impl Drop for DeathBegun {
    fn drop(&mut self) {
        DYING.set(self.before);
    }
}

/// Notes that a callback of `pid`, running here, dropped a caller without an answer (rule 10 of `process::mail`).
pub(crate) fn note_unanswered(pid: Pid, slot: Arc<dyn Waiting>) {
    UNANSWERED_NOTED.set(true);
    UNANSWERED.with_borrow_mut(|list| list.push((pid, slot)));
}

/// Whether any callback on this thread dropped a caller that is not settled yet.
#[inline]
pub(crate) fn any_unanswered() -> bool {
    UNANSWERED_NOTED.get()
}

/// Takes the callers that the last callback of `pid` dropped unanswered.
pub(crate) fn take_unanswered(pid: Pid) -> Vec<Arc<dyn Waiting>> {
    if !UNANSWERED_NOTED.get() {
        return Vec::new();
    }
    UNANSWERED.with_borrow_mut(|list| {
        let (ours, others) = std::mem::take(list).into_iter().partition(|(home, _)| *home == pid);
        *list = others;
        // Those of an outer callback stay: it is not known yet how that ends.
        UNANSWERED_NOTED.set(!list.is_empty());
        let ours: Vec<(Pid, Arc<dyn Waiting>)> = ours;
        ours.into_iter().map(|(_, slot)| slot).collect()
    })
}
