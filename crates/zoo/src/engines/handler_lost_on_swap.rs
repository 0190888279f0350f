//! An event that comes while one handler takes the place of another.
//!
//! A bus swaps its handler: it takes the old one out, lets it hand over its state, and puts the new one in. An event that comes between the two
//! finds no handler. Users miss one line in a log, at each change of its file. Tests pass, because they send nothing during a swap.
//!
//! - **Class**: engine.
//! - **Source**: planted in our own event manager: a handler is lost on a swap.
//! - **Mended**: the swap is one step of the bus.

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all, pause};

/// What its handler has seen, if there is a handler.
type Bus = Agent<Option<Vec<u32>>>;

async fn publish(bus: Bus) {
    for event in 0..3 {
        let handle = move |handler: &mut Option<Vec<u32>>| handler.iter_mut().for_each(|seen| seen.push(event));
        bus.update(handle).await.unwrap();
        pause(1).await;
    }
}

async fn swap(bus: Bus, version: Version) {
    if version.is_broken() {
        let old = bus.get_and_update(Option::take).await.unwrap();
        bus.update(|handler| *handler = old).await.unwrap();
    } else {
        // The new handler begins with what the old one has seen.
        bus.update(|handler| *handler = handler.take()).await.unwrap();
    }
}

/// Three events, and a swap.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let bus = sim.start_supervised(Agent::start_link(|| Some(Vec::new()))).await;
    all([Task::spawn(publish(bus.clone())), Task::spawn(swap(bus.clone(), version))]).await;
    assert_eq!(bus.get(Clone::clone).await, Ok(Some(vec![0, 1, 2])), "an event found no handler");
}
