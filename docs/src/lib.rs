//! The book of this workspace: a crate, so that every chapter compiles and its programs run.
//!
//! Each module is one chapter, in the order a newcomer would read them.

/// What the project is, in one program and a few tables.
#[doc = include_str!("../../README.md")]
pub mod readme {}

/// Step by step, from a task with a channel to a server.
#[doc = include_str!("../FROM_TOKIO.md")]
pub mod from_tokio {}

/// Where to find what OTP has, and what is different.
#[doc = include_str!("../FROM_ERLANG.md")]
pub mod from_erlang {}

/// Where things are, what may depend on what, and what is promised.
#[doc = include_str!("../ARCHITECTURE.md")]
pub mod architecture {}

/// The figures, how to read them, and how to get your own.
#[doc = include_str!("../PERFORMANCE.md")]
pub mod performance {}

/// How to work on it: the verbs, and how to add to them.
#[doc = include_str!("../CONTRIBUTING.md")]
pub mod contributing {}

/// How the code is written here, and why.
#[doc = include_str!("../STYLE.md")]
pub mod style {}

/// Which behaviours of OTP are kept, case by case.
#[doc = include_str!("../conformance.md")]
pub mod conformance {}

/// Which faults in the code no test notices, and why.
#[doc = include_str!("../mutants.md")]
pub mod mutants {}
