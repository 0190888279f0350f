//! The floor: the actor one writes by hand on Tokio, a second copy of it, and one with timeouts.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Ask, Cast, Counter, Subject};

/// The hand-written actor. `COPY` makes a second one of it, compiled apart.
#[derive(Debug)]
pub struct Raw<const COPY: u8>;

/// The first copy, but every call waits at most five seconds.
#[derive(Debug)]
pub struct RawTimeout;

/// What senders hold of a hand-written actor.
#[derive(Debug, Clone)]
pub struct Handle(mpsc::UnboundedSender<Message>);

#[derive(Debug)]
enum Message {
    Call(Ask, oneshot::Sender<u64>),
    Cast(Cast<Handle>),
}

impl<const COPY: u8> Raw<COPY> {
    async fn serve(mut inbox: mpsc::UnboundedReceiver<Message>) {
        let mut counter = Counter::default();
        while let Some(message) = inbox.recv().await {
            match message {
                Message::Call(ask, reply) => {
                    ask.prepare().await;
                    reply.send(counter.count()).expect("the caller waits");
                }
                Message::Cast(cast) => {
                    if let Some((Handle(next), cast)) = counter.handle(cast) {
                        next.send(Message::Cast(cast)).expect("the next server runs");
                    }
                }
            }
        }
    }
}

impl<const COPY: u8> Subject for Raw<COPY> {
    const ID: &'static str = if COPY == 0 { "raw" } else { "raw again" };
    type Server = Handle;
    type Keep = JoinHandle<()>;

    async fn start() -> (Self::Server, Self::Keep) {
        let (sender, inbox) = mpsc::unbounded_channel();
        (Handle(sender), Self::spawn(Self::serve(inbox)))
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        let (reply, answer) = oneshot::channel();
        server.0.send(Message::Call(ask, reply)).expect("the server runs");
        answer.await.expect("the server answers")
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        server.0.send(Message::Cast(cast)).expect("the server runs");
    }

    async fn stop(server: Self::Server, keep: Self::Keep) {
        drop(server);
        keep.await.expect("the server ends well");
    }
}

impl Subject for RawTimeout {
    const ID: &'static str = "raw+timeout";
    type Server = Handle;
    type Keep = JoinHandle<()>;

    async fn start() -> (Self::Server, Self::Keep) {
        Raw::<0>::start().await
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        let call = Raw::<0>::call(server, ask);
        tokio::time::timeout(Duration::from_secs(5), call).await.expect("the server answers in time")
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        Raw::<0>::cast(server, cast).await;
    }

    async fn stop(server: Self::Server, keep: Self::Keep) {
        Raw::<0>::stop(server, keep).await;
    }
}
