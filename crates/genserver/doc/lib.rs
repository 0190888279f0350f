//! The servers that genserver's examples share, compiled once and not once in every example; and the runtime of an example.
//!
//! An example is a program of its own, and a server's process is generic over it: with the servers in the examples themselves, the
//! examples of the crate took minutes to compile, and 5 GB. What an example says of itself, such as `server!`, is included by it.

/// A number that is asked for, added to and doubled: for what is about messages.
pub mod counter;
/// A server that breaks when it is told to: for what is about reports.
pub mod fragile;
/// A server that takes no messages: for what is about processes.
pub mod quiet;
/// The runtime of an example.
mod run;

pub use run::{block_on, block_on_paused};
