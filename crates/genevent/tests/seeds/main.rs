//! The event managers this library began with, each with its console sessions.
#![cfg(feature = "tokio")]

// What two of them have.
mod registry;

mod seed_000;
mod seed_001;
mod seed_002;
