//! Servers: what their callbacks may do, how they are called, how they end, and how they look from outside.
#![cfg(feature = "tokio")]

#[path = "../support/clock.rs"]
mod clock;
#[path = "../calls_suite/puppet.rs"]
mod puppet;

// Messages without an answer, ...
mod callbacks;
// ... and those with one.
mod calls;
// How a server ends, and who hears of it.
mod exits;
// Who is told that it stopped it.
mod stops;
// That nobody is forgotten in it.
mod told;
// What an error says.
mod errors;
// Who runs a server where its own task is not.
mod one_after_another;
// When a server makes itself small.
mod hibernation;
// What can be seen from outside.
mod sys;
