//! Why a call to a server by its name in a cluster has no answer.

use std::sync::Arc;
use std::time::Duration;

use genserver::Reason;

use super::Asked;
use crate::engine::{EngineError, Revision};
use crate::remote::not_sent::NotSent;
use crate::wire::messages::Clustered;
use crate::wire::{FORMAT, Problem};

/// Why a call has no answer: one variant for each thing that a caller can do about it.
///
/// Those that a call on one machine has too have the names that they have in [`CallError`](genserver::CallError).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteCallError {
    /// No answer came in time. The request may have been carried out, and may still be.
    #[error(
        "the server named {name} did not answer within {after:?}; it may have carried the request out, and may still do so: ask it again if that does no harm, or allow the call more time with `timeout`"
    )]
    Timeout {
        /// The name that was called.
        name: Arc<str>,
        /// How long the caller waited.
        after: Duration,
    },
    /// Nobody has the name, or the server that had it has just ended. The request was not carried out.
    #[error(
        "no server named {name} is running, so the request was not carried out; start it, or call again once it runs"
    )]
    #[doc(alias = "noproc")]
    NoProc {
        /// The name that was called.
        name: Arc<str>,
    },
    /// The server ended before it answered. The request may have been carried out.
    #[error(
        "the server named {name} ended before it answered: {reason}; whether it carried the request out is not known"
    )]
    Exit {
        /// The name that was called.
        name: Arc<str>,
        /// Why it ended.
        reason: Reason,
    },
    /// The server lives, but dropped the caller without an answer. The request may have been carried out.
    #[error(
        "the server named {name} dropped the caller without an answer; one of its callbacks forgets to reply, or gave up what was asked: look for its reports"
    )]
    NoReply {
        /// The name that was called.
        name: Arc<str>,
    },
    /// The mailbox was full for as long as the call could wait. The request was not carried out.
    #[error(
        "the mailbox of the server named {name} stayed full for {after:?}, so the request was not carried out; send less, or give it a larger mailbox"
    )]
    Overloaded {
        /// The name that was called.
        name: Arc<str>,
        /// How long the caller waited.
        after: Duration,
    },
    /// The machine of the server could not ask it, or not tell the reply. The request may have been carried out.
    #[error("the machine of the server named {name} has no answer: {text}")]
    Failed {
        /// The name that was called.
        name: Arc<str>,
        /// Why.
        text: String,
    },
    /// The reference is [pinned](crate::RemoteRef::pinned), and another owner has the name. The request was not carried out.
    #[error(
        "the name {name} has passed to another owner ({found}, and {wanted} was asked), so the request was not carried out; look the name up again"
    )]
    OtherOwner {
        /// The name that was called.
        name: Arc<str>,
        /// The owner that was asked.
        wanted: Revision,
        /// The owner that has answered.
        found: Revision,
    },
    /// The name belongs to another server, or to one with another version of the messages. The request was not carried out.
    #[error(
        "the server named {name} is `{found}` in version {found_version}, not `{wanted}` in version {wanted_version}, so the request was not carried out; run builds with the same version, or choose another name"
    )]
    WrongServer {
        /// The name that was called.
        name: Arc<str>,
        /// The server that has the name, by its [`Messages`](crate::Messages), ...
        found: Box<str>,
        /// ... and its version.
        found_version: u32,
        /// The server that was called, ...
        wanted: &'static str,
        /// ... and the version that this build has.
        wanted_version: u32,
    },
    /// The server does not know the message. The request was not carried out.
    #[error(
        "the server named {name}, `{server}` in version {version}, knows no call `{message}`, so the request was not carried out; the build that runs there is another than this one: update it, or list the call in its `Clustered::messages`"
    )]
    UnknownCall {
        /// The name that was called.
        name: Arc<str>,
        /// The name of the message.
        message: &'static str,
        /// The server, ...
        server: &'static str,
        /// ... and its version, which both builds have.
        version: u32,
    },
    /// The server cannot read the message. The request was not carried out.
    #[error(
        "the server named {name}, `{server}` in version {version}, cannot read the call `{message}`: {why}; the type of the message differs between that build and this one, so it needs another version, or a `#[serde(default)]`"
    )]
    Undecodable {
        /// The name that was called.
        name: Arc<str>,
        /// The name of the message.
        message: &'static str,
        /// The server, ...
        server: &'static str,
        /// ... and its version, which both builds have.
        version: u32,
        /// What the other side says.
        why: String,
    },
    /// The other side refuses the message as such. The request was not carried out.
    #[error("the machine of the server named {name} refuses the request, which was not carried out: {why}")]
    Refused {
        /// The name that was called.
        name: Arc<str>,
        /// Why.
        why: String,
    },
    /// The server has carried the request out, or has refused it, and what it answered cannot be read here.
    #[error(
        "what the server named {name} answered cannot be read: {why}; whether it carried the request out is not known"
    )]
    BadAnswer {
        /// The name that was called.
        name: Arc<str>,
        /// Why.
        why: String,
    },
    /// The request was not sent, or the engine does not say whether it was.
    #[error("the call of the server named {name} failed: {why}")]
    NotSent {
        /// The name that was called.
        name: Arc<str>,
        /// Why.
        why: NotSent,
    },
}

impl RemoteCallError {
    /// The name that was called.
    pub fn name(&self) -> &str {
        match self {
            Self::Timeout { name, .. }
            | Self::NoProc { name }
            | Self::Exit { name, .. }
            | Self::NoReply { name }
            | Self::Overloaded { name, .. }
            | Self::Failed { name, .. }
            | Self::OtherOwner { name, .. }
            | Self::WrongServer { name, .. }
            | Self::UnknownCall { name, .. }
            | Self::Undecodable { name, .. }
            | Self::Refused { name, .. }
            | Self::BadAnswer { name, .. }
            | Self::NotSent { name, .. } => name,
        }
    }

    /// Whether the server may have carried the request out, or may still do it. If not, it may be sent again without harm.
    pub fn may_have_been_carried_out(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Exit { .. }
            | Self::NoReply { .. }
            | Self::Failed { .. }
            | Self::BadAnswer { .. } => true,
            Self::NotSent { why, .. } => matches!(why, NotSent::Engine(EngineError::Unanswered)),
            Self::NoProc { .. }
            | Self::Overloaded { .. }
            | Self::OtherOwner { .. }
            | Self::WrongServer { .. }
            | Self::UnknownCall { .. }
            | Self::Undecodable { .. }
            | Self::Refused { .. } => false,
        }
    }
}

impl<S: Clustered> Asked<S> {
    /// The error of a problem that the owner with this fence has with the call.
    pub(super) fn error(&self, problem: Problem, found: Revision, after: Duration) -> RemoteCallError {
        let name = Arc::clone(&self.target.name);
        let (message, server, version) = (self.message, self.target.messages.server(), self.target.messages.version());
        match problem {
            Problem::Timeout => RemoteCallError::Timeout { name, after },
            Problem::NoProc => RemoteCallError::NoProc { name },
            Problem::Exit(reason) => RemoteCallError::Exit { name, reason: reason.into() },
            Problem::NoReply => RemoteCallError::NoReply { name },
            Problem::Overloaded => RemoteCallError::Overloaded { name, after },
            Problem::OtherOwner => {
                // The other side says it, so this reference is pinned.
                RemoteCallError::OtherOwner { name, wanted: self.fence.unwrap_or(found), found }
            }
            Problem::OtherServer { server: found, version: found_version } => RemoteCallError::WrongServer {
                name,
                found: found.into(),
                found_version,
                wanted: server,
                wanted_version: version,
            },
            Problem::UnknownMessage { .. } => RemoteCallError::UnknownCall { name, message, server, version },
            Problem::Undecodable { text: why, .. } => {
                RemoteCallError::Undecodable { name, message, server, version, why }
            }
            Problem::OtherFormat { known } => {
                let why = format!(
                    "it is in format {FORMAT}, and that build knows format {known}; run builds with the same format"
                );
                RemoteCallError::Refused { name, why }
            }
            Problem::BadRequest { text: why } => RemoteCallError::Refused { name, why },
            Problem::Failed { text } => RemoteCallError::Failed { name, text },
            problem @ (Problem::ReplyTooLarge { .. } | Problem::ReplyUnencodable { .. }) => {
                RemoteCallError::Failed { name, text: problem.to_string() }
            }
        }
    }

    /// Why a reply cannot be read, with what both sides agree on.
    pub(super) fn version_note(&self, why: &str) -> String {
        let (server, version) = (self.target.messages.server(), self.target.messages.version());
        format!(
            "the reply to `{}` of `{server}` in version {version}: {why}; its type differs between that build and this one, so it needs another version",
            self.message
        )
    }
}
