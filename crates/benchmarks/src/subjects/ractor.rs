//! ractor: one message enum with reply ports, the handler's state beside the actor.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::task::JoinHandle;

use super::{Ask, Cast, Counter, Subject};

/// The library.
#[derive(Debug)]
pub struct Ractor;

/// The counting actor.
#[derive(Debug)]
pub struct Counting;

/// Its messages.
#[derive(Debug)]
pub enum Message {
    /// Wants the count.
    Call(Ask, RpcReplyPort<u64>),
    /// Wants no answer.
    Cast(Cast<ActorRef<Self>>),
}

impl Actor for Counting {
    type Msg = Message;
    type State = Counter<ActorRef<Message>>;
    type Arguments = ();

    async fn pre_start(&self, _myself: ActorRef<Message>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        Ok(Counter::default())
    }

    async fn handle(
        &self,
        _myself: ActorRef<Message>,
        message: Message,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Call(ask, reply) => {
                ask.prepare().await;
                reply.send(state.count())?;
            }
            Message::Cast(cast) => {
                if let Some((next, cast)) = state.handle(cast) {
                    next.send_message(Message::Cast(cast))?;
                }
            }
        }
        Ok(())
    }
}

impl Subject for Ractor {
    const ID: &'static str = "ractor";
    type Server = ActorRef<Message>;
    type Keep = JoinHandle<()>;

    async fn start() -> (Self::Server, Self::Keep) {
        Actor::spawn(None, Counting, ()).await.expect("the actor starts")
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        let answer = server.call(|reply| Message::Call(ask, reply), None).await;
        answer.expect("the actor runs").expect("the actor answers")
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        server.send_message(Message::Cast(cast)).expect("the actor runs");
    }

    async fn stop(server: Self::Server, keep: Self::Keep) {
        server.stop(None);
        keep.await.expect("the actor ends well");
    }
}
