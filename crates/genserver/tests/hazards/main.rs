//! What could go wrong when callers run servers on their own threads.
//!
//! Each row of the design's table of hazards is a test of `inline`, `waiting`, `the_end` or `chaos`.
#![cfg(feature = "tokio")]

#[macro_use]
#[path = "../calls_suite/flavours.rs"]
mod flavours;
#[path = "../support/bombs.rs"]
mod bombs;
#[path = "../support/clock.rs"]
mod clock;
#[path = "../calls_suite/puppet.rs"]
mod puppet;

// While a caller runs a server, ...
mod inline;
// ... while it is idle, ...
mod waiting;
// ... and when it ends.
mod the_end;
// Wakers that panic.
mod foreign_wakers;
// What a process must not do any more when it has to end, ...
mod doomed;
// ... and every await that it may be in.
mod awaits;
// Callbacks that block, and their clients.
mod long_callbacks;
// All of it at once.
mod chaos;
// Cycles of calls, ...
mod deadlock;
// ... cycles with waits other than calls, ...
mod declared_waits;
// ... and threads that are blocked for a while.
mod blocking_work;
