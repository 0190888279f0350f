//! Why a message was not sent to another machine.

use crate::engine::EngineError;
use crate::wire::EncodeError;

/// Why a message was not sent. Nobody has got it, unless the engine [has not answered](EngineError::Unanswered).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The server's list does not have the type.
    #[error("`{message}` is not in the list of `{server}`; add it to its `Clustered::messages`")]
    Unlisted {
        /// The type of the message.
        message: &'static str,
        /// The type of the server.
        server: &'static str,
    },
    /// It has more bytes than a message may have.
    #[error(
        "it has {size} bytes, and a message of this cluster may have {bound}; send it in parts, or raise the bound on all members"
    )]
    TooLarge {
        /// How many bytes it has, with its header.
        size: usize,
        /// How many a message may have.
        bound: usize,
    },
    /// Its type cannot be written.
    #[error("it cannot be written: {0}; see what its `Serialize` does")]
    Unencodable(String),
    /// The engine did not send it.
    #[error(transparent)]
    Engine(EngineError),
}

impl From<EncodeError> for NotSent {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::TooLarge { size, bound } => Self::TooLarge { size, bound },
            EncodeError::Failed(why) => Self::Unencodable(why),
        }
    }
}
