//! `cargo xtask bench --server --instructions`: how many instructions the store executes for a command, beside Redis.
//!
//! Each server runs under valgrind's callgrind, which writes down and forgets what it has counted between two rows. The kernel is
//! not counted. Times over sockets depend on the machine and its day, and these figures repeat to one in a hundred.
#![expect(clippy::print_stdout, reason = "a tool at a terminal talks to its user")]

// A server under callgrind.
mod counted;
// Who asks it.
mod client;

use std::fs;
use std::path::PathBuf;

use super::instructions::valgrind;
use crate::cargo::Cargo;
use crate::program::Program;
use crate::{Failure, Result, workspace};

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

/// What is asked: by which command, how many at once, in how many buckets.
#[derive(Clone, Copy)]
struct Row {
    verb: Verb,
    pipeline: usize,
    buckets: usize,
}

/// Counts, and prints a line for each row: first in memory, then with a disk that has each change before it is answered.
pub(super) fn run() -> Result {
    let callgrind = valgrind::find(false)?;
    let redis = REDIS.find()?;
    Cargo::line("build --quiet --release --package kv-cli").run()?;
    let kv = workspace::target().join("release").join("kv");
    println!("instructions a command outside the kernel, {CONNECTIONS} connections; {}", valgrind::processor());
    println!("{:<38}{:>10}{:>10}{:>8}", "", "kv", "redis", "ratio");
    let ours =
        Counted::start(&callgrind, &kv, |port| words(&format!("serve --memory --resp-listen 127.0.0.1:{port}")))?;
    let theirs = Counted::start(&callgrind, &redis, |port| {
        [words(&format!("--bind 127.0.0.1 --port {port} --appendonly no --save")), vec![String::new()]].concat()
    })?;
    let everything = [1, 100].into_iter().flat_map(|buckets| {
        let verbs = move |pipeline| [Verb::Set, Verb::Get].map(|verb| Row { verb, pipeline, buckets });
        [1, 16].into_iter().flat_map(verbs)
    });
    compare("", ours, theirs, everything)?;

    let folder = Folder::make()?;
    let at = |name: &str| vec![folder.0.join(name).display().to_string()];
    let ours = Counted::start(&callgrind, &kv, |port| {
        [words(&format!("serve --resp-listen 127.0.0.1:{port} --data")), at("kv")].concat()
    })?;
    let theirs = Counted::start(&callgrind, &redis, |port| {
        let line = format!("--bind 127.0.0.1 --port {port} --appendonly yes --appendfsync always --dir");
        [words(&line), at(""), words("--save"), vec![String::new()]].concat()
    })?;
    let puts = [1, 100].map(|buckets| Row { verb: Verb::Set, pipeline: 1, buckets });
    compare("synced ", ours, theirs, puts)
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Prints a line for each row.
fn compare(how: &str, mut ours: Counted, mut theirs: Counted, rows: impl IntoIterator<Item = Row>) -> Result {
    let mut clients = [Client::connect(ours.port(), CONNECTIONS)?, Client::connect(theirs.port(), CONNECTIONS)?];
    let mut filled = 0;
    for row @ Row { verb, pipeline, buckets } in rows {
        let [ours, theirs] = {
            let [first, second] = &mut clients;
            if filled < buckets {
                // So that every key is there.
                first.ask(Verb::Set, buckets, 16, buckets * client::KEYS)?;
                second.ask(Verb::Set, buckets, 16, buckets * client::KEYS)?;
            }
            filled = buckets;
            [figure(&mut ours, first, row)?, figure(&mut theirs, second, row)?]
        };
        let row = format!("{how}{}, {pipeline} at once, buckets: {buckets}", verb.name());
        println!("{row:<38}{ours:>10.0}{theirs:>10.0}{:>8.2}", ours / theirs);
    }
    Ok(())
}

/// What a command costs a server.
fn figure(server: &mut Counted, client: &mut Client, Row { verb, pipeline, buckets }: Row) -> Result<f64> {
    server.forget()?;
    client.ask(verb, buckets, pipeline, COMMANDS)?;
    Ok(server.counted()? / f64::from(u32::try_from(COMMANDS).unwrap_or(u32::MAX)))
}

/// A folder beside the build, which goes with this.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let path = workspace::target().join(format!("commands.{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is in the folder of the build.
        let _ = fs::remove_dir_all(&self.0);
    }
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
