//! Buckets of real programs, `kv serve --cluster`, on real servers of NATS: programs and servers are killed and cut off.
//!
//! `cargo xtask cluster --buckets` builds the program, and runs the ignored tests. They are described in `run.rs`.
#![cfg(feature = "nats")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::print_stdout, reason = "a long run says how far it is, and what it has measured")]

// Servers of NATS, ...
#[path = "../../../genserver-cluster/tests/machines/servers.rs"]
mod servers;
// ... what they say of what they keep, ...
#[path = "../../../genserver-cluster/tests/machines/streams.rs"]
mod streams;
// ... machines of their own for them, whose cables can be pulled, ...
#[path = "../../../genserver-cluster/tests/machines/network.rs"]
mod network;
// ... how long something took, many times, ...
#[path = "../../../genserver-cluster/tests/machines/times.rs"]
mod times;
// ... the keys that clients use, and whether some order explains what they were answered, ...
#[path = "../../../genserver-cluster/tests/machines/keys.rs"]
mod keys;
#[path = "../../../genserver-cluster/tests/machines/order.rs"]
mod order;
// ... and numbers that are drawn from a seed: as for the names of a cluster.
#[path = "../../../genserver-cluster/tests/machines/chance.rs"]
mod chance;
// The program, and how a test starts and ends it.
mod node;
// A client of it, that writes and reads.
mod client;
// What one program was told, asked of all others.
mod everywhere;
// What clients have asked and were answered, and whether some order explains it.
mod record;
// Three programs and three servers, of which something is killed again and again.
mod run;
