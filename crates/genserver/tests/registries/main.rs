//! Registries: who holds a key, who waits for it, and who is found by it.
#![cfg(feature = "tokio")]

#[path = "../support/puppet.rs"]
#[expect(dead_code, reason = "a puppet can do more than a registry needs")]
mod puppet;

// A key of one process, ...
mod unique;
// ... as the name of a server, ...
mod names;
// ... and a key of many.
mod duplicate;
// One after the other.
mod locks;
// All at once.
mod storms;
