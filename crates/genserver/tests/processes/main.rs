//! Processes: how they start, what ties them to one another, and how they end.
#![cfg(feature = "tokio")]

#[path = "../support/plain_thread.rs"]
mod plain_thread;
#[path = "../support/puppet.rs"]
mod puppet;

// How servers start, ...
mod starts;
// ... what may go wrong in it, ...
mod starting;
// ... what happens to those whose starter ends meanwhile, ...
mod left_starts;
// ... tasks that become servers, ...
mod adopting;
// ... and processes that are not servers.
mod plain_processes;
// Links, monitors and exit signals, ...
mod signals;
// ... and those of servers.
mod ties_of_servers;
// What a process counts.
mod counts;
// A process and time.
mod timers;
// How one process ends, ...
mod dying;
// ... and how all of a node's do.
mod shutdowns;
// What a node lists of its processes.
mod listed;
