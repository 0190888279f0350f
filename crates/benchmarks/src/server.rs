//! The store over sockets: commands on loopback connections, beside a server that only sends back every line, Redis and valkey.
//!
//! Each server has threads of its own, and the client, which is the same for all, has one more. `raw` is the echo, on one thread:
//! nobody who reads lines and answers them can be faster on that runtime. The goals are shares of what it does: 0.9 with fifty
//! connections that wait for each answer, 0.5 with fifty that send sixteen commands at once. One connection that waits for each
//! answer measures how fast the machine wakes a thread up, and has no goal.
//!
//! The store is served three times: lines by a runtime of one thread, lines by one of two workers, and the protocol of Redis by one
//! thread. Redis takes part if `redis-server` is on the path, and valkey if `valkey-server` is, or `VALKEY_SERVER` names it. Then
//! `redis-benchmark` asks those that speak its protocol the same, and the store in a folder is compared with a Redis that syncs as
//! often.

// Who is measured.
mod subjects;
// Those of them that others wrote.
mod redis;
// Both by TLS.
mod tls;
// Who measures.
mod client;

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::contenders::BASE;
use crate::measure::{self, Column, Record, Row};
use crate::options::{self, Options};
use crate::report;
use crate::subjects::World;

use client::{Client, Shape, Waits};
use redis::Redis;
use subjects::Subject;

/// Every row.
const ROWS: [Asked; 12] = [
    Asked { verb: Verb::Put, shape: ONE_BY_ONE, buckets: 1, workload: "PUT, 1 by 1" },
    Asked { verb: Verb::Get, shape: ONE_BY_ONE, buckets: 1, workload: "GET, 1 by 1" },
    Asked { verb: Verb::Put, shape: FIFTY_BY_ONE, buckets: 1, workload: "PUT, 50 by 1" },
    Asked { verb: Verb::Get, shape: FIFTY_BY_ONE, buckets: 1, workload: "GET, 50 by 1" },
    Asked { verb: Verb::Put, shape: FIFTY_BY_ONE, buckets: 100, workload: "PUT, 50 by 1, 100 b." },
    Asked { verb: Verb::Get, shape: FIFTY_BY_ONE, buckets: 100, workload: "GET, 50 by 1, 100 b." },
    Asked { verb: Verb::Put, shape: Shape { connections: 1, pipeline: 16 }, buckets: 1, workload: "PUT, 1 by 16" },
    Asked { verb: Verb::Get, shape: Shape { connections: 1, pipeline: 16 }, buckets: 1, workload: "GET, 1 by 16" },
    Asked { verb: Verb::Put, shape: FIFTY_BY_16, buckets: 1, workload: "PUT, 50 by 16" },
    Asked { verb: Verb::Get, shape: FIFTY_BY_16, buckets: 1, workload: "GET, 50 by 16" },
    Asked { verb: Verb::Put, shape: FIFTY_BY_16, buckets: 100, workload: "PUT, 50 by 16, 100 b." },
    Asked { verb: Verb::Get, shape: FIFTY_BY_16, buckets: 100, workload: "GET, 50 by 16, 100 b." },
];

const ONE_BY_ONE: Shape = Shape { connections: 1, pipeline: 1 };
const FIFTY_BY_ONE: Shape = Shape { connections: 50, pipeline: 1 };
const FIFTY_BY_16: Shape = Shape { connections: 50, pipeline: 16 };

/// How many times as fast as who it has to be, in rows of this shape.
const GOALS: &[(Shape, &[&str], &str, f64)] = &[
    (FIFTY_BY_ONE, &["kv", "kv 2"], BASE, 0.9),
    (FIFTY_BY_16, &["kv", "kv 2"], BASE, 0.5),
    (FIFTY_BY_ONE, &["kv resp"], "redis", 1.0),
    (FIFTY_BY_16, &["kv resp"], "redis", 1.2),
];

/// How many times as long as with Redis 99 of 100 commands may take.
const P99_GOAL: f64 = 1.2;

/// A row: what is asked, how, in how many buckets, and what it is called.
#[derive(Debug, Clone, Copy)]
struct Asked {
    verb: Verb,
    shape: Shape,
    buckets: usize,
    workload: &'static str,
}

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Put,
    Get,
}

/// Measures every row that is wanted, and prints them.
///
/// # Panics
///
/// If a server does not start, or stops answering.
pub fn compare(options: &Options) -> Vec<Record> {
    // Beside the build, and not where the system keeps what is temporary, which may be memory.
    let scratch = options::scratch();
    let folder = fs::create_dir_all(&scratch).and_then(|()| tempfile::tempdir_in(&scratch)).expect("it is ours");
    let subjects = subjects(options, &folder);
    let mut records = Vec::new();
    let mut slowest = Vec::new();
    report::line("\nconnections by commands at once; the other columns are ratios of times, lower is better");
    let asked: Vec<Asked> = ROWS.into_iter().filter(|asked| options.wants(asked.workload)).collect();
    for asked in &asked {
        let mut waits = Vec::new();
        let columns: Vec<Column<'_>> = subjects.iter().map(|subject| column(subject, *asked, &mut waits)).collect();
        if records.is_empty() {
            report::times_heading(World::OneThread, &columns.iter().map(|column| column.subject).collect::<Vec<_>>());
        }
        let measured = measure::interleave(World::OneThread, row(*asked), options.rounds(), columns);
        report::times(&measured);
        slowest.push((*asked, waits.iter().map(p99).collect::<Vec<_>>()));
        records.extend(measured);
    }
    tails(&subjects, &slowest);
    goals(&records, &asked);
    if options.wants("redis-benchmark") {
        let asked: Vec<&Subject> = subjects.iter().filter(|subject| subject.speaks_resp()).collect();
        with_redis_benchmark("redis-benchmark, op/s", &asked, None);
        tls::compare(&folder);
    }
    records.extend(durable(options, &folder));
    records
}

fn row(asked: Asked) -> Row {
    let batch = (asked.shape.connections * asked.shape.pipeline) as u64;
    Row { workload: asked.workload, ops: 200_000_u64.next_multiple_of(batch), clients: batch, whole: false }
}

/// Everybody who takes part, running, with the same keys in it.
fn subjects(options: &Options, folder: &TempDir) -> Vec<Subject> {
    let mut subjects = vec![
        Subject::echo(BASE),
        Subject::echo("raw again"),
        Subject::store("kv", Builder::new_current_thread()),
        Subject::store("kv 2", two_workers()),
        Subject::resp("kv resp", Builder::new_current_thread()),
    ];
    match Redis::start(redis::IN_MEMORY, folder.path()) {
        Some(redis) => subjects.push(Subject::redis("redis", redis)),
        None => report::line("redis is skipped: there is no redis-server on the path"),
    }
    match Redis::valkey(folder.path()) {
        Some(valkey) => subjects.push(Subject::redis("valkey", valkey)),
        None => report::line("valkey is skipped: there is no valkey-server on the path, and VALKEY_SERVER names none"),
    }
    subjects.retain(|subject| subject.name == BASE || options.compares(subject.name));
    for subject in &subjects {
        subject.fill(100);
    }
    subjects
}

fn two_workers() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}

fn column(subject: &Subject, asked: Asked, waits: &mut Vec<Waits>) -> Column<'static> {
    let mut client = Client::connect(subject.address, asked.shape);
    let speech = subject.speech(asked.verb, asked.buckets);
    waits.push(client.waits());
    Column { subject: subject.name, time: Box::new(move |ops| client.run(&speech, ops)) }
}

/// The time that 99 of 100 batches take at most, in microseconds.
fn p99(waits: &Waits) -> f64 {
    let mut waits = waits.borrow_mut();
    waits.sort_unstable();
    let place = (waits.len() * 99 / 100).min(waits.len().saturating_sub(1));
    waits.get(place).map_or(f64::NAN, |nanos| f64::from(*nanos) / 1e3)
}

/// How long the slowest of a hundred takes.
fn tails(subjects: &[Subject], rows: &[(Asked, Vec<f64>)]) {
    let names: Vec<&str> = subjects.iter().map(|subject| subject.name).collect();
    report::heading("p99 of a batch, us", &names);
    for (asked, p99) in rows {
        report::cells(asked.workload, &p99.iter().map(|micros| report::number(*micros)).collect::<Vec<_>>());
    }
    let place = |name: &str| names.iter().position(|known| *known == name);
    let (Some(ours), Some(redis)) = (place("kv resp"), place("redis")) else { return };
    report::line("");
    for (asked, p99) in rows.iter().filter(|(asked, _)| asked.shape.connections > 1) {
        let ratio = p99[ours] / p99[redis];
        let word = if ratio <= P99_GOAL + 0.005 { "goal" } else { "MISSED" };
        report::line(&format!(
            "{:22} p99 of kv resp is {ratio:.2} of that of redis, at most {P99_GOAL}: {word}",
            asked.workload
        ));
    }
}

/// How many times as fast as those it is compared with the store is, against the goals.
fn goals(records: &[Record], rows: &[Asked]) {
    report::line("");
    for asked in rows {
        let of = |subject: &str| records.iter().find(|it| it.workload == asked.workload && it.subject == subject);
        for (_, ours, rival, goal) in GOALS.iter().filter(|(shape, ..)| *shape == asked.shape) {
            for subject in *ours {
                let (Some(mine), Some(theirs)) = (of(subject), of(rival)) else { continue };
                let (Some(mine_ratio), Some(theirs_ratio)) = (mine.ratio, theirs.ratio) else { continue };
                let (share, spread) = (theirs_ratio / mine_ratio, mine.spread);
                let word = if share + 0.005 >= *goal { "goal" } else { "MISSED" };
                report::line(&format!(
                    "{:22} {subject:8} {share:.2} times as fast as {rival} (spread {spread:.2}), goal {goal}: {word}",
                    asked.workload
                ));
            }
        }
    }
}

/// The same by Redis's own client, which knows nothing of us. By TLS, if there is the certificate of an authority.
fn with_redis_benchmark(title: &str, subjects: &[&Subject], ca: Option<&Path>) {
    report::heading(title, &subjects.iter().map(|subject| subject.name).collect::<Vec<_>>());
    let commands: [(&str, &[&str]); 2] = [
        ("HSET", &["HSET", "bench000", "key:__rand_int__", "abc"]),
        ("HGET", &["HGET", "bench000", "key:__rand_int__"]),
    ];
    for pipeline in [1, 16] {
        for (name, command) in commands {
            let mut rounds = vec![Vec::new(); subjects.len()];
            for round in 0..5 {
                for turn in 0..subjects.len() {
                    let at = measure::turn_of(round, turn, subjects.len());
                    let Some(speed) = redis::benchmark(subjects[at].address, ca, command, pipeline) else {
                        return report::line("redis-benchmark is skipped: it is not on the path, or says nothing");
                    };
                    rounds[at].push(speed);
                }
            }
            let cells: Vec<String> = rounds.into_iter().map(|of| report::number(measure::quartiles(of)[1])).collect();
            report::cells(&format!("{name}, 50 by {pipeline}"), &cells);
        }
    }
}

/// The store in a folder beside a Redis that syncs before each answer, too.
fn durable(options: &Options, folder: &TempDir) -> Vec<Record> {
    let asked = Asked { verb: Verb::Put, shape: FIFTY_BY_ONE, buckets: 1, workload: "durable PUT, 50 by 1" };
    let hundred = Asked { buckets: 100, workload: "durable PUT, 100 b.", ..asked };
    let rows = [asked, hundred].into_iter().filter(|asked| options.wants(asked.workload)).collect::<Vec<_>>();
    if rows.is_empty() {
        return Vec::new();
    }
    let Some(redis) = Redis::start(redis::ALWAYS, folder.path()) else { return Vec::new() };
    let subjects =
        [Subject::redis("redis always", redis), Subject::durable("kv durable", Builder::new_current_thread(), folder)];
    for subject in &subjects {
        subject.fill(100);
    }
    report::heading("synced each time, ns", &subjects.each_ref().map(|subject| subject.name));
    let mut records = Vec::new();
    for asked in rows {
        let columns = subjects.iter().map(|subject| column(subject, asked, &mut Vec::new())).collect();
        let measured = measure::interleave(World::OneThread, row(asked), options.rounds(), columns);
        report::times(&measured);
        let speed = measured[0].value / measured[1].value;
        let word = if speed >= 0.995 { "goal" } else { "MISSED" };
        report::line(&format!(
            "{:22} kv durable is {speed:.2} times as fast as redis always, goal 1: {word}",
            asked.workload
        ));
        records.extend(measured);
    }
    records
}
