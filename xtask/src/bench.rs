//! `cargo xtask bench`: the comparison with other libraries, in its own crate.

use crate::Result;
use crate::cargo::Cargo;

/// Runs the `benchmarks` crate in release mode with the given arguments.
pub(crate) fn run(args: &[String]) -> Result {
    Cargo::line("run --release --package benchmarks --").args(args).run()
}
