//! `kv watch`: printing the events of a server's buckets.

use futures::StreamExt;
use kv_server::net::Address;

use crate::Connection;
use crate::exit::{Exit, Failure, say};
use crate::print::{self, Output};

/// Prints events until the server closes the connection.
pub(crate) async fn run(connection: Connection, address: &Address, json: bool) -> Result<(), Failure> {
    let mut events = connection.subscribe().await.map_err(|error| Failure::new(Exit::Server, error))?;
    say(format_args!("watching {address}; Ctrl-C ends it"));
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
