//! Supervisors of both kinds, and the supervisor of a test.
#![cfg(feature = "tokio")]

#[path = "../support/puppet.rs"]
#[expect(dead_code, reason = "of the puppets little more than the phonebook is needed")]
mod puppet;
#[path = "../support/wards.rs"]
mod wards;

// One child.
mod child;
// How supervisors start, ...
mod start;
// ... what they do when a child ends, ...
mod restart;
mod significant;
// ... in every case of a table, ...
mod table;
// ... their functions, ...
mod admin;
// ... how errors and reports show their children, and their own reports, ...
mod labels;
mod reports;
// ... and how they end.
mod stop;
// Random sequences of all this.
mod model;
// The same for dynamic supervisors.
mod dynamic;
mod dynamic_ends;
mod dynamic_restarts;
// Tests whose processes end with them.
mod supervised;
