//! Power failures: clients, a disk that fails, parts that are killed, and then the power is gone. What a store finds on the disk
//! afterwards is explained by what its clients were answered before.

use std::env;
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use genserver::sim::{self, Client, Faults, History, Sim, sometimes};
use genserver::{AsProcess as _, time, yield_now};
use kv_core::{
    AddOutcome, Bucket, BucketServer, CompareAndSetError, Operation, OperationResult, RegistryServer, Store, WriteError,
};

use super::disk::Disk;

/// A bucket and a key in it.
type Key = (&'static str, &'static str);

#[derive(Clone, Debug)]
enum Op {
    Get,
    Put(u64),
    Delete,
    CompareAndSet(Option<u64>, u64),
}

/// What a client sees.
#[derive(Clone, PartialEq, Debug)]
enum Seen {
    Done,
    Value(Option<u64>),
    Differs(Option<u64>),
}

type Values = History<Option<u64>, (Key, Op), Seen>;

/// What an operation does to the value of a key.
fn model(value: &mut Option<u64>, (_, op): &(Key, Op)) -> Seen {
    match op {
        Op::Get => Seen::Value(*value),
        Op::Put(new) => {
            *value = Some(*new);
            Seen::Done
        }
        Op::Delete => Seen::Value(value.take()),
        Op::CompareAndSet(expected, new) if value == expected => {
            *value = Some(*new);
            Seen::Done
        }
        Op::CompareAndSet(..) => Seen::Differs(*value),
    }
}

fn text(value: u64) -> Bytes {
    Bytes::from(value.to_string())
}

fn number(value: Option<Bytes>) -> Option<u64> {
    value.map(|value| String::from_utf8(value.to_vec()).unwrap().parse().unwrap())
}

/// Does it. An error means that it has happened or not.
async fn run(bucket: &Bucket, key: &'static str, op: &Op) -> Result<Seen, WriteError> {
    Ok(match op {
        Op::Get => Seen::Value(number(bucket.get(key).await?)),
        Op::Put(value) => {
            bucket.put(key, text(*value)).await?;
            Seen::Done
        }
        Op::Delete => Seen::Value(number(bucket.delete(key).await?)),
        Op::CompareAndSet(expected, new) => {
            match bucket.compare_and_set(key, expected.map(text), Some(text(*new))).await {
                Ok(()) => Seen::Done,
                Err(CompareAndSetError::Differs { found }) => Seen::Differs(number(found)),
                Err(CompareAndSetError::Write(error)) => return Err(error),
                Err(other) => panic!("{other}"),
            }
        }
    })
}

const KEYS: [Key; 3] = [("shopping", "milk"), ("shopping", "eggs"), ("travel", "milk")];

/// A client that does some operations, if there is a bucket to do them on.
async fn work(client: &Client, store: &Store, values: &Values, operations: u64) {
    // What it has seen last, for comparing.
    let mut last = None;
    for operation in 0..operations {
        let (name, key) = *client.pick(&KEYS);
        let value = (client.number() as u64 + 1) * 1_000 + operation;
        let op = match client.draw(0..8) {
            0..3 => Op::Get,
            3..6 => Op::Put(value),
            6 => Op::Delete,
            _ => Op::CompareAndSet(last, value),
        };
        let Ok(bucket) = store.create(name).await else {
            time::sleep(Duration::from_micros(100)).await;
            continue;
        };
        let done = values.record(((name, key), op.clone()), run(&bucket, key, &op)).await;
        sometimes!(matches!(&done, Err(WriteError::Storage(_))), "a client hears that the disk has failed");
        sometimes!(matches!(&done, Err(WriteError::Call(_))), "a client hears that its bucket has ended");
        if let Ok(Seen::Value(value) | Seen::Differs(value)) = done {
            last = value;
        }
    }
}

/// A store that may be restarted as often as its parts are killed.
async fn store(disk: &Disk) -> Store {
    Store::options().storage(disk.clone()).max_restarts(10_000).start().await.unwrap()
}

fn faults() -> Faults {
    let faults = Faults::swarm().kill::<BucketServer>().kill::<RegistryServer>().panic::<BucketServer>();
    faults.kill_named("committer").at_most(4)
}

/// Clients work on a store until, or after, the power fails; and then on another store, which finds what is left on the disk.
async fn loses_nothing(sim: &Sim<'_>) {
    let disk = Disk::new(sim, None);
    let values = sim.history_by_key(None, |(key, _): &(Key, Op)| *key, model);
    let first = store(&disk).await;
    disk.fail(*sim.pick(&[0, 0, 3, 6]));
    sim.faults(faults());
    sim.clients(5, async |client| {
        if client.number() > 0 {
            work(&client, &first, &values, 8).await;
            return;
        }
        time::sleep(Duration::from_micros(client.draw(0..5_000))).await;
        for _ in 0..client.draw(0..10) {
            yield_now().await;
        }
        disk.cut_power();
    })
    .await;
    sim.faults(Faults::new());
    first.as_process().unwrap().kill();
    first.as_process().unwrap().ended().await;
    let disk = disk.restore_power();

    let second = store(&disk).await;
    for key in KEYS {
        let bucket = second.create(key.0).await.unwrap();
        values.record((key, Op::Get), run(&bucket, key.1, &Op::Get)).await.unwrap();
    }
    sim.clients(2, async |client| work(&client, &second, &values, 6).await).await;
    second.stop().await.unwrap();
}

#[test]
fn nothing_that_was_answered_is_lost_in_a_power_failure() {
    sim::check(loses_nothing);
}

/// As long as the power is there, a change that failed has never been, whatever is killed: nobody sees it, also not after the bucket
/// was loaded again.
async fn failed_changes_have_never_been(sim: &Sim<'_>) {
    let disk = Disk::new(sim, None);
    let store = store(&disk).await;
    disk.fail(3);
    sim.faults(faults());
    sim.clients(3, async |client| {
        let (key, mut is) = (client.number().to_string(), None);
        for value in 0..8 {
            let Ok(bucket) = store.create("shopping").await else { continue };
            match bucket.put(key.clone(), text(value)).await {
                Ok(()) => is = Some(value),
                Err(WriteError::Storage(_)) => {}
                // Nobody knows.
                Err(_) => return,
            }
            if let Ok(found) = bucket.get(key.clone()).await {
                assert_eq!(number(found), is, "client {key} is alone with its key");
            }
        }
    })
    .await;
    disk.fail(0);
    sim.heal(Duration::from_secs(1)).await;
    // Whatever has happened, the bucket serves again.
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("last", text(1)).await.unwrap();
    assert_eq!(number(bucket.get("last").await.unwrap()), Some(1));
    store.stop().await.unwrap();
}

#[test]
fn a_change_that_failed_is_never_seen_while_the_store_runs() {
    sim::check(failed_changes_have_never_been);
}

/// Numbers that only grow, whatever is killed: what a killed bucket has sent to the disk does not come behind what the next one has
/// answered.
async fn only_grow(sim: &Sim<'_>) {
    let disk = Disk::new(sim, None);
    let store = store(&disk).await;
    let highest = ["milk", "eggs", "bread"].map(|key| (key, AtomicI64::new(0)));
    sim.faults(Faults::new().kill::<BucketServer>().kill_named("committer").at_most(8));
    sim.clients(3, async |client| {
        for _ in 0..8 {
            let (key, highest) = client.pick(&highest);
            let Ok(bucket) = store.create("shopping").await else { continue };
            // Others may hear of a higher number while this one waits.
            let before = highest.load(Ordering::Relaxed);
            let Ok(added) = bucket.apply_one(Operation::Add((*key).into(), 1)).await else { continue };
            let OperationResult::Add(AddOutcome::Sum(sum)) = added else { panic!("{added:?}") };
            assert!(sum > before, "{key} is {before}, and one more makes it {sum}");
            highest.fetch_max(sum, Ordering::Relaxed);
        }
    })
    .await;
    store.stop().await.unwrap();
}

#[test]
fn a_bucket_that_was_killed_changes_nothing_after_the_next_has_read() {
    sim::check(only_grow);
}

/// What may be lost if commits are synced later.
const WINDOW: Duration = Duration::from_millis(10);

/// One client writes one number after the other, and the power fails.
async fn loses_what_was_answered_in_the_window(sim: &Sim<'_>) {
    // Half of it is for the sync itself.
    let disk = Disk::new(sim, Some(WINDOW / 2));
    let first = store(&disk).await;
    sim.faults(Faults::swarm().kill::<BucketServer>().kill_named("committer").at_most(3));
    let answered = sim
        .clients(1, async |client| {
            let end = Duration::from_micros(client.draw(0..40_000));
            let mut answered = Vec::new();
            for value in 1.. {
                if sim.elapsed() >= end {
                    break;
                }
                if let Ok(bucket) = first.create("shopping").await
                    && bucket.put("milk", text(value)).await.is_ok()
                {
                    answered.push((value, sim.elapsed()));
                }
                time::sleep(Duration::from_micros(client.draw(0..6_000))).await;
            }
            answered
        })
        .await
        .remove(0);
    let cut = sim.elapsed();
    disk.cut_power();
    sim.faults(Faults::new());
    first.as_process().unwrap().kill();
    first.as_process().unwrap().ended().await;
    let disk = disk.restore_power();

    let second = store(&disk).await;
    let found = number(second.create("shopping").await.unwrap().get("milk").await.unwrap()).unwrap_or(0);
    let (last, safe) = (answered.last().map_or(0, |(value, _)| *value), |at: Duration| at + WINDOW < cut);
    let must = answered.iter().filter(|(_, at)| safe(*at)).map(|(value, _)| *value).max().unwrap_or(0);
    assert!(found >= must, "{must} was answered long before the failure, and {found} is found");
    sometimes!(found < last, "what was answered last is lost");
    second.stop().await.unwrap();
}

#[test]
fn a_power_failure_loses_no_more_than_the_window() {
    sim::check(loses_what_was_answered_in_the_window);
}

/// In a process of its own, because the variables are for the whole process.
#[test]
fn every_run_is_decided_by_its_seed() {
    let mut each_twice = Command::new(env::current_exe().unwrap());
    each_twice.args(["--exact", "power::a_power_failure_loses_no_more_than_the_window"]);
    each_twice.env("GENSERVER_SIM_CHECK", "1").env("GENSERVER_SIM_RUNS", "200");
    let output = each_twice.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
