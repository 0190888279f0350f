//! The tail: how long the slowest calls, casts and deliveries take, beside the mean, with more workers than one has cores.

use std::hint::black_box;
use std::time::Duration;

use crate::contenders::BASE;
use crate::events::delivery;
use crate::measure::{Record, quartiles, turn_of};
use crate::options::Options;
use crate::report;
use crate::subjects::genserver::{Ours, OursInOwnTask};
use crate::subjects::parking_lot::ParkingLot;
use crate::subjects::raw::Raw;
use crate::subjects::{Ask, Cast, Subject, workers};
use crate::workloads::{Shape, now};

/// How many threads the runtimes have, and what that is called.
const WORKERS: [(usize, &str); 3] = [(2, "2 workers"), (8, "8 workers"), (32, "32 workers")];

/// What is done: its name, the names of its percentiles, and what of it takes the time.
const ROWS: [(Act, [&str; 4]); 3] = [
    (Act::Call, ["call, 16 clients", "call, 16 clients, p99", "call, 16 clients, p99.9", "call, 16 clients, p99.99"]),
    (
        Act::Cast,
        ["cast, 16 producers", "cast, 16 producers, p99", "cast, 16 producers, p99.9", "cast, 16 producers, p99.99"],
    ),
    (
        Act::Deliver,
        [
            "stream, 16 consumers",
            "stream, 16 consumers, p99",
            "stream, 16 consumers, p99.9",
            "stream, 16 consumers, p99.99",
        ],
    ),
];

/// How many share the server.
const CROWD: u64 = 16;

/// How many operations a round has.
const OPS: u64 = 128_000;

/// One in a hundred takes longer than the first percentile, and so on.
const ONE_IN: [usize; 3] = [100, 1_000, 10_000];

/// What the tail of ours may be, and its mean, in those of `raw`. A delivery is held to its p99 alone: `--only streams` has the
/// mean.
const BAR: (f64, f64) = (2.0, 1.0);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// From the call to the answer.
    Call,
    /// How long its sender is held up: it may wait for the lock, or for space.
    Cast,
    /// From the sending of an event to its receipt by a consumer. `raw` is a broadcast channel.
    Deliver,
}

/// A line of a table: a subject, and what it does in a runtime of so many threads.
struct Line {
    subject: &'static str,
    /// How long the operations take altogether; nobody looks at the clock in between, but the consumers of a delivery.
    whole: fn(usize, Act, u64) -> Duration,
    /// How long each of them takes, in nanoseconds. Looking at the clock takes time too, so the mean is not taken from here.
    each: fn(usize, Act, u64) -> Vec<u32>,
}

/// What the rounds of one line have come to: the mean in nanoseconds, and the percentiles in microseconds.
type Rounds = [Vec<f64>; 4];

fn line<S: Subject>() -> Line {
    Line { subject: S::ID, whole: whole::<S>, each: each::<S> }
}

fn lines(act: Act, options: &Options) -> Vec<Line> {
    if act == Act::Deliver {
        let by_broadcast = Line {
            subject: BASE,
            whole: |count, _, ops| in_runtime(count, delivery::whole(delivery::by_broadcast, CROWD, ops / CROWD)),
            each: |count, _, ops| in_runtime(count, delivery::by_broadcast(CROWD, ops / CROWD)),
        };
        let by_streams = Line {
            subject: Ours::ID,
            whole: |count, _, ops| in_runtime(count, delivery::whole(delivery::by_streams, CROWD, ops / CROWD)),
            each: |count, _, ops| in_runtime(count, delivery::by_streams(CROWD, ops / CROWD)),
        };
        return vec![by_broadcast, by_streams];
    }
    let mut lines =
        vec![line::<Raw<0>>(), line::<Raw<1>>(), line::<ParkingLot>(), line::<Ours>(), line::<OursInOwnTask>()];
    lines.retain(|line| line.subject == BASE || options.compares(line.subject));
    lines
}

/// Measures every row that is wanted with each number of workers, and prints a table for each.
pub fn compare(options: &Options) -> Vec<Record> {
    report::line("each table: the mean, and what one in 100, 1,000 and 10,000 takes longer than");
    report::line("a call takes until it has its answer, a cast until its sender goes on");
    report::line("an event of a stream takes until a consumer has it; raw is tokio::sync::broadcast");
    let mut records = Vec::new();
    for (count, runtime) in WORKERS {
        for (act, names) in ROWS {
            let title = format!("{}, {runtime}", names[0]);
            if options.wants(&title) {
                let measured = measure(count, act, options);
                records.extend(table(&title, runtime, act, names, &measured));
            }
        }
    }
    records
}

/// Interleaved rounds: in each one every line has its turn, once without and once with a look at the clock.
fn measure(count: usize, act: Act, options: &Options) -> Vec<(&'static str, Rounds)> {
    let lines = lines(act, options);
    let ops = if options.quick { OPS / 4 } else { OPS };
    let mut measured: Vec<(&'static str, Rounds)> =
        lines.iter().map(|line| (line.subject, Rounds::default())).collect();
    for round in 0..options.rounds() {
        for turn in 0..lines.len() {
            let at = turn_of(round, turn, lines.len());
            let line = &lines[at];
            let whole = (line.whole)(count, act, ops);
            let mut each = (line.each)(count, act, ops);
            each.sort_unstable();
            let [mean, percentiles @ ..] = &mut measured[at].1;
            mean.push(whole.as_secs_f64() * 1e9 / f64::from(u32::try_from(ops).expect("a round is short")));
            for (percentile, one_in) in percentiles.iter_mut().zip(ONE_IN) {
                percentile.push(f64::from(each[each.len() - 1 - each.len() / one_in]) / 1e3);
            }
        }
    }
    measured
}

/// Prints what was measured, and makes records of it.
fn table(
    title: &str,
    runtime: &'static str,
    act: Act,
    names: [&'static str; 4],
    measured: &[(&'static str, Rounds)],
) -> Vec<Record> {
    report::line(&format!("\n{title}"));
    let heads = ["mean, ns", "to raw", "p99, us", "p99.9, us", "to raw", "p99.99, us", ""];
    report::cells("", &heads.map(str::to_owned));
    let base = measured.iter().find(|(subject, _)| *subject == BASE).map(|(_, rounds)| rounds);
    let mut records = Vec::new();
    for (subject, rounds) in measured {
        let of = |at: usize| {
            let ratios = base.map(|base| rounds[at].iter().zip(&base[at]).map(|(mine, raw)| mine / raw).collect());
            let [low, ratio, high] = quartiles(ratios.unwrap_or_default());
            let unit = if at == 0 { "ns" } else { "us" };
            let (value, spread) = (quartiles(rounds[at].clone())[1], (high - low) / ratio);
            Record {
                runtime,
                workload: names[at],
                subject: (*subject).to_owned(),
                ratio: Some(ratio),
                spread,
                value,
                unit,
            }
        };
        let of_subject = [of(0), of(1), of(2), of(3)];
        report::cells(subject, &cells(&of_subject, act));
        records.extend(of_subject);
    }
    records
}

fn in_runtime<T: Send + 'static>(count: usize, work: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = workers(count);
    runtime.block_on(runtime.spawn(work)).expect("a workload does not panic")
}

fn cells(of_subject: &[Record; 4], act: Act) -> [String; 7] {
    let [mean, p99, p999, p9999] = of_subject;
    let value = |record: &Record| report::number(record.value);
    let ratio = |record: &Record| record.ratio.map_or_else(|| "-".to_owned(), report::number);
    let verdict = match (p999.ratio, mean.ratio) {
        _ if ![Ours::ID, OursInOwnTask::ID].contains(&mean.subject.as_str()) => "",
        _ if act == Act::Deliver && p99.ratio.is_some_and(|tail| tail <= BAR.0) => "bar",
        _ if act == Act::Deliver => "MISSED",
        (Some(tail), Some(mean)) if tail <= BAR.0 && mean <= BAR.1 => "bar",
        _ => "MISSED",
    };
    [value(mean), ratio(mean), value(p99), value(p999), ratio(p999), value(p9999), verdict.to_owned()]
}

fn whole<S: Subject>(count: usize, act: Act, ops: u64) -> Duration {
    let shape = match act {
        Act::Call => Shape::Call(CROWD, Ask::Plain),
        Act::Cast => Shape::Cast(CROWD),
        Act::Deliver => unreachable!("its lines do it themselves"),
    };
    let work = async move {
        // The first operations of a fresh runtime pay for its threads.
        shape.run::<S>(shape.share(ops / 16)).await;
        shape.run::<S>(ops).await
    };
    in_runtime(count, work)
}

fn each<S: Subject>(count: usize, act: Act, ops: u64) -> Vec<u32> {
    let work = async move {
        crowd::<S>(act, ops / 16).await;
        crowd::<S>(act, ops).await
    };
    in_runtime(count, work)
}

async fn crowd<S: Subject>(act: Act, ops: u64) -> Vec<u32> {
    let (server, keep) = S::start().await;
    let clients: Vec<_> = (0..CROWD).map(|_| S::spawn(client::<S>(server.clone(), act, ops / CROWD))).collect();
    let mut all = Vec::new();
    for client in clients {
        all.extend(client.await.expect("a client does not panic"));
    }
    S::stop(server, keep).await;
    all
}

/// How long each operation of one client takes. It asks for its memory beforehand.
async fn client<S: Subject>(server: S::Server, act: Act, ops: u64) -> Vec<u32> {
    let mut laps = Vec::with_capacity(usize::try_from(ops).expect("a round is short"));
    for _ in 0..ops {
        let start = now();
        match act {
            Act::Call => drop(black_box(S::call(&server, Ask::Plain).await)),
            Act::Cast => S::cast(&server, Cast::Add(1)).await,
            Act::Deliver => unreachable!("its lines do it themselves"),
        }
        laps.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
    }
    // By then the server has handled everything of this client.
    black_box(S::call(&server, Ask::Plain).await);
    laps
}
