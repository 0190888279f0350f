//! Reports of what went wrong: values for subscribers, and `tracing` events with the feature of that name.
//!
//! ```
//! use genserver::{Cx, GenServer, Init, Never, Next, Node, Outcome};
//! use genserver::report::Report;
//!
//! struct Fragile;
//!
//! impl GenServer for Fragile {
//!     type Args = ();
//!     type Call = Never;
//!     type Cast = &'static str;
//!     type Info = Never;
//!
//!     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
//!         Init::Run(Fragile)
//!     }
//!
//!     async fn handle_cast(&mut self, what: &'static str, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         panic!("{what} broke");
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut reports = Node::program().reports();
//! let fragile = genserver::start::<Fragile>(()).await?;
//! fragile.cast("the handle")?;
//!
//! let Some(Report::Terminated(report)) = reports.next().await else { unreachable!() };
//! assert_eq!(report.process.pid, fragile.pid());
//! assert_eq!(report.reason.to_string(), "panicked: the handle broke");
//! # Ok(())
//! # }
//! ```
//!
//! # What is reported
//!
//! | what | reports |
//! |---|---|
//! | a server ends by what a callback did or returned, by `stop` or by its parent's exit, with a reason outside the [normal set](crate::Reason::is_normal_set) | [`Report::Terminated`], then [`Report::Crashed`] |
//! | an init panics or stops, with such a reason | [`Report::Crashed`] |
//! | terminate panics | both, with the panic of terminate as the reason |
//! | an end with a reason of the normal set; any end by an exit signal or a kill | none |
//! | a message that the server does not handle | [`Report::Unexpected`] |
//! | a task ends by a panic or by what it returned, with a reason outside the normal set | [`Report::TaskFailed`], then [`Report::Crashed`] |
//! | messages are dropped because a mailbox is full, or a server ends because of that | [`Report::Overflowed`] |
//! | a callback that was timed blocked its thread for longer than the limit, a second by default | [`Report::LongSchedule`] |
//! | a supervisor starts, loses or cannot start a child | [`Report::Supervised`] |
//! | anything that a library reports of its own kind of process | [`Report::Custom`] |
//!
//! A report is published before the links and monitors of a process are notified: when you hear of a process's end, its reports
//! are already there. Without a subscriber, and without `tracing`, no report is made at all.
//! [`Node::reports`](crate::Node::reports) yields what went wrong. To get normal events too, such as the start of a child,
//! subscribe with [`Node::reports_from`](crate::Node::reports_from).
//!
//! The example `metrics` (`cargo run -p genserver --example metrics`) counts reports for a collector.
//!
//! # What is shown
//!
//! Only what the server shows of itself: see [`GenServer::format_status`](crate::GenServer::format_status). A report prints in
//! full with `Display`, and within limits with [`Report::render`].

// The subscribers of a node.
mod hub;
// Reports as text.
mod render;
// Making the report of an end.
pub(crate) mod end;
// What supervisors report.
mod supervised;
// What tasks report.
mod task;
// The report of a callback that blocks its thread.
mod long_schedule;
// The report that other libraries make.
mod custom;
// Where a panic happened.
mod panics;
// Reports as events, and callbacks as spans, of `tracing`.
mod trace;

use crate::node::any_process::Head;
use crate::values::info::Callback;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

pub use custom::CustomReport;
pub use hub::Reports;
pub use long_schedule::LongSchedule;
pub use panics::capture_panics;
pub use render::Limits;
pub use supervised::{Offender, Supervised, SupervisorEvent};
pub use task::TaskFailed;

pub(crate) use end::crashed;
pub(crate) use hub::Hub;
pub(crate) use trace::Scope;

/// The severity of a report, worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Level {
    /// Something broke.
    Error,
    /// Something is unusual.
    Warning,
    /// A normal event that is worth knowing.
    Info,
    /// A normal event.
    Debug,
}

/// A report for people and tools, usually of something that went wrong.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.send(7)?;
/// fragile.cast("the handle")?;
/// assert!(matches!(reports.next().await, Some(Report::Unexpected(_))));
/// assert!(matches!(reports.next().await, Some(Report::Terminated(_))));
/// assert!(matches!(reports.next().await, Some(Report::Crashed(_))));
/// # Ok(())
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
            Self::Unexpected(_) | Self::Overflowed(_) | Self::LongSchedule(_) => Level::Warning,
            Self::Supervised(report) => report.event.level(),
            Self::Custom(report) => report.level,
        }
    }

    /// The process that it is about.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::fragile::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut reports = Node::program().reports();
    /// let fragile = genserver::start::<Fragile>(()).await?;
    /// fragile.cast("the handle")?;
    /// let report = reports.next().await.ok_or("the node is gone")?;
    /// assert_eq!(report.process().pid, fragile.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn process(&self) -> &Who {
        match self {
            Self::Terminated(report) => &report.process,
            Self::Crashed(report) => &report.process,
            Self::Unexpected(report) => &report.process,
            Self::Overflowed(report) => &report.process,
            Self::LongSchedule(report) => &report.process,
            Self::Supervised(report) => &report.process,
            Self::TaskFailed(report) => &report.process,
            Self::Custom(report) => &report.process,
        }
    }

    /// The reason for the end of the process, or for what happened to its child.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::fragile::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut reports = Node::program().reports();
    /// let fragile = genserver::start::<Fragile>(()).await?;
    /// fragile.send(7)?;
    /// let report = reports.next().await.ok_or("the node is gone")?;
    /// assert_eq!(report.reason(), None, "it is about a message that nothing was written for");
    /// # Ok(())
    /// # }
    /// ```
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Terminated(report) => Some(&report.reason),
            Self::Crashed(report) => Some(&report.reason),
            Self::Unexpected(_) | Self::Overflowed(_) | Self::LongSchedule(_) => None,
            Self::Supervised(report) => report.reason.as_ref(),
            Self::TaskFailed(report) => Some(&report.reason),
            Self::Custom(report) => report.reason.as_ref(),
        }
    }
}

/// A process, as a report names it.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).name("fragile").await?;
/// fragile.cast("the handle")?;
/// let report = reports.next().await.ok_or("the node is gone")?;
/// assert_eq!(report.process().name.as_deref(), Some("fragile"));
/// # Ok(())
/// # }
/// ```
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

impl Who {
    pub(crate) fn new(head: &Head) -> Self {
        Self { pid: head.pid, name: head.name().map(ToString::to_string), label: head.label().map(str::to_owned) }
    }
}

/// The last message that a server handled.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.cast("the handle")?;
/// let Some(Report::Terminated(report)) = reports.next().await else { unreachable!() };
/// let last = report.last_message.ok_or("it ended by a message")?;
/// assert_eq!(last.callback, Callback::Cast);
/// assert_eq!(last.text, "&str", "the server does not show its messages");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LastMessage {
    /// The callback that handled it.
    pub callback: Callback,
    /// The message as the server shows it while its log or trace is on, otherwise its type.
    pub text: String,
}

/// A server's own report of its end.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.cast("the handle")?;
/// let Some(Report::Terminated(report)) = reports.next().await else { unreachable!() };
/// assert_eq!(report.reason.to_string(), "panicked: the handle broke");
/// assert!(report.state.ends_with("Fragile"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Terminated {
    /// The process.
    pub process: Who,
    /// The type of the server.
    pub server: &'static str,
    /// The message whose callback ended the server. `None` if the end came from outside, for example by an order to stop.
    pub last_message: Option<LastMessage>,
    /// The process that sent this message, if it was a call that was left without an answer.
    pub client: Option<Who>,
    /// The state, as the server shows it.
    pub state: String,
    /// The last events, if the log was on.
    pub log: Vec<String>,
    /// Why it ended. If the server rewrites the reason that is shown, this is what it wrote, as a term.
    pub reason: Reason,
}

/// The report of a process's end, with a server or plain code in it.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.cast("the handle")?;
/// let Some(Report::Terminated(_)) = reports.next().await else { unreachable!() };
/// let Some(Report::Crashed(report)) = reports.next().await else { unreachable!() };
/// assert!(report.entry.ends_with("Fragile") && !report.in_init);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "crash_report")]
pub struct Crashed {
    /// The process.
    pub process: Who,
    /// The type of the server or function that ran in it.
    pub entry: &'static str,
    /// Whether it ended in its init.
    pub in_init: bool,
    /// Why it ended. If the server rewrites the reason that is shown, this is what it wrote, as a term.
    pub reason: Reason,
    /// The process that started it, the process that started that one, and so on, as far as they are known.
    pub ancestors: Vec<Who>,
    /// The processes it was linked to.
    pub links: Vec<Who>,
    /// How many calls, casts and infos it had not handled.
    pub mailbox: usize,
    /// Whether it trapped exits.
    pub traps_exits: bool,
}

/// The report of a message that the server does not handle.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.send(7)?;
/// let Some(Report::Unexpected(report)) = reports.next().await else { unreachable!() };
/// assert_eq!(report.message, "u8");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Unexpected {
    /// The process that received it.
    pub process: Who,
    /// The type of the server.
    pub server: &'static str,
    /// The message as it was passed to [`Cx::unexpected`](crate::Cx::unexpected); if the server has no `handle_info`, as
    /// [`format_message`](crate::GenServer::format_message) shows it.
    pub message: String,
}

/// The report of a mailbox that overflowed, from a server whose [`Overflow`](crate::Overflow) policy drops messages or ends the
/// server.
///
/// It is made for the first message that is dropped, the second, the fourth, the eighth and so on, so a flood makes few reports.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::report::Report;
/// use genserver::{Node, Overflow};
///
/// let mut reports = Node::program().reports();
/// let counter = genserver::start::<Counter>(0).mailbox(1).overflow(Overflow::DropOldest).await?;
/// counter.cast(Add(1))?;
/// counter.cast(Add(2))?;
/// let Some(Report::Overflowed(report)) = reports.try_next() else { unreachable!() };
/// assert_eq!((report.dropped, report.ends), (1, false));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Overflowed {
    /// The process whose mailbox it is.
    pub process: Who,
    /// The type of the server.
    pub server: &'static str,
    /// How many messages were dropped so far; if the server ends, how many were waiting.
    pub dropped: u64,
    /// Whether the server ends because of it.
    pub ends: bool,
}
