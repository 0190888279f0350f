//! The queue of seed 002 and its three console sessions.

use std::collections::VecDeque;

use genserver::{AsServer, CallError, Caller, Cx, GenServer, Init, Named, Never, Next, Outcome, StartError};

struct SimpleQueue(VecDeque<i64>);

enum Call {
    Dequeue(Caller<Option<i64>>),
    Queue(Caller<Vec<i64>>),
}

struct Enqueue(i64);

impl GenServer for SimpleQueue {
    type Args = Vec<i64>;
    type Call = Call;
    type Cast = Enqueue;
    type Info = Never;

    async fn init(state: Vec<i64>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(state.into()))
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Dequeue(caller) => Next::reply(caller, self.0.pop_front()),
            Call::Queue(caller) => Next::reply(caller, self.0.iter().copied().collect()),
        }
    }

    async fn handle_cast(&mut self, Enqueue(value): Enqueue, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.push_back(value);
        Next::wait()
    }
}

/// The client API: the server is found by its name, as `__MODULE__` is in the seed.
async fn start(name: &str, state: Vec<i64>) -> Result<(), StartError> {
    genserver::start::<SimpleQueue>(state).name(name).await.map(drop)
}

async fn queue(name: &str) -> Result<Vec<i64>, CallError> {
    Named::<SimpleQueue>::new(name).call(Call::Queue).await
}

async fn dequeue(name: &str) -> Result<Option<i64>, CallError> {
    Named::<SimpleQueue>::new(name).call(Call::Dequeue).await
}

fn enqueue(name: &str, value: i64) {
    let _ = Named::<SimpleQueue>::new(name).cast(Enqueue(value));
}

#[tokio::test]
async fn synchronous_functions() {
    start("first", vec![1, 2, 3]).await.unwrap();
    assert_eq!(dequeue("first").await.unwrap(), Some(1));
    assert_eq!(dequeue("first").await.unwrap(), Some(2));
    assert_eq!(queue("first").await.unwrap(), [3]);
}

#[tokio::test]
async fn asynchronous_functions() {
    start("second", vec![1, 2, 3]).await.unwrap();
    assert_eq!(queue("second").await.unwrap(), [1, 2, 3]);
    enqueue("second", 20);
    assert_eq!(queue("second").await.unwrap(), [1, 2, 3, 20]);
}

#[tokio::test]
async fn an_empty_queue_answers_nil() {
    start("third", Vec::new()).await.unwrap();
    assert_eq!(dequeue("third").await.unwrap(), None);
    assert_eq!(queue("third").await.unwrap(), []);
}
