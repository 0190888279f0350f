//! `kv watch`: printing the events of a server's buckets, or of the keys of one.

use bytes::Bytes;
use futures::StreamExt;
use futures::io::{AsyncRead, AsyncWrite};
use kv_server::{Command, SubscribeError, SubscriptionEvents};

use crate::Connection;
use crate::exit::{Exit, Failure, say};
use crate::login;
use crate::print::{self, Output};
use crate::remote::Remote;

/// The events that a connection turns into.
pub(crate) type Events = SubscriptionEvents<Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>>;

/// Prints events until the server closes the connection.
pub(crate) async fn run(connection: Connection, watched: Watched, server: &Remote, json: bool) -> Result<(), Failure> {
    let mut events = watched.subscribe(connection).await.map_err(failed)?;
    say(format_args!("watching {server}; Ctrl-C ends it"));
    let mut output = Output::new();
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| Failure::new(Exit::Server, error))?;
        let line = if json { print::event_json(&event) } else { print::event(&event) };
        output.write(&line)?;
        // Flushed at once: the events are read as they come.
        output.flush()?;
    }
    Ok(())
}

/// What is watched.
#[derive(Debug)]
pub(crate) enum Watched {
    Buckets,
    /// The keys of this bucket.
    Keys(Bytes),
}

impl Watched {
    /// What a command subscribes to, if it does.
    pub(crate) fn by(command: &Command) -> Option<Self> {
        match command {
            Command::Subscribe => Some(Self::Buckets),
            Command::Watch { bucket } => Some(Self::Keys(bucket.clone())),
            _ => None,
        }
    }

    /// Subscribes to its events.
    pub(crate) async fn subscribe(self, connection: Connection) -> Result<Events, SubscribeError> {
        match self {
            Self::Buckets => connection.subscribe().await,
            Self::Keys(bucket) => connection.watch(bucket).await,
        }
    }
}

/// The failure of a subscription.
pub(crate) fn failed(error: SubscribeError) -> Failure {
    match error {
        SubscribeError::NotFound => Failure::new(Exit::NotFound, error),
        SubscribeError::NotLoggedIn => Failure::new(Exit::Denied, login::MISSING),
        _ => Failure::new(Exit::Server, error),
    }
}
