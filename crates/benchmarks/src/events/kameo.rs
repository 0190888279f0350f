//! kameo: its pub-sub actor, and an actor for each who is told.

use std::hint::black_box;
use std::sync::Arc;

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::message::{Context, Message};
use kameo_actors::DeliveryStrategy;
use kameo_actors::pubsub::{PubSub, Publish, Subscribe};
use tokio::sync::Semaphore;

use super::{Bus, LAST};

/// Who is told: what it has counted, and where it says that it has come to the end.
#[derive(Debug, Actor)]
struct Told {
    sum: u64,
    done: Arc<Semaphore>,
}

impl Message<u64> for Told {
    type Reply = ();

    async fn handle(&mut self, event: u64, _ctx: &mut Context<Self, ()>) {
        if event == LAST {
            self.done.add_permits(1);
        } else {
            self.sum = self.sum.wrapping_add(black_box(event));
        }
    }
}

/// A publishing actor with those who are told, the mailboxes bounded as they are by default. Nothing is dropped.
#[derive(Debug)]
pub struct Publishing {
    publisher: ActorRef<PubSub<u64>>,
    told: Vec<ActorRef<Told>>,
    done: Arc<Semaphore>,
}

impl Bus for Publishing {
    const ID: &'static str = "kameo";

    async fn start(told: u64) -> Self {
        let publisher = PubSub::spawn(PubSub::new(DeliveryStrategy::Guaranteed));
        let mut bus = Self { publisher, told: Vec::new(), done: Arc::new(Semaphore::new(0)) };
        for _ in 0..told {
            let actor = Told::spawn(Told { sum: 0, done: Arc::clone(&bus.done) });
            bus.publisher.ask(Subscribe(actor.clone())).send().await.expect("the actor answers");
            bus.told.push(actor);
        }
        bus
    }

    async fn notify(&mut self, event: u64) {
        self.publisher.tell(Publish(event)).send().await.expect("the actor runs");
    }

    async fn settle(&mut self) {
        self.notify(LAST).await;
        let all = u32::try_from(self.told.len()).expect("there are not that many");
        drop(self.done.acquire_many(all).await.expect("nobody closes it"));
    }

    async fn stop(self) {
        self.publisher.stop_gracefully().await.expect("the actor runs");
        self.publisher.wait_for_shutdown().await;
        for actor in &self.told {
            actor.stop_gracefully().await.expect("the actor runs");
            actor.wait_for_shutdown().await;
        }
    }
}
