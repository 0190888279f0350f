//! The actor that one writes by hand on Tokio: a task, an unbounded channel, and a oneshot for each answer.

use std::hint::black_box;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};

use crate::rows::BATCH;

#[derive(Debug)]
enum Message {
    Call(oneshot::Sender<u64>),
    Cast(u64),
}

/// What senders hold of an actor; it runs until the last of these is dropped.
#[derive(Debug, Clone)]
struct Actor(mpsc::UnboundedSender<Message>);

impl Actor {
    fn start<const YIELDS: bool>() -> (Self, JoinHandle<()>) {
        let (sender, inbox) = mpsc::unbounded_channel();
        (Self(sender), spawn(serve::<YIELDS>(inbox)))
    }

    async fn call(&self) -> u64 {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Call(reply)).expect("the actor runs");
        answer.await.expect("the actor answers")
    }
}

/// What an actor does. If it `YIELDS`, it gives way once before it answers.
async fn serve<const YIELDS: bool>(mut inbox: mpsc::UnboundedReceiver<Message>) {
    let mut count = 0;
    while let Some(message) = inbox.recv().await {
        match message {
            Message::Call(reply) => {
                if YIELDS {
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
pub(crate) async fn calls<const YIELDS: bool>(clients: u64, ops: u64) {
    let (actor, _task) = Actor::start::<YIELDS>();
    let client = |actor: Actor| async move {
        for _ in 0..ops / clients {
            black_box(actor.call().await);
        }
    };
    let clients: Vec<_> = (0..clients).map(|_| spawn(client(actor.clone()))).collect();
    for client in clients {
        client.await.expect("a client does not panic");
    }
}

/// One sender, which gives way after every batch.
pub(crate) async fn casts(ops: u64) {
    let (actor, _task) = Actor::start::<false>();
    for sent in 1..=ops {
        actor.0.send(Message::Cast(black_box(1))).expect("the actor runs");
        if sent % BATCH == 0 {
            yield_now().await;
        }
    }
    assert_eq!(actor.call().await, ops);
}

/// One actor after the other is started, called once, and waited for until it has ended.
pub(crate) async fn lives(ops: u64) {
    for _ in 0..ops {
        let (actor, task) = Actor::start::<false>();
        black_box(actor.call().await);
        drop(actor);
        task.await.expect("the actor ends well");
    }
}

/// Events to so many receivers of a broadcast channel, none of which loses one.
pub(crate) async fn streams(consumers: u64, ops: u64) {
    let (sender, _) = broadcast::channel(1024);
    let receive = |mut events: broadcast::Receiver<u64>| async move {
        let mut sum = 0_u64;
        while let Ok(event) = events.recv().await {
            sum = sum.wrapping_add(black_box(event));
        }
        black_box(sum);
    };
    let tasks: Vec<_> = (0..consumers).map(|_| spawn(receive(sender.subscribe()))).collect();
    for sent in 1..=ops {
        sender.send(black_box(sent)).expect("somebody receives");
        if sent % BATCH == 0 {
            while !sender.is_empty() {
                yield_now().await;
            }
        }
    }
    drop(sender);
    for task in tasks {
        task.await.expect("a receiver does not panic");
    }
}

/// A task that calls every function of a list with each event.
pub(crate) async fn notifies(handlers: u64, ops: u64) {
    let (events, inbox) = mpsc::unbounded_channel();
    let task = spawn(tell_all(handlers, inbox));
    for sent in 1..=ops {
        events.send(black_box(sent)).expect("the task runs");
        if sent % BATCH == 0 {
            yield_now().await;
        }
    }
    drop(events);
    task.await.expect("the task does not panic");
}

async fn tell_all(handlers: u64, mut inbox: mpsc::UnboundedReceiver<u64>) {
    let handler = |_| -> Box<dyn FnMut(&u64) + Send> {
        let mut sum = 0_u64;
        Box::new(move |event| sum = sum.wrapping_add(black_box(*event)))
    };
    let mut handlers: Vec<_> = (0..handlers).map(handler).collect();
    while let Some(event) = inbox.recv().await {
        for handler in &mut handlers {
            handler(&event);
        }
    }
}
