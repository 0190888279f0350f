//! What is published to a topic, and how it is written.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{Position, StreamedEvent};
use crate::events::error::EventsError;
use crate::events::topic::Named;
use crate::wire::{EncodeError, Envelope, EventHeader, Kind, NotAMessage, decode, encode};

/// A type whose values are published to topics.
///
/// # Examples
///
/// ```
/// use genserver_cluster::events::ClusterEvent;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Order {
///     item: String,
///     #[serde(default)]
///     is_gift: bool,
/// }
///
/// impl ClusterEvent for Order {
///     const NAME: &str = "shop.order";
///     const VERSION: u32 = 1;
/// }
/// ```
pub trait ClusterEvent: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the type on the way, so that the Rust type can be renamed while members with the old name still run. It has at most
    /// 200 bytes.
    const NAME: &'static str;

    /// The version of the type. A subscriber with another version gets [an error](EventsError::OtherEvent) instead of the event.
    ///
    /// So raise it when an event gets another meaning, or a shape that older builds cannot read. A new field with a default needs no new
    /// version.
    const VERSION: u32;
}

/// An event that a subscriber has got.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Received<E> {
    /// The event.
    pub event: E,
    /// What tells it from all other events of its topic. A double that the engine has made has the same.
    pub id: String,
    /// Where it is in its topic: later events have larger positions.
    pub position: Position,
}

pub(super) fn write<E: ClusterEvent>(id: &str, event: &E, bound: usize) -> Result<Bytes, EncodeError> {
    encode(Kind::Event, &EventHeader { event: E::NAME, version: E::VERSION, id }, event, bound)
}

pub(super) fn read<E: ClusterEvent>(
    topic: &Named,
    StreamedEvent { position, event }: &StreamedEvent,
    bound: usize,
) -> Result<Received<E>, EventsError> {
    let undecodable = |why: String| EventsError::Undecodable {
        topic: topic.clone(),
        position: *position,
        event: E::NAME,
        version: E::VERSION,
        why,
    };
    let damaged = |why: NotAMessage| undecodable(why.to_string());
    let envelope = Envelope::read(event, bound).map_err(damaged)?;
    if envelope.kind != Kind::Event {
        return Err(undecodable(format!("it is {}", envelope.kind)));
    }
    let header: EventHeader<'_> = envelope.header().map_err(damaged)?;
    if (header.event, header.version) != (E::NAME, E::VERSION) {
        return Err(EventsError::OtherEvent {
            topic: topic.clone(),
            position: *position,
            event: header.event.to_owned(),
            event_version: header.version,
            expected: E::NAME,
            expected_version: E::VERSION,
        });
    }
    let decoded = decode(&envelope.body).map_err(undecodable)?;
    Ok(Received { event: decoded, id: header.id.to_owned(), position: *position })
}
