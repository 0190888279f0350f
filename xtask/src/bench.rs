//! `cargo xtask bench`: the comparison with other libraries, in its own crate, and the count of instructions.

// Counts instructions, and compares them with the table.
pub(crate) mod instructions;
// The same for commands of the store over sockets, beside Redis.
mod commands;
// What it costs to look at a program.
mod observer;

use crate::cargo::Cargo;
use crate::{Result, nats};

/// Counts instructions, or measures the observer, the simulator, a durable store or a cluster, if the arguments ask for it. Otherwise runs
/// the `benchmarks` crate with them, in the profile `bench`.
pub(crate) fn run(args: &[String]) -> Result {
    if commands::are_asked_for(args) {
        return commands::run();
    }
    if instructions::are_asked_for(args) {
        return instructions::run(args);
    }
    if let Some(("--observer", args)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return observer::run(args);
    }
    // A crate of its own: the simulator in the program that is measured would be a part of what is measured.
    if args == ["--sim"] {
        Cargo::line("run --release --package zoo --example speed").run()?;
        return Cargo::line("run --package zoo --example speed").run();
    }
    if args == ["--durable"] {
        return Cargo::line("run --release --package durable").run();
    }
    if args == ["--cluster"] {
        let server = nats::server()?;
        return Cargo::line("run --release --package cluster").env("NATS_SERVER", &server.to_string_lossy()).run();
    }
    Cargo::line("run --profile bench --package benchmarks --").args(args).run()
}
