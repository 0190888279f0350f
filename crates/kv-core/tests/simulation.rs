//! The store in many orders of events, with buckets and registry killed at any step.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use bytes::Bytes;
use genserver::sim::{self, Faults, Sim};
use genserver::task::Task;
use genserver::time;
use kv_core::{BucketServer, CreateError, RegistryServer, Store};

/// Puts a value and reads it again. Whatever is read was written. `is_registry_safe` if nothing but buckets can be killed.
async fn client(store: Store, name: &'static str, value: &'static str, is_registry_safe: bool) {
    for _ in 0..5 {
        let bucket = match store.registry().create(name).await {
            Ok(bucket) => bucket,
            Err(error) => {
                // A bucket may be killed while it starts; then the registry says so.
                let is_answer = !matches!(error, CreateError::Registry { .. });
                assert!(is_answer || !is_registry_safe, "the registry answers: {error}");
                continue;
            }
        };
        if bucket.put("key", value).await.is_err() {
            continue;
        }
        if let Ok(Some(read)) = bucket.get("key").await {
            assert!(["one", "two"].map(Bytes::from).contains(&read), "{read:?} was never written");
        }
    }
}

/// Three clients, of which two share a bucket; then the store is as if nothing had happened.
async fn survives(sim: &Sim<'_>, faults: Faults, is_registry_safe: bool) {
    let store = Store::start().await.unwrap();
    sim.faults(faults);
    let clients = [("shopping", "one"), ("shopping", "two"), ("travel", "one")];
    let clients = clients.map(|(name, value)| Task::spawn(client(store.clone(), name, value, is_registry_safe)));
    for client in clients {
        client.await.unwrap();
    }
    sim.heal();
    assert!(sim.elapsed() < Duration::from_secs(1), "nobody waits for a timeout");

    // The registry may be on its way up again.
    time::sleep(Duration::from_secs(1)).await;
    for name in store.registry().names() {
        let bucket = store.registry().lookup_ordered(name.as_ref()).await.unwrap();
        assert!(bucket.is_none_or(|bucket| bucket.is_alive()), "{name} has ended");
    }
    let bucket = store.registry().create("last").await.unwrap();
    bucket.put("key", "one").await.unwrap();
    assert_eq!(bucket.get("key").await.unwrap(), Some(Bytes::from("one")));
    store.stop().await.unwrap();
}

#[test]
fn a_registry_answers_at_once_although_its_buckets_die() {
    sim::check(async |sim| survives(sim, Faults::new().kill::<BucketServer>().at_most(4), true).await);
}

#[test]
fn the_store_survives_the_death_of_its_registry() {
    let faults = || Faults::new().kill::<BucketServer>().kill::<RegistryServer>();
    sim::check(async |sim| survives(sim, faults(), false).await);
}
