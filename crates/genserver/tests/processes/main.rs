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
// ... what becomes of those whose starter ends meanwhile, ...
mod left_starts;
// ... tasks that become servers, ...
mod adopting;
// ... and processes that are none.
mod plain_processes;
// Links, monitors and exit signals, ...
mod signals;
// ... and those of servers.
mod ties_of_servers;
// What a process hears of time.
mod timers;
// How one process ends, ...
mod dying;
// ... and how all of a node do.
mod shutdowns;
