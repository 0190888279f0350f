//! Why a process ended, on its way to other machines.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use genserver::{Panic, Reason};
use serde::{Deserialize, Serialize};

use crate::wire::body::{self, text_of};
use crate::wire::envelope::{Envelope, Kind, NoHeader, encode};

/// How much of a reason's text travels, in bytes.
const TEXT_MAX: usize = 16 << 10;

/// More than any reason takes.
const BOUND: usize = 32 << 10;

/// An error that ended a process on another machine: its text, which is that of the error with its sources.
///
/// A type of the program does not travel as a reason, only what it prints. [`Reason::downcast_ref`] finds this in the reason of a
/// process that a returned error has ended, and a `String` in any other that was a value of the program.
///
/// # Examples
///
/// ```
/// use genserver::Reason;
/// use genserver_cluster::RemoteError;
///
/// /// Whether the disk was full over there.
/// fn is_full(reason: &Reason) -> bool {
///     reason.downcast_ref::<RemoteError>().is_some_and(|error| error.text() == "disk full")
/// }
/// # assert!(!is_full(&Reason::Normal));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteError {
    text: String,
}

impl RemoteError {
    /// What the error printed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for RemoteError {}

/// A reason as it travels.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct WireReason {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl From<&Reason> for WireReason {
    fn from(reason: &Reason) -> Self {
        let (kind, text) = match reason {
            Reason::Normal => ("normal", None),
            Reason::Shutdown => ("shutdown", None),
            Reason::ShutdownWith(term) => ("shutdown_with", Some(text_of(term, TEXT_MAX))),
            Reason::Kill => ("kill", None),
            Reason::Killed => ("killed", None),
            Reason::NoProc => ("no_proc", None),
            Reason::NoConnection => ("no_connection", None),
            Reason::RuntimeGone => ("runtime_gone", None),
            Reason::Overloaded => ("overloaded", None),
            Reason::BadCall => ("bad_call", None),
            Reason::BadCast => ("bad_cast", None),
            Reason::Panic(panic) => ("panic", Some(text_of(&panic.message(), TEXT_MAX))),
            Reason::Term(term) => ("term", Some(text_of(term, TEXT_MAX))),
            other => ("error", Some(text_of(other, TEXT_MAX))),
        };
        Self { kind: kind.to_owned(), text }
    }
}

impl From<WireReason> for Reason {
    fn from(WireReason { kind, text }: WireReason) -> Self {
        match (&*kind, text) {
            ("normal", None) => Self::Normal,
            ("shutdown", None) => Self::Shutdown,
            ("shutdown_with", Some(text)) => Self::shutdown_with(text),
            ("kill", None) => Self::Kill,
            ("killed", None) => Self::Killed,
            ("no_proc", None) => Self::NoProc,
            ("no_connection", None) => Self::NoConnection,
            ("runtime_gone", None) => Self::RuntimeGone,
            ("overloaded", None) => Self::Overloaded,
            ("bad_call", None) => Self::BadCall,
            ("bad_cast", None) => Self::BadCast,
            ("panic", Some(text)) => Self::Panic(Panic::from_message(text)),
            ("term", Some(text)) => Self::term(text),
            ("error", Some(text)) => RemoteError { text }.into(),
            // One that a newer build knows.
            (_, Some(text)) => RemoteError { text: format!("{kind}: {text}") }.into(),
            (_, None) => RemoteError { text: kind }.into(),
        }
    }
}

/// The message that tells others why a process has ended.
pub(crate) fn encode_reason(reason: &Reason) -> Bytes {
    let written = encode(Kind::End, &NoHeader {}, &WireReason::from(reason), BOUND);
    // Not reached: texts are cut to less than the bound. Nothing else of it can fail.
    written.unwrap_or_default()
}

/// Reads what [`encode_reason`] has written. Bytes that are something else are a reason that says so.
pub(crate) fn decode_reason(bytes: &Bytes) -> Reason {
    let read = Envelope::read(bytes, BOUND).map_err(|why| why.to_string()).and_then(|envelope| match envelope.kind {
        Kind::End => body::decode::<WireReason>(&envelope.body),
        other => Err(format!("it is {other}")),
    });
    match read {
        Ok(reason) => reason.into(),
        Err(why) => {
            let text = format!("it has ended, and its reason cannot be read: {why}");
            RemoteError { text }.into()
        }
    }
}

#[cfg(test)]
mod tests;
