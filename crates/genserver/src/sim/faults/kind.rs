//! The kinds of faults, and what each may happen to.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{Callback, ProcessInfo, Reason};

/// Something that may go wrong. The smaller ones come first, so that a smaller number is a smaller fault.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Kind {
    LateTimers(Duration),
    FullMailboxes(Type),
    EarlyTimeouts(Type),
    Stall(Type, Duration),
    Exit(Type, Reason),
    Panic(Type),
    Stuck(Type),
    Kill(Victim),
    /// The callback with this number panics; so many have begun.
    PanicAt(Type, u64, u64),
    PanicOn(Type, Condition),
}

impl Kind {
    /// How it stands among the others.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::LateTimers(_) => 0,
            Self::FullMailboxes(_) => 1,
            Self::EarlyTimeouts(_) => 2,
            Self::Stall(..) => 3,
            Self::Exit(..) => 4,
            Self::Panic(_) => 5,
            Self::Stuck(_) => 6,
            Self::Kill(_) => 7,
            Self::PanicAt(..) => 8,
            Self::PanicOn(..) => 9,
        }
    }
}

/// The type of a server, by its name.
pub(in crate::sim) type Type = &'static str;

/// Which processes are killed.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Victim {
    OfType(Type),
    /// Those with this name or label.
    Named(String),
}

impl Victim {
    pub(in crate::sim) fn is(&self, process: &ProcessInfo) -> bool {
        match self {
            Self::OfType(server) => process.server == *server,
            Self::Named(name) => process.name.iter().chain(&process.label).any(|title| title == name),
        }
    }
}

/// Whether a callback that handles this message panics.
#[derive(Clone)]
pub(in crate::sim) struct Condition(pub(super) Arc<Holds>);

type Holds = dyn Fn(Callback, &dyn Any) -> bool + Send + Sync;

impl Condition {
    pub(in crate::sim) fn holds(&self, callback: Callback, message: Option<&dyn Any>) -> bool {
        message.is_some_and(|message| (self.0)(callback, message))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condition(..)")
    }
}
