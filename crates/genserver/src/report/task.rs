//! The report that a task makes of its end.

use super::who::Who;
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
