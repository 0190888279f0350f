//! The report that a task makes of its end.

use super::end::who;
use super::{Level, Report, Who};
use crate::node::process_ref::ProcessRef;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A task's own report of an end outside the normal set: Elixir's task report. The report of its process follows.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TaskFailed {
    /// The task.
    pub process: Who,
    /// The process that spawned it, if one did.
    pub started_by: Option<Who>,
    /// The type of the function that ran in it, which says where it is defined.
    pub function: &'static str,
    /// Why it ended.
    pub reason: Reason,
}

impl TaskFailed {
    /// Makes the report of the task `process`.
    pub fn new(process: Who, started_by: Option<Pid>, function: &'static str, reason: Reason) -> Self {
        Self { process, started_by: started_by.map(who), function, reason }
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::new();
    /// let mut reports = node.reports();
    /// let process = Probe::<()>::on(&node);
    /// process.process_ref().report(Level::Error, |me| {
    ///     Report::TaskFailed(TaskFailed::new(me, None, "backup", Reason::term("out of paper")))
    /// });
    /// let report = reports.next().await.ok_or("the node is gone")?;
    /// assert_eq!(report.reason(), Some(&Reason::term("out of paper")));
    /// # Ok(())
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
