//! Writing to a stream of NATS, and what its answer means.

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM};
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::{self, ErrorCode};
use bytes::Bytes;

use super::Inner;
use crate::engine::{ChangeError, EngineError};

/// What a server says that cannot do something now.
const UNAVAILABLE: usize = 503;

impl Inner {
    /// Writes a message if the last of its subject has this number. Returns the number of the new one.
    pub(super) async fn write(
        &self,
        subject: String,
        stream: &str,
        mut headers: HeaderMap,
        payload: Bytes,
        last: u64,
    ) -> Result<u64, ChangeError> {
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
        headers.insert(NATS_EXPECTED_STREAM, stream);
        let answer = self.link.ask(subject, headers, payload).await?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Response::Ok(PublishAck { sequence, .. })) => Ok(sequence),
            Ok(Response::Err { error }) => Err(refusal(&error)),
            // JetStream does not answer like this.
            Err(_) => Err(EngineError::Unanswered.into()),
        }
    }
}

/// Why a stream has not taken a message.
fn refusal(error: &jetstream::Error) -> ChangeError {
    match error.error_code() {
        // The second: another message of the subject is about to be written.
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => ChangeError::Conflict,
        _ => unavailable(error).into(),
    }
}

/// Why JetStream has not done something.
pub(super) fn unavailable(error: &jetstream::Error) -> EngineError {
    if error.code() == UNAVAILABLE {
        EngineError::Unreachable(error.to_string())
    } else {
        EngineError::Refused(error.to_string())
    }
}
