//! Events: the steps of a server that logs, traces and hooks see, and what is kept of them.

use std::fmt;
use std::time::{Duration, Instant};

use crate::values::info::Callback;

/// One step of a server, as hooks, traces and logs see it.
///
/// A call is two events: a message came in, and something went out. [`Display`](fmt::Display) prints an event as a phrase to be
/// put after the server's name: `got call Add(1)`.
///
/// A message is shown as [`GenServer::format_message`](crate::GenServer::format_message) formats it.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys::{self, SysEvent};
///
/// let counter = genserver::start::<Counter>(1).await?;
/// sys::log(&counter, 10).await?;
/// counter.call(Call::Get).await?;
/// let events = sys::get_log(&counter).await?.events;
/// assert!(matches!(events[..], [SysEvent::In { .. }, SysEvent::Out]));
/// assert_eq!(events[1].to_string(), "sent a reply");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum SysEvent {
    /// A message came in, and its callback begins: OTP's `{in, Msg}`.
    In {
        /// The callback.
        callback: Callback,
        /// The message.
        message: String,
    },
    /// The callback's return value replied: OTP's `{out, Reply, To, State}`.
    ///
    /// A reply made with [`Caller::reply`](crate::Caller::reply) is not seen.
    Out,
    /// The callback returned without a reply: OTP's `{noreply, State}`.
    NoReply,
    /// The info that the last callback passed to [`Next::then`](crate::Next::then) is handled: OTP's `{continue, Term}`.
    Continue {
        /// The message.
        message: String,
    },
}

impl fmt::Display for SysEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In { callback: Callback::Idle, .. } => f.write_str("was idle for as long as it wanted"),
            Self::In { callback: Callback::Call, message } => write!(f, "got call {message}"),
            Self::In { callback: Callback::Cast, message } => write!(f, "got cast {message}"),
            Self::In { message, .. } => write!(f, "got {message}"),
            Self::Out => f.write_str("sent a reply"),
            Self::NoReply => f.write_str("sent no reply"),
            Self::Continue { message } => write!(f, "continues with {message}"),
        }
    }
}

/// Whether a hook stays after an event: see [`install`](crate::sys::install).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// It stays.
    Keep,
    /// It is removed: OTP's `done`.
    Done,
}

/// The last events of a server, as [`get_log`](crate::sys::get_log) returns them.
///
/// [`Display`](fmt::Display) prints it as text, one line per event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Log {
    /// The server's name, if it has one, and its pid.
    pub process: String,
    /// The events, oldest first.
    pub events: Vec<SysEvent>,
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.iter().try_for_each(|event| writeln!(f, "{} {event}", self.process))
    }
}

/// What a server has done since counting was switched on: see [`statistics`](crate::sys::statistics).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// When counting began, on the clock of the server's runtime.
    pub since: Instant,
    /// When the numbers were read.
    pub now: Instant,
    /// How many messages came in.
    pub messages_in: u64,
    /// How many replies callbacks made by their return values; other replies are not counted.
    pub messages_out: u64,
}

impl Statistics {
    /// How long it has been counted.
    pub fn duration(&self) -> Duration {
        self.now.saturating_duration_since(self.since)
    }
}
