//! Stores on several machines with one bucket, with owners and without, on the model of an engine with every fault that its rules allow.
#![cfg(feature = "model")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use genserver::sim::{self, Client, Faults, History, Sim, sometimes};
use genserver::{AsProcess as _, CallError, time};
use genserver_cluster::engine::model::{self, Model};
use kv_cluster::LogStorage;
use kv_core::{Bucket, BucketServer, Operation, OperationResult, StorageErrorKind, Store, WriteError};
use parking_lot::Mutex;

// Stores that own the bucket by its name.
mod owners;

const MEMBERS: [&str; 3] = ["a", "b", "c"];
const KEYS: [&str; 2] = ["milk", "eggs"];

/// For how long the faults go on.
const TROUBLE: Duration = Duration::from_secs(8);

#[derive(Clone, Debug)]
enum Op {
    /// Puts a value, and returns the one that was there. It always changes something, so it is never answered from memory alone: see
    /// the promise of reads on the page of the crate.
    Replace(u64),
    /// Of stores without a name for the owner only when nobody else works.
    Get,
}

type Values = History<Option<u64>, (&'static str, Op), Option<u64>>;

fn apply(value: &mut Option<u64>, (_, op): &(&'static str, Op)) -> Option<u64> {
    match op {
        Op::Replace(new) => value.replace(*new),
        Op::Get => *value,
    }
}

fn number(value: Option<Bytes>) -> Option<u64> {
    value.map(|value| String::from_utf8(value.to_vec()).unwrap().parse().unwrap())
}

/// Does it. An error means that it has happened or not.
async fn run(bucket: &Bucket, key: &'static str, op: &Op) -> Result<Option<u64>, WriteError> {
    let operation = match op {
        Op::Replace(value) => Operation::Replace(key.into(), value.to_string().into()),
        Op::Get => Operation::Get(key.into()),
    };
    match bucket.apply_one(operation).await? {
        OperationResult::Value(value) => Ok(number(value)),
        other => panic!("{other:?}"),
    }
}

fn storage(engine: &Model, member: &str) -> LogStorage {
    // So small that there are snapshots.
    LogStorage::over(engine.member(member)).entry_max(1 << 10)
}

/// Values of changes that were refused, and so were never made.
#[derive(Default)]
struct Refused(Mutex<BTreeSet<u64>>);

async fn work(client: &Client, store: &Store, values: &Values, refused: &Refused) {
    // So few, because the search for an order of those without an answer takes long.
    for turn in 0..6 {
        time::sleep(Duration::from_millis(1 + client.draw(0..1_000))).await;
        let Ok(bucket) = store.create("shopping").await else {
            sometimes!(true, "a bucket is not loaded");
            continue;
        };
        let key = *client.pick(&KEYS);
        let value = (client.number() as u64 + 1) * 1_000_000 + turn;
        let op = Op::Replace(value);
        let done = values.record((key, op.clone()), run(&bucket, key, &op)).await;
        sometimes!(done.is_ok(), "a change is answered");
        if let Err(WriteError::Storage(error)) = &done {
            sometimes!(error.kind() == StorageErrorKind::NotOwner, "another member has the bucket");
            assert_ne!(error.kind(), StorageErrorKind::Unanswered, "a client hears that nothing was changed");
            refused.0.lock().insert(value);
        }
        sometimes!(matches!(done, Err(WriteError::Call(CallError::NoReply { .. }))), "nobody knows of a change");
        if let Ok(Some(before)) = done {
            assert!(!refused.0.lock().contains(&before), "{before} was refused, and was made");
        }
    }
}

/// Cuts members off, and lets them come back.
async fn troubles(sim: &Sim<'_>, client: &Client, engine: &Model) {
    while sim.elapsed() < TROUBLE {
        time::sleep(Duration::from_millis(client.draw(0..3_000))).await;
        let member = *client.pick(&MEMBERS);
        match client.draw(0..4) {
            0 => engine.cut(member),
            1 => engine.isolate(&[member], Duration::from_secs(2)),
            _ => MEMBERS.iter().for_each(|member| engine.rejoin(member)),
        }
    }
}

fn faults(sim: &Sim<'_>) -> model::Faults {
    let latency = Duration::from_millis(*sim.pick(&[0, 10, 200]));
    let stale = Duration::from_millis(*sim.pick(&[0, 500, 3_000]));
    model::Faults::new().latency(latency).stale(stale).unanswered(*sim.pick(&[0, 2, 10]))
}

/// Members that take the bucket from each other all the time; then one of them goes on with it alone.
async fn nothing_is_lost(sim: &Sim<'_>) {
    let engine = Model::new();
    engine.set_answer_within(Duration::from_millis(600));
    let values: Values = sim.history_by_key(None, |(key, _): &(&str, Op)| *key, apply);
    let refused = Refused::default();
    let mut stores = Vec::new();
    for member in MEMBERS {
        stores.push(Store::options().storage(storage(&engine, member)).max_restarts(10_000).start().await.unwrap());
    }
    engine.set_faults(faults(sim));
    sim.faults(Faults::swarm().kill::<BucketServer>().kill_named("committer").at_most(4));
    sim.clients(MEMBERS.len() + 1, async |client| match stores.get(client.number()) {
        Some(store) => work(&client, store, &values, &refused).await,
        None => troubles(sim, &client, &engine).await,
    })
    .await;
    sim.faults(Faults::new());
    engine.set_faults(model::Faults::new());
    for member in MEMBERS {
        engine.rejoin(member);
    }
    stores.iter().filter_map(Store::as_process).for_each(|store| store.kill());
    // What is still on its way arrives.
    time::sleep(Duration::from_secs(10)).await;
    let store = Store::options().storage(storage(&engine, "d")).start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    for key in KEYS {
        let value = values.record((key, Op::Get), run(&bucket, key, &Op::Get)).await.unwrap();
        assert!(value.is_none_or(|value| !refused.0.lock().contains(&value)), "{value:?} was refused, and was made");
    }
    store.stop().await.unwrap();
}

#[test]
fn an_answered_change_is_kept_and_a_refused_one_is_not_whatever_fails() {
    sim::check(nothing_is_lost);
}
