//! `cargo xtask check`: everything that judges the source without running it.

use crate::cargo::Cargo;
use crate::{Result, conformance, tidy};

/// Formatting, tidy, conformance and clippy, cheapest first.
pub(crate) fn run(_args: &[String]) -> Result {
    fmt().run()?;
    tidy::run(&[])?;
    conformance::run(&[])?;
    clippy().run()
}

/// The formatting of all members.
pub(crate) fn fmt() -> Cargo {
    Cargo::line("fmt --all --check")
}

/// The lints of all members, in all that they compile.
pub(crate) fn clippy() -> Cargo {
    Cargo::line("clippy --workspace --all-targets --all-features -- -D warnings")
}
