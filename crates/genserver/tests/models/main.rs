//! Models: the crate's own code, under the interleavings that a checker chooses.
//!
//! A model is a small program of a few threads, and an assertion of what holds however they interleave. A thread that waits
//! forever fails it too. `cargo xtask models` builds the crate with the checker's locks, atomics and thread-locals (see
//! `src/sync.rs`), so that it stops at each use of one, and goes on with the thread that the schedule names. The schedules of
//! each model are all those with as few preemptions as fit, random ones, and schedules that are known to find deep faults with
//! a known probability (PCT).
//!
//! The models do not see processors that reorder what one thread does, code that shares memory by other means than
//! `crate::sync`, and interleavings that were not tried.
//!
//! To show that the models work, rules were broken on purpose. Each of these faults was found, most of them by several models:
//! the poller does not check the queue before it lets go, or the note of a wake, or the doom of a kill, when it parks and
//! between two messages; a wake while another thread polls is not noted; a caller does not check its slot once more before it
//! sleeps; names become free after the watchers were notified; a dead process accepts a monitor; a stopper returns before the
//! others are notified; a link is created while its creator ends, and that is not checked; a promised place is not
//! handed on; the clock forgets that it was taken away; a call to a process that is ending waits for nothing; a start does not
//! check once more whether its runtime exists; a cycle of calls is looked for before the call is entered.
#![cfg(genserver_shuttle)]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

#[path = "../calls_suite/puppet.rs"]
mod puppet;

// The world that a model runs in, the doors that its callbacks wait for, and the checker.
mod check;
mod door;
mod exhaustive;
mod world;

// The promises about calls, ends, starts, and the clock.
mod calls;
mod deaths;
mod starts;
mod time;
