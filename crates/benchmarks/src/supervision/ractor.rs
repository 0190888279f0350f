//! ractor: a supervisor is an actor that is told of its children's ends, and spawns them again by hand.

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::task::JoinHandle;

use super::{Births, Tree};

/// A child.
#[derive(Debug)]
pub struct Child;

/// What a child is told, and cannot stand.
#[derive(Debug)]
pub struct Crash;

impl Actor for Child {
    type Msg = Crash;
    type State = ();
    type Arguments = Births<ActorRef<Crash>>;

    async fn pre_start(&self, myself: ActorRef<Crash>, births: Self::Arguments) -> Result<(), ActorProcessingErr> {
        births.send(myself).expect("somebody looks on");
        Ok(())
    }

    async fn handle(&self, _myself: ActorRef<Crash>, Crash: Crash, _state: &mut ()) -> Result<(), ActorProcessingErr> {
        Err("told to crash".into())
    }
}

/// A supervisor.
#[derive(Debug)]
pub struct Supervising;

/// Nothing is asked of a supervisor.
#[derive(Debug)]
pub enum Nothing {}

impl Actor for Supervising {
    type Msg = Nothing;
    type State = Births<ActorRef<Crash>>;
    type Arguments = (u64, Births<ActorRef<Crash>>);

    async fn pre_start(
        &self,
        myself: ActorRef<Nothing>,
        (children, births): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        for _ in 0..children {
            Actor::spawn_linked(None, Child, births.clone(), myself.get_cell()).await?;
        }
        Ok(births)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Nothing>,
        message: SupervisionEvent,
        births: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(..) = message {
            Actor::spawn_linked(None, Child, births.clone(), myself.get_cell()).await?;
        }
        Ok(())
    }
}

/// A running supervisor.
#[derive(Debug)]
pub struct Supervised {
    supervisor: ActorRef<Nothing>,
    ended: JoinHandle<()>,
}

impl Tree for Supervised {
    const ID: &'static str = "ractor";
    type Child = ActorRef<Crash>;

    async fn grow(children: u64, births: Births<Self::Child>) -> Self {
        let started = Actor::spawn(None, Supervising, (children, births)).await;
        let (supervisor, ended) = started.expect("the supervisor starts");
        Self { supervisor, ended }
    }

    async fn crash(child: Self::Child) {
        child.send_message(Crash).expect("the child runs");
    }

    async fn fell(self) {
        self.supervisor.stop(None);
        self.ended.await.expect("the supervisor does not panic");
    }
}
