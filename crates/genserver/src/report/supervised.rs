//! What supervisors report of their children.

use std::fmt;

use super::{Level, Who};
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// What a supervisor reports of one of its children: OTP's supervisor and progress reports.
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
    /// Why it happened, if it is no good news.
    pub reason: Option<Reason>,
}

impl Supervised {
    /// What the supervisor `process` has to say of a child.
    pub fn new(process: Who, event: SupervisorEvent, child: Offender, reason: Option<Reason>) -> Self {
        Self { process, event, child, reason }
    }
}

/// What can happen to a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SupervisorEvent {
    /// It was started, along with the supervisor or once more after it had ended: OTP's progress report.
    Progress,
    /// It was started because somebody asked for it. This is of less interest: whoever asked has the answer.
    ProgressOnRequest,
    /// It could not be started.
    StartError,
    /// It ended by itself, and should not have.
    ChildTerminated,
    /// It was told to end, and ended in another way.
    ShutdownError,
    /// It ended once more than is allowed, so its supervisor gives up.
    #[doc(alias = "reached_max_restart_intensity")]
    Shutdown,
}

impl SupervisorEvent {
    /// How bad it is.
    pub fn level(self) -> Level {
        match self {
            Self::ProgressOnRequest => Level::Debug,
            Self::Progress => Level::Info,
            Self::StartError | Self::ChildTerminated | Self::ShutdownError | Self::Shutdown => Level::Error,
        }
    }
}

/// As a sentence goes on after "the supervisor".
impl fmt::Display for SupervisorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Progress | Self::ProgressOnRequest => "started a child",
            Self::StartError => "could not start a child",
            Self::ChildTerminated => "lost a child",
            Self::ShutdownError => "saw a child end in another way than it was told to",
            Self::Shutdown => "gives up, because its children end too often",
        })
    }
}

/// A child, as the report of its supervisor shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Offender {
    /// Which process it is, or was. None if it did not start.
    pub pid: Option<Pid>,
    /// What it is called among the children of its supervisor.
    pub id: String,
    /// The type of the server or function that runs in it.
    pub runs: &'static str,
    /// When it is started again.
    pub restart: String,
    /// How it is ended.
    pub shutdown: String,
    /// Worker or supervisor.
    pub kind: String,
    /// Whether its end can be the end of its supervisor.
    pub significant: bool,
}
