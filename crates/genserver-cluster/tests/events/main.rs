//! Events of a cluster, on the model of an engine.
#![cfg(feature = "model")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// A topic, and members that use it.
mod shop;
// Publishing, by hand and from a manager.
mod publish;
// What subscribers get.
mod subscribe;
// Readers that go on.
mod read;
