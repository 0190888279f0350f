//! Events that are on the disk when their sender is told so: by the log of `genevent`, by a handler that blocks its thread for it, and
//! by a bare loop of append and sync.
//!
//! The bar is 1.1 of the bare loop with one sender. With several senders, a log that lets them share a sync is far below it.

use std::fs::{self, File, OpenOptions};
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use genevent::persistence::SyncPolicy;
use genevent::{Handler, HandlerCx, Manager, PersistenceHandler, React, Reaction};
use genserver::Never;
use tokio::task::JoinHandle;

use crate::contenders::BASE;
use crate::measure::{Column, Record, Row};
use crate::options::{Options, scratch};
use crate::subjects::World;
use crate::table;
use crate::workloads::now;

/// The rows: how many senders, how often.
const ROWS: [Row; 2] = [row("log, 1 sender", 1, 640), row("log, 16 senders", 16, 6_400)];

const fn row(workload: &'static str, clients: u64, ops: u64) -> Row {
    Row { workload, ops, clients, whole: false }
}

/// How many bytes an event has, as it stands in a log.
const EVENT: usize = 100;

type Event = Vec<u8>;

/// Measures every row that is wanted, and prints them as a table of their own.
pub fn compare(world: World, options: &Options) -> Vec<Record> {
    let rows = ROWS.map(|row| ((), row));
    table::compare(world, options, rows, |(), row| columns(world, row.clients, options))
}

fn columns(world: World, clients: u64, options: &Options) -> Vec<Column<'static>> {
    let mut columns = vec![
        Column { subject: BASE, time: Box::new(bare) },
        Column { subject: "raw again", time: Box::new(bare) },
        Column { subject: "genevent", time: Box::new(move |ops| run(world, logged(clients, ops))) },
        Column { subject: "blocking", time: Box::new(move |ops| run(world, blocked(clients, ops))) },
    ];
    columns.retain(|column| column.subject == BASE || options.compares(column.subject));
    columns
}

fn run(world: World, work: impl Future<Output = Duration> + Send + 'static) -> Duration {
    let runtime = world.runtime();
    runtime.block_on(runtime.spawn(work)).expect("a workload does not panic")
}

/// An empty folder on a real disk: beside the build.
fn folder() -> PathBuf {
    let folder = scratch().join("event-log");
    // It need not be there yet. Any other error shows in the next line.
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("the folder of the build can be written");
    folder
}

fn file() -> File {
    let path = folder().join("bare");
    OpenOptions::new().create(true).append(true).open(path).expect("the folder of the build can be written")
}

/// What everybody else is compared with: the bytes of an event and of what stands before it, and a sync.
fn bare(ops: u64) -> Duration {
    let mut file = file();
    let start = now();
    for _ in 0..ops {
        append(&mut file, &[7; EVENT]);
    }
    start.elapsed()
}

fn append(file: &mut File, event: &[u8]) {
    let mut record = [7; EVENT + 12];
    record[12..].copy_from_slice(event);
    file.write_all(&record).and_then(|()| file.sync_data()).expect("the disk takes it");
}

async fn logged(clients: u64, ops: u64) -> Duration {
    let log = PersistenceHandler::open(folder()).sync(SyncPolicy::EachEvent).await.expect("the folder is empty");
    let manager = Manager::start().await.expect("it starts");
    manager.add_async_handler(log).await.expect("it is the first");
    let elapsed = crowd(&manager, clients, ops).await;
    manager.stop().await.expect("it stops");
    elapsed
}

/// The handler that one would write first.
struct Blocking(File);

impl Handler<Event> for Blocking {
    type Call = Never;

    fn handle_event(&mut self, event: &Event, _cx: &mut HandlerCx<Event>) -> Reaction<Event> {
        append(&mut self.0, event);
        React::stay()
    }
}

async fn blocked(clients: u64, ops: u64) -> Duration {
    let manager = Manager::start().await.expect("it starts");
    manager.add_handler(Blocking(file())).await.expect("it is the first");
    let elapsed = crowd(&manager, clients, ops).await;
    manager.stop().await.expect("it stops");
    elapsed
}

async fn crowd(manager: &Manager<Event>, clients: u64, ops: u64) -> Duration {
    let start = now();
    let clients: Vec<_> = (0..clients).map(|_| spawn(client(manager.clone(), ops / clients))).collect();
    for client in clients {
        client.await.expect("a client does not panic");
    }
    start.elapsed()
}

async fn client(manager: Manager<Event>, ops: u64) {
    for _ in 0..ops {
        manager.sync_notify(vec![7; EVENT]).await.expect("the disk takes it");
    }
}

#[expect(clippy::disallowed_methods, reason = "the senders are Tokio tasks for every subject")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}
