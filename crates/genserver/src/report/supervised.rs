//! The reports that supervisors make of their children.

use std::fmt;

use super::level::Level;
use super::who::Who;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A supervisor's report of one of its children: OTP's supervisor and progress reports.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Supervised {
    /// The supervisor.
    pub process: Who,
    /// What happened.
    pub event: SupervisorEvent,
    /// The child it happened to.
    pub child: Offender,
    /// Why it happened, if something went wrong.
    pub reason: Option<Reason>,
}

impl Supervised {
    /// Makes the report of the supervisor `process` about a child.
    pub fn new(process: Who, event: SupervisorEvent, child: Offender, reason: Option<Reason>) -> Self {
        Self { process, event, child, reason }
    }
}

/// The events in the life of a child that its supervisor reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SupervisorEvent {
    /// It was started, together with the supervisor or again after it had ended: OTP's progress report.
    Progress,
    /// It was started on request. This is less important, because the requester has the answer.
    ProgressOnRequest,
    /// It could not be started.
    StartError,
    /// It ended by itself, although it should have gone on.
    ChildTerminated,
    /// It was ordered to end, and ended with another reason.
    ShutdownError,
    /// It ended more often than is allowed, so its supervisor gives up.
    #[doc(alias = "reached_max_restart_intensity")]
    Shutdown,
}

impl SupervisorEvent {
    /// The severity.
    pub fn level(self) -> Level {
        match self {
            Self::ProgressOnRequest => Level::Debug,
            Self::Progress => Level::Info,
            Self::StartError | Self::ChildTerminated | Self::ShutdownError | Self::Shutdown => Level::Error,
        }
    }
}

/// Prints the words that follow "supervisor NAME" in a sentence.
impl fmt::Display for SupervisorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Progress | Self::ProgressOnRequest => "started a child",
            Self::StartError => "could not start a child",
            Self::ChildTerminated => "lost a child",
            Self::ShutdownError => "saw a child end in another way than it was ordered to",
            Self::Shutdown => "gives up, because its children end too often",
        })
    }
}

/// A child, as the report of its supervisor shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Offender {
    /// The pid it has or had. `None` if it did not start.
    pub pid: Option<Pid>,
    /// Its id among the children of its supervisor.
    pub id: String,
    /// The type of the server or function that runs in it.
    pub runs: &'static str,
    /// Its restart policy.
    pub restart: String,
    /// Its shutdown policy.
    pub shutdown: String,
    /// Worker or supervisor.
    pub kind: String,
    /// Whether its end can end its supervisor.
    pub significant: bool,
}
