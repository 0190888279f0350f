//! kameo: a handler for every message type, the mailbox bounded as it is by default.

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::message::{Context, Message};

use super::{Ask, Cast, Counter, Subject};

/// The library.
#[derive(Debug)]
pub struct Kameo;

/// The counting actor.
#[derive(Debug, Default, Actor)]
pub struct Counting(Counter<ActorRef<Self>>);

impl Message<Ask> for Counting {
    type Reply = u64;

    async fn handle(&mut self, msg: Ask, _ctx: &mut Context<Self, u64>) -> u64 {
        msg.prepare().await;
        self.0.count()
    }
}

impl Message<Cast<ActorRef<Self>>> for Counting {
    type Reply = ();

    async fn handle(&mut self, msg: Cast<ActorRef<Self>>, _ctx: &mut Context<Self, ()>) {
        if let Some((next, cast)) = self.0.handle(msg) {
            next.tell(cast).try_send().expect("the next actor has space for a token");
        }
    }
}

impl Subject for Kameo {
    const ID: &'static str = "kameo";
    type Server = ActorRef<Counting>;
    type Keep = ();

    async fn start() -> (Self::Server, Self::Keep) {
        (Counting::spawn(Counting::default()), ())
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        server.ask(ask).send().await.expect("the actor answers")
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        server.tell(cast).send().await.expect("the actor runs");
    }

    async fn stop(server: Self::Server, (): Self::Keep) {
        server.stop_gracefully().await.expect("the actor runs");
        server.wait_for_shutdown().await;
    }
}
