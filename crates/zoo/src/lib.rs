//! A collection of bugs: small programs of servers and tasks, each wrong in one way that most orders of events hide.
//!
//! Each module is a program of some fifty lines: its page tells the bug as a story, says where it comes from, and how it is mended.
//! The [`Version`] of a program turns its bug on and off.
//!
//! The collection measures [`genserver::sim`]: how many runs it needs to find each bug, how small it makes the failure, and whether it
//! leaves the mended programs alone. `cargo xtask zoo` prints the table; `docs/ZOO.md` has the last one.
//!
//! # Using it
//!
//! ```
//! use genserver::sim;
//! use zoo::Version;
//! use zoo::interleavings::lost_deposit::scenario;
//!
//! sim::check(async |sim| scenario(sim, Version::Mended).await);
//! ```
//!
//! With [`Version::Broken`] the same line panics, and shows the smallest run that it has found. [`BUGS`] has all of them.
//!
//! # Classes
//!
//! [`Class`] has those of Torres Lopez, Marr, Gonzalez Boix and Mössenböck, *A Study of Concurrency Bugs and Advanced Development
//! Support for Actor-based Programs* (2018, arXiv 1706.07372), and one of our own: faults in what actors are built on.

#![expect(clippy::unwrap_used, reason = "a program fails where something goes wrong that is not its bug")]
#![expect(clippy::missing_panics_doc, reason = "a scenario panics when its bug shows: that is what it is for")]

// Nobody goes on: ...
pub mod deadlocks;
// ... or all go on, and nothing gets done.
pub mod livelocks;
// A message comes at a time for which its receiver is not prepared.
pub mod orders;
// Messages that belong together have others between them.
pub mod interleavings;
// Two actors believe different things.
pub mod inconsistencies;
// What happens around the end of a process, and its next start.
pub mod restarts;
// Bugs that need one actor to be held back while another does much.
pub mod depths;
// Faults in the engine itself, built small.
pub mod engines;

use std::fmt;
use std::task::Poll;

use futures::future::LocalBoxFuture;
use genserver::sim::Sim;
use genserver::task::Task;

/// Whether a program has its bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// With the bug.
    Broken,
    /// Without it.
    Mended,
}

impl Version {
    /// Whether it has the bug.
    #[must_use]
    pub fn is_broken(self) -> bool {
        self == Self::Broken
    }
}

/// What kind of bug it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Actors wait for messages that none of them can send any more.
    CommunicationDeadlock,
    /// Actors still handle messages, but each waits for what another does not do.
    BehaviouralDeadlock,
    /// Actors send messages on and on, and none gets what it wants.
    Livelock,
    /// Messages come in an order that their receiver does not expect.
    OrderViolation,
    /// A message comes between two that belong together.
    BadInterleaving,
    /// Actors have different views of what should be the same.
    MemoryInconsistency,
    /// The code that runs actors breaks a promise.
    Engine,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CommunicationDeadlock => "communication deadlock",
            Self::BehaviouralDeadlock => "behavioural deadlock",
            Self::Livelock => "livelock",
            Self::OrderViolation => "message order violation",
            Self::BadInterleaving => "bad interleaving",
            Self::MemoryInconsistency => "memory inconsistency",
            Self::Engine => "engine",
        })
    }
}

/// How little a failing run of a program needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// How many faults.
    pub faults: u32,
    /// How many choices of the schedule that are not the usual ones.
    pub choices: u32,
}

/// The body of a simulation.
pub type Scenario = for<'a> fn(&'a Sim<'a>, Version) -> LocalBoxFuture<'a, ()>;

/// A program with a bug.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// The name of its module.
    pub name: &'static str,
    /// What kind of bug it is.
    pub class: Class,
    /// The least that a failing run needs: see docs/ZOO.md for how that is known.
    pub minimum: Minimum,
    /// The program.
    pub scenario: Scenario,
}

/// A row of the list: the module, its class, and the faults and unusual choices of its smallest failing run.
macro_rules! bug {
    ($($path:ident)::+, $name:literal, $class:ident, $faults:literal, $choices:literal) => {
        Bug {
            name: $name,
            class: Class::$class,
            minimum: Minimum { faults: $faults, choices: $choices },
            scenario: |sim, version| Box::pin($($path)::+::scenario(sim, version)),
        }
    };
}

/// All of them.
pub const BUGS: &[Bug] = &[
    bug!(deadlocks::lock_order, "lock_order", CommunicationDeadlock, 0, 1),
    bug!(deadlocks::crossed_offers, "crossed_offers", BehaviouralDeadlock, 0, 1),
    bug!(livelocks::after_you, "after_you", Livelock, 0, 1),
    bug!(orders::late_limit, "late_limit", OrderViolation, 0, 1),
    bug!(orders::stale_timeout, "stale_timeout", OrderViolation, 0, 1),
    bug!(interleavings::lost_deposit, "lost_deposit", BadInterleaving, 0, 1),
    bug!(interleavings::stale_cache, "stale_cache", BadInterleaving, 0, 2),
    bug!(interleavings::oversold, "oversold", BadInterleaving, 0, 4),
    bug!(interleavings::two_of_a_name, "two_of_a_name", BadInterleaving, 0, 1),
    bug!(interleavings::closed_while_open, "closed_while_open", BadInterleaving, 0, 2),
    bug!(interleavings::two_votes, "two_votes", BadInterleaving, 0, 3),
    bug!(inconsistencies::replicas_part, "replicas_part", MemoryInconsistency, 0, 2),
    bug!(inconsistencies::half_committed, "half_committed", MemoryInconsistency, 1, 0),
    bug!(restarts::lost_at_stop, "lost_at_stop", OrderViolation, 0, 4),
    bug!(restarts::stale_reference, "stale_reference", OrderViolation, 1, 0),
    bug!(restarts::two_incarnations, "two_incarnations", BadInterleaving, 0, 1),
    bug!(depths::silent_lag, "silent_lag", OrderViolation, 0, 24),
    bug!(depths::version_wraps, "version_wraps", BadInterleaving, 0, 15),
    bug!(depths::stalled_holder, "stalled_holder", MemoryInconsistency, 0, 20),
    bug!(engines::no_reply_on_kill, "no_reply_on_kill", Engine, 1, 0),
    bug!(engines::down_overtakes, "down_overtakes", Engine, 0, 2),
    bug!(engines::name_freed_late, "name_freed_late", Engine, 0, 1),
    bug!(engines::handler_lost_on_swap, "handler_lost_on_swap", Engine, 0, 1),
    bug!(engines::one_restart_too_many, "one_restart_too_many", Engine, 3, 0),
    bug!(engines::acknowledged_early, "acknowledged_early", Engine, 1, 0),
];

/// Lets everything else go on, so many times: what a program would spend on a disk or a network.
pub(crate) async fn pause(steps: u32) {
    for _ in 0..steps {
        let mut has_waited = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Waits for tasks to end, however long that takes, and returns their results.
pub(crate) async fn all<T: Send + 'static, const N: usize>(mut tasks: [Task<T>; N]) -> Vec<T> {
    let mut results = Vec::new();
    for task in &mut tasks {
        results.push(task.join().no_timeout().await.unwrap());
    }
    results
}
