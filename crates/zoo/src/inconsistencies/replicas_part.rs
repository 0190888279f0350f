//! Two copies of a value that differ for ever.
//!
//! Each client sends its write to both replicas itself. Two clients write at the same time: one replica has the writes in one order, the other
//! in the other. Both believe that they have the last value. Users see the value change with every click, depending on which replica answers.
//! Tests pass, because a client sends both messages at once.
//!
//! - **Class**: memory inconsistency.
//! - **Source**: replication without an order; the class is that of arXiv 1706.07372.
//! - **Mended**: all writes go to one replica, which sends them on in its order.

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all};

type Replica = Agent<u64>;

async fn write([first, second]: [Replica; 2], value: u64, version: Version) {
    if version.is_broken() {
        first.update(move |old| *old = value).await.unwrap();
        second.update(move |old| *old = value).await.unwrap();
    } else {
        let send_on = move |old: &mut u64| {
            *old = value;
            second.cast(move |old| *old = value).unwrap();
        };
        first.update(send_on).await.unwrap();
    }
}

/// Two writes at the same time.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let first = sim.start_supervised(Agent::start_link(|| 0)).await;
    let second = sim.start_supervised(Agent::start_link(|| 0)).await;
    let replicas = [first.clone(), second.clone()];
    all([1, 2].map(|value| Task::spawn(write(replicas.clone(), value, version)))).await;
    assert_eq!(first.get(|value| *value).await, second.get(|value| *value).await, "the replicas differ");
}
