//! The store: its names, its storage, and the failures of its parts.
#![cfg(feature = "tokio")]

// Who finds which bucket when.
mod registry;
// What is kept.
mod storage;
// What is left when something ends.
mod failures;
// The tests it began with.
mod seeds;
