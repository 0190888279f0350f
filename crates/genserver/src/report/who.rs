//! A process, as a report names it.

use crate::values::pid::Pid;

/// A process, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Who {
    /// Its pid.
    pub pid: Pid,
    /// Its name.
    pub name: Option<String>,
    /// Its label.
    pub label: Option<String>,
}
