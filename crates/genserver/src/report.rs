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
//!     async fn handle_cast(
//!         &mut self,
//!         what: &'static str,
//!         _cx: &mut Cx<Self>,
//!     ) -> Outcome<Self> {
//!         panic!("{what} broke");
//!     }
//! }
//!
//! # genserver_doc::run! {
//! let mut reports = Node::program().reports();
//! let fragile = genserver::start::<Fragile>(()).await?;
//! fragile.cast("the handle")?;
//!
//! let Some(Report::Terminated(report)) = reports.next().await else { unreachable!() };
//! assert_eq!(report.process.pid, fragile.pid());
//! assert_eq!(report.reason.to_string(), "panicked: the handle broke");
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
//! | a call is refused because it would close a cycle of processes that wait for one another | [`Report::CycleRefused`] |
//! | a supervisor starts, loses or cannot start a child | [`Report::Supervised`] |
//! | anything that a library reports of its own kind of process | [`Report::Custom`] |
//!
//! A report is published before the links and monitors of a process are notified: when you hear of a process's end, its reports
//! are already there. Without a subscriber, and without `tracing`, no report is made at all.
//! [`Node::reports`](crate::Node::reports) yields what went wrong. To get normal events too, such as the start of a child,
//! subscribe with [`Node::reports_from`](crate::Node::reports_from).
//!
//! # What is shown
//!
//! Only what the server shows of itself: see [`GenServer::format_status`](crate::GenServer::format_status). A report prints in
//! full with `Display`, and within limits with [`Report::render`].

// The report of anything.
mod any_report;
// How bad it is.
mod level;
// A process, as a report names it.
mod who;
// What is reported when a process ends.
mod ended;
// What is reported of a mailbox.
mod mailbox;
// What supervisors report.
mod supervised;
// What tasks report.
mod task;
// A callback that blocks its thread.
mod long_schedule;
// A call that would have closed a cycle.
mod cycle;
// What other libraries report.
mod custom;

// The subscribers of a node.
pub(crate) mod hub;
// Reports as text.
mod render;
// Making reports.
mod make;
// Where a panic happened.
mod panics;
// What is counted for `metrics`.
pub(crate) mod meter;
// Reports as events, and callbacks as spans, of `tracing`.
mod trace;

pub use any_report::Report;
pub use custom::CustomReport;
pub use cycle::CycleRefused;
pub use ended::{Crashed, LastMessage, Terminated};
pub use hub::Reports;
pub use level::Level;
pub use long_schedule::LongSchedule;
pub use mailbox::{Overflowed, Unexpected};
pub use panics::capture_panics;
pub use render::Limits;
pub use supervised::{Offender, Supervised, SupervisorEvent};
pub use task::TaskFailed;
pub use who::Who;

pub(crate) use make::{crash, crashed, cycle_refused};
#[cfg(feature = "metrics")]
pub(crate) use meter::Counts;
pub(crate) use meter::Meter;
pub(crate) use trace::{Scope, SentBy};
