//! The routes of the observer, asked without a browser: what they answer, and what they refuse.
#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

// The servers that are observed.
mod servers;
// Asking a router.
mod client;

// Who may ask.
mod refusals;
// The table, the inspector, the tree, event managers, reports.
mod shown;
// What is stuck, slow or broken.
mod troubles;
// The stream of what changes.
mod stream;
// What a reader may do.
mod actions;
// The page and its policy.
mod page;
// Its own thread and socket, its health, the program's metrics.
mod serving;
// Many processes, messages and restarts.
mod crowd;
