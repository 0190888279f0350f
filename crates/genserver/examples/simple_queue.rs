//! The queue of the first lesson: two kinds of calls, one kind of casts.

use std::collections::VecDeque;

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};

struct SimpleQueue(VecDeque<i64>);

enum Call {
    Dequeue(Caller<Option<i64>>),
    Queue(Caller<Vec<i64>>),
}

#[derive(Debug)]
struct Enqueue(i64);

impl GenServer for SimpleQueue {
    type Args = Vec<i64>;
    type Call = Call;
    type Cast = Enqueue;
    type Info = Never;

    async fn init(items: Vec<i64>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(items.into()))
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Dequeue(caller) => Next::reply(caller, self.0.pop_front()),
            Call::Queue(caller) => Next::reply(caller, self.0.iter().copied().collect()),
        }
    }

    async fn handle_cast(&mut self, Enqueue(item): Enqueue, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.push_back(item);
        Next::wait()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let queue = genserver::start::<SimpleQueue>(vec![1, 2, 3]).await?;
    assert_eq!(queue.call(Call::Dequeue).await?, Some(1));
    assert_eq!(queue.call(Call::Dequeue).await?, Some(2));
    assert_eq!(queue.call(Call::Queue).await?, [3]);
    queue.cast(Enqueue(20))?;
    assert_eq!(queue.call(Call::Queue).await?, [3, 20]);
    Ok(())
}
