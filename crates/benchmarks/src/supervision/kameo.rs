//! kameo: a supervisor is any actor, and a child is told how to be started again.

use std::time::Duration;

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::message::{Context, Message};
use kameo::supervision::RestartPolicy;

use super::{Births, Tree};

/// A child.
#[derive(Debug)]
pub struct Child;

/// What a child is told, and cannot stand.
#[derive(Debug)]
pub struct Crash;

impl Actor for Child {
    type Args = Births<ActorRef<Self>>;
    type Error = Infallible;

    async fn on_start(births: Self::Args, actor_ref: ActorRef<Self>) -> Result<Self, Infallible> {
        births.send(actor_ref).expect("somebody looks on");
        Ok(Self)
    }
}

impl Message<Crash> for Child {
    type Reply = Result<(), &'static str>;

    async fn handle(&mut self, Crash: Crash, _ctx: &mut Context<Self, Self::Reply>) -> Self::Reply {
        Err("told to crash")
    }
}

/// A supervisor.
#[derive(Debug, Actor)]
pub struct Supervising;

/// A running supervisor.
#[derive(Debug)]
pub struct Supervised(ActorRef<Supervising>);

impl Tree for Supervised {
    const ID: &'static str = "kameo";
    type Child = ActorRef<Child>;

    async fn grow(children: u64, births: Births<Self::Child>) -> Self {
        let supervisor = Supervising::spawn(Supervising);
        for _ in 0..children {
            let child = Child::supervise(&supervisor, births.clone()).restart_policy(RestartPolicy::Permanent);
            child.restart_limit(u32::MAX, Duration::from_millis(1)).spawn().await;
        }
        Self(supervisor)
    }

    async fn crash(child: Self::Child) {
        child.tell(Crash).send().await.expect("the child runs");
    }

    async fn fell(self) {
        self.0.stop_gracefully().await.expect("the supervisor runs");
        self.0.wait_for_shutdown().await;
    }
}
