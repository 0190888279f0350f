//! A key-value server on TCP and Unix sockets: the store of `kv-core`, a line protocol, sessions, and a client.
//!
//! ```
//! use kv_core::Store;
//! use kv_server::net::{self, Server};
//! use kv_server::{Answer, Client, Command};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::start().await?;
//! let server = Server::options().listen("127.0.0.1:0".parse()?).start(store.clone()).await?;
//!
//! let (reader, writer) = net::connect(&server.addresses()[0]).await?;
//! let mut client = Client::new(reader, writer);
//! client.send(&Command::create("shopping")).await?;
//! client.send(&Command::put("shopping", "milk", "1")).await?;
//! assert_eq!(
//!     client.send(&Command::get("shopping", "milk")).await?,
//!     Answer::Value("1".into())
//! );
//! # server.stop().await?;
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The protocol
//!
//! A command is one line, and an answer is one or a few lines. It works with `nc`.
//!
//! | command | answer |
//! |---|---|
//! | `CREATE shopping` | `OK`, also if it exists |
//! | `PUT shopping eggs 3` | `OK` |
//! | `GET shopping eggs` | `3` and `OK`; an empty line and `OK` if there is no such key |
//! | `DELETE shopping eggs` | `OK`, also if there is no such key |
//! | `LIST shopping` | `* eggs`, a line for each other key in order, and `OK` |
//! | `COUNT shopping` | `2`, the number of keys, and `OK` |
//! | `BUCKETS` | `* shopping`, a line for each other bucket in order, and `OK` |
//! | `DROP shopping` | `OK` |
//! | `SUBSCRIBE` | `OK`, then an [`SubscriptionEvent`] a line, until `QUIT` |
//! | `PING` | `PONG` |
//! | `HELP` | a line for each command, and `OK` |
//! | `QUIT` | `OK`, and the session ends |
//!
//! If there is no such bucket, the answer is `NOT FOUND`. If the line is not a command, it is `UNKNOWN COMMAND`. If
//! something fails, it is `ERROR` with what failed and what to do. The first four commands are those of the Elixir guide,
//! and are answered byte for byte as there. The guide does not have the others.
//!
//! Values with blanks are written in quotes: see [`Command`]. See [`Answer`] for values that contain line ends, and
//! [`AnswerReader`] for how a client finds the end of an answer. [`Client`] is such a client.
//!
//! # Sessions, with or without sockets
//!
//! A [`Session`] serves one client over any reader and writer, on any executor:
//!
//! ```
//! use futures::io::Cursor;
//! use kv_core::Store;
//! use kv_server::Session;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::start().await?;
//! let mut answers = Cursor::new(Vec::new());
//! let commands = "CREATE shopping\nPUT shopping eggs 3\nGET shopping eggs\n";
//! Session::new(store.clone()).serve(commands.as_bytes(), &mut answers).await?;
//! assert_eq!(answers.into_inner(), b"OK\r\nOK\r\n3\r\nOK\r\n");
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The prompt of `kv` is a session in the same program. A program with its own sockets, such as TLS, serves sessions on
//! them. For everyone else, the module [`net`] has the sockets: a [`Server`](net::Server) on TCP and Unix sockets, which is
//! a tree of processes, and [`connect`](net::connect). It is the feature `net`, on by default. Without it the crate runs
//! wherever `genserver` does.
//!
//! # Pipelining
//!
//! A client need not wait for an answer before it sends the next command. All complete commands of one read are executed
//! together, with one message for each bucket, and answered with one write. The answers are the same: see [`Session`].
//! Where each read and write is a system call, sixteen commands at once are many times as fast as sixteen one by one. To
//! measure it, beside a server that echoes each line, and beside Redis if that is installed:
//!
//! ```text
//! cargo xtask bench --server
//! ```
//!
//! # Limits
//!
//! Everything that a client can make a server hold has a limit: see [`Limits`]. A server stops reading from a client that
//! does not read its answers. It waits for a client that sends half a command or takes no answers, and then closes the
//! connection.
//!
//! # When (not) to use it
//!
//! Two parts of one program share a store by cloning it: see `kv-core`. A call is faster than any socket. A line protocol
//! is for people, scripts, and programs in other languages. Every client can do everything, so do not serve a network with
//! strangers in it. The store is lost when its program ends.
//!
//! # Crates in its signatures
//!
//! [`kv_core`], [`bytes`] and [`futures`] are re-exported.

// Commands: begin here, ...
mod command;
// ... their answers, ...
mod answer;
// ... and the events of a subscriber.
mod event;

// Splitting what was read into lines.
mod lines;
// The limits of a client.
mod limits;
// Serving one client.
mod session;
// Executing the commands of one read.
mod batch;
// The events of a store, for one client.
mod subscription;
// The signal that makes sessions leave.
mod drain;
// Sockets: listening, serving, connecting.
#[cfg(feature = "net")]
pub mod net;

// The client.
mod client;
// Completions and hints for a prompt.
pub mod prompt;

// The crates whose types are in the signatures here, so that a user need not match their versions.
/// Keys, values and lines.
pub use bytes;
/// The readers and writers of a session.
pub use futures;
/// The store.
pub use kv_core;

pub use answer::{Answer, AnswerReader, ReaderStep, UnexpectedLine};
pub use client::{AnswerError, Client, SubscribeError, SubscriptionError, SubscriptionEvents};
pub use command::{COMMANDS, Command, CommandUsage, UnknownCommand};
pub use drain::{Drain, DrainSignal};
pub use event::SubscriptionEvent;
pub use limits::Limits;
pub use lines::LineBuffer;
pub use session::{Session, SessionEnd};
