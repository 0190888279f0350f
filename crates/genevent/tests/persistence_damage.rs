//! Small logs, cut at every byte and changed at every byte, in every sync mode: what was synced is read, or its loss is an error.
#![cfg(all(feature = "persistence", feature = "tokio"))]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use genevent::persistence::{Damage, FailurePolicy, LogCall, OpenError, ReadError, SyncPolicy, TornTail, replay};
use genevent::{Manager, PersistenceHandler};
use genserver::Probe;
use tempfile::{TempDir, tempdir, tempdir_in};

const EVENTS: u32 = 12;

/// How many events are flushed if the policy does not sync each.
const FLUSHED: u32 = 8;

/// A folder in memory, where the system has one: thousands of files are written, and it does not matter how safe they are.
fn memory_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempdir_in(memory) } else { tempdir() };
    made.expect("nothing stands in its way")
}

/// The files of a folder.
type Files = BTreeMap<String, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it is there"));
    entries
        .map(|entry| (entry.file_name().into_string().expect("it is text"), entry.path()))
        .filter(|(name, _)| name != "lock")
        .map(|(name, path)| (name, fs::read(path).expect("it is a file")))
        .collect()
}

fn fill(folder: &Path, files: &Files) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("nothing stands in its way");
    }
    fs::create_dir(folder).expect("nothing stands in its way");
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).expect("nothing stands in its way");
    }
}

/// A log of several files, whose manager was killed or stopped, and how many of its events were synced.
async fn log(sync: SyncPolicy, is_killed: bool) -> (Files, u32) {
    let folder = tempdir().expect("nothing stands in its way");
    let log = PersistenceHandler::open(folder.path()).sync(sync).rotate_at(200).clock(|| UNIX_EPOCH);
    let manager = Manager::start().await.expect("nothing stands in its way");
    let log = log.await.expect("nothing stands in its way");
    let log = manager.add_async_handler(log).await.expect("nothing stands in its way");
    for event in 0..EVENTS {
        manager.sync_notify(event).await.expect("nothing stands in its way");
        if event + 1 == FLUSHED && sync != SyncPolicy::EachEvent {
            let flushed = manager.call_async_handler(&log, LogCall::Flush).await.expect("it is there");
            flushed.expect("nothing stands in its way");
        }
    }
    let position = manager.call_async_handler(&log, LogCall::Position).await.expect("it is there");
    if is_killed {
        let mut probe = Probe::<()>::new();
        let reference = probe.monitor(&manager.process_ref());
        manager.process_ref().kill();
        probe.expect_down(reference).await;
    } else {
        manager.stop().await.expect("nothing stands in its way");
    }
    let synced = if is_killed || sync == SyncPolicy::Never { position.synced } else { EVENTS.into() };
    (files(folder.path()), u32::try_from(synced).expect("they are few"))
}

/// How many events are read from the beginning, and how the reading ends.
fn read(folder: &Path) -> (u32, Result<Option<TornTail>, ReadError>) {
    let (mut events, mut count) = (replay::<u32>(folder), 0);
    for event in events.by_ref() {
        match event {
            Ok(event) => assert_eq!(event, count, "no wrong event"),
            Err(error) => return (count, Err(error)),
        }
        count += 1;
    }
    (count, Ok(events.torn().cloned()))
}

/// Each way to cut one byte or more off one file, or to change one of its bytes.
fn faults(files: &Files) -> impl Iterator<Item = (String, Files, bool)> {
    files.iter().flat_map(move |(name, bytes)| {
        (0..bytes.len()).flat_map(move |at| {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let cut = bytes[..at].to_vec();
            [(changed, false), (cut, true)].map(|(bytes, is_cut)| {
                let mut damaged = files.clone();
                damaged.insert(name.clone(), bytes);
                (format!("{name} {} at {at}", if is_cut { "cut" } else { "changed" }), damaged, is_cut)
            })
        })
    })
}

#[tokio::test]
async fn what_was_synced_is_read_or_its_loss_is_an_error_whatever_byte_is_lost() {
    for sync in [SyncPolicy::EachEvent, SyncPolicy::Every(Duration::from_hours(1)), SyncPolicy::Never] {
        for is_killed in [true, false] {
            let (files, synced) = log(sync, is_killed).await;
            assert!(files.len() >= 3 && synced >= FLUSHED, "{files:?}");
            let newest = files.keys().rfind(|name| name.starts_with("log.")).unwrap();
            let temporary = memory_folder();
            let folder = temporary.path().join("log");
            for (fault, damaged, is_cut) in faults(&files) {
                let place = format!("{sync:?}, killed {is_killed}, {fault}");
                fill(&folder, &damaged);
                let (count, end) = read(&folder);
                let lost_mark = fault.starts_with("synced");
                match &end {
                    Ok(torn) => {
                        assert!(count >= synced, "{place}: of {synced} synced events, {count} are read, and no error");
                        // What was only written may be cut off without a trace, by a power failure as here. A change is told.
                        assert!(count == EVENTS || torn.is_some() || is_cut, "{place}: {count} are read");
                    }
                    Err(error) => assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}"),
                }
                if lost_mark {
                    assert_eq!((count, end.is_ok()), (EVENTS, true), "{place}: the events are all there");
                }
                // Opening takes a few syncs, so it is tried with every tenth.
                if !fault.ends_with('7') {
                    continue;
                }
                match PersistenceHandler::open(&folder).await {
                    // Only the newest file is looked at.
                    Ok(log) if !fault.starts_with(newest) => {
                        assert_eq!(log.position().written, EVENTS.into(), "{place}");
                    }
                    Ok(log) => assert_eq!((log.position().written, end.is_ok()), (count.into(), true), "{place}"),
                    Err(OpenError::Read(error)) => assert!(end.is_err(), "{place}: {error}"),
                    Err(error) => panic!("{place}: {error}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_loss_that_was_acknowledged_is_named_with_its_place() {
    let (files, _) = log(SyncPolicy::EachEvent, true).await;
    let temporary = tempdir().unwrap();
    let folder = temporary.path().join("log");
    let newest = files.keys().rfind(|name| name.starts_with("log.")).unwrap();
    let corrupt = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut damaged = files.clone();
        change(damaged.get_mut(newest).unwrap());
        fill(&folder, &damaged);
        let Err(ReadError::Corrupt { file, at, damage, .. }) = read(&folder).1 else { panic!("it is corrupt") };
        assert_eq!(file, folder.join(newest));
        (at, damage)
    };
    // The first record is at byte 72. It begins with its length; its checksum is at 80.
    assert_eq!(corrupt(&|log| log[72] ^= 1), (72, Damage::Checksum));
    assert_eq!(corrupt(&|log| log[72] = 0xff), (72, Damage::Length));
    assert_eq!(corrupt(&|log| log[72..76].fill(0xff)), (72, Damage::Length));
    assert_eq!(corrupt(&|log| log[80] ^= 1), (72, Damage::Checksum));
    assert_eq!(corrupt(&|log| log.truncate(72)), (72, Damage::End));
    assert_eq!(corrupt(&|log| log.truncate(50)), (0, Damage::Header));
    assert_eq!(corrupt(&|log| log[24] ^= 1), (0, Damage::Header));
    assert_eq!(corrupt(&|log| log[68] ^= 1), (0, Damage::Header));

    let mut damaged = files.clone();
    damaged.remove(newest);
    fill(&folder, &damaged);
    let (_, Err(ReadError::Missing { file })) = read(&folder) else { panic!("it is missing") };
    assert_eq!(file, folder.join(newest));
    let Err(OpenError::Read(ReadError::Missing { .. })) = PersistenceHandler::open(&folder).await else {
        panic!("it is missing")
    };
    // As the error says, for those who would rather go on without it.
    fs::remove_file(folder.join("synced")).unwrap();
    PersistenceHandler::open(&folder).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_lock_file_that_was_deleted_lets_no_second_process_in() {
    let folder = tempdir().unwrap();
    let first = PersistenceHandler::open(folder.path()).await.unwrap();
    fs::remove_file(folder.path().join("lock")).unwrap();
    let refused = PersistenceHandler::open(folder.path()).await.unwrap_err();
    let OpenError::LockFileLost { lock, .. } = &refused else { panic!("{refused}") };
    assert_eq!(lock, &folder.path().join("lock"));
    drop(first);
    PersistenceHandler::open(folder.path()).await.unwrap();
}

#[tokio::test]
async fn an_event_that_ends_early_is_of_another_type() {
    let folder = tempdir().unwrap();
    let manager = Manager::start().await.unwrap();
    manager.add_async_handler(PersistenceHandler::open(folder.path()).await.unwrap()).await.unwrap();
    manager.sync_notify((1_u8, 2_u8)).await.unwrap();
    let Some(Err(ReadError::Decode { at: 72, source, .. })) = replay::<u8>(folder.path()).next() else {
        panic!("it has another byte")
    };
    assert_eq!(source.to_string(), "it has 1 bytes more than that");
}

#[tokio::test]
async fn reading_begins_where_it_is_told_to() {
    let folder = tempdir().unwrap();
    let time = |number: u64| UNIX_EPOCH + Duration::from_secs(number);
    let manager = Manager::start().await.unwrap();
    // The clock is set back once.
    let times = [10, 20, 30, 40, 25, 35, 45, 55];
    let next = std::sync::atomic::AtomicUsize::new(0);
    let clock = move || time(times[next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)]);
    let log = PersistenceHandler::open(folder.path()).clock(clock).rotate_at(120).keep(2).await.unwrap();
    let log = manager.add_async_handler(log).await.unwrap();
    for event in 0..4_u32 {
        manager.sync_notify(event).await.unwrap();
    }
    let all = |events: genevent::persistence::Replay<u32>| events.collect::<Result<Vec<_>, _>>().unwrap();
    let from = |number| replay::<u32>(folder.path()).from_number(number);
    let since = |number| replay::<u32>(folder.path()).since(time(number));
    assert_eq!(all(from(0)), [0, 1, 2, 3]);
    assert_eq!(all(from(3)), [3]);
    assert_eq!(all(since(20)), [1, 2, 3]);
    assert_eq!(all(since(41)), [0; 0]);
    let mut later = from(5);
    assert!(later.next().is_none());
    for event in 4..8 {
        manager.sync_notify(event).await.unwrap();
    }
    assert_eq!(all(later), [5, 6, 7]);
    assert_eq!(all(since(35)), [3, 4, 5, 6, 7], "the first that is not earlier, and all after it");
    assert_eq!(all(since(42)), [6, 7]);
    let mut one = since(50);
    assert_eq!((one.next().unwrap().unwrap(), one.time(), one.number()), (7, Some(time(55)), 8));
    // Two full files of two events are kept, and the newest, which has as many.
    assert_eq!(all(replay(folder.path())), [2, 3, 4, 5, 6, 7]);
    let Some(Err(ReadError::Deleted { wanted: 1, first: 2, .. })) = from(1).next() else { panic!("it is gone") };
    manager.remove_handler(&log).await.unwrap();
}

#[tokio::test]
async fn an_event_that_is_lost_stops_the_log_until_it_is_reopened() {
    #[derive(Clone, Debug)]
    struct Secret(bool);
    impl genevent::serde::Serialize for Secret {
        fn serialize<S: genevent::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 { Err(genevent::serde::ser::Error::custom("secret")) } else { serializer.serialize_u32(7) }
        }
    }
    use genevent::NotifyError;
    use genevent::persistence::LogError;
    fn why(told: Result<(), NotifyError>) -> LogError {
        let Err(NotifyError::Refused { reason, .. }) = told else { panic!("{told:?}") };
        reason.downcast_ref::<LogError>().expect("the log says why").clone()
    }
    let folder = tempdir().unwrap();
    let manager = Manager::start().await.unwrap();
    let log = PersistenceHandler::open(folder.path()).on_failure(FailurePolicy::Refuse).await.unwrap();
    let log = manager.add_async_handler(log).await.unwrap();
    // Its sender is told, so nothing is lost.
    assert!(matches!(why(manager.sync_notify(Secret(true)).await), LogError::Event { .. }));
    manager.sync_notify(Secret(false)).await.unwrap();
    // Nobody is told of this one.
    manager.notify(Secret(true)).unwrap();
    for told in [manager.sync_notify(Secret(false)).await, manager.ack_notify(Secret(false)).await] {
        let LogError::Lost { lost: 1, cause, .. } = why(told) else { panic!("one is lost") };
        assert!(matches!(*cause, LogError::Event { .. }));
    }
    manager.notify(Secret(false)).unwrap();
    let flushed = manager.call_async_handler(&log, LogCall::Flush).await.unwrap();
    assert!(matches!(flushed, Err(LogError::Lost { lost: 2, .. })));
    let position = manager.call_async_handler(&log, LogCall::Reopen).await.unwrap().unwrap();
    assert_eq!(position.written, 1);
    manager.sync_notify(Secret(false)).await.unwrap();
    assert_eq!(replay::<u32>(folder.path()).count(), 2);
}
