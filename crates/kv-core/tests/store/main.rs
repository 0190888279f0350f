//! The store: its names, what it keeps, and what it is when a part of it fails.
#![cfg(feature = "tokio")]

// Who finds which bucket when.
mod registry;
// What is kept.
mod storage;
// What is left when something ends.
mod failures;
// The tests it began with.
mod seeds;
