//! One number that many read and change: held by an agent, by a server, behind a lock, and by a hand-written actor.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use genserver::agent::Agent;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef};
use tokio::sync::{mpsc, oneshot};

use crate::contenders::BASE;
use crate::measure::{Column, Record, Row};
use crate::options::Options;
use crate::subjects::World;
use crate::table;
use crate::workloads::now;

/// The rows: what is done, by how many clients, how often.
const ROWS: [(Act, Row); 4] = [
    (Act::Get, row("get, 1 client", 1, 80_000)),
    (Act::Get, row("get, 16 clients", 16, 128_000)),
    (Act::Update, row("update, 1 client", 1, 80_000)),
    (Act::Update, row("update, 16 clients", 16, 128_000)),
];

const fn row(workload: &'static str, clients: u64, ops: u64) -> Row {
    Row { workload, ops, clients, whole: false }
}

/// Measures every row that is wanted, and prints them as a table of their own.
pub fn compare(world: World, options: &Options) -> Vec<Record> {
    table::compare(world, options, ROWS, |act, row| columns(world, act, row.clients, options))
}

fn columns(world: World, act: Act, clients: u64, options: &Options) -> Vec<Column<'static>> {
    let mut columns = vec![
        column::<Raw>(world, act, clients),
        column::<ParkingLot>(world, act, clients),
        column::<TokioMutex>(world, act, clients),
        column::<Server>(world, act, clients),
        column::<Agent<u64>>(world, act, clients),
    ];
    columns.retain(|column| column.subject == BASE || options.compares(column.subject));
    columns
}

fn column<H: Holder>(world: World, act: Act, clients: u64) -> Column<'static> {
    let time = move |ops| {
        let runtime = world.runtime();
        let work = async move {
            // The first operations of a fresh runtime pay for its threads.
            crowd::<H>(act, clients, ops / 16).await;
            crowd::<H>(act, clients, ops).await
        };
        runtime.block_on(runtime.spawn(work)).expect("a workload does not panic")
    };
    Column { subject: H::ID, time: Box::new(time) }
}

/// What is done with the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Get,
    Update,
}

/// Where the number is.
trait Holder: Clone + Send + 'static {
    const ID: &'static str;
    fn hold() -> impl Future<Output = Self> + Send;
    fn get(&self) -> impl Future<Output = u64> + Send;
    /// Adds to it, and waits until that is done.
    fn update(&self, by: u64) -> impl Future<Output = ()> + Send;
    fn let_go(self) -> impl Future<Output = ()> + Send;
}

async fn crowd<H: Holder>(act: Act, clients: u64, ops: u64) -> Duration {
    let holder = H::hold().await;
    let start = now();
    let tasks: Vec<_> = (0..clients).map(|_| spawn(client(holder.clone(), act, ops / clients))).collect();
    for task in tasks {
        task.await.expect("a client does not panic");
    }
    let elapsed = start.elapsed();
    if act == Act::Update {
        assert_eq!(holder.get().await, ops / clients * clients, "{} lost an update", H::ID);
    }
    holder.let_go().await;
    elapsed
}

#[expect(clippy::disallowed_methods, reason = "the clients are Tokio tasks for every subject")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}

async fn client<H: Holder>(holder: H, act: Act, ops: u64) {
    for _ in 0..ops {
        match act {
            Act::Get => drop(black_box(holder.get().await)),
            Act::Update => holder.update(black_box(1)).await,
        }
    }
}

/// The hand-written actor.
#[derive(Clone)]
struct Raw(mpsc::UnboundedSender<Message>);

enum Message {
    Get(oneshot::Sender<u64>),
    Update(u64, oneshot::Sender<()>),
}

impl Holder for Raw {
    const ID: &'static str = BASE;

    async fn hold() -> Self {
        let (sender, mut inbox) = mpsc::unbounded_channel();
        spawn(async move {
            let mut number = 0;
            while let Some(message) = inbox.recv().await {
                match message {
                    Message::Get(reply) => reply.send(number).expect("the caller waits"),
                    Message::Update(by, reply) => {
                        number += by;
                        reply.send(()).expect("the caller waits");
                    }
                }
            }
        });
        Self(sender)
    }

    async fn get(&self) -> u64 {
        let (reply, answer) = oneshot::channel();
        assert!(self.0.send(Message::Get(reply)).is_ok(), "the actor runs");
        answer.await.expect("the actor answers")
    }

    async fn update(&self, by: u64) {
        let (reply, answer) = oneshot::channel();
        assert!(self.0.send(Message::Update(by, reply)).is_ok(), "the actor runs");
        answer.await.expect("the actor answers");
    }

    async fn let_go(self) {}
}

/// The lock to reach for if a number only has to be shared.
#[derive(Clone)]
struct ParkingLot(Arc<parking_lot::Mutex<u64>>);

impl Holder for ParkingLot {
    const ID: &'static str = "parking_lot";

    async fn hold() -> Self {
        Self(Arc::default())
    }

    async fn get(&self) -> u64 {
        *self.0.lock()
    }

    async fn update(&self, by: u64) {
        *self.0.lock() += by;
    }

    async fn let_go(self) {}
}

/// The lock to reach for if it is held over an await.
#[derive(Clone)]
struct TokioMutex(Arc<tokio::sync::Mutex<u64>>);

impl Holder for TokioMutex {
    const ID: &'static str = "tokio mutex";

    async fn hold() -> Self {
        Self(Arc::default())
    }

    async fn get(&self) -> u64 {
        *self.0.lock().await
    }

    async fn update(&self, by: u64) {
        *self.0.lock().await += by;
    }

    async fn let_go(self) {}
}

/// A server with two calls.
struct Number(u64);

enum Call {
    Get(Caller<u64>),
    Update(u64, Caller<()>),
}

impl GenServer for Number {
    type Args = ();
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(0))
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Get(caller) => Next::reply(caller, self.0),
            Call::Update(by, caller) => {
                self.0 += by;
                Next::reply(caller, ())
            }
        }
    }
}

type Server = ServerRef<Number>;

impl Holder for Server {
    const ID: &'static str = "server";

    async fn hold() -> Self {
        genserver::start::<Number>(()).await.expect("the server starts")
    }

    async fn get(&self) -> u64 {
        self.call(Call::Get).await.expect("the server answers")
    }

    async fn update(&self, by: u64) {
        self.call(|caller| Call::Update(by, caller)).await.expect("the server answers");
    }

    async fn let_go(self) {
        self.stop().await.expect("the server runs");
    }
}

impl Holder for Agent<u64> {
    const ID: &'static str = "agent";

    async fn hold() -> Self {
        Self::start(|| 0).await.expect("the agent starts")
    }

    async fn get(&self) -> u64 {
        self.get(|number| *number).await.expect("the agent answers")
    }

    async fn update(&self, by: u64) {
        self.update(move |number| *number += by).await.expect("the agent answers");
    }

    async fn let_go(self) {
        self.stop().await.expect("the agent runs");
    }
}
