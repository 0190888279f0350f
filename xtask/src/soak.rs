//! `cargo xtask soak`: the long tests, in which a program does something very often and is then looked at for what is left.
//!
//! They are the ignored tests of genserver's `soak.rs` and of kv-core's `memory.rs` and `durable`, whose short forms are run with all
//! other tests.

use crate::Result;
use crate::cargo::Cargo;

/// Runs every long test, or those whose names contain the arguments.
pub(crate) fn run(args: &[String]) -> Result {
    soak().args(args).run()
}

/// One after the other, for each counts what its whole program holds.
fn soak() -> Cargo {
    let packages = "--package genserver --package kv-core --all-features --test soak --test memory --test durable";
    Cargo::line(&format!("test --release {packages} -- --ignored --test-threads 1")).watched()
}
