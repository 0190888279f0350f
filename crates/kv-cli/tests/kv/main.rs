//! The real program, at a pseudo-terminal, in a pipe and as a server.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

// Programs that are run: with pipes, as servers, and how long a test waits for them.
mod program;
// Programs at a pseudo-terminal, and what their screens show.
mod terminal;
// A server that the test plays.
mod played;
// Certificates, as the tests of the crate below make them.
#[path = "../../../kv-server/tests/support/certificates.rs"]
mod certificates;

// The sessions that the texts of the project print, typed and piped.
mod sessions;
// Where the store is: in the person's folder, in another, or in memory.
mod data;
// `kv export`, `kv import` and `kv repair`.
mod transfer;
// One command and its exit code, its output, and its JSON.
mod one_shot;
// ... and what it says of a key and of a part of a list.
mod keys;
// The prompt: history, mistakes, escapes, connections.
mod prompt;
// What is pasted, typed ahead and given up.
mod typing;
// Completion and hints.
mod completion;
// A server with a password.
mod login;
// `kv serve` and `kv watch`.
mod serving;
// The admin page of `kv serve`, and `kv top`.
mod admin;
// TLS: `kv serve` and its clients.
mod tls;
// Signals: how programs end.
mod ending;
// What a service manager is told, and the unit that is shipped.
mod service;
