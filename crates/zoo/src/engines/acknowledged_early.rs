//! A store that says yes, and then forgets.
//!
//! A store answers a put as soon as it has understood it, and writes to the disk afterwards. It is killed between the two. Users were told that
//! their value is safe, and it is gone. Tests pass, because a store in a test lives until it has written.
//!
//! - **Class**: engine.
//! - **Source**: planted in our own store: it acknowledges before it has stored.
//! - **Mended**: the store answers when the value is on the disk.
//! - **Faults**: the store is killed.

use std::time::Duration;

use genserver::agent::Agent;
use genserver::sim::{Faults, Sim};
use genserver::{Caller, Init};

use crate::{Version, pause};

type Disk = Agent<Vec<u32>>;

struct Store {
    version: Version,
    disk: Disk,
}

#[genserver::server(client = StoreClient)]
impl Store {
    fn init(disk: Disk, version: Version) -> Init<Self> {
        Init::Run(Self { version, disk })
    }

    #[call]
    async fn put(&mut self, value: u32, caller: Caller<()>) {
        if self.version.is_broken() {
            caller.reply(());
            self.write(value).await;
        } else {
            self.write(value).await;
            caller.reply(());
        }
    }

    async fn write(&self, value: u32) {
        pause(1).await;
        self.disk.update(move |values| values.push(value)).await.unwrap();
    }
}

/// Some puts to a store that may be killed. What it has acknowledged is on the disk.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let disk = sim.start_supervised(Agent::start_link(Vec::new)).await;
    let store = StoreClient::new(sim.start_supervised(genserver::start_link::<Store>((disk.clone(), version))).await);
    sim.faults(Faults::new().kill::<Store>().at_most(1));
    let mut acknowledged = Vec::new();
    for value in 1..=3 {
        if store.put(value).await.is_ok() {
            acknowledged.push(value);
        }
    }
    sim.heal(Duration::from_secs(1)).await;
    let stored = disk.get(Clone::clone).await.unwrap();
    let is_there = acknowledged.iter().all(|value| stored.contains(value));
    assert!(is_there, "a value was acknowledged, and is not there");
}
