//! Keys: messages of a stream that keeps the last of each subject, and ends it by itself.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{NATS_MARKER_REASON, NATS_MESSAGE_TTL};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use bytes::Bytes;
use genserver::time;

use super::Inner;
use super::write::unavailable;
use crate::engine::{ChangeError, EngineError, Entry, Revision};

/// How long it is known of a key that it has gone: longer than any watch is behind.
pub(super) const MARKER_SECONDS: u64 = 300;

/// What a message of a bucket is, for the tools of NATS.
const OPERATION: &str = "KV-Operation";

/// How often a key is created anew that others delete meanwhile.
const CREATES_MAX: usize = 3;

impl Inner {
    pub(super) async fn create(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
    ) -> Result<Revision, ChangeError> {
        let mut last = Revision(0);
        for _ in 0..CREATES_MAX {
            match self.set(key, value.clone(), time_to_live, last).await {
                Err(ChangeError::Conflict) => last = self.gone_at(key).await?,
                other => return other,
            }
        }
        Err(ChangeError::Conflict)
    }

    pub(super) async fn update(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        last: Revision,
    ) -> Result<Revision, ChangeError> {
        // That would create it.
        if last == Revision(0) {
            return Err(ChangeError::Conflict);
        }
        self.set(key, value, time_to_live, last).await
    }

    pub(super) async fn delete(&self, key: &str, last: Revision) -> Result<(), ChangeError> {
        if last == Revision(0) {
            return Err(ChangeError::Conflict);
        }
        let mut headers = ends_after(MARKER_SECONDS);
        headers.insert(OPERATION, "DEL");
        self.put(key, headers, Bytes::new(), last).await.map(|_| ())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Entry>, EngineError> {
        let message = self.last(key).await?;
        let message = message.filter(|message| !is_marker(&message.headers));
        Ok(message.map(|message| Entry { value: message.payload, revision: Revision(message.sequence) }))
    }

    async fn set(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        last: Revision,
    ) -> Result<Revision, ChangeError> {
        // A second is the shortest that NATS has, and its unit.
        let seconds = time_to_live.as_secs() + u64::from(time_to_live.subsec_nanos() > 0);
        self.put(key, ends_after(seconds.max(1)), value, last).await
    }

    async fn put(&self, key: &str, headers: HeaderMap, value: Bytes, last: Revision) -> Result<Revision, ChangeError> {
        let (subject, stream) = (self.subject(key), format!("KV_{}", self.name));
        self.write(subject, &stream, headers, value, last.0).await.map(Revision)
    }

    /// The change by which a key that was there has gone, or nothing if that is forgotten.
    async fn gone_at(&self, key: &str) -> Result<Revision, ChangeError> {
        match self.last(key).await? {
            None => Ok(Revision(0)),
            Some(message) if is_marker(&message.headers) => Ok(Revision(message.sequence)),
            Some(_) => Err(ChangeError::Conflict),
        }
    }

    /// The last message of a key, as far as the leader of the stream knows.
    async fn last(&self, key: &str) -> Result<Option<StreamMessage>, EngineError> {
        self.link.connected()?;
        let subject = self.subject(key);
        let answer = time::timeout(self.link.answer_within, self.keys.get_last_raw_message_by_subject(&subject)).await;
        match answer.map_err(|_elapsed| EngineError::Unanswered)? {
            Ok(message) => Ok(Some(message)),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::JetStream(error) => Err(unavailable(&error)),
                LastRawMessageErrorKind::InvalidSubject => Err(EngineError::Refused(error.to_string())),
                LastRawMessageErrorKind::Other => Err(EngineError::Unanswered),
            },
        }
    }

    pub(super) fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }
}

fn ends_after(seconds: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_TTL, seconds.to_string());
    headers
}

/// Whether a message says that its key has gone: deleted by a member, or ended by the server.
pub(super) fn is_marker(headers: &HeaderMap) -> bool {
    headers.get(NATS_MARKER_REASON).is_some()
        || headers.get(OPERATION).is_some_and(|operation| matches!(operation.as_str(), "DEL" | "PURGE"))
}
