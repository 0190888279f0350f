//! The two reports of an end: the server's own, and what is known of the process from outside.

use super::who::Who;
use crate::values::info::Callback;
use crate::values::reason::Reason;

/// A server's own report of its end.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # genserver_doc::run! {
/// use genserver::report::Report;
///
/// let mut reports = Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.cast("the handle")?;
/// let Some(Report::Terminated(report)) = reports.next().await else { unreachable!() };
/// assert_eq!(report.reason.to_string(), "panicked: the handle broke");
/// assert!(report.state.ends_with("Fragile"));
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

/// The last message that a server handled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LastMessage {
    /// The callback that handled it.
    pub callback: Callback,
    /// The message as the server shows it while its log or trace is on, otherwise its type.
    pub text: String,
}
