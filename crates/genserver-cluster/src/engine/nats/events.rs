//! Streams of events: a stream of NATS for each, so that its numbers are positions and its limits are those of the stream.

use std::future;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use async_nats::jetstream::consumer::pull::{Config, MessagesError};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{self, StorageType};
use async_nats::jetstream::{self, ErrorCode, Message};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use genserver::time;

use super::Inner;
use super::options::{NO_JETSTREAM, make};
use super::watch::{FORGOTTEN_AFTER, HEARTBEAT, not_watched};
use super::write::unavailable;
use crate::engine::{DOUBLES_WITHIN, EngineError, Position, Retention, StreamedEvent};

/// A follower asks for so many events at a time, ...
const BATCH: usize = 500;

/// ... and for so many bytes. The client asks again when half of either has come. So a follower holds half as much again at most: 750
/// events, and less than 8 MiB.
const BATCH_BYTES: usize = 5 << 20;

/// What an event has besides its payload and its headers: the subjects with which the server counts it.
const SUBJECTS_MAX: usize = 4 << 10;

/// For how long a server keeps such a request.
const ASKED_FOR: Duration = Duration::from_secs(30);

impl Inner {
    pub(super) async fn open_stream(&self, stream: &str, retention: Retention) -> Result<Position, EngineError> {
        self.link.connected()?;
        let made = make(&self.context, self.event_stream(stream, retention)).await;
        made.map_err(|error| match error {
            // It had one when this member connected.
            EngineError::Refused(why) if why == NO_JETSTREAM => EngineError::Unreachable(why),
            error => error,
        })?;
        // What has made a stream is not told its state by every server.
        let opened = self.context.get_stream(self.event_stream_name(stream)).await;
        let opened = opened.map_err(|error| EngineError::Unreachable(error.to_string()))?;
        Ok(Position(opened.cached_info().state.last_sequence))
    }

    pub(super) async fn add(&self, stream: &str, id: &str, event: Bytes) -> Result<Position, EngineError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, id);
        headers.insert(NATS_EXPECTED_STREAM, self.event_stream_name(stream));
        let answer = self.link.ask(self.event_subject(stream), headers, event).await?;
        match serde_json::from_slice(&answer.payload) {
            // Of a double, this is the number of the first.
            Ok(Response::Ok(PublishAck { sequence, .. })) => Ok(Position(sequence)),
            Ok(Response::Err { error }) => Err(not_added(&error)),
            // JetStream does not answer like this.
            Err(_) => Err(EngineError::Unanswered),
        }
    }

    /// Reads by a consumer of its own, which ends at the first sign that it has missed something.
    pub(super) async fn follow(
        &self,
        stream: &str,
        after: Position,
    ) -> Result<BoxStream<'static, StreamedEvent>, EngineError> {
        let connected = self.link.connected()?;
        let config = Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after.0 + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: FORGOTTEN_AFTER,
            num_replicas: 1,
            memory_storage: true,
            ..Config::default()
        };
        let stream = self.context.get_stream_no_info(self.event_stream_name(stream)).await;
        let stream = stream.map_err(|error| EngineError::Refused(error.to_string()))?;
        let consumer = time::timeout(self.link.answer_within, stream.create_consumer(config)).await;
        let consumer = consumer.map_err(|_elapsed| EngineError::Unanswered)?.map_err(|error| not_watched(&error))?;
        // An event that has more bytes than the batch would never come.
        let bytes = BATCH_BYTES.max(self.link.client.max_payload() + SUBJECTS_MAX);
        let messages = consumer.stream().max_messages_per_batch(BATCH).max_bytes_per_batch(bytes);
        let messages = messages.expires(ASKED_FOR).heartbeat(HEARTBEAT);
        let messages = messages.messages().await.map_err(|error| EngineError::Unreachable(error.to_string()))?;
        let mut told = 0;
        let events = connected.limit(messages).map(move |message| next(message, &mut told));
        Ok(events.take_while(|event| future::ready(event.is_some())).filter_map(future::ready).boxed())
    }

    fn event_stream(&self, stream: &str, retention: Retention) -> stream::Config {
        let limit = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        stream::Config {
            name: self.event_stream_name(stream),
            subjects: vec![self.event_subject(stream)],
            storage: StorageType::File,
            num_replicas: self.replicas,
            max_messages: limit(retention.events),
            max_bytes: limit(retention.bytes),
            max_age: retention.age,
            duplicate_window: DOUBLES_WITHIN.min(retention.age),
            // A number that is left out was forgotten, and nothing else.
            deny_delete: true,
            allow_direct: false,
            ..stream::Config::default()
        }
    }

    /// The names of streams have no dots.
    fn event_stream_name(&self, stream: &str) -> String {
        format!("EVENTS_{}~{}", self.name, stream.replace('.', "~"))
    }

    fn event_subject(&self, stream: &str) -> String {
        format!("EVENTS.{}.{stream}", self.name)
    }
}

/// The event of a message, or nothing if one before it is missing.
fn next(message: Result<Message, MessagesError>, told: &mut u64) -> Option<StreamedEvent> {
    let message = message.ok()?;
    let info = message.info().ok()?;
    *told += 1;
    let position = Position(info.stream_sequence);
    (info.consumer_sequence == *told).then(|| StreamedEvent { position, event: message.message.payload })
}

fn not_added(error: &jetstream::Error) -> EngineError {
    match error.error_code() {
        // The servers are about to take the first of these doubles, or are not.
        ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT => EngineError::Unanswered,
        _ => unavailable(error),
    }
}
