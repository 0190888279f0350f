//! The server on sockets: listening, permissions, stopping.
#![cfg(feature = "net")]

#[cfg(feature = "tls")]
#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/load.rs"]
mod load;
#[path = "../support/secret.rs"]
mod secret;
#[path = "../support/socket.rs"]
mod socket;

mod drain;
mod reports;
mod secrets;
mod sockets;
#[cfg(feature = "tls")]
mod tls;
