//! Tasks and agents: processes that do one thing, and processes that hold a value.
#![cfg(feature = "tokio")]

#[path = "../support/plain_thread.rs"]
mod plain_thread;

// One task, ...
mod tasks;
// ... tasks under a supervisor, ...
mod supervisors;
// ... and a stream of them.
mod async_streams;
// Agents.
mod agents;
