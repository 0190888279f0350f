//! The store: its names, its storage, and the failures of its parts.
#![cfg(feature = "tokio")]

// Who finds which bucket when.
mod registry;
// What is kept.
mod storage;
// What is said of a storage that fails.
mod storage_error;
// When keys expire.
mod expiry;
// What it may hold.
mod limits;
// What is told of keys.
mod key_events;
// What is left when something ends.
mod failures;
// What comes back by itself, with a storage.
mod crashes;
// What is left when the committer ends.
mod committer;
// The tests it began with.
mod seeds;
