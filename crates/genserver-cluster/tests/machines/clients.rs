//! Clients that write and read all the time.

use std::time::Duration;

use genserver::time;
use genserver_cluster::{Cluster, RemoteCallError};

use crate::chance::Chance;
use crate::record::Record;
use crate::shelf::{Answer, Get, Put, Shelf};

/// How long a client waits for an answer, ...
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// ... and at most between two questions.
const PAUSE_MS: u64 = 150;

/// How many keys of each shelf are in use at one time.
const PLACES: u64 = 2;

/// Writes and reads, without an end.
pub(super) async fn go_on(record: &Record, cluster: &Cluster, shelves: &[String], mut chance: Chance) {
    loop {
        let shelf = chance.pick(shelves);
        let (place, puts) = (chance.below(PLACES), chance.below(2) == 0);
        // What it says is in the record.
        let _ = ask(record, cluster, shelf, place, puts, ANSWER_WITHIN).await;
        time::sleep(Duration::from_millis(chance.below(PAUSE_MS))).await;
    }
}

/// Writes or reads once.
pub(super) async fn ask(
    record: &Record,
    cluster: &Cluster,
    shelf: &str,
    place: u64,
    puts: bool,
    within: Duration,
) -> Result<Answer, RemoteCallError> {
    let (number, operation) = record.call(shelf, place, puts);
    let (shelf, key) = (cluster.named::<Shelf>(shelf), operation.key);
    let answer = match operation.put {
        Some(value) => shelf.call(Put { key, value }).timeout(within).await,
        None => shelf.call(Get { key }).timeout(within).await,
    };
    record.returns(number, place, &answer);
    answer
}
