//! Stores of a cluster with one bucket: an answered change is kept, and is seen by each read after it.

use std::time::Duration;

use genserver::sim::{self, Client, Faults, Sim, sometimes};
use genserver::time;
use genserver_cluster::Cluster;
use genserver_cluster::engine::model::{self, Model};
use kv_cluster::{ClusterStore, ClusterStoreError};
use kv_core::{BucketServer, Operation, OperationError, OperationResult, StorageErrorKind};

use super::{KEYS, MEMBERS, Op, Refused, Values, apply, faults, number, storage, troubles};

/// How long a name outlives the machine of its owner.
const TIME_TO_LIVE: Duration = Duration::from_millis(1_500);

/// Why a request has no result.
#[derive(Debug)]
enum Failed {
    Request(ClusterStoreError),
    Operation(OperationError),
}

impl Failed {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Request(error) if error.may_have_been_carried_out())
    }
}

struct Machine {
    cluster: Cluster,
    store: ClusterStore,
}

async fn machine(engine: &Model, member: &'static str) -> Machine {
    let cluster = Cluster::over(engine.member(member)).member(member).time_to_live(TIME_TO_LIVE).start().await.unwrap();
    let store = ClusterStore::start(cluster.clone(), storage(engine, member)).await.unwrap();
    Machine { cluster, store: store.timeout(Duration::from_secs(2)) }
}

async fn run(store: &ClusterStore, key: &'static str, op: &Op) -> Result<Option<u64>, Failed> {
    let operation = match op {
        Op::Replace(value) => Operation::Replace(key.into(), value.to_string().into()),
        Op::Get => Operation::Get(key.into()),
    };
    let mut results = store.apply_each("shopping", vec![operation]).await.map_err(Failed::Request)?;
    match results.remove(0).map_err(Failed::Operation)? {
        OperationResult::Value(value) => Ok(number(value)),
        other => panic!("{other:?}"),
    }
}

async fn work(client: &Client, store: &ClusterStore, values: &Values, refused: &Refused) {
    for turn in 0..6 {
        time::sleep(Duration::from_millis(1 + client.draw(0..1_000))).await;
        let key = *client.pick(&KEYS);
        let value = (client.number() as u64 + 1) * 1_000_000 + turn;
        let op = if client.draw(0..3) == 0 { Op::Get } else { Op::Replace(value) };
        let done = values.record((key, op.clone()), run(store, key, &op)).await;
        match &done {
            Ok(Some(before)) => assert!(!refused.0.lock().contains(before), "{before} was refused, and was made"),
            Err(failed) if !failed.is_unknown() => {
                refused.0.lock().insert(value);
            }
            _ => {}
        }
        if let Err(Failed::Operation(OperationError::Storage(error))) = &done {
            assert_ne!(error.kind(), StorageErrorKind::NotOwner, "the next owner is asked");
        }
        sometimes!(done.is_ok(), "a request for a bucket of the cluster is answered");
        sometimes!(
            matches!(done, Err(Failed::Request(ClusterStoreError::NoOwner { .. }))),
            "a bucket of the cluster has no owner in time"
        );
        sometimes!(
            done.as_ref().is_err_and(Failed::is_unknown),
            "nobody knows of a request for a bucket of the cluster"
        );
    }
}

async fn nothing_is_lost(sim: &Sim<'_>) {
    let engine = Model::new();
    engine.set_answer_within(Duration::from_millis(600));
    let values: Values = sim.history_by_key(None, |(key, _): &(&str, Op)| *key, apply);
    let refused = Refused::default();
    let mut machines = Vec::new();
    for member in MEMBERS {
        machines.push(machine(&engine, member).await);
    }
    machines[0].store.clone().timeout(Duration::from_mins(1)).create("shopping").await.unwrap();
    engine.set_faults(faults(sim));
    sim.faults(Faults::swarm().kill::<BucketServer>().kill_named("committer").at_most(3));
    sim.clients(MEMBERS.len() + 1, async |client| match machines.get(client.number()) {
        Some(machine) => work(&client, &machine.store, &values, &refused).await,
        None => troubles(sim, &client, &engine).await,
    })
    .await;
    sim.faults(Faults::new());
    engine.set_faults(model::Faults::new());
    for member in MEMBERS {
        engine.rejoin(member);
    }
    // What is still on its way arrives.
    time::sleep(Duration::from_secs(10)).await;
    let last = machine(&engine, "d").await;
    let store = last.store.clone().timeout(Duration::from_mins(1));
    for key in KEYS {
        let value = values.record((key, Op::Get), run(&store, key, &Op::Get)).await.unwrap();
        assert!(value.is_none_or(|value| !refused.0.lock().contains(&value)), "{value:?} was refused, and was made");
    }
    for machine in machines.iter().chain([&last]) {
        let _ = machine.store.stop().await;
        let _ = machine.cluster.stop().await;
    }
}

#[test]
fn a_change_that_a_cluster_has_answered_is_seen_by_each_read_after_it_whatever_fails() {
    sim::check(nothing_is_lost);
}
