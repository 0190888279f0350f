//! `cargo xtask clients`: what others have written, against our server: Redis's own test suite and the clients of its users.
//!
//! A part gets what it needs by itself, as packages. What it gets lies in `clients` in the folder that cargo builds into, and nothing
//! of it is in the repository. `docs/redis.md` says what is tested, and lists what is not the same as in Redis.

// Programs and packages of others.
mod install;
// Redis's own test suite.
mod suite;
// The clients of its users.
mod scripts;

use std::path::PathBuf;

use crate::cargo::Cargo;
use crate::program;
use crate::{Failure, Result, workspace};

/// One thing that is looked at.
struct Part {
    name: &'static str,
    about: &'static str,
    /// Gets all that it needs.
    get: fn() -> Result,
    /// Does it; gets the arguments after its name.
    run: fn(&[String]) -> Result,
}

/// Every part. To add one, write its module and a row here.
const PARTS: &[Part] = &[
    Part {
        name: "suite",
        about: "Redis's own test suite; names of units choose some of it",
        get: suite::get,
        run: suite::run,
    },
    Part {
        name: "scripts",
        about: "clients in several languages, on our server and on Redis",
        get: scripts::get,
        run: scripts::run,
    },
];

/// Does every part, or the one that is named first, which gets the other arguments.
pub(crate) fn run(args: &[String]) -> Result {
    let Some((name, rest)) = args.split_first() else {
        get()?;
        return PARTS.iter().try_for_each(|part| (part.run)(&[]));
    };
    match PARTS.iter().find(|part| part.name == name) {
        Some(part) => (part.run)(rest),
        None => Err(Failure::new(format!("there is no part `{name}`; the parts are\n{}", list()))),
    }
}

/// Gets what the parts need, which says what to do if that cannot be had.
pub(crate) fn get() -> Result {
    PARTS.iter().try_for_each(|part| (part.get)())
}

/// In a pipeline, gets the programs of Redis, with which some tests of `kv-server` compare. Says so if these will be skipped.
pub(crate) fn prepare_ci() {
    if install::has_redis() {
        return;
    }
    let got = if program::is_pipeline() { install::redis() } else { Err(Failure::new("redis-tools is not installed")) };
    if let Err(failure) = got {
        println!("ci: skipped: the tests of kv-server that compare with Redis: {failure}");
    }
}

/// A line for each part.
fn list() -> String {
    let lines = PARTS.iter().map(|part| format!("  {:<10} {}", part.name, part.about));
    lines.collect::<Vec<_>>().join("\n")
}

/// Where everything lies that a part has got, and what it writes.
fn folder() -> PathBuf {
    workspace::target().join("clients")
}

/// Compiles `kv`, and returns where it is.
fn kv() -> Result<PathBuf> {
    Cargo::line("build --quiet --package kv-cli").run()?;
    Ok(workspace::target().join("debug/kv"))
}

#[cfg(test)]
mod tests {
    //! How parts are asked for.

    use super::*;

    #[test]
    fn an_unknown_part_is_answered_with_the_list() {
        let failure = run(&["siute".to_owned()]).expect_err("no such part").to_string();
        assert!(failure.starts_with("there is no part `siute`; the parts are\n  suite "), "{failure}");
    }
}
