//! The connection to NATS: whether it is there, when it was lost, and questions over it.

use std::error::Error as _;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::connection::State;
use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Message, Request, ToServerAddrs,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use genserver::time;
use tokio::sync::watch;

use crate::engine::{EngineError, RequestError};

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    /// Counts how often it was lost.
    lost: watch::Receiver<u64>,
    /// How long an operation waits for its answer.
    pub(super) answer_within: Duration,
}

/// The connection as it was at one moment: what was made on it ends when it is lost.
#[derive(Debug)]
pub(super) struct Connected {
    client: Client,
    lost: watch::Receiver<u64>,
    /// How often the client had connected by then. It knows that earlier than it tells.
    connects: u64,
}

impl Link {
    pub(super) async fn connect(
        options: ConnectOptions,
        addresses: impl ToServerAddrs,
        answer_within: Duration,
    ) -> Result<Self, EngineError> {
        let (sender, lost) = watch::channel(0);
        let options = options.event_callback(move |event| {
            if matches!(event, Event::Disconnected | Event::Closed) {
                sender.send_modify(|count| *count += 1);
            }
            std::future::ready(())
        });
        let client = options.connect(addresses).await.map_err(|error| not_connected(&error))?;
        Ok(Self { client, lost, answer_within })
    }

    /// The connection of now, if there is one. What is asked without one would be sent when there is one again.
    pub(super) fn connected(&self) -> Result<Connected, EngineError> {
        let mut lost = self.lost.clone();
        lost.mark_unchanged();
        let connects = connects(&self.client);
        if self.client.connection_state() == State::Connected {
            return Ok(Connected { client: self.client.clone(), lost, connects });
        }
        Err(EngineError::Unreachable("there is no connection to NATS".to_owned()))
    }

    /// Asks, and waits for the answer.
    pub(super) async fn request(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
        within: Duration,
    ) -> Result<Message, RequestError> {
        self.connected()?;
        let request = Request::new().headers(headers).payload(payload).timeout(None);
        // Around all of it: what is sent waits as well if the connection is lost in this moment.
        let answer = time::timeout(within, self.client.send_request(subject, request)).await;
        let Ok(answer) = answer else { return Err(RequestError::TimedOut) };
        answer.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => RequestError::NoResponders,
            RequestErrorKind::TimedOut => RequestError::TimedOut,
            RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                EngineError::Refused(error.to_string()).into()
            }
            // The client has ended, and nobody knows how far it came.
            RequestErrorKind::Other => EngineError::Unanswered.into(),
        })
    }

    /// Asks a part of the engine, which is there unless its servers have no majority.
    pub(super) async fn ask(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Message, EngineError> {
        self.request(subject, headers, payload, self.answer_within).await.map_err(|error| match error {
            RequestError::NoResponders => EngineError::Unreachable("its servers have no leader at present".to_owned()),
            RequestError::TimedOut => EngineError::Unanswered,
            RequestError::Engine(error) => error,
        })
    }

    /// Waits until the server has done what it was sent before: it answers in order that nobody listens there.
    pub(super) async fn round_trip(&self, subject: &str) -> Result<(), EngineError> {
        let nobody = format!("{subject}.round-trip");
        match self.request(nobody, HeaderMap::new(), Bytes::new(), self.answer_within).await {
            Ok(_) | Err(RequestError::NoResponders) => Ok(()),
            Err(RequestError::TimedOut) => Err(EngineError::Unanswered),
            Err(RequestError::Engine(error)) => Err(error),
        }
    }
}

/// Why a member is not connected, and what to do.
fn not_connected(error: &ConnectError) -> EngineError {
    // What is said against a certificate comes as an error of the socket.
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let is_tls = source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidData);
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            EngineError::Refused(format!("{error}; give the credentials of a user that it knows to `Options::client`"))
        }
        kind if is_tls || kind == ConnectErrorKind::Tls => {
            let advice = "give the certificates of its authority, and of this member, to `Options::client`";
            EngineError::Refused(format!("{error}; {advice}"))
        }
        ConnectErrorKind::Io | ConnectErrorKind::Dns | ConnectErrorKind::TimedOut => {
            EngineError::Unreachable(error.to_string())
        }
        _ => EngineError::Refused(error.to_string()),
    }
}

impl Connected {
    /// The stream, until the connection is lost.
    pub(super) fn limit<T>(self, stream: impl Stream<Item = T>) -> impl Stream<Item = T> {
        let Self { client, mut lost, connects: before } = self;
        // Its other half lives as long as the client.
        let is_lost = async move { drop(lost.changed().await) };
        // What comes over the next connection may come before it is told that this one was lost.
        let is_the_same = move |_: &T| std::future::ready(connects(&client) == before);
        stream.take_until(Box::pin(is_lost)).take_while(is_the_same)
    }
}

/// How often the client has connected.
fn connects(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}
