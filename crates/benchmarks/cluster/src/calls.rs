//! A call to a server by its name, from a member with a connection of its own, beside a request that a task answers.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome as Step};
use genserver_cluster::engine::nats::Nats;
use genserver_cluster::{Cluster, Clustered, Messages, Remote, RemoteRef};
use serde::{Deserialize, Serialize};

use crate::measure::{Begun, Half, head, row};
use crate::{Outcome, ROUNDS};

/// How long one half of a round takes.
const TIME: Duration = Duration::from_secs(1);

const CLIENTS: [usize; 2] = [1, 50];

const SUBJECT: &str = "bench.echo";

struct Counter(u64);

/// Adds, and returns the sum.
#[derive(Serialize, Deserialize)]
struct Add(u64);

struct Asked(u64, Caller<u64>);

impl GenServer for Counter {
    type Args = ();
    type Call = Asked;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(0))
    }

    async fn handle_call(&mut self, Asked(number, caller): Asked, _cx: &mut Cx<Self>) -> Step<Self> {
        self.0 += number;
        Next::reply(caller, self.0)
    }
}

impl Remote<Add> for Counter {
    type Reply = u64;

    fn local(Add(number): Add, caller: Caller<u64>) -> Asked {
        Asked(number, caller)
    }
}

impl Clustered for Counter {
    fn messages() -> Messages<Self> {
        Messages::new("bench.counter", 1).call::<Add>("add")
    }
}

/// Something that is asked, and answers.
trait Ask: Clone + Send + Sync + 'static {
    fn ask(&self) -> impl Future<Output = ()> + Send;
}

impl Ask for RemoteRef<Counter> {
    async fn ask(&self) {
        self.call(Add(1)).await.expect("the server runs");
    }
}

impl Ask for async_nats::Client {
    async fn ask(&self) {
        self.request(SUBJECT, Bytes::copy_from_slice(&1_u64.to_be_bytes())).await.expect("the task answers");
    }
}

pub(crate) async fn measure(address: &str) -> Outcome {
    let a = Cluster::over(Nats::connect(address).await?).member("a").start().await?;
    let b = Cluster::over(Nats::connect(address).await?).member("b").start().await?;
    a.start_named::<Counter>("counter", ()).await?;
    let ours = b.named::<Counter>("counter");

    let answers = async_nats::connect(address).await?;
    let bare = async_nats::connect(address).await?;
    let mut requests = answers.subscribe(SUBJECT).await?;
    answers.flush().await?;
    let task = tokio::spawn(async move {
        let mut sum = 0;
        while let Some(request) = requests.next().await {
            let number = request.payload.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            sum += number;
            let reply = request.reply.expect("it is a request");
            answers.publish(reply, Bytes::copy_from_slice(&u64::to_be_bytes(sum))).await.expect("it is connected");
        }
    });

    head("calls");
    for clients in CLIENTS {
        let (mut our_halves, mut bare_halves) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our_halves.push(run(&ours, clients).await?);
            bare_halves.push(run(&bare, clients).await?);
        }
        row(&format!("{clients} clients"), &our_halves, &bare_halves);
    }
    task.abort();
    a.stop().await?;
    b.stop().await?;
    Ok(())
}

async fn run(subject: &impl Ask, clients: usize) -> Outcome<Half> {
    let begun = Begun::now();
    let at = std::time::Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let subject = subject.clone();
            tokio::spawn(async move {
                let mut calls = 0;
                while at.elapsed() < TIME {
                    subject.ask().await;
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    let mut calls: u64 = 0;
    for task in tasks {
        calls += task.await?;
    }
    Ok(begun.done(calls))
}
