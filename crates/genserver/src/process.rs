//! What all processes have in common, whether a server runs in them or plain code: identity, ties, and how they are reached.

use std::any::Any;
use std::sync::Arc;

use crate::exit::Exit;
use crate::monitor::{Down, MonitorRef};
use crate::name::Name;
use crate::node::Home;
use crate::pid::Pid;
use crate::reason::Reason;
use crate::reply::Slot;

// The one lock of a server and what lies behind it: run states, queue, body.
pub(crate) mod mail;
// The room in which a callback's future lives.
pub(crate) mod work;
// Sending: into the queue, or straight into the handler.
mod send;
// Polling: one callback after the other, and what each asks for.
mod poll;
// Signals from other processes: exits, links, monitors.
mod signal;
// The end, in its order.
mod death;
// Links, monitors and waiters of any process.
pub(crate) mod ties;

pub(crate) use mail::{Envelope, Process, Signal};
pub(crate) use send::{Refused, Sent, parcel};

/// What never changes in a process.
pub(crate) struct Head {
    pub(crate) pid: Pid,
    pub(crate) home: Arc<Home>,
    /// Only processes that have something to say about themselves pay for it.
    pub(crate) about: Option<Box<About>>,
}

/// What only some processes have.
#[derive(Default)]
pub(crate) struct About {
    pub(crate) name: Option<Name>,
    pub(crate) label: Option<String>,
    /// Whose exit is an order to stop.
    pub(crate) parent: Option<Pid>,
    /// Whoever started this process, and so on upwards.
    pub(crate) ancestors: Vec<Pid>,
}

impl Head {
    pub(crate) fn name(&self) -> Option<&Name> {
        self.about.as_ref()?.name.as_ref()
    }

    pub(crate) fn label(&self) -> Option<&str> {
        self.about.as_ref()?.label.as_deref()
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        self.about.as_ref()?.parent
    }

    /// The process for a person: its name if it has one, and its pid.
    pub(crate) fn title(&self) -> String {
        match (self.name(), self.label()) {
            (Some(name), _) => format!("{name} {}", self.pid),
            (None, Some(label)) => format!("{label} {}", self.pid),
            (None, None) => self.pid.to_string(),
        }
    }
}

/// How an exit signal came about; the rules differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExitKind {
    /// A linked process ended.
    Link,
    /// Somebody sent it.
    Sent,
    /// Somebody sent `kill`: nobody can trap it.
    Kill,
}

/// A process, whatever runs in it.
pub(crate) trait AnyProcess: Send + Sync {
    fn head(&self) -> &Head;
    /// False from the moment the mailbox is closed.
    fn is_alive(&self) -> bool;
    /// Whether the process is past its last callback and will tell everybody why in a moment.
    fn is_ending(&self) -> bool;
    fn traps_exits(&self) -> bool;
    fn exit(self: Arc<Self>, exit: Exit, kind: ExitKind);
    fn down(self: Arc<Self>, down: Down);
    /// Adds a monitor; false if the process is dead, and then nothing will come.
    fn monitor(&self, reference: MonitorRef, watcher: Arc<dyn AnyProcess>) -> bool;
    fn demonitor(&self, reference: MonitorRef);
    /// Adds one half of a link; false if the process is dead.
    fn link(&self, peer: Arc<dyn AnyProcess>) -> bool;
    /// Takes one half of a link away; whether it was there.
    fn unlink(&self, peer: Pid) -> bool;
    /// Queues the order to stop; the slot gets the reason when everybody has been told.
    fn stop(self: Arc<Self>, reason: Reason, ended: Arc<Slot<Reason>>, inline: bool);
    /// The runtime that the process ran on was shut down.
    fn runtime_gone(self: Arc<Self>);
    fn info(&self) -> crate::info::ProcessInfo;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}
