//! The same scenarios on a real Erlang and on these crates, and their traces compared event by event.

// What a scenario says: those that are written, and those that are drawn.
pub mod drawn;
pub mod scenarios;
pub mod script;
// What a run is judged by.
pub mod trace;
mod words;
// Scripts on these crates, and on OTP.
pub mod erlang;
pub mod ours;
// Both beside each other.
pub mod compare;
pub mod listed;
pub mod record;
// The command line.
pub mod options;
