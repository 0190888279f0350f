//! What it costs to tell many: handlers in one process, consumers of streams, and what others have in their place.

pub mod broadcast;
pub mod delivery;
pub mod genevent;
pub mod kameo;
pub mod ractor;
pub mod raw;

use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use crate::allocations::Counting;
use crate::contenders::{BASE, OURS};
use crate::measure::{self, Column, Record, Row};
use crate::options::{Options, scratch};
use crate::report;
use crate::subjects::World;
use crate::subjects::erlang::Erlang;
use crate::workloads::now;

/// Something that tells many of every event, as the workloads see it.
pub trait Bus: Sized + Send + 'static {
    /// The library's name in the tables and on the command line.
    const ID: &'static str;

    /// Starts it, with so many who are told of every event, and each count them.
    fn start(told: u64) -> impl Future<Output = Self> + Send;

    /// Sends an event; if it waits, then for space.
    fn notify(&mut self, event: u64) -> impl Future<Output = ()> + Send;

    /// Waits until everybody has counted every event. It is done once.
    fn settle(&mut self) -> impl Future<Output = ()> + Send;

    /// Ends it and everybody who is told, and waits until they have ended.
    fn stop(self) -> impl Future<Output = ()> + Send;
}

/// One whose sender can wait until everybody is done with an event.
pub trait Waits: Bus {
    /// Sends an event, and waits until everybody has counted it.
    fn sync_notify(&mut self, event: u64) -> impl Future<Output = ()> + Send;
}

/// The event after the last: a contender that cannot be asked how far it is says when it has come to this one.
const LAST: u64 = u64::MAX;

/// How an event is sent, and to which receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// To handlers, and nobody waits for them.
    Notify(Handlers),
    /// To handlers, each waited for by the sender.
    SyncNotify(Handlers),
    /// To tasks of their own, which are all to have every event.
    Streams,
}

/// What a callback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handlers {
    /// A function.
    Plain,
    /// A future, which never waits.
    Async,
}

/// The rows: how an event is sent, to how many, and how often. A round of `raw` takes about twenty milliseconds.
const ROWS: [(Act, u64, Row); 20] = [
    (Act::Notify(Handlers::Plain), 1, row("notify, 1 plain", 300_000)),
    (Act::Notify(Handlers::Plain), 8, row("notify, 8 plain", 200_000)),
    (Act::Notify(Handlers::Plain), 64, row("notify, 64 plain", 100_000)),
    (Act::Notify(Handlers::Plain), 1_024, row("notify, 1,024 plain", 12_000)),
    (Act::Notify(Handlers::Async), 1, row("notify, 1 async", 300_000)),
    (Act::Notify(Handlers::Async), 8, row("notify, 8 async", 200_000)),
    (Act::Notify(Handlers::Async), 64, row("notify, 64 async", 100_000)),
    (Act::Notify(Handlers::Async), 1_024, row("notify, 1,024 async", 12_000)),
    (Act::SyncNotify(Handlers::Plain), 1, row("sync_notify, 1 plain", 80_000)),
    (Act::SyncNotify(Handlers::Plain), 8, row("sync_notify, 8 plain", 80_000)),
    (Act::SyncNotify(Handlers::Plain), 64, row("sync_notify, 64 plain", 60_000)),
    (Act::SyncNotify(Handlers::Plain), 1_024, row("sync_notify, 1,024 plain", 8_000)),
    (Act::SyncNotify(Handlers::Async), 1, row("sync_notify, 1 async", 80_000)),
    (Act::SyncNotify(Handlers::Async), 8, row("sync_notify, 8 async", 80_000)),
    (Act::SyncNotify(Handlers::Async), 64, row("sync_notify, 64 async", 60_000)),
    (Act::SyncNotify(Handlers::Async), 1_024, row("sync_notify, 1,024 async", 8_000)),
    (Act::Streams, 1, row("streams, 1 consumer", 200_000)),
    (Act::Streams, 8, row("streams, 8 consumers", 60_000)),
    (Act::Streams, 64, row("streams, 64 consumers", 12_000)),
    // Everybody's buffer has to be full for most of the time: as it is when this goes on for long.
    (Act::Streams, 1_024, row("streams, 1,024 consumers", 4_000)),
];

const fn row(workload: &'static str, ops: u64) -> Row {
    Row { workload, ops, clients: 1, whole: false }
}

/// Measures every row that is wanted, and prints them as two tables: handlers, and streams.
pub fn compare(world: World, options: &Options) -> Vec<Record> {
    let erlang = RefCell::new(Erlang::find(&scratch()).filter(|_| options.compares(Erlang::ID)));
    let mut records = table(world, options, &erlang, |act| act != Act::Streams);
    records.extend(table(world, options, &erlang, |act| act == Act::Streams));
    records
}

fn table(
    world: World,
    options: &Options,
    erlang: &RefCell<Option<Erlang>>,
    belongs: impl Fn(Act) -> bool,
) -> Vec<Record> {
    let mut records = Vec::new();
    for (act, told, mut row) in ROWS.into_iter().filter(|(act, _, row)| belongs(*act) && options.wants(row.workload)) {
        let subjects = subjects(act, options, erlang);
        if records.is_empty() {
            heading(world, act, &subjects);
        }
        if options.quick {
            row.ops /= 4;
        }
        let mut columns = columns(world, act, told, erlang);
        columns.retain(|column| subjects.contains(&column.subject));
        let measured = measure::interleave(world, row, options.rounds(), columns);
        report::times_of(&subjects, &measured);
        records.extend(measured);
    }
    records
}

/// Who can take part in a table.
fn subjects(act: Act, options: &Options, erlang: &RefCell<Option<Erlang>>) -> Vec<&'static str> {
    let mut subjects = vec![BASE, OURS];
    if act != Act::Streams {
        subjects.extend([ractor::Port::ID, kameo::Publishing::ID]);
        subjects.extend(erlang.borrow().as_ref().map(|_| Erlang::ID));
    }
    subjects.retain(|subject| *subject == BASE || options.compares(subject));
    subjects
}

fn heading(world: World, act: Act, subjects: &[&str]) {
    report::times_heading(world, subjects);
    if act == Act::Streams {
        report::line("raw: tokio::sync::broadcast, whose sender waits for the slowest receiver");
        return;
    }
    report::line("raw: a task that calls boxed functions");
    if subjects.contains(&ractor::Port::ID) || subjects.contains(&kameo::Publishing::ID) {
        report::line(
            "ractor's output port and kameo's pub-sub have no sync_notify: nobody can wait until all are done",
        );
    }
}

fn columns(world: World, act: Act, told: u64, erlang: &RefCell<Option<Erlang>>) -> Vec<Column<'_>> {
    match act {
        Act::Notify(Handlers::Plain) => {
            let mut columns = vec![
                column(world, raw::Walk::ID, move |ops| notify_all::<raw::Walk>(told, ops)),
                column(world, OURS, move |ops| notify_all::<genevent::Plain>(told, ops)),
                column(world, ractor::Port::ID, move |ops| notify_all::<ractor::Port>(told, ops)),
                column(world, kameo::Publishing::ID, move |ops| notify_all::<kameo::Publishing>(told, ops)),
            ];
            columns.push(gen_event(world, "notify", told, erlang));
            columns
        }
        Act::SyncNotify(Handlers::Plain) => {
            let mut columns = vec![
                column(world, raw::Walk::ID, move |ops| sync_notify_all::<raw::Walk>(told, ops)),
                column(world, OURS, move |ops| sync_notify_all::<genevent::Plain>(told, ops)),
            ];
            columns.push(gen_event(world, "sync_notify", told, erlang));
            columns
        }
        Act::Notify(Handlers::Async) => vec![
            column(world, raw::Walk::ID, move |ops| notify_all::<raw::Walk>(told, ops)),
            column(world, OURS, move |ops| notify_all::<genevent::Async>(told, ops)),
        ],
        Act::SyncNotify(Handlers::Async) => vec![
            column(world, raw::Walk::ID, move |ops| sync_notify_all::<raw::Walk>(told, ops)),
            column(world, OURS, move |ops| sync_notify_all::<genevent::Async>(told, ops)),
        ],
        Act::Streams => vec![
            column(world, broadcast::Receivers::ID, move |ops| notify_all::<broadcast::Receivers>(told, ops)),
            column(world, OURS, move |ops| notify_all::<genevent::Streams>(told, ops)),
        ],
    }
}

/// Erlang's own, where there is one.
fn gen_event<'a>(world: World, order: &'static str, told: u64, erlang: &'a RefCell<Option<Erlang>>) -> Column<'a> {
    let time = move |ops| {
        let mut erlang = erlang.borrow_mut();
        erlang.as_mut().map_or(Duration::ZERO, |erlang| erlang.run(world, &format!("{order} {told} {ops}")))
    };
    Column { subject: Erlang::ID, time: Box::new(time) }
}

fn column<F>(world: World, subject: &'static str, work: impl Fn(u64) -> F + 'static) -> Column<'static>
where
    F: Future<Output = Duration> + Send + 'static,
{
    let time = move |ops| {
        // The first operations of a fresh runtime pay for its threads.
        let (warm_up, measured) = (work(ops / 16), work(ops));
        let runtime = world.runtime();
        let both = async move {
            warm_up.await;
            measured.await
        };
        runtime.block_on(runtime.spawn(both)).expect("a workload does not panic")
    };
    Column { subject, time: Box::new(time) }
}

async fn notify_all<B: Bus>(told: u64, ops: u64) -> Duration {
    let mut bus = B::start(told).await;
    let start = now();
    for event in 0..ops {
        bus.notify(event).await;
    }
    bus.settle().await;
    let elapsed = start.elapsed();
    bus.stop().await;
    elapsed
}

async fn sync_notify_all<B: Waits>(told: u64, ops: u64) -> Duration {
    let mut bus = B::start(told).await;
    let start = now();
    for event in 0..ops {
        bus.sync_notify(event).await;
    }
    let elapsed = start.elapsed();
    bus.stop().await;
    elapsed
}

/// How many receivers there are in the test that none costs an allocation.
const MANY: u64 = 1_024;

/// How many events are counted.
const EVENTS: u32 = 10_000;

/// What an event to many handlers allocates, once as many of them have gone before: plain ones, and async ones.
///
/// # Panics
///
/// If a manager does.
pub fn allocations(counting: Counting) -> [f64; 2] {
    let both = async move { [steady::<genevent::Plain>(counting).await, steady::<genevent::Async>(counting).await] };
    let runtime = World::OneThread.runtime();
    runtime.block_on(runtime.spawn(both)).expect("a workload does not panic")
}

async fn steady<B: Waits>(counting: Counting) -> f64 {
    let mut bus = B::start(MANY).await;
    notify_some(&mut bus).await;
    let before = counting();
    notify_some(&mut bus).await;
    let allocated = u32::try_from(counting() - before).expect("an event allocates a few times");
    bus.stop().await;
    f64::from(allocated) / f64::from(EVENTS)
}

/// Ends with one that is waited for, so that all have been handled.
async fn notify_some<B: Waits>(bus: &mut B) {
    for event in 0..EVENTS {
        bus.notify(event.into()).await;
    }
    bus.sync_notify(0).await;
}

#[cfg(test)]
mod tests {
    use super::ROWS;
    use crate::targets::TARGETS;

    #[test]
    fn every_row_has_a_target() {
        for (_, _, row) in ROWS {
            assert!(TARGETS.iter().any(|target| target.workload == row.workload), "{} has none", row.workload);
        }
    }
}
