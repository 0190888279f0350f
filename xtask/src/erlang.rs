//! `cargo xtask erlang`: the same scenarios on a real Erlang and on our crates, in a crate of its own.

use crate::Result;
use crate::cargo::Cargo;

/// Runs the `otp-comparison` crate with the given arguments.
pub(crate) fn run(args: &[String]) -> Result {
    Cargo::line("run --quiet --package otp-comparison --").args(args).run()
}
