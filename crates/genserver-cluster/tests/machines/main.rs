//! Real programs on real servers of NATS: programs and servers are killed, stand still and are cut off.
//!
//! The tests that are not ignored take a moment. The others are run by `cargo xtask cluster`, and are described in `run.rs`.
#![cfg(feature = "nats")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::print_stdout, reason = "a long run says how far it is, and what it has measured")]

// The server that the programs run: its state is in a log.
mod shelf;
// The program, ...
mod node;
// ... and how a test starts it, talks to it and ends it.
mod machine;
// Servers of NATS, ...
mod servers;
// ... what they say of what they keep, ...
mod streams;
// ... and machines of their own for them, whose cables can be pulled.
mod network;
// Names, with a few programs.
mod names;
// The keys that clients use.
mod keys;
// Whether some order explains what they were answered.
mod order;
// What clients have asked and were answered, and what is wrong with that.
mod record;
// What is wrong with a log.
mod audit;
// How long something took, many times.
mod times;
// Numbers that are drawn from a seed.
mod chance;
// Clients that write and read all the time.
mod clients;
// A cluster in which something is killed again and again.
mod run;
