//! The comparison of actor libraries: what a message, a start and an idle server cost in each.
//!
//! Every number is a ratio to `raw`, the Tokio actor one would write by hand, measured in the same
//! rounds of the same run; `raw again` is a second copy of it and shows how much of a ratio is noise.
//! `cargo run --profile bench -p benchmarks -- --help` lists the options.

// The servers under test, and the trait through which the workloads see them.
pub mod subjects;
// What is measured, each workload written once for all subjects.
pub mod workloads;
// How long the slowest calls and casts take.
pub mod tail;
// What the search for cycles costs.
pub mod cycles;
// Agents, against servers and locks.
pub mod agents;
// Children that crash and are started again.
pub mod supervision;
// Events that the disk has when their sender is told so.
pub mod event_log;
// Events, to handlers and streams.
pub mod events;
// Buckets, beside maps that are shared without a process.
pub mod buckets;
// The store over sockets, beside an echo and Redis.
pub mod server;
// Which subjects there are, whatever language they are written in.
pub mod contenders;
// Rounds, medians, ratios.
pub mod measure;
// A table of times: its rows, measured and printed.
pub mod table;
// Bytes of an idle server, in a process of its own.
pub mod memory;
// Allocations of a call, of a cast and of an event, in a program of its own.
pub mod allocations;
// A ticker beside a task that calls in a tight loop.
pub mod fairness;
// What `genserver` has to reach.
pub mod targets;
// The tables, and the results for tools.
pub mod report;
// The command line.
pub mod options;
