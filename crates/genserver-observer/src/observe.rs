//! Looking at a node: the samples, and what is made of them.
//!
//! 1. All of it happens in one task, on the observer's own thread, so it goes on while the threads of the node's runtimes are
//!    blocked. The rest of the crate sends that task requests.
//! 2. The node is sampled once a second while a stream is open, and for a request if the last sample is older than a second. It
//!    is never sampled otherwise, and a sample that nobody asks for is dropped. What reports say is sent without a new sample,
//!    four times a second at most.
//! 3. A sample takes one process's lock after the other, and the locks of the table for a few hundred processes each.
//! 4. A server is asked for its state only for the reader who looks at it, and by one request at a time: a server that does not
//!    answer has one request of the observer in its mailbox, however often a reader asks.

// What time it is.
pub(crate) mod clock;
// The kind of a process, by the type of its server.
mod kind;
// All processes at one moment, and what has changed since the moment before.
mod sample;
// The reports that are kept.
mod reports;
// What is stuck, slow or broken.
mod troubles;
// The supervision tree.
mod tree;
// A page of the table.
mod table;
// The states of servers.
pub(crate) mod states;
// The task that does it.
mod task;

pub(crate) use task::{Frame, Gone, Stream, Watch, json, watch};
