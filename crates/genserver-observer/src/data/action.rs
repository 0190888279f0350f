//! What a reader may do to a process, if the program allows it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something that is done to a process. All of them are forbidden unless the program allows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Sends the exit signal `shutdown`. A process that traps exits may go on.
    Stop,
    /// Kills it: no callback runs, and it cannot be trapped.
    Kill,
    /// Holds its messages back until it is resumed.
    Suspend,
    /// Lets a suspended process go on.
    Resume,
    /// Keeps its last events from now on, for the inspector.
    Log,
    /// Stops keeping its events.
    LogOff,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Stop, Self::Kill, Self::Suspend, Self::Resume, Self::Log, Self::LogOff];

    fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Log => "log",
            Self::LogOff => "log_off",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The error of a text that names no [`Action`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct UnknownAction;

impl fmt::Display for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such action; write one of")?;
        Action::ALL.iter().try_for_each(|action| write!(f, " {action}"))
    }
}

impl std::error::Error for UnknownAction {}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.into_iter().find(|action| action.word() == text).ok_or(UnknownAction)
    }
}
