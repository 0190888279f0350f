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
#[derive(Debug, Clone, Copy)]
enum Act {
    /// One child after the other crashes, and is waited for until it runs again.
    Restart,
}

/// The rows: what is done, among how many children, by whom.
const ROWS: [(Act, u64, Row); 1] = [(Act::Restart, 1_000, row("restart among 1,000", 8_000))];

const fn row(workload: &'static str, ops: u64) -> Row {
    Row { workload, ops, clients: 1 }
}

/// How long single operations took.
type Laps = Arc<Mutex<Vec<Duration>>>;

/// Measures every row that is wanted, and prints them as a table of their own.
pub fn compare(world: World, options: &Options) -> Vec<Record> {
    let mut records = Vec::new();
    for (act, children, mut row) in ROWS.into_iter().filter(|(_, _, row)| options.wants(row.workload)) {
        let mut candidates = candidates(world, act, children);
        candidates.retain(|(column, _)| column.subject == BASE || options.compares(column.subject));
        let (columns, laps): (Vec<Column<'_>>, Vec<Laps>) = candidates.into_iter().unzip();
        let subjects: Vec<&'static str> = columns.iter().map(|column| column.subject).collect();
        if records.is_empty() {
            report::times_heading(world, &subjects);
        }
        if options.quick {
            row.ops = row.share(row.ops / 4);
        }
        let measured = measure::interleave(world, row, options.rounds(), columns);
        report::times(&measured);
        report::laps(&laps.iter().map(last_hundredth).collect::<Vec<_>>());
        records.extend(measured);
    }
    records
}

fn candidates(world: World, act: Act, children: u64) -> Vec<(Column<'static>, Laps)> {
    vec![
        candidate::<raw::Tasks>(world, act, children),
        candidate::<ractor::Supervised>(world, act, children),
        candidate::<kameo::Supervised>(world, act, children),
        candidate::<genserver::Static>(world, act, children),
    ]
}

fn candidate<T: Tree>(world: World, act: Act, children: u64) -> (Column<'static>, Laps) {
    let laps = Laps::default();
    let kept = Arc::clone(&laps);
    let time = move |ops| {
        let runtime = world.runtime();
        let laps = Arc::clone(&kept);
        let work = async move {
            match act {
                Act::Restart => restarts::<T>(children, ops, laps).await,
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

fn last_hundredth(laps: &Laps) -> Duration {
    let mut laps = laps.lock().expect("nobody panics with it");
    laps.sort_unstable();
    laps.get(laps.len() * 99 / 100).copied().unwrap_or_default()
}
