//! The floor: tasks in a `JoinSet`, and a task that spawns another for each that ends.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::{Births, Tree};

/// A task that looks after others.
#[derive(Debug)]
pub struct Tasks {
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

/// What a child is told; it ends when it is told anything.
type Inbox = mpsc::UnboundedSender<()>;

async fn child(births: Births<Inbox>) {
    let (sender, mut inbox) = mpsc::unbounded_channel();
    births.send(sender).expect("somebody looks on");
    inbox.recv().await;
}

async fn supervise(children: u64, births: Births<Inbox>, mut stop: oneshot::Receiver<()>) {
    let mut tasks = JoinSet::new();
    for _ in 0..children {
        spawn(&mut tasks, &births);
    }
    let mut ended = async |tasks: &mut JoinSet<()>| {
        poll_fn(|cx| match Pin::new(&mut stop).poll(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => tasks.poll_join_next(cx),
        })
        .await
    };
    while ended(&mut tasks).await.is_some() {
        spawn(&mut tasks, &births);
    }
    tasks.shutdown().await;
}

fn spawn(tasks: &mut JoinSet<()>, births: &Births<Inbox>) {
    tasks.spawn(child(births.clone()));
}

impl Tree for Tasks {
    const ID: &'static str = crate::contenders::BASE;
    type Child = Inbox;

    #[expect(clippy::disallowed_methods, reason = "the floor is made of Tokio's own tasks")]
    async fn grow(children: u64, births: Births<Inbox>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, supervisor: tokio::spawn(supervise(children, births, stopped)) }
    }

    async fn crash(child: Inbox) {
        child.send(()).expect("the child runs");
    }

    async fn fell(self) {
        self.stop.send(()).expect("the supervisor runs");
        self.supervisor.await.expect("the supervisor does not panic");
    }
}
