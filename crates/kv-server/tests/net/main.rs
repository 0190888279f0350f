//! The server on sockets: listening, permissions, stopping.
#![cfg(feature = "net")]

#[path = "../support/load.rs"]
mod load;
#[path = "../support/secret.rs"]
mod secret;
#[path = "../support/socket.rs"]
mod socket;

mod drain;
mod secrets;
mod sockets;
