//! What comes back for a call: the reply, or why there is none.

use bytes::Bytes;
use genserver::CallError;
use serde::{Deserialize, Serialize};

use crate::engine::Revision;
use crate::wire::body::{self, EncodeError, text_of};
use crate::wire::envelope::{AnswerHeader, Envelope, Kind, NotAMessage, encode};
use crate::wire::reason::WireReason;

/// How much of an error's text travels, in bytes.
const TEXT_MAX: usize = 4 << 10;

/// Why a call has no reply, as the owner of the name says it. The names are those of the format.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Problem {
    #[error("its time was up")]
    Timeout,
    /// It had ended before it was asked.
    #[error("the server had ended")]
    NoProc,
    /// It ended before it answered.
    #[error("the server ended")]
    Exit(WireReason),
    #[error("the server dropped the caller")]
    NoReply,
    #[error("the mailbox of the server stayed full")]
    Overloaded,
    /// Another error of the local call.
    #[error("{text}")]
    Failed { text: String },
    #[error("another owner of the name was meant")]
    OtherOwner,
    /// This is the server that is here.
    #[error("it is for another server, and here is {server} {version}")]
    OtherServer { server: String, version: u32 },
    /// The version of the list that does not have it.
    #[error("version {version} of the server knows no such message")]
    UnknownMessage { version: u32 },
    /// The version of the list that has it.
    #[error("version {version} of the server cannot read it: {text}")]
    Undecodable { version: u32, text: String },
    /// The format that is known here.
    #[error("it is in another format, and this build knows format {known}")]
    OtherFormat { known: u8 },
    /// It is damaged, or larger than messages may be here.
    #[error("{text}")]
    BadRequest { text: String },
    #[error("the reply has {size} bytes, and may have {bound}")]
    ReplyTooLarge { size: u64, bound: u64 },
    #[error("the reply cannot be written: {text}")]
    ReplyUnencodable { text: String },
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Timeout { .. } => Self::Timeout,
            CallError::NoProc { .. } => Self::NoProc,
            CallError::Exit { reason, .. } => Self::Exit(WireReason::from(&reason)),
            CallError::NoReply { .. } => Self::NoReply,
            CallError::Overloaded { .. } => Self::Overloaded,
            other => Self::Failed { text: text_of(&other, TEXT_MAX) },
        }
    }
}

/// A reply on its way, or the problem that there is with it.
pub(super) fn encode_reply<R: Serialize>(fence: Revision, reply: &R, bound: usize) -> Result<Bytes, Problem> {
    encode(Kind::Reply, &AnswerHeader { fence: fence.0 }, reply, bound).map_err(|error| match error {
        EncodeError::TooLarge { size, bound } => Problem::ReplyTooLarge { size: size as u64, bound: bound as u64 },
        EncodeError::Failed(text) => Problem::ReplyUnencodable { text },
    })
}

/// A problem on its way.
pub(super) fn encode_problem(fence: Revision, problem: &Problem) -> Bytes {
    // More than any problem takes, because texts are cut. Nothing else of it can fail.
    const BOUND: usize = 64 << 10;
    encode(Kind::Problem, &AnswerHeader { fence: fence.0 }, problem, BOUND).unwrap_or_default()
}

/// What an owner has answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    /// Who has answered.
    pub(crate) fence: Revision,
    /// The body of the reply, or why there is none.
    pub(crate) result: Result<Bytes, Problem>,
}

impl Answer {
    /// Reads an answer. The error says why it cannot be read.
    pub(crate) fn read(bytes: &Bytes, bound: usize) -> Result<Self, BadAnswer> {
        let envelope = Envelope::read(bytes, bound)?;
        let AnswerHeader { fence } = envelope.header()?;
        let result = match envelope.kind {
            Kind::Reply => Ok(envelope.body),
            Kind::Problem => Err(body::decode(&envelope.body).map_err(BadAnswer::UnknownProblem)?),
            other => return Err(BadAnswer::NotAnAnswer(other)),
        };
        Ok(Self { fence: Revision(fence), result })
    }
}

/// Why an answer cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BadAnswer {
    #[error(transparent)]
    NotAMessage(#[from] NotAMessage),
    #[error("it is {0}")]
    NotAnAnswer(Kind),
    #[error("it is a problem that this build does not know: {0}")]
    UnknownProblem(String),
}
