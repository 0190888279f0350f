//! The store over sockets: commands on loopback connections, beside a server that only sends back every line, and Redis.
//!
//! Each server has threads of its own, and the client, which is the same for all, has one more. `raw` is the echo, on one thread:
//! nobody who reads lines and answers them can be faster on that runtime. The goals are shares of what it does: 0.9 with fifty
//! connections that wait for each answer, 0.5 with fifty that send sixteen commands at once. One connection that waits for each
//! answer measures how fast the machine wakes a thread up, and has no goal.
//!
//! The store is served twice: by a runtime of one thread, and by one of two workers. Redis takes part if `redis-server` is on the path.

// Who is measured.
mod subjects;
// Who measures.
mod client;

use crate::contenders::BASE;
use crate::measure::{self, Column, Record, Row};
use crate::options::Options;
use crate::report;
use crate::subjects::World;

use client::{Client, Shape, Speech};
use subjects::{Redis, Subject};

/// Every row: what is asked, how, and the share of the echo that is the goal.
const ROWS: [(Verb, Shape, &str, Option<f64>); 8] = [
    (Verb::Put, Shape { connections: 1, pipeline: 1 }, "PUT, 1 by 1", None),
    (Verb::Get, Shape { connections: 1, pipeline: 1 }, "GET, 1 by 1", None),
    (Verb::Put, Shape { connections: 50, pipeline: 1 }, "PUT, 50 by 1", Some(0.9)),
    (Verb::Get, Shape { connections: 50, pipeline: 1 }, "GET, 50 by 1", Some(0.9)),
    (Verb::Put, Shape { connections: 1, pipeline: 16 }, "PUT, 1 by 16", None),
    (Verb::Get, Shape { connections: 1, pipeline: 16 }, "GET, 1 by 16", None),
    (Verb::Put, Shape { connections: 50, pipeline: 16 }, "PUT, 50 by 16", Some(0.5)),
    (Verb::Get, Shape { connections: 50, pipeline: 16 }, "GET, 50 by 16", Some(0.5)),
];

/// How many keys there are.
const KEYS: usize = 1000;

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Put,
    Get,
}

/// Measures every row that is wanted, and prints them.
pub fn compare(options: &Options) -> Vec<Record> {
    let subjects = subjects(options);
    let mut records = Vec::new();
    report::line("\nconnections by commands at once; the other columns are ratios of times, lower is better");
    for (verb, shape, workload, _) in ROWS.into_iter().filter(|(_, _, workload, _)| options.wants(workload)) {
        let columns: Vec<Column<'_>> = subjects.iter().map(|subject| column(subject, verb, shape)).collect();
        if records.is_empty() {
            report::times_heading(World::OneThread, &columns.iter().map(|column| column.subject).collect::<Vec<_>>());
        }
        let batch = (shape.connections * shape.pipeline) as u64;
        let row = Row { workload, ops: 200_000_u64.next_multiple_of(batch), clients: batch, whole: false };
        let measured = measure::interleave(World::OneThread, row, options.rounds(), columns);
        report::times(&measured);
        records.extend(measured);
    }
    goals(&records);
    records
}

/// Everybody who takes part, running, with the same keys in it.
fn subjects(options: &Options) -> Vec<Subject> {
    let mut subjects = vec![
        Subject::echo(BASE),
        Subject::echo("raw again"),
        Subject::store("kv", tokio::runtime::Builder::new_current_thread()),
        Subject::store("kv 2", two_workers()),
    ];
    match Redis::start() {
        Some(redis) => subjects.push(Subject::redis(redis)),
        None => report::line("redis is skipped: there is no redis-server on the path"),
    }
    subjects.retain(|subject| subject.name == BASE || options.compares(subject.name));
    for subject in &subjects {
        let mut filling = Client::connect(subject.address, Shape { connections: 1, pipeline: 1 });
        filling.ask(&subject.prepare());
        let all = (0..KEYS).map(|key| subject.speech(Verb::Put, key)).collect();
        filling.run(&Speech { commands: all, lines: subject.lines(Verb::Put) }, KEYS as u64);
    }
    subjects
}

fn two_workers() -> tokio::runtime::Builder {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}

fn column(subject: &Subject, verb: Verb, shape: Shape) -> Column<'static> {
    let mut client = Client::connect(subject.address, shape);
    let commands = (0..KEYS).map(|key| subject.speech(verb, key)).collect();
    let speech = Speech { commands, lines: subject.lines(verb) };
    Column { subject: subject.name, time: Box::new(move |ops| client.run(&speech, ops)) }
}

/// How much of what the echo does in the same time the store does, against the goals.
fn goals(records: &[Record]) {
    for (_, _, workload, goal) in ROWS {
        let Some(goal) = goal else { continue };
        let of = |subject: &str| {
            let mine = |record: &&Record| record.workload == workload && record.subject == subject;
            records.iter().find(mine).and_then(|record| Some((1.0 / record.ratio?, record.spread)))
        };
        for subject in ["kv", "kv 2"] {
            if let Some((share, spread)) = of(subject) {
                let word = if share + 0.005 >= goal { "goal" } else { "MISSED" };
                report::line(&format!(
                    "{workload:15} {subject:6} {share:.2} of the echo (spread {spread:.2}), goal {goal}: {word}"
                ));
            }
        }
    }
}
