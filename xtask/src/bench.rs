//! `cargo xtask bench`: the comparison with other libraries, in its own crate, and the count of instructions.

// Counts instructions, and compares them with the table.
pub(crate) mod instructions;

use crate::Result;
use crate::cargo::Cargo;

/// Counts instructions if the arguments ask for it. Otherwise runs the `benchmarks` crate with them, in the profile `bench`.
pub(crate) fn run(args: &[String]) -> Result {
    if instructions::are_asked_for(args) {
        return instructions::run(args);
    }
    Cargo::line("run --profile bench --package benchmarks --").args(args).run()
}
