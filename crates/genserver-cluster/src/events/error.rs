//! What goes wrong with events.

use crate::engine::{EngineError, Position};
use crate::events::topic::Named;
use crate::wire::EncodeError;

/// Why an event was not published, or is not known to be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// It has more bytes than a message may have.
    #[error(
        "the event for the topic {topic} has {size} bytes, and a message of this cluster may have {bound}; publish less, or raise the bound on all members"
    )]
    TooLarge {
        /// The topic.
        topic: Named,
        /// How many bytes it has, with its header.
        size: usize,
        /// How many a message may have.
        bound: usize,
    },
    /// Its type cannot be written.
    #[error("the event for the topic {topic} cannot be written: {why}; see what its `Serialize` does")]
    Unencodable {
        /// The topic.
        topic: Named,
        /// Why.
        why: String,
    },
    /// The engine has not taken it within a time to live, or refuses it.
    #[error("the event for the topic {topic} {}: {why}", if *may_be_published { "may or may not have been published" } else { "was not published" })]
    Engine {
        /// The topic.
        topic: Named,
        /// What the engine said last.
        why: EngineError,
        /// Whether it may be published all the same, perhaps later. To publish it again makes no double, if it has the same
        /// [id](crate::events::Topic::publish_as).
        may_be_published: bool,
    },
}

impl PublishError {
    /// Whether the event may be published all the same.
    pub fn may_be_published(&self) -> bool {
        matches!(self, Self::Engine { may_be_published: true, .. })
    }

    pub(super) fn not_written(topic: Named, error: EncodeError) -> Self {
        match error {
            EncodeError::TooLarge { size, bound } => Self::TooLarge { topic, size, bound },
            EncodeError::Failed(why) => Self::Unencodable { topic, why },
        }
    }
}

/// Why a subscription did not begin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the topic {topic} was not subscribed to: {why}")]
#[non_exhaustive]
pub struct SubscribeError {
    /// The topic.
    pub topic: Named,
    /// What the engine said last: for a time to live it has not done what it was asked, or it refuses.
    pub why: EngineError,
}

/// What a subscriber gets instead of an event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// Events were forgotten before this subscriber took them. It goes on behind them.
    #[error(
        "{count} events of the topic {topic} were forgotten before they were read; read them faster, or let the topic keep more with `retention`"
    )]
    Missed {
        /// The topic.
        topic: Named,
        /// How many.
        count: u64,
    },
    /// An event has another type, or another version of it. The subscriber goes on behind it.
    #[error(
        "the event at {position} of the topic {topic} is version {event_version} of {event}, and this build reads version {expected_version} of {expected}; deploy one build, or use another topic"
    )]
    OtherEvent {
        /// The topic.
        topic: Named,
        /// Where it is.
        position: Position,
        /// The name of its type, ...
        event: String,
        /// ... and the version of that.
        event_version: u32,
        /// The name of the type that is read here, ...
        expected: &'static str,
        /// ... and the version of that.
        expected_version: u32,
    },
    /// An event cannot be read. The subscriber goes on behind it.
    #[error(
        "the event at {position} of the topic {topic} cannot be read as version {version} of {event}: {why}; if the type has changed, raise its version"
    )]
    Undecodable {
        /// The topic.
        topic: Named,
        /// Where it is.
        position: Position,
        /// The name of the type that is read here, ...
        event: &'static str,
        /// ... and the version of that.
        version: u32,
        /// Why.
        why: String,
    },
    /// Another reader of this name has begun, and this one has ended.
    #[error("the reader {reader} of the topic {topic} has ended, because another one of this name has begun")]
    TakenOver {
        /// The topic.
        topic: Named,
        /// The name.
        reader: Named,
    },
    /// The topic was deleted in the engine and made again, so it has fewer events than were read already. The subscriber has ended.
    #[error("the topic {topic} was made anew in the engine: events may be missing; subscribe again")]
    MadeAnew {
        /// The topic.
        topic: Named,
    },
    /// The engine refuses to go on, and the subscriber has ended.
    #[error("the topic {topic} is not read any more: {why}")]
    Engine {
        /// The topic.
        topic: Named,
        /// What the engine said last.
        why: EngineError,
    },
}
