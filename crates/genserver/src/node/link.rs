//! Links, monitors and exit signals between any two processes.

use std::sync::Arc;

use crate::node::any_process::{AnyProcess, ExitKind, LaidBy};
use crate::node::current;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::node::record::{self, Event};
use crate::node::subject::Subject;
use crate::values::exit::Exit;
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// The process to link with does not exist.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::Probe;
///
/// let mut probe = Probe::<()>::new();
/// let server = genserver::start::<Quiet>(()).await?;
/// server.stop().await?;
/// let error = probe.link(&server).unwrap_err();
/// assert_eq!(error.target.pid, server.pid());
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target} is not running, so it cannot be linked; start it first, or trap exits to be told instead")]
pub struct LinkError {
    /// The process that was to be linked.
    pub target: Subject,
}

/// Sets a monitor, or delivers its `Down` at once if the process does not exist.
pub(crate) fn watch(reference: MonitorRef, pid: Pid, target: Option<ProcessRef>, watcher: Arc<dyn AnyProcess>) {
    let watched = target.is_some_and(|target| target.process().monitor(reference, Arc::clone(&watcher)));
    if !watched {
        record::note(|| Event::Monitored { pid, by: watcher.head().pid, reference, is_refused: true });
        watcher.down(Down { reference, pid, reason: Reason::NoProc });
    }
}

/// Links two processes. Each process holds its own half, and the locks are taken one after the other.
pub(crate) fn link(own: &Arc<dyn AnyProcess>, target: &impl AsProcess) -> Result<(), LinkError> {
    let pid = target.pid_or_nobody();
    if pid == own.head().pid {
        return Ok(());
    }
    let Some(other) = target.as_process() else { return nobody(own, Subject::of(pid)) };
    if tie(own, other.process()) {
        return Ok(());
    }
    nobody(own, other.process().head().subject())
}

/// Creates both halves of a link. Returns false, and creates no link, if `other` had ended before.
///
/// If one of the two ends in between, the other gets its exit exactly once: an exit is delivered only through a half that
/// exists, and removes it.
pub(crate) fn tie(own: &Arc<dyn AnyProcess>, other: &Arc<dyn AnyProcess>) -> bool {
    own.link(Arc::clone(other), LaidBy::Own);
    if !other.link(Arc::clone(own), LaidBy::Peer) {
        // It may have linked with us just before its end: then its exit has arrived or is on its way.
        return !own.take_back(other.head().pid);
    }
    if let Some(reason) = own.ended_with() {
        Arc::clone(other).exit(Exit { from: own.head().pid, reason }, ExitKind::Link);
    }
    true
}

fn nobody(own: &Arc<dyn AnyProcess>, target: Subject) -> Result<(), LinkError> {
    if !own.traps_exits() {
        return Err(LinkError { target });
    }
    Arc::clone(own).exit(Exit { from: target.pid, reason: Reason::NoProc }, ExitKind::Nobody);
    Ok(())
}

/// Removes a link on both sides; returns whether our half existed.
pub(crate) fn unlink(own: &Arc<dyn AnyProcess>, target: &impl AsProcess) -> bool {
    let was_linked = own.unlink(target.pid_or_nobody());
    if let Some(other) = target.as_process() {
        other.process().unlink(own.head().pid);
    }
    was_linked
}

/// OTP's `exit/2`: `kill` cannot be trapped, every other reason can.
pub(crate) fn send_exit(process: &Arc<dyn AnyProcess>, reason: Reason) {
    let kind = if matches!(reason, Reason::Kill) { ExitKind::Kill } else { ExitKind::Sent };
    Arc::clone(process).exit(Exit { from: current::sender(), reason }, kind);
}
