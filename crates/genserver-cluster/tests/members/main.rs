//! The members of a cluster: who is up, and who hears of it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// A server that a test starts.
#[cfg(feature = "nats")]
#[path = "../engine/nats/server.rs"]
#[expect(dead_code, reason = "each test takes what it needs")]
mod server;
// On the model of an engine.
mod model;
// On a real server.
#[cfg(feature = "nats")]
mod nats;
