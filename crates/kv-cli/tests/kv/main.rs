//! The real program, at a pseudo-terminal, in a pipe and as a server.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

// Programs that are run: with pipes, as servers, and how long a test waits for them.
mod program;
// Programs at a pseudo-terminal, and what their screens show.
mod terminal;

// The sessions that the texts of the project print, typed and piped.
mod sessions;
// One command and its exit code, its output, and its JSON.
mod one_shot;
// The prompt: completion, hints, history, Ctrl-C.
mod prompt;
// `kv serve`, its signals, and `kv watch`.
mod serving;
