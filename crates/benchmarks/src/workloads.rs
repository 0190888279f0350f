//! What is measured: each workload is written once, over `Subject`.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::subjects::{Ask, Cast, Link, Subject};

/// One row of the tables.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name in the tables and on the command line.
    pub id: &'static str,
    /// What is done.
    pub shape: Shape,
    /// How often in one round; a multiple of the clients.
    pub ops: u64,
}

/// What a workload does.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// So many clients call one server.
    Call(u64, Ask),
    /// So many clients call one server that runs in a task of its own.
    Queued(u64),
    /// So many clients cast to one server, until it has handled everything.
    Cast(u64),
    /// A token goes round so many servers.
    Ring(u64),
    /// A server is started, called once and stopped, one after the other.
    Lives,
}

/// Every workload whose time is taken. A round of `raw` takes about twenty milliseconds.
pub const WORKLOADS: [Workload; 13] = [
    row("call, 1 client", Shape::Call(1, Ask::Plain), 80_000),
    row("call, 2 clients", Shape::Call(2, Ask::Plain), 100_000),
    row("call, 16 clients", Shape::Call(16, Ask::Plain), 128_000),
    row("call, 256 clients", Shape::Call(256, Ask::Plain), 128_000),
    row("call, queued, 16 clients", Shape::Queued(16), 128_000),
    row("call, queued, 256 clients", Shape::Queued(256), 128_000),
    row("call, awaits once", Shape::Call(1, Ask::Awaiting), 60_000),
    row("cast, 1 producer", Shape::Cast(1), 300_000),
    row("cast, 2 producers", Shape::Cast(2), 200_000),
    row("cast, 16 producers", Shape::Cast(16), 160_000),
    row("ping-pong", Shape::Ring(2), 100_000),
    row("ring of 503", Shape::Ring(503), 100_000),
    row("start + call + stop", Shape::Lives, 10_000),
];

/// How often to ask again whether everything has arrived.
const PATIENCE: u32 = 1_000_000;

const fn row(id: &'static str, shape: Shape, ops: u64) -> Workload {
    Workload { id, shape, ops }
}

impl Shape {
    /// The number of operations nearest to `ops` that every client can have the same share of.
    pub fn share(self, ops: u64) -> u64 {
        let clients = self.clients();
        (ops / clients).max(8) * clients
    }

    /// How many clients share the operations.
    pub fn clients(self) -> u64 {
        match self {
            Self::Call(clients, _) | Self::Queued(clients) | Self::Cast(clients) => clients,
            Self::Ring(_) | Self::Lives => 1,
        }
    }

    /// Does it with servers of `S`, and says how long the measured part took.
    pub async fn run<S: Subject>(self, ops: u64) -> Duration {
        match self {
            Self::Call(clients, ask) => calls::<S>(S::start().await, clients, ask, ops).await,
            Self::Queued(clients) => calls::<S>(S::start_in_own_task().await, clients, Ask::Plain, ops).await,
            Self::Cast(producers) => casts::<S>(producers, ops).await,
            Self::Ring(servers) => ring::<S>(servers, ops).await,
            Self::Lives => lives::<S>(ops).await,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

async fn calls<S: Subject>((server, keep): (S::Server, S::Keep), clients: u64, ask: Ask, ops: u64) -> Duration {
    let elapsed = crowd::<S, _>(clients, &server, |server| call_all::<S>(server, ask, ops / clients)).await;
    S::stop(server, keep).await;
    elapsed
}

async fn call_all<S: Subject>(server: S::Server, ask: Ask, ops: u64) {
    for _ in 0..ops {
        black_box(S::call(&server, ask).await);
    }
}

async fn casts<S: Subject>(producers: u64, ops: u64) -> Duration {
    let (server, keep) = S::start().await;
    let start = now();
    crowd::<S, _>(producers, &server, |server| cast_all::<S>(server, ops / producers)).await;
    // Where messages keep their order the first answer is right; xtra's mailbox is a heap.
    let mut asked = 0;
    while S::call(&server, Ask::Plain).await < ops {
        asked += 1;
        assert!(asked < PATIENCE, "{} lost a cast", S::ID);
    }
    let elapsed = start.elapsed();
    S::stop(server, keep).await;
    elapsed
}

/// Ends with a call, so that the server has handled everything of this producer.
async fn cast_all<S: Subject>(server: S::Server, ops: u64) {
    for _ in 0..ops {
        S::cast(&server, Cast::Add(1)).await;
    }
    black_box(S::call(&server, Ask::Plain).await);
}

/// Spawns the clients and waits for them.
async fn crowd<S: Subject, F>(clients: u64, server: &S::Server, client: impl Fn(S::Server) -> F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let start = now();
    let tasks: Vec<_> = (0..clients).map(|_| S::spawn(client(server.clone()))).collect();
    for task in tasks {
        task.await.expect("a client does not panic");
    }
    start.elapsed()
}

async fn ring<S: Subject>(servers: u64, hops: u64) -> Duration {
    let mut ring = Vec::new();
    for _ in 0..servers {
        ring.push(S::start().await);
    }
    let done = Arc::new(Notify::new());
    for (at, (server, _)) in ring.iter().enumerate() {
        let next = ring[(at + 1) % ring.len()].0.clone();
        let link = Link { next, done: Arc::clone(&done) };
        S::cast(server, Cast::Link(Some(Box::new(link)))).await;
        black_box(S::call(server, Ask::Plain).await);
    }

    let start = now();
    S::cast(&ring[0].0, Cast::Token(hops)).await;
    done.notified().await;
    let elapsed = start.elapsed();

    // A server that ends with its last reference would keep its neighbour alive, and so on round.
    for (server, _) in &ring {
        S::cast(server, Cast::Link(None)).await;
    }
    for (server, keep) in ring {
        S::stop(server, keep).await;
    }
    elapsed
}

async fn lives<S: Subject>(servers: u64) -> Duration {
    let start = now();
    for _ in 0..servers {
        let (server, keep) = S::start().await;
        black_box(S::call(&server, Ask::Plain).await);
        S::stop(server, keep).await;
    }
    start.elapsed()
}
