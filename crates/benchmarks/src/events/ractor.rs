//! ractor: an output port, and an actor for each who is told.

use std::hint::black_box;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, OutputPort};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Bus, LAST};

/// Who is told.
#[derive(Debug)]
struct Told;

/// What it has counted, and where it says that it has come to the end.
struct State {
    sum: u64,
    done: Arc<Semaphore>,
}

impl Actor for Told {
    type Msg = u64;
    type State = State;
    type Arguments = Arc<Semaphore>;

    async fn pre_start(&self, _myself: ActorRef<u64>, done: Arc<Semaphore>) -> Result<State, ActorProcessingErr> {
        Ok(State { sum: 0, done })
    }

    async fn handle(&self, _myself: ActorRef<u64>, event: u64, state: &mut State) -> Result<(), ActorProcessingErr> {
        if event == LAST {
            state.done.add_permits(1);
        } else {
            state.sum = state.sum.wrapping_add(black_box(event));
        }
        Ok(())
    }
}

/// A port with its actors. It is the one that loses nothing, and has no bound.
#[derive(Debug)]
pub struct Port {
    output: OutputPort<u64>,
    told: Vec<(ActorRef<u64>, JoinHandle<()>)>,
    done: Arc<Semaphore>,
}

impl Bus for Port {
    const ID: &'static str = "ractor";

    async fn start(told: u64) -> Self {
        let mut bus = Self { output: OutputPort::default(), told: Vec::new(), done: Arc::new(Semaphore::new(0)) };
        for _ in 0..told {
            let started = Actor::spawn(None, Told, Arc::clone(&bus.done)).await.expect("the actor starts");
            bus.output.subscribe(started.0.clone(), Some);
            bus.told.push(started);
        }
        bus
    }

    async fn notify(&mut self, event: u64) {
        self.output.send(event);
    }

    async fn settle(&mut self) {
        self.output.send(LAST);
        let all = u32::try_from(self.told.len()).expect("there are not that many");
        drop(self.done.acquire_many(all).await.expect("nobody closes it"));
    }

    async fn stop(self) {
        drop(self.output);
        for (actor, ended) in self.told {
            actor.stop(None);
            ended.await.expect("the actor ends well");
        }
    }
}
