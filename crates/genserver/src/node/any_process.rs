//! What all processes have in common, whether a server runs in them or plain code: identity, ties, and how they are reached.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use crate::node::Home;
use crate::node::name::Name;
use crate::node::order::Order;
use crate::node::reply::{Slot, Waiting};
use crate::node::subject::Subject;
use crate::values::exit::Exit;
use crate::values::info::ProcessInfo;
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// What never changes in a process.
pub(crate) struct Head {
    pub(crate) pid: Pid,
    pub(crate) home: Arc<Home>,
    /// Only processes that have something to say about themselves pay for it. Those that one process starts have it together,
    /// unless they have names or labels of their own.
    pub(crate) about: Option<Arc<About>>,
}

/// What only some processes have.
#[derive(Default)]
pub(crate) struct About {
    pub(crate) name: Option<Name>,
    pub(crate) label: Option<Box<str>>,
    /// Whoever started this process, and so on upwards.
    pub(crate) ancestors: Arc<[Pid]>,
}

/// How many ancestors of a process are kept. A chain of processes that each start the next has no end.
const ANCESTORS_KEPT: usize = 16;

impl About {
    /// What is said of a process that is started by one with these ancestors.
    pub(crate) fn child_of(parent: Pid, ancestors: &[Pid]) -> Self {
        let ancestors = std::iter::once(&parent).chain(ancestors).take(ANCESTORS_KEPT).copied().collect();
        Self { ancestors, ..Self::default() }
    }
}

impl Head {
    pub(crate) fn name(&self) -> Option<&Name> {
        self.about.as_ref()?.name.as_ref()
    }

    pub(crate) fn label(&self) -> Option<&str> {
        self.about.as_ref()?.label.as_deref()
    }

    /// Whoever started it linked; its exit is an order to stop.
    pub(crate) fn parent(&self) -> Option<Pid> {
        self.ancestors().first().copied()
    }

    /// Whoever started this process, and so on upwards.
    pub(crate) fn ancestors(&self) -> &[Pid] {
        self.about.as_ref().map_or(&[], |about| &about.ancestors)
    }

    /// What is said of a process that this one starts.
    pub(crate) fn about_child(&self) -> About {
        About::child_of(self.pid, self.ancestors())
    }

    /// The process for a person: its name if it has one, and its pid.
    pub(crate) fn title(&self) -> String {
        match (self.name(), self.label()) {
            (Some(name), _) => format!("{name} {}", self.pid),
            (None, Some(label)) => format!("{label} {}", self.pid),
            (None, None) => self.pid.to_string(),
        }
    }

    /// The process as an error names it.
    pub(crate) fn subject(&self) -> Subject {
        Subject { pid: self.pid, name: self.name().cloned() }
    }
}

/// How an exit signal came about; the rules differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExitKind {
    /// A linked process ended.
    Link,
    /// There was nobody to link with.
    Nobody,
    /// Somebody sent it.
    Sent,
    /// Somebody sent `kill`: nobody can trap it.
    Kill,
}

impl ExitKind {
    /// Whether `unlink_flush` throws it away.
    pub(crate) fn is_of_a_link(self) -> bool {
        matches!(self, Self::Link | Self::Nobody)
    }
}

/// What came of [`AnyProcess::stop_here`].
pub(crate) enum StoppedHere {
    /// It ended, and everybody has been told.
    Ended(Reason),
    /// Its terminate awaits something.
    Awaited,
    /// The order has to be queued.
    NotNow,
}

/// What became of a request of [`sys`](crate::sys).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Taken,
    Dead,
    /// Nothing runs in the process that such a request could be made of.
    NoServer,
}

/// Who lays a half of a link. Two processes may link with each other at the same time, and one of them may fail; so each has a bit.
#[derive(Clone, Copy)]
pub(crate) enum LaidBy {
    Own = 1,
    Peer = 2,
}

/// A request of `sys` to a server whose type is not known here: `process::inspect` knows what is in it.
pub(crate) struct Untyped(pub(crate) Box<dyn Any + Send>);

/// A process, whatever runs in it.
pub(crate) trait AnyProcess: Send + Sync {
    fn head(&self) -> &Head;
    /// False from the moment the mailbox is closed.
    fn is_alive(&self) -> bool;
    /// Whether the process is past its last callback and will tell everybody why in a moment.
    fn is_ending(&self) -> bool;
    /// Whether it was ordered to end from outside, and has not ended yet.
    fn is_doomed(&self) -> bool;
    /// Whether its name has not been freed yet.
    fn holds_name(&self) -> bool;
    fn traps_exits(&self) -> bool;
    /// What is said of a process that this one starts: the same for all of them.
    fn about_child(&self) -> Arc<About>;
    /// Whether a server's init runs, so that whoever starts it waits for it.
    fn is_in_init(&self) -> bool {
        false
    }
    /// The node goes down: an order to stop for whoever traps exits, the end for everybody else.
    fn order_down(self: Arc<Self>, exit: Exit);
    fn exit(self: Arc<Self>, exit: Exit, kind: ExitKind);
    fn down(self: Arc<Self>, down: Down);
    /// Adds a monitor; false if the process is dead, and then nothing will come.
    fn monitor(&self, reference: MonitorRef, watcher: Arc<dyn AnyProcess>) -> bool;
    /// Takes away the monitor of a watcher that lives in this node: numbers of monitors are a node's own.
    fn demonitor(&self, reference: MonitorRef, node: u32);
    /// Adds one half of a link; false if the process is dead.
    fn link(&self, peer: Arc<dyn AnyProcess>, by: LaidBy) -> bool;
    /// Takes its own half back, because the peer has ended; false if the link is there all the same, or was and brought its exit.
    fn take_back(&self, peer: Pid) -> bool;
    /// Takes one half of a link away; whether it was there.
    fn unlink(&self, peer: Pid) -> bool;
    /// Queues the order to stop; false if the process is dead. The slot gets the reason when everybody has been told.
    fn stop(self: Arc<Self>, order: Order, ended: Arc<Slot<Reason>>, inline: bool) -> bool;
    /// Stops a process here and now, if nothing runs in it and a caller may run it.
    fn stop_here(self: Arc<Self>, reason: &Reason) -> StoppedHere {
        let _ = reason;
        StoppedHere::NotNow
    }
    /// Has the slot filled at the end; the reason at once if the end is past.
    fn await_end(&self, ended: Arc<Slot<Reason>>) -> Option<Reason>;
    /// The reason of an end that has been told.
    fn ended_with(&self) -> Option<Reason>;
    /// Asks the clock to look at the slots of this process when `at` has come.
    fn watch_deadline(self: Arc<Self>, at: Instant);
    /// The runtime that the process ran on was shut down.
    fn runtime_gone(self: Arc<Self>);
    /// Asks what runs in it for something of [`sys`](crate::sys). The slot gets the reason if it ends before it comes to that.
    fn ask(self: Arc<Self>, request: Untyped, slot: Arc<dyn Waiting>, inline: bool) -> Asked;
    fn info(&self) -> ProcessInfo;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}
