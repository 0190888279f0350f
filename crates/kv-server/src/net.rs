//! The server on sockets: listening, serving, draining; and the client's connection to it.
//!
//! ```
//! use futures::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//! use kv_core::Store;
//! use kv_server::net::{self, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::start().await?;
//! let server = Server::options().listen("127.0.0.1:0".parse()?).start(store.clone()).await?;
//!
//! let (reader, mut writer) = net::connect(&server.addresses()[0]).await?;
//! let mut lines = BufReader::new(reader).lines();
//! # use futures::StreamExt;
//! writer.write_all(b"CREATE shopping\r\nPUT shopping eggs 3\r\nGET shopping eggs\r\n").await?;
//! for expected in ["OK", "OK", "3", "OK"] {
//!     assert_eq!(lines.next().await.transpose()?.as_deref(), Some(expected));
//! }
//!
//! server.stop().await?;
//! store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! This module is the only one of the crate that knows an executor: its sockets are Tokio's. What is done with a connection is a
//! [`Session`](crate::Session), which reads and writes anything.
//!
//! # A server is a tree of processes
//!
//! ```text
//!               supervisor                 stopped: first the acceptors, which close their sockets,
//!              /     |     \               then the sessions, all at once
//!      sessions  acceptor  acceptor        one for each address
//!      /  |  \
//!     session ...                          one for each connection, never started again
//! ```
//!
//! It starts and stops as one value. A session that panics is reported, its connection is closed, and no other notices. An
//! acceptor that crashes is started again at the same socket, so that those who wait there lose nothing.
//!
//! # Who may connect
//!
//! There are no passwords yet: whoever can connect can do everything. So a server listens on the loopback, or on a Unix socket that
//! no other user can open, and refuses any other address with an error that says what to do. Where the network itself keeps
//! strangers out, [`insecure_listen`](ServerOptions::insecure_listen) lets it through.
//!
//! # Limits
//!
//! What one client may have is said by [`Limits`](crate::Limits). There are as many connections as
//! [`Limits::connections`](crate::Limits::connections) says, 10,000 unless told otherwise; one more is told `ERROR too many
//! connections...` and closed. Each takes a descriptor of the process, so if those are fewer, so are the connections, and a report
//! says so; [`raise_descriptor_limit`] asks for as many as the system gives. If they run out all the same, the server reports it
//! once, and goes on trying at growing intervals, of one second at most: clients wait for their turn.
//!
//! A client that has vanished, without power for instance, is found out by keepalive after five minutes of silence.
//!
//! # Stopping
//!
//! [`Server::stop`] *drains*. Nobody new is let in. Every command that has arrived is answered, also those that nobody had read
//! yet, and the answers are sent before the connection is closed. A client that does not take its answers, or that sends and
//! sends, is cut off after [`drain`](ServerOptions::drain), 5 seconds. Half a command is not carried out, and neither is what
//! comes after the last answer: a command that was not answered when the connection closed was not carried out.
//!
//! This is what an order to stop is to a session, whoever gives it: stopping a supervisor that the server is a child of does the same.
//! [`Signals`] are what a program is told by.
//!
//! # When (not) to use it
//!
//! A program that wants a store for itself embeds `kv-core`: no socket is as fast as a call. A program that has its own sockets,
//! TLS for instance, serves a [`Session`](crate::Session) on them.

// Where to listen and to connect.
mod address;
// The server, ...
mod server;
// ... who accepts, ...
mod acceptor;
// ... on what, ...
mod listener;
// ... how many, ...
mod connections;
mod descriptors;
// ... and what is done with a connection.
mod incoming;
mod service;
mod stream;
// The client's end.
mod connect;
// Being told to end.
mod signals;

pub use address::{Address, DEFAULT_PORT, ParseAddressError};
pub use connect::{ConnectError, connect};
pub use descriptors::raise_descriptor_limit;
pub use server::{Server, ServerOptions, StartServerError};
pub use signals::{Signal, Signals};
pub use stream::{Reader, Writer};

#[cfg(test)]
mod service_tests;
