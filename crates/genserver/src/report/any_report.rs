//! The report of anything: one variant for each kind.

use super::custom::CustomReport;
use super::cycle::CycleRefused;
use super::ended::{Crashed, Terminated};
use super::level::Level;
use super::long_schedule::LongSchedule;
use super::mailbox::{Overflowed, Unexpected};
use super::supervised::Supervised;
use super::task::TaskFailed;
use super::who::Who;
use crate::values::reason::Reason;

/// A report for people and tools, usually of something that went wrong.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # genserver_doc::run! {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.send(7)?;
/// fragile.cast("the handle")?;
/// assert!(matches!(reports.next().await, Some(Report::Unexpected(_))));
/// assert!(matches!(reports.next().await, Some(Report::Terminated(_))));
/// assert!(matches!(reports.next().await, Some(Report::Crashed(_))));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "report", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Report {
    /// A server ended: its own report, with its state.
    Terminated(Terminated),
    /// A process ended: what is known of it from outside.
    Crashed(Crashed),
    /// A message arrived that the server does not handle.
    Unexpected(Unexpected),
    /// A mailbox overflowed, and messages were dropped.
    Overflowed(Overflowed),
    /// A callback blocked its thread for a long time.
    LongSchedule(LongSchedule),
    /// A call would have closed a cycle of processes that wait for one another.
    CycleRefused(CycleRefused),
    /// Something happened to the child of a supervisor.
    Supervised(Supervised),
    /// A task ended without a result.
    TaskFailed(TaskFailed),
    /// A library reports something of its own kind of process.
    Custom(CustomReport),
}

impl Report {
    /// The severity.
    pub fn level(&self) -> Level {
        match self {
            Self::Terminated(_) | Self::Crashed(_) | Self::TaskFailed(_) => Level::Error,
            Self::Unexpected(_) | Self::Overflowed(_) | Self::LongSchedule(_) | Self::CycleRefused(_) => Level::Warning,
            Self::Supervised(report) => report.event.level(),
            Self::Custom(report) => report.level,
        }
    }

    /// The process that it is about.
    pub fn process(&self) -> &Who {
        match self {
            Self::Terminated(report) => &report.process,
            Self::Crashed(report) => &report.process,
            Self::Unexpected(report) => &report.process,
            Self::Overflowed(report) => &report.process,
            Self::LongSchedule(report) => &report.process,
            Self::CycleRefused(report) => &report.process,
            Self::Supervised(report) => &report.process,
            Self::TaskFailed(report) => &report.process,
            Self::Custom(report) => &report.process,
        }
    }

    /// The reason for the end of the process, or for what happened to its child.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Terminated(report) => Some(&report.reason),
            Self::Crashed(report) => Some(&report.reason),
            Self::Unexpected(_) | Self::Overflowed(_) | Self::LongSchedule(_) | Self::CycleRefused(_) => None,
            Self::Supervised(report) => report.reason.as_ref(),
            Self::TaskFailed(report) => Some(&report.reason),
            Self::Custom(report) => report.reason.as_ref(),
        }
    }
}
