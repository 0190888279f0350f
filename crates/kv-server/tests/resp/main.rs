//! Sessions that speak RESP: their replies, as Redis gives them, and their limits.

#[cfg(feature = "net")]
mod redis;
mod resp;
#[path = "../support/secret.rs"]
mod secret;
#[path = "../support/client.rs"]
mod support;

// The commands on buckets, ...
mod hashes;
// ... on the store, ...
mod buckets;
// ... and about the connection.
mod connection;
// Logging in.
mod login;
// Requests, however they are cut, and what is none.
mod requests;
// Several commands in one message.
mod transactions;
// The events of channels.
mod subscriptions;
// What a client may not have.
mod limits;
// What it does in one turn.
mod turns;
// Random bytes.
mod fuzz;
// Redis's own programs, which need a socket.
#[cfg(feature = "net")]
mod programs;
// A client that others wrote.
#[cfg(feature = "net")]
mod clients;
