//! The store of `kv-core` on a socket.

// What a client can ask, ...
mod command;
// ... what it is answered, ...
mod answer;
// ... and what a subscriber is told.
mod event;
// The commands explained.
mod help;

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
pub use command::{Command, UnknownCommand};
pub use drain::{Drain, Told};
pub use event::Event;
pub use help::{USAGES, Usage};
pub use limits::Limits;
pub use lines::Lines;
pub use session::{Session, SessionEnd};
