//! Watches: a consumer of the bucket for each, which ends at the first sign that it has missed something.

use std::collections::BTreeSet;
use std::future;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::push::Config;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::stream::{ConsumerError, ConsumerErrorKind};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use genserver::time;

use super::Inner;
use super::keys::is_marker;
use super::write::unavailable;
use crate::engine::{EngineError, Entry, Revision, WatchEvent};

/// A server says so often that it is still there. If it did not say so twice, the watch is lost.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);

/// After this time a server forgets the watch of a member that has gone.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// What a watch has told so far.
struct Told {
    /// How much of a subject is before the key.
    before_key: usize,
    /// The number of the message that was told last: none is left out.
    last: u64,
    /// The keys that were there at first, until all of them were told.
    there: Option<BTreeSet<String>>,
}

impl Inner {
    pub(super) async fn watch(&self, prefix: &str) -> Result<BoxStream<'static, WatchEvent>, EngineError> {
        let connected = self.link.connected()?;
        let config = Config {
            deliver_subject: self.link.client.new_inbox(),
            deliver_policy: DeliverPolicy::LastPerSubject,
            ack_policy: AckPolicy::None,
            filter_subject: self.subject(&format!("{prefix}>")),
            flow_control: true,
            idle_heartbeat: HEARTBEAT,
            inactive_threshold: FORGOTTEN_AFTER,
            num_replicas: 1,
            memory_storage: true,
            ..Config::default()
        };
        let consumer = time::timeout(self.link.answer_within, self.keys.create_consumer(config)).await;
        let consumer = consumer.map_err(|_elapsed| EngineError::Unanswered)?.map_err(|error| not_watched(&error))?;
        let is_empty = consumer.cached_info().num_pending == 0;
        let messages = consumer.messages().await.map_err(|error| EngineError::Unreachable(error.to_string()))?;
        let there = (!is_empty).then(BTreeSet::new);
        let mut told = Told { before_key: self.subject("").len(), last: 0, there };
        let events = connected.limit(messages).map(move |message| told.events(&message.ok()?));
        let events = events
            .take_while(|events| future::ready(events.is_some()))
            .flat_map(|events| stream::iter(events.into_iter().flatten()));
        let begin = stream::iter(is_empty.then_some(WatchEvent::Current));
        Ok(begin.chain(events).chain(stream::once(future::ready(WatchEvent::Lost))).boxed())
    }
}

impl Told {
    /// What a message tells, or nothing if one before it is missing.
    fn events(&mut self, message: &Message) -> Option<Vec<WatchEvent>> {
        let info = message.info().ok()?;
        if info.consumer_sequence != self.last + 1 {
            return None;
        }
        self.last += 1;
        let (revision, is_all) = (Revision(info.stream_sequence), info.pending == 0);
        let key = message.subject.get(self.before_key..)?.to_owned();
        let is_gone = message.headers.as_ref().is_some_and(is_marker);
        let mut events = Vec::new();
        if is_gone {
            // Until all is told that was there, some may have gone before that.
            let was_there = self.there.as_mut().is_none_or(|there| there.remove(&key));
            events.extend(was_there.then_some(WatchEvent::Gone(key, revision)));
        } else {
            if let Some(there) = &mut self.there {
                there.insert(key.clone());
            }
            events.push(WatchEvent::Set(key, Entry { value: message.payload.clone(), revision }));
        }
        if is_all && self.there.take().is_some() {
            events.push(WatchEvent::Current);
        }
        Some(events)
    }
}

pub(super) fn not_watched(error: &ConsumerError) -> EngineError {
    match error.kind() {
        ConsumerErrorKind::TimedOut => EngineError::Unanswered,
        ConsumerErrorKind::JetStream(error) => unavailable(&error),
        _ => EngineError::Unreachable(error.to_string()),
    }
}
