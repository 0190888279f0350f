//! Names in a cluster, on the model of an engine in which nothing goes wrong but what a test asks for.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// The server that the tests start, and the members that start it.
mod clock;
// Starts, stops and what they return.
mod starts;
// What servers are told of their fences.
mod fences;
// Servers with names under supervisors.
mod supervised;
