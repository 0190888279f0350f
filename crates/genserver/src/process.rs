//! What all processes have in common, whether a server runs in them or plain code: identity, ties, and how they are reached.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::exit::Exit;
use crate::monitor::{Down, MonitorRef};
use crate::name::Name;
use crate::node::Home;
use crate::pid::Pid;
use crate::reason::Reason;
use crate::reply::{Slot, Waiting};
use crate::stop::Order;
use crate::sys::Untyped;

// The one lock of a server and what lies behind it: run states, queue, body.
pub(crate) mod mail;
// Callbacks as futures.
pub(crate) mod work;
// A queue that costs an idle server one pointer.
pub(crate) mod queue;
// Sending: into the queue, or straight into the handler.
mod send;
// Waiting for room in a full mailbox.
mod room;
// What becomes of what does not wait.
mod overflow;
// Polling: one callback after the other, and what each asks for.
pub(crate) mod poll;
// The task that runs a server which nobody runs inline.
pub(crate) mod task;
// Whom such a task runs next.
pub(crate) mod chain;
// How long callbacks block, and who may run a server because of that.
pub(crate) mod pace;
// Requests of `sys`.
mod inspect;
// Signals from other processes: exits, links, monitors.
mod signal;
// The end, in its order.
mod death;
// Awaits of a process that is doomed while it runs.
pub(crate) mod cut;
// Processes without a server.
pub(crate) mod plain;
// Links, monitors and waiters of any process.
pub(crate) mod ties;
// Who waits for an answer or an end, and until when.
mod waiters;

pub(crate) use death::drop_caught;
pub(crate) use mail::{Envelope, Lazy, Process, Signal};
pub(crate) use room::Line;
pub(crate) use send::{Parcel, Refused, Sent, parcel};
pub(crate) use ties::LaidBy;

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

/// The process that an error is about: its pid, and its name if it has one.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::StopError;
///
/// let server = genserver::start::<Quiet>(()).name("quiet").await?;
/// server.stop().await?;
/// let Err(StopError::NoProc { server: subject }) = server.stop().await else { unreachable!() };
/// assert_eq!(subject.pid, server.pid());
/// assert!(subject.to_string().starts_with("process quiet <"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// Which process; [`Pid::NOBODY`] if a name belonged to none.
    pub pid: Pid,
    /// The name it was started with or looked for.
    pub name: Option<Name>,
}

impl Subject {
    /// A name that nobody has.
    pub(crate) fn nobody(name: &Name) -> Self {
        Self { pid: Pid::NOBODY, name: Some(name.clone()) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) if self.pid == Pid::NOBODY => write!(f, "a process named {name}"),
            Some(name) => write!(f, "process {name} {}", self.pid),
            None => write!(f, "process {}", self.pid),
        }
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
    fn info(&self) -> crate::info::ProcessInfo;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}
