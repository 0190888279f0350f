//! Messages: those of NATS itself, without a stream.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::client::PublishErrorKind;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use genserver::time;

use super::Inner;
use crate::engine::{Delivery, EngineError, RequestError};

impl Inner {
    pub(super) async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), EngineError> {
        self.link.connected()?;
        let sent = time::timeout(self.link.answer_within, self.link.client.publish(subject.to_owned(), payload)).await;
        let Ok(sent) = sent else {
            return Err(EngineError::Unreachable("the connection to NATS takes nothing".to_owned()));
        };
        sent.map_err(|error| match error.kind() {
            PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::InvalidSubject => {
                EngineError::Refused(error.to_string())
            }
            PublishErrorKind::Send => EngineError::Unreachable(error.to_string()),
        })
    }

    pub(super) async fn subscribe(&self, subject: &str) -> Result<BoxStream<'static, Delivery>, EngineError> {
        let connected = self.link.connected()?;
        let subscriber = self.link.client.subscribe(subject.to_owned()).await;
        let subscriber = subscriber.map_err(|error| EngineError::Unreachable(error.to_string()))?;
        self.link.round_trip(subject).await?;
        let deliveries = connected.limit(subscriber).map(|message| {
            let reply_to = message.reply.map(|subject| subject.to_string());
            Delivery { payload: message.payload, reply_to }
        });
        Ok(deliveries.boxed())
    }

    pub(super) async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, RequestError> {
        let answer = self.link.request(subject.to_owned(), HeaderMap::new(), payload, timeout).await?;
        Ok(answer.payload)
    }
}
