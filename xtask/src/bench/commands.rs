//! `cargo xtask bench --server --instructions`: how many instructions the store executes for a command, beside Redis.
//!
//! Each server runs under valgrind's callgrind, which writes down and forgets what it has counted between two rows. The kernel is
//! not counted. Times over sockets depend on the machine and its day, and these figures repeat to one in a hundred.
#![expect(clippy::print_stdout, reason = "a tool at a terminal talks to its user")]

// A server under callgrind.
mod counted;
// Who asks it.
mod client;

use super::instructions::valgrind;
use crate::cargo::Cargo;
use crate::program::Program;
use crate::{Result, workspace};

use client::{Client, Verb};
use counted::Counted;

const REDIS: Program = Program { name: "redis-server", package: "redis-server" };

/// How many commands a row has.
const COMMANDS: usize = 20_000;

/// How many connections send them.
const CONNECTIONS: usize = 50;

/// Whether the arguments of `bench` are for here.
pub(super) fn are_asked_for(args: &[String]) -> bool {
    args.len() == 2 && ["--server", "--instructions"].iter().all(|flag| args.iter().any(|arg| arg == flag))
}

/// Counts, and prints a line for each row.
pub(super) fn run() -> Result {
    let callgrind = valgrind::find(false)?;
    let redis = REDIS.find()?;
    Cargo::line("build --quiet --release --package kv-cli").run()?;
    let kv = workspace::target().join("release").join("kv");
    let ours = figures(&mut Counted::start(&callgrind, &kv, |port| {
        vec!["serve".to_owned(), "--memory".to_owned(), "--resp-listen".to_owned(), format!("127.0.0.1:{port}")]
    })?)?;
    let theirs = figures(&mut Counted::start(&callgrind, &redis, |port| {
        ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]
            .map(str::to_owned)
            .into()
    })?)?;
    println!("instructions a command outside the kernel, {CONNECTIONS} connections; {}", valgrind::processor());
    println!("{:<34}{:>10}{:>10}{:>8}", "", "kv", "redis", "ratio");
    for ((row, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        println!("{row:<34}{ours:>10.0}{theirs:>10.0}{:>8.2}", ours / theirs);
    }
    Ok(())
}

/// What each row costs a server.
fn figures(server: &mut Counted) -> Result<Vec<(String, f64)>> {
    let mut client = Client::connect(server.port(), CONNECTIONS)?;
    let mut figures = Vec::new();
    for buckets in [1, 100] {
        // So that every key is there.
        client.ask(Verb::Set, buckets, 16, buckets * client::KEYS)?;
        for pipeline in [1, 16] {
            for verb in [Verb::Set, Verb::Get] {
                server.forget()?;
                client.ask(verb, buckets, pipeline, COMMANDS)?;
                let row = format!("{}, {pipeline} at once, buckets: {buckets}", verb.name());
                figures.push((row, server.counted()? / f64::from(u32::try_from(COMMANDS).unwrap_or(u32::MAX))));
            }
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    //! What it is asked with.

    use super::*;

    #[test]
    fn it_is_asked_for_by_both_flags_and_nothing_else() {
        let asked = |line: &str| are_asked_for(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(asked("--server --instructions") && asked("--instructions --server"));
        assert!(!asked("--server") && !asked("--instructions --update") && !asked("--server --instructions call"));
    }
}
