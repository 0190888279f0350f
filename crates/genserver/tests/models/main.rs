//! Models: the crate's own code, under every interleaving that a checker comes to.
#![cfg(genserver_shuttle)]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

#[path = "../calls_suite/puppet.rs"]
mod puppet;

// The world a model runs in, what its callbacks wait for, and the checker.
mod check;
mod door;
mod exhaustive;
mod world;

// What is promised of calls, of ends, of starts, and of the clock.
mod calls;
mod deaths;
mod starts;
mod time;
