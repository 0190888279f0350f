//! The server on sockets: where it listens, who is let in, and how it stops.
#![cfg(feature = "net")]

#[path = "../support/load.rs"]
mod load;
#[path = "../support/socket.rs"]
mod socket;

mod drain;
mod sockets;
