//! Programs that are killed while they append, or that may no longer write: what was acknowledged is in the log.
//!
//! The program is this one: a test that is ignored, run by the others. `GENEVENT_KILLS` says how often it is killed.
#![cfg(all(feature = "persistence", feature = "tokio", unix))]

use std::collections::BTreeMap;
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use genevent::persistence::{SyncPolicy, replay};
use genevent::{Manager, PersistenceHandler};
use genserver::task::Task;
use tempfile::tempdir;
use tokio::sync::mpsc;

const FOLDER: &str = "GENEVENT_CRASHES_FOLDER";

/// Who sends: several at once, so that they share syncs. Each counts for itself.
const SENDERS: u64 = 4;

type Event = (u64, u64);

/// Appends until it is killed, or the log fails; says on its standard output what was acknowledged.
#[test]
#[ignore = "it is run by the other tests of this file"]
fn appends_for_ever() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let log = PersistenceHandler::open(&folder).sync(SyncPolicy::EachEvent).rotate_at(10_000).await.unwrap();
        let begun = log.position().written;
        let (failed, mut is_failed) = mpsc::channel(1);
        let manager = Manager::start().await.unwrap();
        manager.add_async_handler(log).await.unwrap();
        for sender in 0..SENDERS {
            let (manager, failed) = (manager.clone(), failed.clone());
            let sends = async move {
                for number in begun.. {
                    let event: Event = (sender, number);
                    if let Err(error) = manager.sync_notify(event).await {
                        let _another_was_first = failed.try_send(error);
                        return;
                    }
                    say(&format!("acknowledged {sender} {number}"));
                }
            };
            Task::start(sends).unwrap();
        }
        let error = is_failed.recv().await.unwrap();
        say(&format!("failed {error}"));
    });
}

/// One write for each line, so that a kill leaves none torn but the last.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).expect("nothing stands in its way");
    out.flush().expect("nothing stands in its way");
}

fn program(folder: &Path, before: &str) -> Child {
    let test = env::current_exe().expect("nothing stands in its way");
    let line = format!("{before} exec \"$0\" --exact appends_for_ever --ignored --nocapture --test-threads 1");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line).arg(test).env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::null());
    shell.spawn().expect("nothing stands in its way")
}

/// Reads what was acknowledged into `last`, until there is no more, or so many have been.
fn listen(out: &mut impl BufRead, last: &mut BTreeMap<u64, Vec<u64>>, lines: u64) -> Option<String> {
    let (mut line, mut heard) = (Vec::new(), 0);
    while heard < lines {
        line.clear();
        out.read_until(b'\n', &mut line).expect("nothing stands in its way");
        // A line without its end was cut off by the kill.
        let whole = line.strip_suffix(b"\n")?;
        let whole = std::str::from_utf8(whole).expect("nothing stands in its way");
        if let Some(why) = whole.strip_prefix("failed ") {
            return Some(why.to_owned());
        }
        if let Some((sender, number)) = whole.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' ')) {
            last.entry(sender.parse().expect("nothing stands in its way"))
                .or_default()
                .push(number.parse().expect("nothing stands in its way"));
            heard += 1;
        }
    }
    None
}

/// Every event that was acknowledged is there, once, and those of each sender are in their order.
fn check(folder: &Path, acknowledged: &BTreeMap<u64, Vec<u64>>) -> usize {
    let mut read: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for event in replay::<Event>(folder) {
        let (sender, number) = event.expect("nothing stands in its way");
        read.entry(sender).or_default().push(number);
    }
    for (sender, numbers) in acknowledged {
        let read = &read[sender];
        assert!(read.is_sorted_by(|one, next| one < next), "those of sender {sender} are in order, and there once");
        let lost: Vec<_> = numbers.iter().filter(|number| read.binary_search(number).is_err()).collect();
        assert!(lost.is_empty(), "of sender {sender}, these were acknowledged and are lost: {lost:?}");
    }
    acknowledged.values().map(Vec::len).sum()
}

#[test]
fn what_was_acknowledged_is_found_after_every_kill() {
    let rounds: u64 = env::var("GENEVENT_KILLS").map_or(8, |rounds| rounds.parse().unwrap());
    let chance = RandomState::new();
    let folder = tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..rounds {
        let lines = chance.hash_one(round) % 1_500;
        let mut child = program(folder.path(), "");
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let failed = listen(&mut out, &mut acknowledged, lines);
        // On Unix this is SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(failed, None, "round {round}");
        listen(&mut out, &mut acknowledged, u64::MAX);
        check(folder.path(), &acknowledged);
    }
    assert!(check(folder.path(), &acknowledged) > 0);
}

#[test]
fn a_program_that_may_not_write_more_is_told_why_and_loses_nothing() {
    let folder = tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    // The files of the log are to grow to ten kilobytes, and the system refuses after a few.
    let mut child = program(folder.path(), "trap '' XFSZ; ulimit -f 6;");
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let why = listen(&mut out, &mut acknowledged, u64::MAX).expect("the log fails");
    assert!(why.contains("could not append to") && why.contains("log.0000001") && why.contains("arge"), "{why}");
    assert!(child.wait().unwrap().success());
    assert!(check(folder.path(), &acknowledged) > 50);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let log = runtime.block_on(async { PersistenceHandler::open(folder.path()).await.unwrap() });
    assert!(log.position().written >= acknowledged.values().map(Vec::len).sum::<usize>() as u64);
}
