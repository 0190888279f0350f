//! Nodes, and what all processes have in common. A file in here names other files, never this list.

// What all processes have in common.
pub(crate) mod any_process;
// A process as errors and reports name it.
pub(crate) mod subject;
// Why a reference leads to no server.
pub(crate) mod find_error;
// An order to stop.
pub(crate) mod order;
// A reference to any process.
pub(crate) mod process_ref;
// Names of processes.
pub(crate) mod name;
// Links and monitors between any two processes.
pub(crate) mod link;
// The process that the current thread runs.
pub(crate) mod current;
// What happens on a thread, for the simulator.
pub(crate) mod record;
// Cutting a doomed process off where it awaits.
pub(crate) mod cut;
// Letting others go on.
pub(crate) mod yield_now;
// The timer queue of a node.
pub(crate) mod alarm;
// The slot through which an answer travels.
pub(crate) mod reply;
// Exactly sized lists.
pub(crate) mod dense;

// Nodes.
pub(crate) mod table;
// Going through its processes.
pub(crate) mod processes;
// A node as seen from one runtime.
pub(crate) mod home;
// One shard of the table of processes.
mod shard;

pub use table::Node;

pub(crate) use home::{Home, current_home};
pub(crate) use table::{find, is_ending};
