//! The handler that keeps events on disk: what a log contains after each kind of failure.
#![cfg(all(feature = "persistence", feature = "tokio"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use futures::{StreamExt, TryStreamExt};
use genevent::persistence::{Damage, FailurePolicy, LogCall, OpenError, ReadError, SyncPolicy, replay};
use genevent::{AddHandlerError, GoneReason, HandlerGone, HandlerRef, Manager, PersistenceHandler};
use genserver::report::Report;
use genserver::{Letter, Node, Probe, time};
use serde::{Deserialize, Serialize};
use tempfile::{TempDir, tempdir};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Bought {
    Eggs(u32),
    Milk { litres: f64 },
    Nothing,
}

async fn logging<E: genevent::Event + Serialize>(
    log: PersistenceHandler,
) -> (Manager<E>, HandlerRef<PersistenceHandler>) {
    let manager = Manager::start().await.expect("nothing stands in its way");
    let log = manager.add_async_handler(log).await.expect("nothing stands in its way");
    (manager, log)
}

/// A time without a byte that is zero.
const TIME: Duration = Duration::from_nanos(0x0102_0304_0506_0708);

/// A log of these numbers, closed.
async fn log_of(folder: &Path, sync: SyncPolicy, numbers: impl IntoIterator<Item = u32>) {
    let log = PersistenceHandler::open(folder).sync(sync).clock(|| UNIX_EPOCH + TIME).await;
    let (manager, _) = logging(log.expect("nothing stands in its way")).await;
    for number in numbers {
        manager.sync_notify(number).await.expect("nothing stands in its way");
    }
    manager.stop().await.expect("nothing stands in its way");
}

fn numbers(folder: &Path) -> Vec<u32> {
    replay(folder).collect::<Result<_, _>>().expect("nothing stands in its way")
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("nothing stands in its way")
        .map(|entry| {
            entry.expect("nothing stands in its way").file_name().into_string().expect("nothing stands in its way")
        })
        .collect();
    names.retain(|name| name.starts_with("log."));
    names.sort();
    names
}

fn first(folder: &TempDir) -> PathBuf {
    folder.path().join("log.0000001")
}

#[tokio::test]
async fn what_was_sent_is_replayed_in_its_order() {
    let folder = tempdir().unwrap();
    let (manager, log) = logging(PersistenceHandler::open(folder.path()).await.unwrap()).await;
    let bought = [Bought::Eggs(6), Bought::Milk { litres: 1.5 }, Bought::Nothing];
    manager.notify(bought[0].clone()).unwrap();
    manager.ack_notify(bought[1].clone()).await.unwrap();
    manager.sync_notify(bought[2].clone()).await.unwrap();

    let position = manager.call_async_handler(&log, LogCall::Position).await.unwrap();
    assert_eq!((position.written, position.synced), (3, 3));
    let read: Vec<Bought> = replay(folder.path()).collect::<Result<_, _>>().unwrap();
    assert_eq!(read, bought);
    let read: Vec<Bought> = replay(folder.path()).into_stream().try_collect().await.unwrap();
    assert_eq!(read, bought);
}

#[tokio::test]
async fn each_policy_has_all_events_after_an_orderly_stop() {
    for sync in [SyncPolicy::EachEvent, SyncPolicy::Every(Duration::from_hours(1)), SyncPolicy::Never] {
        let folder = tempdir().unwrap();
        let (manager, _) = logging(PersistenceHandler::open(folder.path()).sync(sync).await.unwrap()).await;
        for number in 0..1_000_u32 {
            manager.notify(number).unwrap();
        }
        manager.stop().await.unwrap();
        assert!(numbers(folder.path()).into_iter().eq(0..1_000), "{sync:?}");
        assert_eq!(fs::metadata(first(&folder)).unwrap().len(), numbers_length(1_000), "no zeros are left");
    }
}

/// The length of a file's header, and of a record with a small number.
const HEADER: u64 = 72;
const RECORD: u64 = 21;

/// How long a file is with the numbers below `end`: small ones have fewer bytes.
fn numbers_length(end: u64) -> u64 {
    HEADER + end * 20 + end.min(128) + 2 * end.saturating_sub(128)
}

#[tokio::test]
async fn a_log_that_is_opened_again_goes_on() {
    let folder = tempdir().unwrap();
    log_of(folder.path(), SyncPolicy::EachEvent, 0..3).await;
    log_of(folder.path(), SyncPolicy::Never, 3..6).await;
    let log = PersistenceHandler::open(folder.path()).await.unwrap();
    assert_eq!(log.torn(), None);
    assert_eq!((log.position().written, log.position().synced), (6, 6));
    assert_eq!(numbers(folder.path()), [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_full_file_is_followed_by_the_next_and_numbers_go_on() {
    let folder = tempdir().unwrap();
    let log = PersistenceHandler::open(folder.path()).rotate_at(120).await.unwrap();
    let (manager, _) = logging(log).await;
    for number in 0..7_u32 {
        manager.sync_notify(number).await.unwrap();
    }
    assert_eq!(files(folder.path()), ["log.0000001", "log.0000002", "log.0000003", "log.0000004"]);
    manager.stop().await.unwrap();
    log_of(folder.path(), SyncPolicy::EachEvent, [7]).await;
    assert_eq!(numbers(folder.path()), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn only_so_many_full_files_are_kept() {
    let folder = tempdir().unwrap();
    let log = PersistenceHandler::open(folder.path()).rotate_at(120).keep(1).await.unwrap();
    let (manager, log) = logging(log).await;
    for number in 0..7_u32 {
        manager.sync_notify(number).await.unwrap();
    }
    assert_eq!(files(folder.path()), ["log.0000003", "log.0000004"]);
    assert_eq!(numbers(folder.path()), [4, 5, 6]);
    let log = manager.remove_handler(&log).await.unwrap();
    assert_eq!(log.position().written, 7, "what was deleted counts");
    let mut left = replay::<u32>(folder.path());
    assert_eq!(left.next().unwrap().unwrap(), 4);
    assert_eq!(left.number(), 5);
}

#[tokio::test]
async fn an_event_longer_than_a_file_has_one_for_itself() {
    let folder = tempdir().unwrap();
    let (manager, _) = logging(PersistenceHandler::open(folder.path()).rotate_at(120).await.unwrap()).await;
    let events = ["a".to_owned(), "b".repeat(3 << 20), "c".to_owned(), String::new()];
    for event in &events {
        manager.notify(event.clone()).unwrap();
    }
    manager.stop().await.unwrap();
    let read: Vec<String> = replay(folder.path()).collect::<Result<_, _>>().unwrap();
    assert_eq!(read, events);
    assert_eq!(files(folder.path()), ["log.0000001", "log.0000002", "log.0000003"]);
}

#[tokio::test]
async fn a_second_handler_of_one_log_is_refused_until_the_first_has_gone() {
    let folder = tempdir().unwrap();
    let (manager, log) = logging::<u32>(PersistenceHandler::open(folder.path()).await.unwrap()).await;
    let refused = PersistenceHandler::open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Held { .. }));
    assert!(refused.to_string().contains("remove that handler"), "{refused}");
    let gone = manager.remove_handler(&log).await.unwrap();
    PersistenceHandler::open(folder.path()).await.unwrap();
    let Err(AddHandlerError::Init { reason, .. }) = manager.add_async_handler(gone).await else {
        panic!("it is closed")
    };
    assert!(reason.to_string().contains("open it again"), "{reason}");
}

#[tokio::test]
async fn a_handler_that_was_killed_with_its_manager_leaves_the_log_free() {
    let folder = tempdir().unwrap();
    let (manager, _) = logging(PersistenceHandler::open(folder.path()).await.unwrap()).await;
    manager.sync_notify(1_u32).await.unwrap();
    let mut probe = Probe::<()>::new();
    let reference = probe.monitor(&manager.process_ref());
    manager.process_ref().kill();
    probe.expect_down(reference).await;
    let log = PersistenceHandler::open(folder.path()).await.unwrap();
    assert_eq!(log.torn(), None, "zeros at the end are not a tail");
    assert_eq!(numbers(folder.path()), [1]);
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_told_and_reported() {
    let folder = tempdir().unwrap();
    log_of(folder.path(), SyncPolicy::Never, 0..3).await;
    let whole = fs::read(first(&folder)).unwrap();
    fs::write(first(&folder), &whole[..whole.len() - 5]).unwrap();
    let mut events = replay::<u32>(folder.path());
    assert!(events.by_ref().map(Result::unwrap).eq([0, 1]), "a reader just ends there");
    assert_eq!(events.torn().map(|torn| torn.bytes), Some(16), "and says so");

    let mut reports = Node::program().reports();
    let log = PersistenceHandler::open(folder.path()).await.unwrap();
    let torn = log.torn().unwrap().clone();
    assert_eq!((torn.file, torn.at, torn.bytes, torn.events), (first(&folder), HEADER + 2 * RECORD, 16, 0));
    let (manager, _) = logging(log).await;
    let Some(Report::Custom(told)) = reports.next().await else { panic!("it is reported") };
    assert!(told.detail("torn").unwrap().starts_with("16 bytes of an unfinished write were cut off"));
    manager.sync_notify(9_u32).await.unwrap();
    assert_eq!(numbers(folder.path()), [0, 1, 9]);
}

#[tokio::test]
async fn a_changed_byte_in_the_middle_is_an_error_for_reader_and_opener() {
    let folder = tempdir().unwrap();
    log_of(folder.path(), SyncPolicy::EachEvent, 0..3).await;
    let mut bytes = fs::read(first(&folder)).unwrap();
    bytes[72 + 21 + 20] ^= 1;
    fs::write(first(&folder), bytes).unwrap();

    let mut events = replay::<u32>(folder.path());
    assert_eq!(events.next().unwrap().unwrap(), 0);
    let Some(Err(ReadError::Corrupt { file, at, event, damage: Damage::Checksum })) = events.next() else {
        panic!("it is corrupt")
    };
    assert_eq!((file, at, event), (first(&folder), HEADER + RECORD, 1));
    assert!(events.next().is_none(), "nothing comes after an error");
    let refused = PersistenceHandler::open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Read(ReadError::Corrupt { at: 93, .. })), "{refused}");
}

#[tokio::test]
async fn whole_events_behind_a_gap_that_nobody_was_promised_are_kept_aside() {
    let folder = tempdir().unwrap();
    log_of(folder.path(), SyncPolicy::Never, 0..3).await;
    let mut bytes = fs::read(first(&folder)).unwrap();
    bytes[72 + 21 + 20] ^= 1;
    fs::write(first(&folder), &bytes).unwrap();
    let log = PersistenceHandler::open(folder.path()).await.unwrap();
    let torn = log.torn().unwrap();
    assert_eq!((torn.at, torn.bytes, torn.events), (93, 42, 1));
    assert_eq!(fs::read(torn.kept.as_ref().unwrap()).unwrap(), bytes[93..]);
    assert_eq!(numbers(folder.path()), [0]);
}

#[tokio::test]
async fn a_tail_is_torn_in_the_newest_file_only() {
    let folder = tempdir().unwrap();
    let log = PersistenceHandler::open(folder.path()).rotate_at(120).await.unwrap();
    let (manager, _) = logging(log).await;
    for number in 0..3_u32 {
        manager.sync_notify(number).await.unwrap();
    }
    manager.stop().await.unwrap();
    let whole = fs::read(first(&folder)).unwrap();
    for length in 0..whole.len() {
        fs::write(first(&folder), &whole[..length]).unwrap();
        let read: Result<Vec<u32>, _> = replay(folder.path()).collect();
        assert!(matches!(read, Err(ReadError::Corrupt { .. })), "cut at {length}");
    }
    fs::remove_file(first(&folder)).unwrap();
    assert_eq!(numbers(folder.path()), [2], "what is deleted from the beginning is not missed");
    fs::copy(folder.path().join("log.0000002"), folder.path().join("log.0000004")).unwrap();
    let read: Result<Vec<u32>, _> = replay(folder.path()).collect();
    assert!(matches!(read, Err(ReadError::Missing { .. })));
}

#[tokio::test]
async fn a_file_that_was_never_finished_being_made_is_made_again() {
    for begun in [&b""[..], &b"gene"[..], &[0; 4096][..]] {
        let folder = tempdir().unwrap();
        log_of(folder.path(), SyncPolicy::EachEvent, 0..3).await;
        fs::write(folder.path().join("log.0000002"), begun).unwrap();
        assert_eq!(numbers(folder.path()), [0, 1, 2]);
        let log = PersistenceHandler::open(folder.path()).await.unwrap();
        assert_eq!(log.position().written, 3);
        assert!(log.torn().is_some());
    }
}

#[tokio::test]
async fn a_reader_follows_the_handler_through_files() {
    let folder = tempdir().unwrap();
    let log = PersistenceHandler::open(folder.path()).rotate_at(200).sync(SyncPolicy::Never).await.unwrap();
    let (manager, _) = logging(log).await;
    let mut events = replay::<u32>(folder.path());
    for number in 0..100_u32 {
        assert!(events.next().is_none());
        manager.sync_notify(number).await.unwrap();
        assert_eq!(events.next().unwrap().unwrap(), number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beside_a_handler_see_nothing_but_a_beginning() {
    let folder = tempdir().unwrap();
    let log = PersistenceHandler::open(folder.path()).rotate_at(4096).await.unwrap();
    let (manager, _) = logging(log).await;
    let path = folder.path().to_owned();
    let reader = tokio::task::spawn_blocking(move || {
        let (mut events, mut seen) = (replay::<u32>(&path), 0);
        while seen < 2_000 {
            match events.next() {
                Some(event) => {
                    assert_eq!(event.unwrap(), seen);
                    seen += 1;
                }
                None => std::thread::yield_now(),
            }
        }
    });
    for number in 0..2_000_u32 {
        manager.notify_wait(number).await.unwrap();
    }
    reader.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sync_every_second_is_done_after_a_second_and_not_before() {
    let folder = tempdir().unwrap();
    let log = PersistenceHandler::open(folder.path()).sync(SyncPolicy::Every(Duration::from_secs(1))).await.unwrap();
    let (manager, log) = logging(log).await;
    for round in 1..=3_u64 {
        manager.sync_notify(round).await.unwrap();
        let position = manager.call_async_handler(&log, LogCall::Position).await.unwrap();
        assert_eq!((position.written, position.synced), (round, round - 1));
        time::sleep(Duration::from_millis(1_001)).await;
        let mut position = manager.call_async_handler(&log, LogCall::Position).await.unwrap();
        while position.synced < round {
            tokio::task::yield_now().await;
            position = manager.call_async_handler(&log, LogCall::Position).await.unwrap();
        }
    }
}

#[tokio::test]
async fn flush_answers_when_all_before_it_is_synced() {
    let folder = tempdir().unwrap();
    let (manager, log) = logging(PersistenceHandler::open(folder.path()).sync(SyncPolicy::Never).await.unwrap()).await;
    for number in 0..10_u32 {
        manager.notify(number).unwrap();
    }
    let position = manager.call_async_handler(&log, LogCall::Flush).await.unwrap().unwrap();
    assert_eq!((position.written, position.synced), (10, 10));
    let again = manager.call_async_handler(&log, LogCall::Flush).await.unwrap().unwrap();
    assert_eq!(again, position, "nothing to do is done at once");
}

#[tokio::test]
async fn an_event_that_cannot_be_written_fails_the_handler_and_leaves_no_trace() {
    #[derive(Clone, Debug)]
    struct Secret(bool);
    impl Serialize for Secret {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 { Err(serde::ser::Error::custom("secret")) } else { serializer.serialize_u32(7) }
        }
    }
    let folder = tempdir().unwrap();
    let mut probe = Probe::<HandlerGone>::new();
    let manager = Manager::start().await.unwrap();
    let log = PersistenceHandler::open(folder.path()).on_failure(FailurePolicy::Remove).await.unwrap();
    manager.add_async_handler(log).owned_by(probe.sender()).await.unwrap();
    manager.sync_notify(Secret(false)).await.unwrap();
    manager.notify(Secret(true)).unwrap();
    let Ok(Letter::Message(gone)) = probe.recv().await else { panic!("the owner is told") };
    assert!(matches!(gone.why, GoneReason::Failed(_)) && gone.to_string().contains("cannot be written"), "{gone}");
    assert_eq!(numbers(folder.path()), [7]);
}

#[tokio::test]
async fn events_of_another_type_are_an_error() {
    let folder = tempdir().unwrap();
    log_of(folder.path(), SyncPolicy::EachEvent, [1]).await;
    let read: Result<Vec<String>, _> = replay(folder.path()).collect();
    let Err(error @ ReadError::Decode { at: HEADER, event: 0, .. }) = read else { panic!("{read:?}") };
    let told = format!("event 0, at byte 72 of {}, is not what was asked for", first(&folder).display());
    assert!(error.to_string().starts_with(&told), "{error}");
}

#[tokio::test]
async fn a_file_that_is_something_else_is_not_touched() {
    let folder = tempdir().unwrap();
    let text = "a diary, and certainly not an event log".as_bytes();
    fs::write(first(&folder), text).unwrap();
    let refused = PersistenceHandler::open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Read(ReadError::NotALog { .. })), "{refused}");
    assert_eq!(fs::read(first(&folder)).unwrap(), text);
    let nowhere: Option<Result<u32, _>> = replay(folder.path().join("nowhere")).into_stream().next().await;
    assert!(matches!(nowhere, Some(Err(ReadError::Io { .. }))));
}

/// A log of the number 7, byte for byte as it was written before there were tags.
const UNTAGGED: &[u8] = b"genevent\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\xeb>fB\x01\x00\x00\x00\x1c\x00\x00\x00\x8b\x17\x9am\x07";

/// Opens the log with a tag, and appends a number.
async fn tagged(folder: &Path, tag: &str, number: u32) {
    let (manager, _) =
        logging(PersistenceHandler::open(folder).tag(tag).await.expect("nothing stands in its way")).await;
    manager.sync_notify(number).await.expect("nothing stands in its way");
    manager.stop().await.expect("nothing stands in its way");
}

#[tokio::test]
async fn a_log_of_another_tag_is_refused_and_not_touched() {
    #[track_caller]
    fn check(refused: &ReadError, file: &Path, asked: &str) {
        let ReadError::Tag { file: named, at: 28, found, .. } = refused else { panic!("{refused}") };
        assert_eq!((&**named, found.as_str()), (file, "Price/1"));
        let told = refused.to_string();
        assert!(told.starts_with(&format!("{} has at byte 28 the tag \"Price/1\"", file.display())), "{told}");
        assert!(told.contains(asked) && told.contains("use `.tag(\"Price/1\")`"), "{told}");
    }
    let folder = tempdir().unwrap();
    tagged(folder.path(), "Price/1", 250).await;
    let file = first(&folder);
    let before = fs::read(&file).unwrap();

    let Err(OpenError::Read(refused)) = PersistenceHandler::open(folder.path()).tag("Price/2").await else {
        panic!("it has another tag")
    };
    check(&refused, &file, "\"Price/2\" was asked for");
    let Err(OpenError::Read(refused)) = PersistenceHandler::open(folder.path()).await else { panic!("it has a tag") };
    check(&refused, &file, "none was asked for");
    let mut events = replay::<u32>(folder.path()).tag("Price/2");
    check(&events.next().unwrap().unwrap_err(), &file, "\"Price/2\" was asked for");
    assert!(events.next().is_none(), "nothing comes after an error");
    check(&replay::<u32>(folder.path()).next().unwrap().unwrap_err(), &file, "none was asked for");

    assert_eq!(fs::read(&file).unwrap(), before);
    let read: Vec<u32> = replay(folder.path()).tag("Price/1").collect::<Result<_, _>>().unwrap();
    assert_eq!(read, [250]);
}

#[tokio::test]
async fn a_log_without_a_tag_is_read_and_goes_on() {
    let folder = tempdir().unwrap();
    fs::write(first(&folder), UNTAGGED).unwrap();
    assert_eq!(numbers(folder.path()), [7]);
    log_of(folder.path(), SyncPolicy::EachEvent, [8]).await;
    assert_eq!(numbers(folder.path()), [7, 8]);
    assert_eq!(fs::read(first(&folder)).unwrap(), UNTAGGED);
    assert_eq!(files(folder.path()), ["log.0000001", "log.0000002"]);
    let mut events = replay::<u32>(folder.path());
    assert_eq!((events.next().unwrap().unwrap(), events.time()), (7, None), "its version has no times");
    assert_eq!((events.next().unwrap().unwrap(), events.time()), (8, Some(UNIX_EPOCH + TIME)));
    let Some(Err(ReadError::NoTimes { file })) = replay::<u32>(folder.path()).since(UNIX_EPOCH + TIME).next() else {
        panic!("nobody knows whether the first is older")
    };
    assert_eq!(file, first(&folder));
}

#[tokio::test]
async fn a_log_without_a_tag_goes_on_with_one_in_a_new_file() {
    let folder = tempdir().unwrap();
    fs::write(first(&folder), UNTAGGED).unwrap();
    tagged(folder.path(), "Price/1", 8).await;
    tagged(folder.path(), "Price/1", 9).await;
    assert_eq!(fs::read(first(&folder)).unwrap(), UNTAGGED);
    assert_eq!(files(folder.path()), ["log.0000001", "log.0000002"]);
    let read: Vec<u32> = replay(folder.path()).tag("Price/1").collect::<Result<_, _>>().unwrap();
    assert_eq!(read, [7, 8, 9]);
    let read: Vec<Result<u32, _>> = replay(folder.path()).collect();
    assert!(matches!(&read[..], [Ok(7), Err(ReadError::Tag { .. })]), "{read:?}");
}

#[test]
#[should_panic(expected = "use one like")]
fn a_tag_is_not_longer_than_its_place() {
    let _log = PersistenceHandler::open("nowhere").tag(&"x".repeat(33));
}
