//! Makes reports: names processes, and says how they ended.

use super::any_report::Report;
use super::cycle::CycleRefused;
use super::ended::Crashed;
use super::level::Level;
use super::task::TaskFailed;
use super::who::Who;
use crate::node::any_process::{AnyProcess, Head};
use crate::node::process_ref::ProcessRef;
use crate::node::table;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

impl Who {
    pub(crate) fn new(head: &Head) -> Self {
        Self { pid: head.pid, name: head.name().map(ToString::to_string), label: head.label().map(str::to_owned) }
    }

    /// The process with this pid; only its pid if it has ended.
    pub(crate) fn of(pid: Pid) -> Self {
        table::find(pid).map_or(Self { pid, name: None, label: None }, |process| Self::new(process.head()))
    }
}

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
        ancestors: process.head().ancestors().iter().copied().map(Who::of).collect(),
        links: seen.links.into_iter().map(Who::of).collect(),
        mailbox: seen.mailbox,
        traps_exits: seen.traps_exits,
    }
}

/// Reports a call that was refused because of this cycle, which begins with its caller.
pub(crate) fn cycle_refused(cycle: &[Pid]) {
    let Some(caller) = cycle.first().copied().and_then(table::find) else { return };
    let hub = caller.head().home.node().hub();
    if hub.is_heard() {
        let cycle = cycle.iter().copied().map(Who::of).collect();
        hub.publish(&Report::CycleRefused(CycleRefused { process: Who::new(caller.head()), cycle }));
    }
}

impl TaskFailed {
    /// Makes the report of the task `process`.
    pub fn new(process: Who, started_by: Option<Pid>, function: &'static str, reason: Reason) -> Self {
        Self { process, started_by: started_by.map(Who::of), function, reason }
    }
}

impl ProcessRef {
    /// Publishes a report about this process, made by `make`, if a report of that level has a subscriber.
    ///
    /// It is for libraries that have their own kinds of processes. A process that crashes is reported anyway.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::report::{Level, Report, TaskFailed};
    /// use genserver::{Node, Probe, Reason};
    ///
    /// # genserver_doc::run! {
    /// let node = Node::new();
    /// let mut reports = node.reports();
    /// let process = Probe::<()>::on(&node);
    /// process.process_ref().report(Level::Error, |me| {
    ///     Report::TaskFailed(TaskFailed::new(me, None, "backup", Reason::term("out of paper")))
    /// });
    /// let report = reports.next().await.ok_or("the node is gone")?;
    /// assert_eq!(report.reason(), Some(&Reason::term("out of paper")));
    /// # }
    /// ```
    pub fn report(&self, level: Level, make: impl FnOnce(Who) -> Report) {
        let head = self.process().head();
        let hub = head.home.node().hub();
        if hub.is_heard_at(level) {
            hub.publish(&make(Who::new(head)));
        }
    }
}
