//! `cargo xtask zoo`: how soon the simulator finds each bug of the collection in `crates/zoo`.

use crate::Result;
use crate::cargo::Cargo;

/// Measures, and prints the table of docs/ZOO.md.
pub(crate) fn run(args: &[String]) -> Result {
    Cargo::line("run --quiet --release --package zoo --").args(args).run()
}
