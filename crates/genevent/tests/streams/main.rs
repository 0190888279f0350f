//! Streams of events: which consumer gets which, which side waits, and how they end.
#![cfg(feature = "tokio")]

#[path = "../support/streams.rs"]
mod support;

// Who takes what, ...
mod consumers;
// ... by each of the ways to tell.
mod modes;
// What becomes of a consumer that is stuck, ...
mod patience;
// ... or calls the manager that waits for it.
mod cycles;
// What one consumer does does not affect the others.
mod neighbours;
// How streams end.
mod ends;
// What becomes of wakers that panic.
mod foreign_wakers;
// Random sequences of all this: nothing is lost unsaid.
mod ledger;
