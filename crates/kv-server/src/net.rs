//! The server on sockets: listening, serving, draining; and a client's connection to it.
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
//! Clients of Redis can use the same addresses: see [the crate's page](crate#redis-clients).
//!
//! This module is the only one of the crate that knows an executor: its sockets are Tokio's. A connection is served by a
//! [`Session`](crate::Session), which works with any reader and writer.
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
//! It starts and stops as one value. A session that panics is reported and its connection is closed, and the others go on.
//! An acceptor that crashes is restarted on the same socket, so clients that wait there are not lost.
//!
//! # Who may connect
//!
//! Every client can do everything, once it is connected and has logged in. A server without a
//! [password](ServerOptions::password) listens on the loopback, or on a Unix socket that no other user can open; the loopback is
//! `127.0.0.0/8`, `::1`, and `::ffff:127.0.0.1` with its relatives. It refuses any other address with an error that says what to do.
//! If the network itself keeps strangers out, [`insecure_listen`](ServerOptions::insecure_listen) allows it.
//!
//! ```
//! use kv_core::Store;
//! use kv_server::Password;
//! use kv_server::net::{Address, Server, StartServerError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! let address: Address = "0.0.0.0:0".parse()?;
//! let everywhere = || Server::options().listen(address.clone());
//! let refused = everywhere().start(store.clone()).await.unwrap_err();
//! assert!(matches!(refused, StartServerError::NotLoopback { .. }));
//!
//! let password = Password::new("open sesame")?;
//! let server = everywhere().password(password.hash()?).start(store).await?;
//! # server.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A password keeps out those who do not know it. Without TLS it does not hide what is sent: on a network where others listen, they
//! read the password and the data. [The crate's page](crate#passwords) says what happens before a login, and after a failed one.
//!
//! # TLS
//!
//! With the feature `tls`, clients of an address such as `tls:127.0.0.1:4040` speak TLS 1.2 or 1.3, and in it lines or RESP as
//! elsewhere: the page of `ServerTls` has an example. Unix sockets and addresses without `tls:` stay as they are, so a server can have
//! all three.
//!
//! - `ServerOptions::tls` sets the certificate of the server and its key, from PEM files. Other users must not be able to read the
//!   key. The files are read once, so a new certificate takes a new server.
//! - `ServerTls::client_ca` serves only clients with a certificate of an authority. Such an address needs no password, also if other
//!   machines can reach it.
//! - `connect_tls` connects to such an address. It verifies that the certificate of the server is of the authority in `ClientTls`, and
//!   for the host in the address.
//! - Revoked certificates are not recognised; give short lives to certificates instead.
//!
//! A client has its place among the connections from the beginning of its handshake, which ends within 5 seconds. Other clients do
//! not wait for it, but it costs processor time. A connection with TLS takes up to 128 KiB more than one without, for what is
//! encrypted and not yet sent. When there are too many connections, it is closed without a message. A client that speaks no TLS is
//! told so, and a server that stops sends the end of TLS behind the last answer. A handshake that fails is [reported](#reports).
//!
//! # Limits
//!
//! [`Limits`](crate::Limits) says what one client may use. A server takes [`Limits::connections`](crate::Limits::connections)
//! connections, 10,000 by default. The next client gets `ERROR too many connections...`, and its connection is closed, which is
//! [reported](#reports). Each connection takes a file descriptor, so if the process has fewer of those, there are fewer
//! connections, and a report says so; [`raise_descriptor_limit`] asks for as many as the system allows. If descriptors run out all
//! the same, the server reports it once, and retries at growing intervals of at most one second. Clients wait meanwhile.
//!
//! A client that disappears, for instance by a power failure, is detected by keepalive after five minutes of silence.
//!
//! # Reports
//!
//! A server tells its node what an operator has to know, as [`CustomReport`](genserver::report::CustomReport)s with a name for each
//! detail. A stop is not reported. Clients cannot flood a log with them: of each address, each of these is reported once a minute,
//! with the number of those since the last report.
//!
//! | report | details |
//! |---|---|
//! | clients are refused because all places are taken | `connections`, the places |
//! | the system gives no connection, for instance because descriptors run out | `error`, `descriptors allowed` |
//! | a handshake of TLS has failed: the client speaks no TLS, or no version that is spoken here; one side does not accept the other's certificate; it was not done in time, or broken off. A client that leaves before its first byte is not reported | `from`, the client's address and port, and `error` |
//! | [logins](crate#passwords) from one address fail again and again: once a minute for the whole server | `from`, the address |
//! | there are fewer connections than the limits say, when a server starts | `connections`, `told to take`, `descriptors allowed` |
//!
//! ```
//! use genserver::Node;
//! use genserver::report::Report;
//! # use futures::AsyncReadExt;
//! # use kv_core::Store;
//! # use kv_server::Limits;
//! # use kv_server::net::{self, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! let mut reports = Node::program().reports();
//! let limits = Limits { connections: 0, ..Limits::default() };
//! let options = Server::options().listen("127.0.0.1:0".parse()?).limits(limits);
//! let server = options.start(store).await?;
//! # let (mut reader, _writer) = net::connect(&server.addresses()[0]).await?;
//! # reader.read_to_end(&mut Vec::new()).await?;
//! let Some(Report::Custom(told)) = reports.next().await else { unreachable!() };
//! assert!(told.what.starts_with("refuses clients because all places are taken"));
//! assert_eq!(told.detail("address"), Some(&*server.addresses()[0].to_string()));
//! # server.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Stopping
//!
//! [`Server::stop`] *drains*. New clients are refused. Every command that has arrived is answered, even if it was not read
//! yet or its connection not accepted, and the answers are sent before the connection is closed. Half a command is not executed, and
//! neither is anything after the last answer: a command without an answer when the connection closes was not executed.
//!
//! A client that does not take its answers, or that keeps sending, is cut off after [`drain`](ServerOptions::drain), 5 seconds by
//! default. Of such a client, commands may have been executed without an answer.
//!
//! A session drains at any order to stop: stopping a supervisor that the server is a child of has the same effect. A
//! program gets that order from the system through [`Signals`].
//!
//! # When (not) to use it
//!
//! A program that needs a store for itself embeds `kv-core`: a call is faster than any socket. A program with its own
//! sockets, such as those of QUIC, serves a [`Session`](crate::Session) on them.

// Who may connect, ...
mod who;
// ... and addresses to listen on and connect to.
mod address;
// Certificates and handshakes, ...
#[cfg(feature = "tls")]
mod tls;
// ... or nothing of it.
#[cfg(not(feature = "tls"))]
#[path = "net/without_tls.rs"]
mod tls;
// The server, ...
mod server;
// ... accepting connections, ...
mod acceptor;
// ... on sockets, ...
mod listener;
// ... up to a number, ...
mod connections;
mod descriptors;
// ... and serving them.
mod incoming;
// (what has arrived at a socket)
mod arrived;
// (what an operator is told of them)
mod notices;
mod service;
mod stream;
// The client's side.
mod connect;
// Signals that end the program.
mod signals;

pub use address::{Address, DEFAULT_PORT, ParseAddressError};
#[cfg(feature = "tls")]
pub use connect::connect_tls;
pub use connect::{ConnectError, connect};
pub use descriptors::raise_descriptor_limit;
pub use server::{Server, ServerOptions, StartServerError};
pub use signals::{Signal, Signals};
pub use stream::{Reader, Writer};
#[cfg(feature = "tls")]
pub use tls::{ClientTls, ServerTls, TlsError};

#[cfg(test)]
mod service_tests;
