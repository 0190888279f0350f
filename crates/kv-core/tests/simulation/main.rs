//! The store in many orders of events, with its parts killed at any step, and on a disk that fails.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// A storage on a simulated disk.
mod disk;
// What was answered survives a power failure.
mod power;
// Stores without a storage.
mod stores;
