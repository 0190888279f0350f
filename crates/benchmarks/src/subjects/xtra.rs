//! xtra: an address, an unbounded mailbox, a handler for every message type.

use xtra::prelude::{Address, Context, Handler, Mailbox};

use super::{Ask, Cast, Counter, Subject};

/// The library.
#[derive(Debug)]
pub struct Xtra;

/// The counting actor.
#[derive(Debug, Default, xtra::Actor)]
pub struct Actor(Counter<Address<Self>>);

impl Handler<Ask> for Actor {
    type Return = u64;

    async fn handle(&mut self, message: Ask, _ctx: &mut Context<Self>) -> u64 {
        message.prepare().await;
        self.0.count()
    }
}

impl Handler<Cast<Address<Self>>> for Actor {
    type Return = ();

    async fn handle(&mut self, message: Cast<Address<Self>>, _ctx: &mut Context<Self>) {
        if let Some((next, cast)) = self.0.handle(message) {
            drop(next.send(cast).detach().await.expect("the next actor runs"));
        }
    }
}

impl Subject for Xtra {
    const ID: &'static str = "xtra";
    type Server = Address<Actor>;
    type Keep = ();

    async fn start() -> (Self::Server, Self::Keep) {
        (xtra::spawn_tokio(Actor::default(), Mailbox::unbounded()), ())
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        server.send(ask).await.expect("the actor answers")
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        drop(server.send(cast).detach().await.expect("the actor runs"));
    }

    async fn stop(server: Self::Server, (): Self::Keep) {
        let end = server.join();
        drop(server);
        end.await;
    }
}
