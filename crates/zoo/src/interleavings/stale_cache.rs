//! A cache that keeps a price that is out of date.
//!
//! A reader misses the cache, reads the price from the table, and puts it into the cache. A writer changes the table and removes the price from
//! the cache. If the writer does both between the reader's last two steps, the reader puts the old price back, and it stays there. Users see the
//! old price until the cache is emptied, and nobody can say why. Tests pass, because a miss is filled at once.
//!
//! - **Class**: bad interleaving.
//! - **Source**: the stale set of look-aside caches (Nishtala et al., *Scaling Memcache at Facebook*, NSDI 2013), and its remedy, the lease.
//! - **Mended**: a miss hands out a lease, a removal ends all leases, and only a lease that has not ended may fill the cache.

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all};

#[derive(Default)]
struct Cache {
    price: Option<u64>,
    lease: u64,
}

async fn read(cache: Agent<Cache>, table: Agent<u64>, version: Version) -> u64 {
    let (cached, lease) = cache.get(|cache| (cache.price, cache.lease)).await.unwrap();
    if let Some(price) = cached {
        return price;
    }
    let price = table.get(|price| *price).await.unwrap();
    let fill = move |cache: &mut Cache| {
        if cache.lease == lease || version.is_broken() {
            cache.price = Some(price);
        }
    };
    cache.update(fill).await.unwrap();
    price
}

async fn write(cache: Agent<Cache>, table: Agent<u64>, price: u64) -> u64 {
    table.update(move |old| *old = price).await.unwrap();
    let remove = |cache: &mut Cache| {
        cache.price = None;
        cache.lease += 1;
    };
    cache.update(remove).await.unwrap();
    price
}

/// The price changes while it is read. A later reader must see the new one.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let cache = sim.start_supervised(Agent::start_link(Cache::default)).await;
    let table = sim.start_supervised(Agent::start_link(|| 1)).await;
    let reader = Task::spawn(read(cache.clone(), table.clone(), version));
    let writer = Task::spawn(write(cache.clone(), table.clone(), 2));
    all([reader, writer]).await;
    assert_eq!(read(cache, table, version).await, 2, "the cache has the old price");
}
