//! A map that many read and change: in a bucket, behind a lock, in a concurrent map, and in a hand-written actor.

use std::collections::HashMap;
use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use kv_core::{Bucket, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::contenders::{BASE, OURS};
use crate::measure::{Column, Record, Row};
use crate::memory;
use crate::options::Options;
use crate::report;
use crate::subjects::World;
use crate::table;
use crate::workloads::now;

/// What is done with a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Get,
    Put,
}

/// The rows: what is done, by how many clients, how often.
const ROWS: [(Act, Row); 6] = [
    (Act::Get, row("bucket get, 1 task", 1, 80_000)),
    (Act::Get, row("bucket get, 2 tasks", 2, 100_000)),
    (Act::Get, row("bucket get, 16 tasks", 16, 128_000)),
    (Act::Put, row("bucket put, 1 task", 1, 80_000)),
    (Act::Put, row("bucket put, 2 tasks", 2, 100_000)),
    (Act::Put, row("bucket put, 16 tasks", 16, 128_000)),
];

/// Finding a bucket by its name: here the base is `dashmap`, as a table of names that threads share.
const LOOKUPS: [((), Row); 2] =
    [((), row("bucket lookup, 1 task", 1, 200_000)), ((), row("bucket lookup, 16 tasks", 16, 256_000))];

/// How many buckets come and go.
const MANY: u32 = 100_000;
const LIVES: [((), Row); 1] =
    [((), Row { workload: "bucket create + stop", ops: MANY as u64, clients: 1, whole: true })];

const fn row(workload: &'static str, clients: u64, ops: u64) -> Row {
    Row { workload, ops, clients, whole: false }
}

/// How many keys a map has, and how many names a table.
const KEYS: usize = 1_000;

/// Measures every row that is wanted, and prints them as tables of their own.
pub fn compare(world: World, options: &Options) -> Vec<Record> {
    let mut records = table::compare(world, options, ROWS, |act, row| {
        let columns = vec![
            column::<Raw>(world, act, row.clients),
            column::<Locked>(world, act, row.clients),
            column::<Concurrent>(world, act, row.clients),
            column::<Bucket>(world, act, row.clients),
        ];
        chosen(columns, options)
    });
    records.extend(table::compare(world, options, LOOKUPS, |(), row| {
        let columns = vec![
            timed(world, BASE, move |ops| find(table(), row.clients, ops)),
            timed(world, BUCKET, move |ops| async move { find(store().await, row.clients, ops).await }),
        ];
        chosen(columns, options)
    }));
    records.extend(table::compare(world, options, LIVES, |(), _row| {
        chosen(vec![timed(world, BASE, raw_lives), timed(world, BUCKET, bucket_lives)], options)
    }));
    records
}

/// The name under which the program measures, in a process of its own, what an empty bucket takes.
pub const EMPTY: &str = "empty buckets";

/// How many bytes an empty bucket takes, with its name, its supervisor's and its registry's notes of it.
pub fn bytes(options: &Options) -> Vec<Record> {
    const ROW: &str = "bytes per empty bucket";
    if !options.wants(ROW) {
        return Vec::new();
    }
    let bytes = memory::per_server(EMPTY, MANY);
    let records: Vec<_> = bytes.map(|bytes| Record::counted(ROW, OURS, bytes, "bytes")).into_iter().collect();
    report::heading(ROW, &[OURS]);
    report::values(ROW, &[OURS], &records);
    records
}

/// How much this process grows by when it creates so many of them.
pub fn grow(buckets: usize) -> Option<u64> {
    World::OneThread.runtime().block_on(memory::empty_buckets(buckets))
}

/// The subject that this is about.
const BUCKET: &str = OURS;

fn chosen(mut columns: Vec<Column<'static>>, options: &Options) -> Vec<Column<'static>> {
    columns.retain(|column| column.subject == BASE || options.compares(column.subject));
    columns
}

fn timed<F>(world: World, subject: &'static str, work: impl Fn(u64) -> F + 'static) -> Column<'static>
where
    F: Future<Output = Duration> + Send + 'static,
{
    let time = move |ops| {
        let runtime = world.runtime();
        runtime.block_on(runtime.spawn(work(ops))).expect("a workload does not panic")
    };
    Column { subject, time: Box::new(time) }
}

fn column<M: Map>(world: World, act: Act, clients: u64) -> Column<'static> {
    timed(world, M::ID, move |ops| async move {
        // The first operations of a fresh runtime pay for its threads.
        crowd::<M>(act, clients, ops / 16).await;
        crowd::<M>(act, clients, ops).await
    })
}

#[expect(clippy::disallowed_methods, reason = "the clients are Tokio tasks for every subject")]
fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}

/// Where the entries are.
trait Map: Clone + Send + Sync + 'static {
    const ID: &'static str;
    fn hold(entries: Vec<(Bytes, Bytes)>) -> impl Future<Output = Self> + Send;
    fn get(&self, key: &Bytes) -> impl Future<Output = Option<Bytes>> + Send;
    /// Stores the value, and waits until that is done.
    fn put(&self, key: &Bytes, value: &Bytes) -> impl Future<Output = ()> + Send;
}

fn keys() -> Vec<Bytes> {
    (0..KEYS).map(|number| Bytes::from(format!("a key of twenty {number:04}"))).collect()
}

async fn crowd<M: Map>(act: Act, clients: u64, ops: u64) -> Duration {
    let value = Bytes::from_static(b"a value of some thirty letters");
    let map = M::hold(keys().into_iter().map(|key| (key, value.clone())).collect()).await;
    // Each client has keys of its own, as if it had read them off its own socket: nobody counts another's references.
    let clients: Vec<_> =
        (0..clients).map(|_| client(map.clone(), act, keys(), value.clone(), ops / clients)).collect();
    let start = now();
    let tasks: Vec<_> = clients.into_iter().map(spawn).collect();
    for task in tasks {
        task.await.expect("a client does not panic");
    }
    start.elapsed()
}

async fn client<M: Map>(map: M, act: Act, keys: Vec<Bytes>, value: Bytes, ops: u64) {
    for key in keys.iter().cycle().take(usize::try_from(ops).expect("a count fits")) {
        match act {
            Act::Get => assert!(black_box(map.get(key).await).is_some(), "every key is there"),
            Act::Put => map.put(key, &value).await,
        }
    }
}

/// The hand-written actor.
#[derive(Clone)]
struct Raw(mpsc::UnboundedSender<Message>);

enum Message {
    Get(Bytes, oneshot::Sender<Option<Bytes>>),
    Put(Bytes, Bytes, oneshot::Sender<()>),
}

impl Raw {
    fn start(mut entries: HashMap<Bytes, Bytes>) -> (Self, JoinHandle<()>) {
        let (sender, mut inbox) = mpsc::unbounded_channel();
        let task = spawn(async move {
            while let Some(message) = inbox.recv().await {
                match message {
                    Message::Get(key, reply) => reply.send(entries.get(&key).cloned()).expect("the caller waits"),
                    Message::Put(key, value, reply) => {
                        entries.insert(key, value);
                        reply.send(()).expect("the caller waits");
                    }
                }
            }
        });
        (Self(sender), task)
    }
}

impl Map for Raw {
    const ID: &'static str = BASE;

    async fn hold(entries: Vec<(Bytes, Bytes)>) -> Self {
        Self::start(entries.into_iter().collect()).0
    }

    async fn get(&self, key: &Bytes) -> Option<Bytes> {
        let (reply, answer) = oneshot::channel();
        assert!(self.0.send(Message::Get(key.clone(), reply)).is_ok(), "the actor runs");
        answer.await.expect("the actor answers")
    }

    async fn put(&self, key: &Bytes, value: &Bytes) {
        let (reply, answer) = oneshot::channel();
        assert!(self.0.send(Message::Put(key.clone(), value.clone(), reply)).is_ok(), "the actor runs");
        answer.await.expect("the actor answers");
    }
}

/// What to use if a map only has to be shared.
#[derive(Clone)]
struct Locked(Arc<parking_lot::Mutex<HashMap<Bytes, Bytes>>>);

impl Map for Locked {
    const ID: &'static str = "parking_lot";

    async fn hold(entries: Vec<(Bytes, Bytes)>) -> Self {
        Self(Arc::new(parking_lot::Mutex::new(entries.into_iter().collect())))
    }

    async fn get(&self, key: &Bytes) -> Option<Bytes> {
        self.0.lock().get(key).cloned()
    }

    async fn put(&self, key: &Bytes, value: &Bytes) {
        self.0.lock().insert(key.clone(), value.clone());
    }
}

/// What to use if many threads share it.
#[derive(Clone)]
struct Concurrent(Arc<DashMap<Bytes, Bytes>>);

impl Map for Concurrent {
    const ID: &'static str = "dashmap";

    async fn hold(entries: Vec<(Bytes, Bytes)>) -> Self {
        Self(Arc::new(entries.into_iter().collect()))
    }

    async fn get(&self, key: &Bytes) -> Option<Bytes> {
        self.0.get(key).map(|value| value.clone())
    }

    async fn put(&self, key: &Bytes, value: &Bytes) {
        self.0.insert(key.clone(), value.clone());
    }
}

impl Map for Bucket {
    const ID: &'static str = BUCKET;

    async fn hold(entries: Vec<(Bytes, Bytes)>) -> Self {
        let bucket = Self::start().await.expect("the bucket starts");
        for (key, value) in entries {
            bucket.put(key, value).await.expect("the bucket answers");
        }
        bucket
    }

    async fn get(&self, key: &Bytes) -> Option<Bytes> {
        self.get(key.clone()).await.expect("the bucket answers")
    }

    async fn put(&self, key: &Bytes, value: &Bytes) {
        self.put(key.clone(), value.clone()).await.expect("the bucket answers");
    }
}

/// Where something is found by its name.
trait Names: Clone + Send + Sync + 'static {
    type Found: Send;
    fn find(&self, name: &str) -> Option<Self::Found>;
}

fn name(number: usize) -> String {
    format!("bucket number {number:04}")
}

async fn find<N: Names>(table: N, clients: u64, ops: u64) -> Duration {
    let start = now();
    let seek = |table: N| async move {
        let names: Vec<String> = (0..KEYS).map(name).collect();
        for name in names.iter().cycle().take(usize::try_from(ops / clients).expect("a count fits")) {
            assert!(black_box(table.find(name)).is_some(), "every name is there");
        }
    };
    let tasks: Vec<_> = (0..clients).map(|_| spawn(seek(table.clone()))).collect();
    for task in tasks {
        task.await.expect("a client does not panic");
    }
    start.elapsed()
}

/// Names and counted references, as a table of buckets would be without a registry.
type Table = Arc<DashMap<String, Arc<str>>>;

fn table() -> Table {
    Arc::new((0..KEYS).map(|number| (name(number), Arc::from("a bucket"))).collect())
}

impl Names for Table {
    type Found = Arc<str>;

    fn find(&self, name: &str) -> Option<Arc<str>> {
        self.get(name).map(|found| Arc::clone(&found))
    }
}

async fn store() -> Store {
    let store = Store::start().await.expect("the store starts");
    for number in 0..KEYS {
        store.create(&name(number)).await.expect("the bucket starts");
    }
    store
}

impl Names for Store {
    type Found = Bucket;

    fn find(&self, name: &str) -> Option<Bucket> {
        self.lookup(name)
    }
}

/// Actors with a map, in a table by their names; each ends when the table forgets it.
async fn raw_lives(many: u64) -> Duration {
    let start = now();
    let mut table = HashMap::new();
    for number in 0..usize::try_from(many).expect("a count fits") {
        table.insert(name(number), Raw::start(HashMap::new()));
    }
    for (_, (actor, task)) in table {
        drop(actor);
        task.await.expect("the actor ends");
    }
    start.elapsed()
}

async fn bucket_lives(many: u64) -> Duration {
    let store = Store::start().await.expect("the store starts");
    let start = now();
    for number in 0..usize::try_from(many).expect("a count fits") {
        store.create(&name(number)).await.expect("the bucket starts");
    }
    for number in 0..usize::try_from(many).expect("a count fits") {
        store.lookup(&name(number)).expect("it was created").stop().await.expect("it runs");
    }
    let elapsed = start.elapsed();
    store.stop().await.expect("the store runs");
    elapsed
}
