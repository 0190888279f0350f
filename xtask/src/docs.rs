//! `cargo xtask docs`: the documentation of all members, where a warning is an error.

use crate::Result;
use crate::cargo::Cargo;

/// Builds the documentation; further arguments, such as `--open`, go to cargo.
pub(crate) fn run(args: &[String]) -> Result {
    line().args(args).run()
}

/// The command that builds it.
pub(crate) fn line() -> Cargo {
    Cargo::line("doc --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-D warnings")
}
