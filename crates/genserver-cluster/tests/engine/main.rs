//! What every engine is held to: the rules E1 to E12 of `src/engine.rs`, each by a fact or more, and the same for all engines.
#![cfg(feature = "model")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// The facts, ...
#[macro_use]
mod facts;
// ... and on what they are tested: the model, in which nothing goes wrong, ...
mod model;
// ... and in which everything does, ...
mod faults;
// ... and a real server, ...
#[cfg(feature = "nats")]
mod nats;
// ... which may ask for certificates.
#[cfg(feature = "nats")]
#[path = "../../../kv-server/tests/support/certificates.rs"]
mod certificates;
