//! Servers: what their callbacks may do, how they are called, how they end, and what is seen of them from outside.
#![cfg(feature = "tokio")]

#[path = "../support/clock.rs"]
mod clock;
#[path = "../calls_suite/puppet.rs"]
mod puppet;

// Messages without an answer, ...
mod callbacks;
// ... and those with one.
mod calls;
// That it does not matter how a server is found.
mod references;
// How a server ends, and which processes are told.
mod exits;
// Which stopper is told that it stopped the server.
mod stops;
// That no waiting process is forgotten.
mod told;
// The texts of errors.
mod errors;
// Which task runs a server in place of its own.
mod one_after_another;
// How a server releases memory.
mod hibernation;
// Inspection from outside, ...
mod sys;
// ... and what is seen of a callback that awaits.
mod awaiting;
