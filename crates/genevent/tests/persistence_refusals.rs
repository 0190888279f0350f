//! A log that cannot keep events: what becomes of those that nobody waits for, and what is reported.
#![cfg(all(feature = "persistence", feature = "tokio"))]

use std::fs;

use genevent::persistence::{LogCall, LogError, replay};
use genevent::{Manager, NotifyError, PersistenceHandler};
use genserver::Node;
use genserver::report::{Level, Report};
use tempfile::tempdir;

/// Why the log refused.
#[track_caller]
fn why(told: Result<(), NotifyError>) -> LogError {
    let Err(NotifyError::Refused { reason, .. }) = told else { panic!("{told:?}") };
    reason.downcast_ref::<LogError>().expect("the log says why").clone()
}

#[tokio::test]
async fn events_that_nobody_waits_for_wait_in_memory_and_are_lost_when_there_is_no_space() {
    let folder = tempdir().unwrap();
    let node = Node::new();
    let mut reports = node.reports_from(Level::Info);
    let manager = Manager::start().on(&node).await.unwrap();
    let log = PersistenceHandler::open(folder.path()).rotate_at(1).await.unwrap();
    let log = manager.add_async_handler(log).await.unwrap();
    let event = |number: u32| (number, vec![7_u8; 300_000]);
    manager.sync_notify(event(0)).await.unwrap();
    // Something is in the way of the next file.
    let obstacle = folder.path().join("log.0000002");
    fs::create_dir(&obstacle).unwrap();
    for number in 1..4 {
        manager.notify(event(number)).unwrap();
        assert!(matches!(why(manager.sync_notify(event(100)).await), LogError::Write(_)));
    }
    // Three of them are in memory, and a fourth is the last one for which there is space.
    for number in 4..7 {
        manager.notify(event(number)).unwrap();
    }
    let refused = why(manager.sync_notify(event(100)).await);
    assert!(matches!(refused, LogError::Lost { lost: 2, .. }), "{refused}");
    fs::remove_dir(&obstacle).unwrap();
    // The disk is fine, and an acknowledgement would still claim too much.
    assert!(matches!(why(manager.sync_notify(event(100)).await), LogError::Lost { lost: 2, .. }));
    let position = manager.call_async_handler(&log, LogCall::Reopen).await.unwrap().unwrap();
    assert_eq!(position.synced, 5);
    manager.sync_notify(event(7)).await.unwrap();
    let read: Vec<(u32, Vec<u8>)> = replay(folder.path()).collect::<Result<_, _>>().unwrap();
    assert!(read.iter().map(|(number, _)| *number).eq([0, 1, 2, 3, 4, 7]));

    for (level, what) in
        [(Level::Error, "cannot keep events"), (Level::Error, "has lost an event"), (Level::Info, "keeps events again")]
    {
        let Some(Report::Custom(told)) = reports.next().await else { panic!("{what} is reported") };
        assert!(told.what.contains(what), "{}", told.what);
        assert_eq!(told.level, level);
    }
}

#[tokio::test]
async fn what_waits_in_memory_is_written_when_the_log_is_closed() {
    let folder = tempdir().unwrap();
    let manager = Manager::start().await.unwrap();
    let log = PersistenceHandler::open(folder.path()).rotate_at(1).await.unwrap();
    let log = manager.add_async_handler(log).await.unwrap();
    manager.sync_notify(1).await.unwrap();
    let obstacle = folder.path().join("log.0000002");
    fs::create_dir(&obstacle).unwrap();
    manager.notify(2).unwrap();
    assert!(manager.call_async_handler(&log, LogCall::Flush).await.unwrap().is_err());
    fs::remove_dir(&obstacle).unwrap();
    manager.stop().await.unwrap();
    assert_eq!(replay::<i32>(folder.path()).collect::<Result<Vec<_>, _>>().unwrap(), [1, 2]);
}
