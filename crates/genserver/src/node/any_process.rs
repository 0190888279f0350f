//! What all processes have in common, with a server or plain code in them: identity, ties, and how they are reached.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use crate::node::home::Home;
use crate::node::name::Name;
use crate::node::order::Order;
use crate::node::reply::{Slot, Waiting};
use crate::node::subject::Subject;
use crate::values::exit::Exit;
use crate::values::info::ProcessInfo;
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// The part of a process that never changes.
pub(crate) struct Head {
    pub(crate) pid: Pid,
    pub(crate) home: Arc<Home>,
    /// `None` unless the process has something of this kind, so that other processes do not pay for it. The processes that one
    /// process starts share it, unless they have names or labels of their own.
    pub(crate) about: Option<Arc<About>>,
}

/// Properties that only some processes have.
#[derive(Default)]
pub(crate) struct About {
    pub(crate) name: Option<Name>,
    /// Shared with the spec of a supervised child: a restart allocates no label.
    pub(crate) label: Option<Arc<str>>,
    /// The process that started this one, the process that started that one, and so on upwards.
    pub(crate) ancestors: Arc<[Pid]>,
}

/// How many ancestors of a process are kept. A chain of processes that each start the next may be endless.
const ANCESTORS_KEPT: usize = 16;

impl About {
    /// The properties of a process that is started by `parent`, which has these ancestors.
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

    /// The process that started it with a link; its exit is an order to stop.
    pub(crate) fn parent(&self) -> Option<Pid> {
        self.ancestors().first().copied()
    }

    /// The process that started this one, the process that started that one, and so on upwards.
    pub(crate) fn ancestors(&self) -> &[Pid] {
        self.about.as_ref().map_or(&[], |about| &about.ancestors)
    }

    /// The properties of a process that this one starts.
    pub(crate) fn about_child(&self) -> About {
        About::child_of(self.pid, self.ancestors())
    }

    /// The process as text for people: its name or its label, if it has one, and its pid.
    pub(crate) fn title(&self) -> String {
        match (self.name(), self.label()) {
            (Some(name), _) => format!("{name} {}", self.pid),
            (None, Some(label)) => format!("{label} {}", self.pid),
            (None, None) => self.pid.to_string(),
        }
    }

    /// The process as an error names it.
    pub(crate) fn subject(&self) -> Subject {
        let labelled = self.about.as_ref().filter(|about| about.label.is_some());
        Subject { name: self.name().cloned(), labelled: labelled.cloned(), ..Subject::of(self.pid) }
    }
}

/// Where an exit signal came from, which decides how it is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExitKind {
    /// A linked process ended.
    Link,
    /// The process to link with did not exist.
    Nobody,
    /// It was sent by `exit`.
    Sent,
    /// It was sent by `exit` with the reason `kill`, which cannot be trapped.
    Kill,
}

impl ExitKind {
    /// Returns whether `unlink_flush` discards it.
    pub(crate) fn is_of_a_link(self) -> bool {
        matches!(self, Self::Link | Self::Nobody)
    }
}

/// The result of [`AnyProcess::stop_here`].
pub(crate) enum StoppedHere {
    /// It ended, and all its links and monitors have been notified.
    Ended(Reason),
    /// Its terminate is awaiting something.
    Awaited,
    /// It cannot be stopped here: the order has to be queued.
    NotNow,
}

/// What happened to a request of [`sys`](crate::sys).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Taken,
    Dead,
    /// The process runs no server, and so cannot handle the request.
    NoServer,
}

/// Which side created a half of a link. Two processes may link with each other at the same time and one of them may fail, so each
/// has a bit.
#[derive(Clone, Copy)]
pub(crate) enum LaidBy {
    Own = 1,
    Peer = 2,
}

/// A request of `sys` to a server whose type is not known here: `process::inspect` knows what it contains.
pub(crate) struct Untyped(pub(crate) Box<dyn Any + Send>);

/// What ties others to a process: links, monitors and waits for its end, and the exits that come over links.
pub(crate) trait Tied {
    /// Returns whether its name has not been released yet.
    fn holds_name(&self) -> bool;
    /// The properties of a process that this one starts: the same for all of them.
    fn about_child(&self) -> Arc<About>;
    fn exit(self: Arc<Self>, exit: Exit, kind: ExitKind);
    /// Adds a monitor; false if the process is dead, and then no `Down` will come.
    fn monitor(&self, reference: MonitorRef, watcher: Arc<dyn AnyProcess>) -> bool;
    /// Removes the monitor of a watcher that lives in this node: monitor numbers are unique per node.
    fn demonitor(&self, reference: MonitorRef, node: u32);
    /// Adds one half of a link; false if the process is dead.
    fn link(&self, peer: Arc<dyn AnyProcess>, by: LaidBy) -> bool;
    /// Removes its own half because the peer has ended. False if the link exists all the same, or existed and delivered its exit.
    fn take_back(&self, peer: Pid) -> bool;
    /// Removes one half of a link; returns whether it existed.
    fn unlink(&self, peer: Pid) -> bool;
    /// Fills the slot when the process ends; returns the reason at once if it has ended already.
    fn await_end(&self, ended: Arc<Slot<Reason>>) -> Option<Reason>;
    /// The reason, if the process has ended and all watchers have been notified.
    fn ended_with(&self) -> Option<Reason>;
    /// The processes that wait for its answer or its end.
    #[cfg(feature = "sim")]
    fn waiting(&self) -> Vec<Pid>;
}

/// A process, with a server or plain code in it.
pub(crate) trait AnyProcess: Tied + Send + Sync {
    fn head(&self) -> &Head;
    /// Returns false from the moment the mailbox is closed.
    fn is_alive(&self) -> bool;
    /// Returns whether it waits for a message and has none; `None` if it runs no server.
    #[cfg(feature = "sim")]
    fn is_idle(&self) -> Option<bool> {
        None
    }
    /// Returns whether the process has run its last callback and will send its end to all watchers in a moment.
    fn is_ending(&self) -> bool;
    /// Returns whether it was ordered from outside to end, and has not ended yet.
    fn is_doomed(&self) -> bool;
    fn traps_exits(&self) -> bool;
    /// Returns whether its init is running, so that its starter is waiting for it.
    fn is_in_init(&self) -> bool {
        false
    }
    /// The node shuts down: an order to stop for a process that traps exits, the end for every other.
    fn order_down(self: Arc<Self>, exit: Exit);
    fn down(self: Arc<Self>, down: Down);
    /// Queues the order to stop; false if the process is dead. The slot gets the reason when all watchers have been notified.
    fn stop(self: Arc<Self>, order: Order, ended: Arc<Slot<Reason>>, inline: bool) -> bool;
    /// Stops the process on this thread, if it is idle and the caller may run it.
    fn stop_here(self: Arc<Self>, reason: &Reason) -> StoppedHere {
        let _ = reason;
        StoppedHere::NotNow
    }
    /// Asks the clock to check the slots of this process at `at`.
    fn watch_deadline(self: Arc<Self>, at: Instant);
    /// The runtime that the process ran on was shut down.
    fn runtime_gone(self: Arc<Self>);
    /// Sends it a request of [`sys`](crate::sys). The slot gets the exit reason if the process ends before it handles the
    /// request.
    fn ask(self: Arc<Self>, request: Untyped, slot: Arc<dyn Waiting>, inline: bool) -> Asked;
    fn info(&self) -> ProcessInfo;
    /// Sets how many times its supervisor had started this child before.
    fn set_restarts(&self, restarts: u64);
    /// Adds what it has counted to the counters of its type. Called without a lock.
    #[cfg(feature = "metrics")]
    fn flush_counts(&self);
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}
