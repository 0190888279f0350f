//! OTP's and Elixir's own cases of an event manager: see `docs/conformance.md`. One file for each of its chapters.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

#[path = "../support/puppet.rs"]
mod puppet;

// How managers start and end.
mod managers;
// How handlers come, ...
mod adding;
// ... go, ...
mod removing;
// ... and take one another's place.
mod swapping;
// The processes they belong to.
mod owners;
// Events, ...
mod notifying;
// ... questions, ...
mod calling;
// ... and plain messages.
mod infos;
// When a manager makes itself small.
mod hibernating;
// What can be seen from outside.
mod inspecting;
// What goes wrong in a handler: who is told what.
mod failing;
// What OTP does and nobody wants.
mod quirks;

use std::time::{Duration, Instant};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// How many milliseconds have passed on the paused clock, to the next ten: what the steps themselves take does not count.
fn passed(since: Instant) -> u128 {
    genserver::time::now().duration_since(since).as_millis() / 10 * 10
}
