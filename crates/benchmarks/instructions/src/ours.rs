//! This workspace's servers, started and called as any user does: timeouts in force, nothing tuned.

use std::hint::black_box;

use bytes::Bytes;
use futures::StreamExt;
use genevent::{AsyncHandler, Handler, HandlerCx, LagPolicy, Manager, React, Reaction};
use genserver::agent::Agent;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef, Start};
use kv_core::Bucket;
use tokio::task::{JoinHandle, yield_now};

use crate::rows::BATCH;

/// Counts what it is sent.
struct Counter(u64);

struct Count(Caller<u64>);

struct Add(u64);

impl GenServer for Counter {
    type Args = ();
    type Call = Count;
    type Cast = Add;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(0))
    }

    async fn handle_call(&mut self, Count(caller): Count, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0)
    }

    async fn handle_cast(&mut self, Add(by): Add, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 += by;
        Next::wait()
    }
}

/// A counter that gives way before it answers.
struct Polite(u64);

impl GenServer for Polite {
    type Args = ();
    type Call = Count;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(0))
    }

    async fn handle_call(&mut self, Count(caller): Count, _cx: &mut Cx<Self>) -> Outcome<Self> {
        yield_now().await;
        Next::reply(caller, self.0)
    }
}

fn start() -> Start<Counter, ServerRef<Counter>> {
    genserver::start::<Counter>(())
}

async fn call<S: GenServer<Call = Count>>(server: &ServerRef<S>) -> u64 {
    server.call(Count).await.expect("the server answers")
}

#[expect(clippy::disallowed_methods, reason = "the clients are Tokio tasks on both sides")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}

/// One client calls a server that has nothing else to do.
pub(crate) async fn calls(ops: u64) {
    let server = start().await.expect("the server starts");
    clients(1, ops, &server).await;
}

/// The same, but the callback gives way once.
pub(crate) async fn yielding_calls(ops: u64) {
    let server = genserver::start::<Polite>(()).await.expect("the server starts");
    clients(1, ops, &server).await;
}

/// So many clients call a server that runs in its own task.
pub(crate) async fn queued_calls(crowd: u64, ops: u64) {
    let server = start().inline(false).await.expect("the server starts");
    clients(crowd, ops, &server).await;
}

async fn clients<S: GenServer<Call = Count>>(crowd: u64, ops: u64, server: &ServerRef<S>) {
    let client = |server: ServerRef<S>| async move {
        for _ in 0..ops / crowd {
            black_box(call(&server).await);
        }
    };
    let clients: Vec<_> = (0..crowd).map(|_| spawn(client(server.clone()))).collect();
    for client in clients {
        client.await.expect("a client does not panic");
    }
}

/// One sender, which gives way after every batch.
pub(crate) async fn casts(ops: u64) {
    let server = start().await.expect("the server starts");
    for sent in 1..=ops {
        server.cast(Add(black_box(1))).expect("the mailbox has space for a batch");
        if sent % BATCH == 0 {
            yield_now().await;
        }
    }
    assert_eq!(call(&server).await, ops);
}

/// One server after the other is started, called once, and stopped.
pub(crate) async fn lives(ops: u64) {
    for _ in 0..ops {
        let server = start().await.expect("the server starts");
        black_box(call(&server).await);
        server.stop().await.expect("the server runs");
    }
}

/// A number in an agent is read.
pub(crate) async fn agent_gets(ops: u64) {
    let agent = Agent::start(|| 0_u64).await.expect("the agent starts");
    for _ in 0..ops {
        black_box(agent.get(|number| *number).await.expect("the agent answers"));
    }
}

/// How many keys a bucket has.
const KEYS: usize = 1_000;

async fn bucket() -> (Bucket, Vec<Bytes>) {
    let bucket = Bucket::start().await.expect("the bucket starts");
    let keys: Vec<Bytes> = (0..KEYS).map(|number| Bytes::from(format!("a key of twenty {number:04}"))).collect();
    for key in &keys {
        bucket.put(key.clone(), value()).await.expect("the bucket answers");
    }
    (bucket, keys)
}

fn value() -> Bytes {
    Bytes::from_static(b"a value of some thirty letters")
}

/// The values of a bucket are read, one after the other.
pub(crate) async fn bucket_gets(ops: u64) {
    let (bucket, keys) = bucket().await;
    for (_, key) in (0..ops).zip(keys.iter().cycle()) {
        black_box(bucket.get(key.clone()).await.expect("the bucket answers"));
    }
}

/// The values of a bucket are replaced, one after the other.
pub(crate) async fn bucket_puts(ops: u64) {
    let (bucket, keys) = bucket().await;
    for (_, key) in (0..ops).zip(keys.iter().cycle()) {
        bucket.put(key.clone(), value()).await.expect("the bucket answers");
    }
}

/// Adds up the events.
struct Sum(u64);

impl Sum {
    fn add(&mut self, event: u64) {
        self.0 = self.0.wrapping_add(black_box(event));
    }
}

impl Handler<u64> for Sum {
    type Call = Never;

    fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        self.add(*event);
        React::stay()
    }
}

/// It may wait, and never does.
impl AsyncHandler<u64> for Sum {
    type Call = Never;

    async fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        self.add(*event);
        React::stay()
    }
}

/// A manager with so many plain handlers.
async fn plain(handlers: u64) -> Manager<u64> {
    let manager = Manager::start().await.expect("the manager starts");
    for id in 0..handlers {
        manager.add_handler(Sum(0)).id(id).await.expect("the handler is added");
    }
    manager
}

/// Events to so many plain handlers, in batches as the casts are.
pub(crate) async fn notifies_plain(handlers: u64, ops: u64) {
    notify_all(plain(handlers).await, ops).await;
}

/// The same with handlers whose callbacks are futures.
pub(crate) async fn notifies_async(handlers: u64, ops: u64) {
    let manager = Manager::start().await.expect("the manager starts");
    for id in 0..handlers {
        manager.add_async_handler(Sum(0)).id(id).await.expect("the handler is added");
    }
    notify_all(manager, ops).await;
}

async fn notify_all(manager: Manager<u64>, ops: u64) {
    for sent in 1..=ops {
        manager.notify(black_box(sent)).expect("the mailbox has space for a batch");
        if sent % BATCH == 0 {
            yield_now().await;
        }
    }
    manager.sync_notify(0).await.expect("the manager runs");
}

/// Events to one plain handler, each of them waited for.
pub(crate) async fn sync_notifies(ops: u64) {
    let manager = plain(1).await;
    for event in 0..ops {
        manager.sync_notify(black_box(event)).await.expect("the manager runs");
    }
}

/// Events to so many streams, none of which loses one, in batches as the casts are.
pub(crate) async fn streams(consumers: u64, ops: u64) {
    let manager = Manager::start().await.expect("the manager starts");
    let mut tasks = Vec::new();
    for _ in 0..consumers {
        let mut events = manager.stream().lag(LagPolicy::Wait);
        events.subscribe().await.expect("the manager runs");
        tasks.push(spawn(async move {
            let mut sum = 0_u64;
            while let Some(event) = events.next().await {
                sum = sum.wrapping_add(black_box(event.expect("nothing is lost")));
            }
            black_box(sum);
        }));
    }
    for sent in 1..=ops {
        manager.notify(black_box(sent)).expect("the mailbox has space for a batch");
        if sent % BATCH == 0 {
            // The manager writes the batch, and then the consumers read it.
            yield_now().await;
            yield_now().await;
        }
    }
    manager.stop().await.expect("the manager runs");
    for task in tasks {
        task.await.expect("a consumer does not panic");
    }
}
