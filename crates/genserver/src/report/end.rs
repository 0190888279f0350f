//! Makes the report of an end while the process's parts still exist.

use super::{Crashed, Report, Who};
use crate::node;
use crate::node::any_process::AnyProcess;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// Reports the end of a process that runs no server, and returns the reason.
pub(crate) fn crashed(process: &dyn AnyProcess, entry: &'static str, reason: Reason) -> Reason {
    let hub = process.head().home.node().hub();
    if !reason.is_normal_set() && hub.is_heard() {
        hub.publish(&Report::Crashed(crash(process, entry, false, reason.clone())));
    }
    reason
}

pub(crate) fn crash(process: &dyn AnyProcess, entry: &'static str, in_init: bool, reason: Reason) -> Crashed {
    let seen = process.info();
    Crashed {
        process: Who { pid: seen.pid, name: seen.name, label: seen.label },
        entry,
        in_init,
        reason,
        ancestors: process.head().ancestors().iter().copied().map(who).collect(),
        links: seen.links.into_iter().map(who).collect(),
        mailbox: seen.mailbox,
        traps_exits: seen.traps_exits,
    }
}

/// A process by its pid, with its name if it is alive.
pub(crate) fn who(pid: Pid) -> Who {
    node::find(pid).map_or(Who { pid, name: None, label: None }, |process| Who::new(process.head()))
}
