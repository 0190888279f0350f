//! What is around every message: the version of the format, its kind, and its header.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::traces::TraceFields;
use crate::wire::FORMAT;
use crate::wire::body::{Bounded, EncodeError};
use crate::wire::check::well_formed;

/// How many bytes come before the header.
const FIXED: usize = 4;

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Call = 1,
    Cast = 2,
    Reply = 3,
    Problem = 4,
    End = 5,
    Owner = 6,
    Member = 7,
    Joined = 8,
    Event = 9,
    Place = 10,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        let requests = [Self::Call, Self::Cast, Self::Reply, Self::Problem];
        let values = [Self::End, Self::Owner, Self::Member, Self::Joined, Self::Event, Self::Place];
        requests.into_iter().chain(values).find(|kind| *kind as u8 == byte)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "a call",
            Self::Cast => "a cast",
            Self::Reply => "a reply",
            Self::Problem => "a problem",
            Self::End => "the reason of an end",
            Self::Owner => "the owner of a name",
            Self::Member => "a member of a cluster",
            Self::Joined => "what a member has in groups",
            Self::Event => "an event",
            Self::Place => "the place of a reader",
        })
    }
}

/// Why bytes are not a message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotAMessage {
    /// It has another format, or none.
    #[error("it is in format {0}, and this build knows format {FORMAT}")]
    OtherFormat(u8),
    /// It has more bytes than it may.
    #[error("it has {size} bytes, and may have {bound}")]
    TooLarge { size: usize, bound: usize },
    /// It is in this format, but not as the format says.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

/// A message whose header has not been decoded yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Kind,
    header: &'a [u8],
    pub(crate) body: Bytes,
}

impl<'a> Envelope<'a> {
    /// Takes a message apart. Nothing is copied.
    pub(crate) fn read(bytes: &'a Bytes, bound: usize) -> Result<Self, NotAMessage> {
        if bytes.len() > bound {
            return Err(NotAMessage::TooLarge { size: bytes.len(), bound });
        }
        let (format, rest) = bytes.split_first().ok_or(NotAMessage::Damaged("it is empty"))?;
        if *format != FORMAT {
            return Err(NotAMessage::OtherFormat(*format));
        }
        let [kind, high, low, rest @ ..] = rest else { return Err(NotAMessage::Damaged("it ends too early")) };
        let kind = Kind::of(*kind).ok_or(NotAMessage::Damaged("its kind is unknown"))?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let header = rest.get(..length).ok_or(NotAMessage::Damaged("its header ends too early"))?;
        well_formed(header).map_err(|_malformed| NotAMessage::Damaged("its header is not one value"))?;
        Ok(Self { kind, header, body: bytes.slice(FIXED + length..) })
    }

    /// Decodes the header. Fields that are unknown are left out.
    pub(crate) fn header<H: Deserialize<'a>>(&self) -> Result<H, NotAMessage> {
        rmp_serde::from_slice(self.header).map_err(|_error| NotAMessage::Damaged("its header is not that of its kind"))
    }
}

/// The header of a call or a cast.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct RequestHeader<'a> {
    /// The name of the server in its list of messages, ...
    pub(crate) server: &'a str,
    /// ... the version of that list, ...
    pub(crate) version: u32,
    /// ... and the name of the message in it.
    pub(crate) message: &'a str,
    /// The owner that is meant, if it is one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fence: Option<u64>,
    /// How many milliseconds the caller still waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<u64>,
    /// The span of the caller, as W3C's Trace Context writes it, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<&'a str>,
    /// ... and what systems of traces add to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tracestate: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// What it says of its trace.
    pub(crate) fn trace(&self) -> TraceFields<'a> {
        TraceFields { traceparent: self.traceparent, tracestate: self.tracestate }
    }
}

/// The header of a reply or a problem.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct AnswerHeader {
    /// The owner that answers.
    pub(crate) fence: u64,
}

/// The header of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct EventHeader<'a> {
    /// The name of its type, ...
    pub(crate) event: &'a str,
    /// ... the version of that, ...
    pub(crate) version: u32,
    /// ... and what tells it from all other events of its topic.
    pub(crate) id: &'a str,
}

/// The header of an end, of the values of keys, and of a place.
#[expect(clippy::empty_structs_with_brackets, reason = "it is written as a map, and a struct without would be a list")]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct NoHeader {}

/// Writes a message of at most `bound` bytes.
pub(crate) fn encode<H: Serialize, B: Serialize + ?Sized>(
    kind: Kind,
    header: &H,
    body: &B,
    bound: usize,
) -> Result<Bytes, EncodeError> {
    let mut message = Bounded::new(bound);
    message.raw(&[FORMAT, kind as u8, 0, 0]);
    message.put(header)?;
    let length = u16::try_from(message.size() - FIXED)
        .map_err(|_large| EncodeError::TooLarge { size: message.size(), bound: FIXED + usize::from(u16::MAX) })?;
    message.set_length(2, length);
    message.put(body)?;
    Ok(message.into_bytes().into())
}

#[cfg(test)]
mod tests;
