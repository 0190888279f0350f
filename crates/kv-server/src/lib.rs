//! The store of `kv-core` on a socket: a protocol of lines, sessions that speak it, a server, and a client.
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
//! assert_eq!(client.send(&Command::get("shopping", "milk")).await?, Answer::Value("1".into()));
//! # server.stop().await?;
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The protocol
//!
//! A command is a line, and so is an answer, or a few of them. It works with `nc`.
//!
//! | command | answer |
//! |---|---|
//! | `CREATE shopping` | `OK`, also if there is one |
//! | `PUT shopping eggs 3` | `OK` |
//! | `GET shopping eggs` | `3` and `OK`; if there is no such key, an empty line and `OK` |
//! | `DELETE shopping eggs` | `OK`, also if there is no such key |
//! | `LIST shopping` | `* eggs` and a line for each other key, in their order, and `OK` |
//! | `BUCKETS` | `* shopping` and a line for each other bucket, in their order, and `OK` |
//! | `DROP shopping` | `OK` |
//! | `SUBSCRIBE` | `OK`, and from then on an [`Event`] a line, until `QUIT` |
//! | `PING` | `PONG` |
//! | `HELP` | a line for each command, and `OK` |
//! | `QUIT` | `OK`, and the session ends |
//!
//! If there is no such bucket the answer is `NOT FOUND`; to what is no command, `UNKNOWN COMMAND`; and if something fails, `ERROR` with
//! what it is and what to do. The first four are the commands of the Elixir guide, answered byte for byte as there. The others are
//! words that are unknown to it.
//!
//! Values with blanks are written with quotes: see [`Command`]. What an answer does about values that hold the end of a line, [`Answer`]
//! says, and [`Reading`] how a client knows where an answer ends. [`Client`] is such a client.
//!
//! # Sessions, with or without sockets
//!
//! A [`Session`] serves one client over anything that can be read and written, and knows no executor:
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
//! The prompt of `kv` is a session in the same program; a program that has sockets of its own, TLS for instance, serves sessions on
//! them. The module [`net`] has the sockets for everybody else: a [`Server`](net::Server) on TCP and Unix sockets, which is a tree
//! of processes, and [`connect`](net::connect). It is the feature `net`, on by default; without it the crate runs wherever
//! `genserver` does.
//!
//! # Many commands at once
//!
//! A client need not wait for an answer before it sends the next command. What is complete in one read is carried out together, as
//! one message for each bucket, and answered with one write; the answers are the same: see [`Session`]. Where each read and write
//! is a call of the system, sixteen commands at once are many times as fast as sixteen one by one. What it costs beside a server
//! that does nothing but send back each line, and beside Redis if it is installed, is measured by
//!
//! ```text
//! cargo xtask bench --server
//! ```
//!
//! # What a client may not
//!
//! There is a limit to everything that a client can make a server hold: see [`Limits`]. A client that sends and does not read is
//! read from no more; one that sends half a command, or takes no replies, is waited for and then closed.
//!
//! # When (not) to use it
//!
//! Two parts of one program share a store by cloning it: see `kv-core`; no socket is as fast as a call. A protocol of lines is for
//! people, scripts, and programs in other languages. Whoever can connect can do everything, so it is no server for a network that
//! strangers are in, and the store is gone when its program ends.

// What a client can ask: begin here, ...
mod command;
// ... what it is answered, ...
mod answer;
// ... and what a subscriber is told.
mod event;

// Whole lines out of what was read.
mod lines;
// How much a client may have.
mod limits;
// One client.
mod session;
// The commands of one read, carried out.
mod execute;
// The events of a store, for one client.
mod subscription;
// How sessions are told to leave.
mod drain;
// Sockets: listening, serving, connecting.
#[cfg(feature = "net")]
pub mod net;

// The other end of the line.
mod client;
// What a prompt offers.
pub mod prompt;

pub use answer::{Answer, Reading, Step, UnexpectedLine};
pub use client::{AnswerError, Client, Events, EventsError, SubscribeError};
pub use command::{COMMANDS, Command, CommandUsage, UnknownCommand};
pub use drain::{Drain, Told};
pub use event::Event;
pub use limits::Limits;
pub use lines::Lines;
pub use session::{Session, SessionEnd};
