//! Registries: who holds a key, who waits for it, and how it is looked up.
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
// Locks.
mod locks;
// Many threads at once.
mod storms;
