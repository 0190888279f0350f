//! A holder of a lease who wakes up too late.
//!
//! The holder of a lease shows that it is alive, sees that the lease is its own, and writes. A watchdog that has seen no sign of life for twenty
//! rounds gives the lease to another, which writes too. If the first holder stands still between its look at the lease and its write, for
//! as long as that, it goes on afterwards and writes over what the other has written. Users find a file that is half old, half new. Tests pass,
//! because no process in them stands still for so many rounds.
//!
//! - **Class**: memory inconsistency.
//! - **Source**: the lock with a pause of Kleppmann, *How to do distributed locking*, and its remedy, the fencing token.
//! - **Mended**: the storage refuses a lease that is older than one that it has seen.

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all, pause};

/// A holder that shows no sign of life for so many rounds is taken for dead.
const SILENCE: u32 = 20;

struct Lease {
    number: u32,
    signs: u32,
    is_over: bool,
}

/// The number of the lease of each write.
type Storage = Agent<Vec<u32>>;

async fn write(storage: &Storage, lease: u32, version: Version) {
    let write = move |writes: &mut Vec<u32>| {
        let is_old = writes.last().is_some_and(|last| *last > lease);
        if !is_old || version.is_broken() {
            writes.push(lease);
        }
    };
    storage.update(write).await.unwrap();
}

async fn holder(lease: Agent<Lease>, storage: Storage, version: Version) {
    for _ in 0..3 {
        let look = |lease: &mut Lease| {
            lease.signs += 1;
            lease.number
        };
        if lease.get_and_update(look).await != Ok(1) {
            return;
        }
        // It may stand still here.
        pause(1).await;
        write(&storage, 1, version).await;
    }
    lease.update(|lease| lease.is_over = true).await.unwrap();
}

async fn watchdog(lease: Agent<Lease>, storage: Storage, version: Version) {
    let (mut seen, mut silent) = (0, 0);
    while silent < SILENCE {
        let (signs, is_over) = lease.get(|lease| (lease.signs, lease.is_over)).await.unwrap();
        if is_over {
            return;
        }
        silent = if signs == seen { silent + 1 } else { 0 };
        seen = signs;
        pause(1).await;
    }
    lease.update(|lease| lease.number = 2).await.unwrap();
    write(&storage, 2, version).await;
}

/// A holder and its watchdog. After a write under the second lease there must be none under the first.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let lease = Lease { number: 1, signs: 0, is_over: false };
    let lease = sim.start_supervised(Agent::start_link(|| lease)).await;
    let storage = sim.start_supervised(Agent::start_link(Vec::new)).await;
    let holder = Task::spawn(holder(lease.clone(), storage.clone(), version));
    let watchdog = Task::spawn(watchdog(lease, storage.clone(), version));
    all([holder, watchdog]).await;
    let writes = storage.get(Clone::clone).await.unwrap();
    assert!(writes.is_sorted(), "an old lease has written over a new one");
}
