//! The actor that one writes by hand on Tokio: a task, an unbounded channel, and a oneshot for each answer.

use std::hint::black_box;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};

use crate::rows::BATCH;

/// How a call is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    /// At once.
    Plain,
    /// After the actor has given way once.
    Yielding,
}

#[derive(Debug)]
enum Message {
    Call(Ask, oneshot::Sender<u64>),
    Cast(u64),
}

#[derive(Debug, Clone)]
struct Actor(mpsc::UnboundedSender<Message>);

impl Actor {
    fn start() -> (Self, JoinHandle<()>) {
        let (sender, inbox) = mpsc::unbounded_channel();
        (Self(sender), spawn(serve(inbox)))
    }

    async fn call(&self, ask: Ask) -> u64 {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Call(ask, reply)).expect("the actor runs");
        answer.await.expect("the actor answers")
    }
}

async fn serve(mut inbox: mpsc::UnboundedReceiver<Message>) {
    let mut count = 0;
    while let Some(message) = inbox.recv().await {
        match message {
            Message::Call(ask, reply) => {
                if let Ask::Yielding = ask {
                    yield_now().await;
                }
                reply.send(count).expect("the caller waits");
            }
            Message::Cast(by) => count += by,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the floor is made of Tokio's own tasks")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}

/// So many clients share the calls to one actor.
pub(crate) async fn calls(clients: u64, ops: u64, ask: Ask) {
    let (actor, _task) = Actor::start();
    let client = |actor: Actor| async move {
        for _ in 0..ops / clients {
            black_box(actor.call(ask).await);
        }
    };
    let clients: Vec<_> = (0..clients).map(|_| spawn(client(actor.clone()))).collect();
    for client in clients {
        client.await.expect("a client does not panic");
    }
}

/// One sender, which gives way after every batch.
pub(crate) async fn casts(ops: u64) {
    let (actor, _task) = Actor::start();
    for sent in 1..=ops {
        actor.0.send(Message::Cast(black_box(1))).expect("the actor runs");
        if sent % BATCH == 0 {
            yield_now().await;
        }
    }
    assert_eq!(actor.call(Ask::Plain).await, ops);
}

/// One actor after the other is started, called once, and waited for until it has ended.
pub(crate) async fn lives(ops: u64) {
    for _ in 0..ops {
        let (actor, task) = Actor::start();
        black_box(actor.call(Ask::Plain).await);
        drop(actor);
        task.await.expect("the actor ends well");
    }
}
