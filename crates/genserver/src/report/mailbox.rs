//! The reports of a mailbox: a message that the server does not handle, and messages that were dropped.

use super::who::Who;

/// The report of a message that the server does not handle.
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
/// fragile.send(7)?;
/// let Some(Report::Unexpected(report)) = reports.next().await else { unreachable!() };
/// assert_eq!(report.message, "u8");
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
/// # genserver_doc::run! {
/// use genserver::report::Report;
/// use genserver::{Node, Overflow};
///
/// let mut reports = Node::program().reports();
/// let start = genserver::start::<Counter>(0).mailbox(1).overflow(Overflow::DropOldest);
/// let counter = start.await?;
/// counter.cast(Add(1))?;
/// counter.cast(Add(2))?;
/// let Some(Report::Overflowed(report)) = reports.try_next() else { unreachable!() };
/// assert_eq!((report.dropped, report.ends), (1, false));
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
