//! The store in many orders of events, with buckets and registry killed at any step.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use genserver::sim::{self, Faults, Sim, sometimes};
use genserver::{AsProcess, CallError, time, yield_now};
use kv_core::{BucketServer, CreateError, RegistryServer, Store, WriteError};

/// Puts a value and reads it again. Whatever is read was written. `is_registry_safe` if nothing but buckets can be killed.
async fn put_and_get(store: &Store, name: &str, value: &'static str, is_registry_safe: bool) {
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
        let put = bucket.put("key", value).await;
        sometimes!(put.is_ok(), "a value is put");
        sometimes!(put.is_err(), "a bucket is killed while a client uses it");
        if put.is_err() {
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
    sim.clients(clients.len(), async |client| {
        let (name, value) = clients[client.number()];
        put_and_get(&store, name, value, is_registry_safe).await;
    })
    .await;
    assert!(sim.elapsed() < Duration::from_secs(1), "nobody waits for a timeout");
    sim.heal(Duration::from_secs(1)).await;
    for name in store.registry().names(None, 100) {
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
    let faults = || Faults::swarm().kill::<BucketServer>().panic::<BucketServer>().at_most(4);
    sim::check(async |sim| survives(sim, faults(), true).await);
}

#[test]
fn the_store_survives_the_death_of_its_registry() {
    let faults = || {
        let faults = Faults::swarm().kill::<BucketServer>().panic::<BucketServer>();
        faults.kill::<RegistryServer>().panic::<RegistryServer>().stall::<RegistryServer>(Duration::from_millis(50))
    };
    sim::check(async |sim| survives(sim, faults(), false).await);
}

/// Whether this is what is known of the process, and not that somebody waited until the time was over.
fn was_told(why: &CallError) -> bool {
    matches!(why, CallError::Exit { .. } | CallError::NoProc { .. } | CallError::NoReply { .. })
}

/// Uses a bucket until the store has ended, and says what it was told then.
async fn use_until_the_end(store: &Store, name: &str) -> CallError {
    for round in 0..100 {
        let began = time::now();
        let outcome = match store.create(name).await {
            Ok(bucket) => bucket.put("key", "one").await.err(),
            Err(CreateError::Registry { why, .. }) if store.as_process().is_none_or(|store| !store.is_alive()) => {
                return why;
            }
            Err(CreateError::Registry { why, .. }) => Some(WriteError::Call(why)),
            // A bucket is killed while it starts, or its supervisor has ended.
            Err(_) => None,
        };
        assert_eq!(time::now(), began, "a request waits although nobody can answer it: {outcome:?}");
        if let Some(WriteError::Call(why)) = outcome {
            assert!(was_told(&why), "{why}");
        }
        // A client that never waits may go first all the time, and then the stop never comes.
        time::sleep(Duration::from_millis(round % 2)).await;
    }
    panic!("it never hears of the end");
}

/// A store that is stopped at a step that is drawn, while clients use it and its buckets and registry are killed.
async fn stopped_at_any_moment(sim: &Sim<'_>) {
    let store = Store::options().max_restarts(1000).start().await.unwrap();
    let faults = Faults::swarm().kill::<BucketServer>().panic::<BucketServer>();
    sim.faults(faults.kill::<RegistryServer>().panic::<RegistryServer>().at_most(4));
    let names = ["shopping", "shopping", "travel"];
    sim.clients(1 + names.len(), async |client| {
        if let Some(name) = names.get(client.number()) {
            let why = use_until_the_end(&store, name).await;
            assert!(was_told(&why), "{why}");
            return;
        }
        time::sleep(Duration::from_millis(client.draw(0..4))).await;
        for _ in 0..client.draw(0..20) {
            yield_now().await;
        }
        sometimes!(!store.names(None, 100).is_empty(), "it has a bucket when it is stopped");
        store.stop().await.unwrap();
        let left = sim.node().process_list();
        assert!(left.iter().all(|process| process.server == "genserver::Probe"), "something is left: {left:?}");
        assert_eq!(store.lookup("shopping"), None);
        assert!(store.create("new").await.is_err());
    })
    .await;
}

#[test]
fn a_store_that_is_stopped_at_any_moment_leaves_nobody_waiting() {
    sim::check(stopped_at_any_moment);
}

/// Puts keys that expire, and reads them sooner or later.
async fn expires(sim: &Sim<'_>) {
    let store = Store::start().await.unwrap();
    sim.faults(Faults::swarm().kill::<BucketServer>().panic::<BucketServer>().at_most(4));
    sim.clients(3, async |client| {
        let key = client.number().to_string();
        for _ in 0..4 {
            let Ok(bucket) = store.create("shopping").await else { continue };
            let lives = Duration::from_millis(client.draw(1..20));
            if bucket.put_expiring(key.clone(), "one", lives).await.is_err() {
                continue;
            }
            let gone = time::system_now() + lives;
            time::sleep(Duration::from_millis(client.draw(0..20))).await;
            let is_over = time::system_now() >= gone;
            let read = bucket.get(key.clone()).await;
            sometimes!(matches!(read, Ok(Some(_))), "it is read in time");
            sometimes!(is_over && read.is_ok(), "it is read too late");
            assert!(!is_over || !matches!(read, Ok(Some(_))), "it lives longer than it may");
        }
    })
    .await;
    sim.heal(Duration::from_secs(1)).await;
    store.stop().await.unwrap();
}

#[test]
fn a_key_is_gone_at_its_time() {
    sim::check(async |sim| {
        let date = time::system_now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(date.as_secs(), 946_684_800, "a simulation begins with the year 2000");
        expires(sim).await;
    });
}
