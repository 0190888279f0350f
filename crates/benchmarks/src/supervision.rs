//! What it costs to be looked after: a child that crashes and is started again, and many that come and go.

pub mod genserver;
pub mod kameo;
pub mod ractor;
pub mod raw;

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::contenders::BASE;
use crate::measure::{self, Column, Record, Row};
use crate::options::Options;
use crate::report;
use crate::subjects::World;
use crate::workloads::now;

/// A supervisor with its children, as the workloads see it.
pub trait Tree: Sized + Send + 'static {
    /// The library's name in the tables and on the command line.
    const ID: &'static str;
    /// What is needed to reach a child.
    type Child: Send + 'static;

    /// Starts a supervisor of so many children. A child says that it runs, every time it is started.
    fn grow(children: u64, births: Births<Self::Child>) -> impl Future<Output = Self> + Send;

    /// Has a child end badly, and does not wait for that.
    fn crash(child: Self::Child) -> impl Future<Output = ()> + Send;

    /// Ends the children and the supervisor, and waits until they have ended.
    fn fell(self) -> impl Future<Output = ()> + Send;
}

/// Where a child says that it runs.
pub type Births<C> = mpsc::UnboundedSender<C>;

/// What is done with trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Among so many children one after the other crashes, and is waited for until it runs again.
    Restart(u64),
    /// As many children as there are operations are started one by one, and stopped with their supervisor.
    ComeAndGo,
}

/// Where kameo takes part: among a hundred thousand, each child takes it more than ten times as long as among a thousand.
const FEW: u64 = 1_000;

/// The rows: what is done, and how often.
const ROWS: [(Act, Row); 4] = [
    (Act::Restart(FEW), row("restart among 1,000", 8_000, false)),
    (Act::Restart(100_000), row("restart among 100,000", 8_000, false)),
    (Act::ComeAndGo, row("start + stop 1,000", FEW, true)),
    (Act::ComeAndGo, row("start + stop 100,000", 100_000, true)),
];

/// How long a restart takes that takes longer than ninety-nine in a hundred.
const LAST_HUNDREDTH: &str = "last % of restarts, us";

const fn row(workload: &'static str, ops: u64, whole: bool) -> Row {
    Row { workload, ops, clients: 1, whole }
}

/// How long single operations took.
type Laps = Arc<Mutex<Vec<Duration>>>;

/// Measures every row that is wanted, and prints them as a table of their own.
pub fn compare(world: World, options: &Options) -> Vec<Record> {
    let mut subjects = vec![raw::Tasks::ID, ractor::Supervised::ID, kameo::Supervised::ID];
    subjects.extend([genserver::Static::ID, genserver::Dynamic::ID]);
    subjects.retain(|subject| *subject == BASE || options.compares(subject));
    let mut records = Vec::new();
    for (act, mut row) in ROWS.into_iter().filter(|(_, row)| options.wants(row.workload)) {
        if records.is_empty() {
            report::times_heading(world, &subjects);
        }
        if options.quick {
            row.ops /= 4;
        }
        let mut candidates = candidates(world, act, row);
        candidates.retain(|(column, _)| subjects.contains(&column.subject));
        let (columns, laps): (Vec<Column<'_>>, Vec<Laps>) = candidates.into_iter().unzip();
        let measured = measure::interleave(world, row, options.rounds(), columns);
        report::times_of(&subjects, &measured);
        if act == Act::Restart(FEW) {
            let slowest = last_hundredths(&measured, &laps);
            report::times_of(&subjects, &slowest);
            records.extend(slowest);
        }
        records.extend(measured);
    }
    records
}

fn candidates(world: World, act: Act, row: Row) -> Vec<(Column<'static>, Laps)> {
    let mut candidates = vec![
        candidate::<raw::Tasks>(world, act),
        candidate::<genserver::Static>(world, act),
        candidate::<genserver::Dynamic>(world, act),
        candidate::<ractor::Supervised>(world, act),
    ];
    if row.ops <= FEW || act == Act::Restart(FEW) {
        candidates.push(candidate::<kameo::Supervised>(world, act));
    }
    candidates
}

fn candidate<T: Tree>(world: World, act: Act) -> (Column<'static>, Laps) {
    let laps = Laps::default();
    let kept = Arc::clone(&laps);
    let time = move |ops| {
        let runtime = world.runtime();
        let laps = Arc::clone(&kept);
        let work = async move {
            match act {
                Act::Restart(children) => restarts::<T>(children, ops, laps).await,
                Act::ComeAndGo => come_and_go::<T>(ops).await,
            }
        };
        runtime.block_on(spawn(&runtime, work)).expect("a workload does not panic")
    };
    (Column { subject: T::ID, time: Box::new(time) }, laps)
}

fn spawn<T: Send + 'static>(
    runtime: &tokio::runtime::Runtime,
    work: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    runtime.spawn(work)
}

async fn come_and_go<T: Tree>(children: u64) -> Duration {
    // The first children of a fresh runtime pay for its threads.
    grow_and_fell::<T>(children / 16).await;
    grow_and_fell::<T>(children).await
}

/// Every child runs before the first is stopped: one that is stopped earlier never says that it runs.
async fn grow_and_fell<T: Tree>(children: u64) -> Duration {
    let (births, mut born) = mpsc::unbounded_channel();
    let start = now();
    let tree = T::grow(children, births).await;
    for _ in 0..children {
        drop(born.recv().await.expect("every child says that it runs"));
    }
    tree.fell().await;
    start.elapsed()
}

async fn restarts<T: Tree>(children: u64, ops: u64, laps: Laps) -> Duration {
    let (births, mut born) = mpsc::unbounded_channel();
    let tree = T::grow(children, births).await;
    let mut living = VecDeque::new();
    for _ in 0..children {
        living.push_back(born.recv().await.expect("every child says that it runs"));
    }
    // The first restarts of a fresh runtime pay for its threads.
    crash_each::<T>(ops / 16, &mut living, &mut born).await;
    let mut own = crash_each::<T>(ops, &mut living, &mut born).await;
    let elapsed = own.iter().sum();
    laps.lock().expect("nobody panics with it").append(&mut own);
    tree.fell().await;
    elapsed
}

/// Crashes so many children, each when the last one runs again, the ones that have lived longest first.
async fn crash_each<T: Tree>(
    ops: u64,
    living: &mut VecDeque<T::Child>,
    born: &mut mpsc::UnboundedReceiver<T::Child>,
) -> Vec<Duration> {
    let mut laps = Vec::new();
    for _ in 0..ops {
        let child = living.pop_front().expect("there are children");
        let start = now();
        T::crash(child).await;
        living.push_back(born.recv().await.expect("it is started again"));
        laps.push(start.elapsed());
    }
    laps
}

/// For each column, how long a restart takes that takes longer than ninety-nine in a hundred.
fn last_hundredths(measured: &[Record], laps: &[Laps]) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for (of, laps) in measured.iter().zip(laps) {
        let mut laps = laps.lock().expect("nobody panics with it");
        laps.sort_unstable();
        let lap = laps.get(laps.len() * 99 / 100).copied().unwrap_or_default();
        let value = lap.as_secs_f64() * 1e6;
        records.push(Record { workload: LAST_HUNDREDTH, value, ratio: None, spread: 0.0, unit: "us", ..of.clone() });
    }
    records
}
