//! Facts about logs.

use futures::join;
use genserver_cluster::engine::{ChangeError, Engine, LogEntry, Position};

use super::System;

/// The entries of a log as text, with an `=` before a snapshot.
async fn read(engine: &impl Engine, log: &str, after: Position, limit: usize) -> Vec<String> {
    let entries = engine.read(log, after, limit).await.unwrap();
    assert!(entries.is_sorted_by(|one, next| one.position < next.position), "{entries:?}");
    let text = |LogEntry { entry, is_snapshot, .. }: &LogEntry| {
        format!("{}{}", if *is_snapshot { "=" } else { "" }, str::from_utf8(entry).unwrap())
    };
    entries.iter().map(text).collect()
}

const BEGIN: Position = Position(0);

pub(crate) async fn e7_an_entry_is_added_behind_the_last_alone(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    assert_eq!(read(&a, "t.log", BEGIN, 9).await, Vec::<String>::new());
    let first = a.append("t.log", "1".into(), BEGIN).await.unwrap();
    let second = b.append("t.log", "2".into(), first).await.unwrap();
    assert!(first > BEGIN && second > first);
    for wrong in [BEGIN, first, Position(second.0 + 1)] {
        assert_eq!(a.append("t.log", "no".into(), wrong).await, Err(ChangeError::Conflict), "{wrong:?}");
    }
    assert_eq!(read(&a, "t.log", BEGIN, 9).await, ["1", "2"]);
}

pub(crate) async fn e7_of_two_appends_at_one_position_one_succeeds(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let mut last = BEGIN;
    for _ in 0..5 {
        last = match join!(a.append("t.log", "a".into(), last), b.append("t.log", "b".into(), last)) {
            (Ok(position), Err(ChangeError::Conflict)) | (Err(ChangeError::Conflict), Ok(position)) => position,
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(read(&a, "t.log", BEGIN, 9).await.len(), 5);
}

pub(crate) async fn e7_a_snapshot_replaces_all_entries_if_it_knows_the_last(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let first = a.append("t.log", "1".into(), BEGIN).await.unwrap();
    let second = a.append("t.log", "2".into(), first).await.unwrap();
    for wrong in [BEGIN, first, Position(second.0 + 1)] {
        assert_eq!(b.snapshot("t.log", "no".into(), wrong).await, Err(ChangeError::Conflict), "{wrong:?}");
    }
    assert_eq!(read(&b, "t.log", BEGIN, 9).await, ["1", "2"]);
    let third = b.snapshot("t.log", "1+2".into(), second).await.unwrap();
    assert_eq!(read(&a, "t.log", BEGIN, 9).await, ["=1+2"]);
    // One who has read a part sees that it is replaced.
    assert_eq!(read(&a, "t.log", first, 9).await, ["=1+2"]);
    assert_eq!(a.append("t.log", "no".into(), second).await, Err(ChangeError::Conflict));
    let fourth = a.append("t.log", "3".into(), third).await.unwrap();
    assert_eq!(read(&a, "t.log", BEGIN, 9).await, ["=1+2", "3"]);
    assert!(second < third && third < fourth);
    // The first entry may be one.
    b.snapshot("t.other", "0".into(), BEGIN).await.unwrap();
    assert_eq!(read(&b, "t.other", BEGIN, 9).await, ["=0"]);
}

pub(crate) async fn e7_a_read_begins_behind_a_position_and_has_a_limit(system: &impl System) {
    let a = system.member("a").await;
    let (mut positions, mut other) = (vec![BEGIN], BEGIN);
    for entry in ["1", "2", "3", "4", "5"] {
        positions.push(a.append("t.log", entry.into(), positions[positions.len() - 1]).await.unwrap());
        // Another one grows as well.
        other = a.append("t.other", entry.into(), other).await.unwrap();
    }
    assert_eq!(read(&a, "t.log", positions[0], 2).await, ["1", "2"]);
    assert_eq!(read(&a, "t.log", positions[2], 2).await, ["3", "4"]);
    assert_eq!(read(&a, "t.log", positions[4], 2).await, ["5"]);
    assert_eq!(read(&a, "t.log", positions[5], 2).await, Vec::<String>::new());
    assert_eq!(read(&a, "t.log", positions[1], 0).await, Vec::<String>::new());
}

pub(crate) async fn e7_logs_do_not_disturb_each_other(system: &impl System) {
    let a = system.member("a").await;
    let one = a.append("t.one", "1".into(), BEGIN).await.unwrap();
    let two = a.append("t.two", "1".into(), BEGIN).await.unwrap();
    a.append("t.one", "2".into(), one).await.unwrap();
    a.snapshot("t.two", "2".into(), two).await.unwrap();
    assert_eq!(read(&a, "t.one", BEGIN, 9).await, ["1", "2"]);
    assert_eq!(read(&a, "t.two", BEGIN, 9).await, ["=2"]);
    // A key of the same name is something else.
    a.create("t.one", "k".into(), super::LONG).await.unwrap();
    assert_eq!(read(&a, "t.one", BEGIN, 9).await, ["1", "2"]);
    assert_eq!(a.get("t.two").await, Ok(None));
}
