//! What could go wrong when callers run servers on their own threads.
//!
//! Each row of the design's table of hazards is a test of `inline`, of `waiting`, of `the_end` or of `chaos`.
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
// ... while nobody does, ...
mod waiting;
// ... and when it ends.
mod the_end;
// What becomes of wakers that panic.
mod foreign_wakers;
// What a process does no more that has to end.
mod doomed;
// ... and whatever else it awaits.
mod awaits;
// Callbacks that block, and those who wait for them.
mod long_callbacks;
// All of it at once.
mod chaos;
// Circles of calls, ...
mod deadlock;
// ... circles with waits that are no calls, ...
mod declared_waits;
// ... and threads that do nothing else for a while.
mod blocking_work;
