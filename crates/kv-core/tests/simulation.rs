//! The store in many orders of events, with buckets and registry killed at any step.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use bytes::Bytes;
use genserver::sim::{self, Faults, Sim};
use genserver::task::Task;
use genserver::time;
use kv_core::{Bucket, BucketServer, RegistryServer, Store};

/// Puts a value and reads it again, as often as it takes to meet no crash in between. Whatever is read was written.
async fn client(store: Store, name: &'static str, value: &'static str) {
    for _ in 0..5 {
        let Ok(bucket) = store.registry().create(name).await else { continue };
        if bucket.put("key", value).await.is_err() {
            continue;
        }
        if let Ok(Some(read)) = bucket.get("key").await {
            assert!(["one", "two"].map(Bytes::from).contains(&read), "{read:?} was never written");
        }
    }
}

/// The registry knows no bucket that has ended, once all have heard of it.
async fn names_are_those_of_live_buckets(sim: &Sim<'_>) {
    let store = Store::start().await.unwrap();
    sim.faults(Faults::new().kill::<BucketServer>().kill::<RegistryServer>().at_most(4));
    let clients = [
        Task::spawn(client(store.clone(), "shopping", "one")),
        Task::spawn(client(store.clone(), "shopping", "two")),
        Task::spawn(client(store.clone(), "travel", "one")),
    ];
    for client in clients {
        client.await.unwrap();
    }
    sim.heal();
    // The registry may be on its way up again.
    time::sleep(Duration::from_secs(1)).await;
    for name in store.registry().names() {
        let bucket: Bucket = store.registry().lookup_ordered(&name.to_string()).await.unwrap().unwrap();
        assert!(bucket.is_alive(), "{name} has ended");
    }
    let bucket = store.registry().create("last").await.unwrap();
    bucket.put("key", "one").await.unwrap();
    assert_eq!(bucket.get("key").await.unwrap(), Some(Bytes::from("one")));
    store.stop().await.unwrap();
}

#[test]
fn the_store_survives_the_death_of_its_parts() {
    sim::check(names_are_those_of_live_buckets);
}
