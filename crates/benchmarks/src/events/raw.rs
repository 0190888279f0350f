//! The floor: a task that calls every function of a list.

use std::hint::black_box;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Bus, Waits};

/// As many events may wait as in a mailbox of ours.
const MAILBOX: usize = 1024;

/// A task that walks through its handlers.
#[derive(Debug)]
pub struct Walk {
    mailbox: mpsc::Sender<Message>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Message {
    Tell(u64),
    Ask(u64, oneshot::Sender<()>),
}

type Handlers = Vec<Box<dyn FnMut(&u64) + Send>>;

fn handlers(told: u64) -> Handlers {
    let mut handlers = Handlers::new();
    for _ in 0..told {
        let mut sum = 0_u64;
        handlers.push(Box::new(move |event| sum = sum.wrapping_add(black_box(*event))));
    }
    handlers
}

async fn walk(mut handlers: Handlers, mut inbox: mpsc::Receiver<Message>) {
    while let Some(message) = inbox.recv().await {
        let (event, reply) = match message {
            Message::Tell(event) => (event, None),
            Message::Ask(event, reply) => (event, Some(reply)),
        };
        for handler in &mut handlers {
            handler(&event);
        }
        if let Some(reply) = reply {
            reply.send(()).expect("the sender waits");
        }
    }
}

impl Bus for Walk {
    const ID: &'static str = crate::contenders::BASE;

    #[expect(clippy::disallowed_methods, reason = "the floor is made of Tokio's own tasks")]
    async fn start(told: u64) -> Self {
        let (mailbox, inbox) = mpsc::channel(MAILBOX);
        Self { mailbox, task: tokio::spawn(walk(handlers(told), inbox)) }
    }

    async fn notify(&mut self, event: u64) {
        assert!(self.mailbox.send(Message::Tell(event)).await.is_ok(), "the task runs");
    }

    async fn settle(&mut self) {
        self.sync_notify(0).await;
    }

    async fn stop(self) {
        drop(self.mailbox);
        self.task.await.expect("the task does not panic");
    }
}

impl Waits for Walk {
    async fn sync_notify(&mut self, event: u64) {
        let (reply, answer) = oneshot::channel();
        assert!(self.mailbox.send(Message::Ask(event, reply)).await.is_ok(), "the task runs");
        answer.await.expect("the task answers");
    }
}
