//! Models: the crate's own code, under the interleavings that a checker chooses.
//!
//! A model is a small program of a few threads, and an assertion of what holds however they interleave; a thread that waits
//! for ever fails it too. `cargo xtask models` builds the crate with the checker's locks, atomics and thread-locals (see
//! `src/sync.rs`), so that it stops at each use of one, and goes on with the thread that the schedule names. The schedules of
//! each model are every one with as few preemptions as fit, random ones, and such as are known to find deep faults with a
//! known chance (PCT).
//!
//! Not seen are processors that reorder what one thread does, code that shares memory by other means than `crate::sync`, and
//! interleavings that nobody came to.
//!
//! That the models see was shown by breaking rules on purpose and running them; each of these was found, most of them by
//! several models: the poller does not look into the queue before it lets go, or not at the note of a wake, or not at the
//! doom of a kill, when it parks and between two messages; a wake while somebody polls is not noted; a caller does not look
//! once more into its slot before it sleeps; names become free after everybody was told; a monitor is taken by the dead; a
//! stopper returns before the others are told; a link is laid while its layer ends, and nobody looks; a promised place is not
//! handed on; the clock forgets that it was taken away; a call to a process that is ending waits for nothing; a start does not
//! look once more whether its runtime is there; a circle of calls is looked for before the call is entered.
#![cfg(genserver_shuttle)]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

#[path = "../calls_suite/puppet.rs"]
mod puppet;

// The world a model runs in, what its callbacks wait for, and the checker.
mod check;
mod door;
mod exhaustive;
mod world;

// What is promised of calls, of servers that run one after the other in one task, of ends, of starts, and of the clock.
mod calls;
mod deaths;
mod starts;
mod time;
