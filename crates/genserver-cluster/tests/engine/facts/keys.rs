//! Facts about keys.

use std::time::Duration;

use futures::{StreamExt, join};
use genserver::time;
use genserver_cluster::engine::{ChangeError, Engine, EngineError, Revision, WatchEvent};

use super::{LONG, System};

/// Waits until a watch tells that the key has gone.
async fn ended(engine: &impl Engine, key: &str) -> Revision {
    let mut watch = engine.watch("t.").await.unwrap();
    let mut is_there = false;
    loop {
        match watch.next().await.unwrap() {
            WatchEvent::Set(set, _) if set == key => is_there = true,
            WatchEvent::Gone(gone, revision) if gone == key => return revision,
            WatchEvent::Current if !is_there => return Revision(0),
            WatchEvent::Lost => panic!("the watch is lost, although nothing goes wrong"),
            _ => (),
        }
    }
}

pub(crate) async fn e1_of_two_creates_of_a_key_one_succeeds(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let created = join!(a.create("t.k", "a".into(), LONG), b.create("t.k", "b".into(), LONG));
    let (owner, revision) = match created {
        (Ok(revision), Err(ChangeError::Conflict)) => ("a", revision),
        (Err(ChangeError::Conflict), Ok(revision)) => ("b", revision),
        other => panic!("{other:?}"),
    };
    let entry = a.get("t.k").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.revision), (owner.into(), revision));
    assert_eq!(b.create("t.k", "c".into(), LONG).await, Err(ChangeError::Conflict));
}

pub(crate) async fn e1_a_key_that_was_deleted_is_created_again(system: &impl System) {
    let a = system.member("a").await;
    let mut last = Revision(0);
    for value in ["1", "2", "3"] {
        let revision = a.create("t.k", value.into(), LONG).await.unwrap();
        assert!(revision > last);
        a.delete("t.k", revision).await.unwrap();
        assert_eq!(a.get("t.k").await, Ok(None));
        last = revision;
    }
}

pub(crate) async fn e1_a_key_that_has_ended_is_created_again<S: System>(system: &S) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let first = a.create("t.k", "a".into(), S::LEASE).await.unwrap();
    let ended = ended(&b, "t.k").await;
    let second = b.create("t.k", "b".into(), LONG).await.unwrap();
    assert!(second > first && second > ended);
    assert_eq!(a.update("t.k", "a".into(), LONG, first).await, Err(ChangeError::Conflict));
}

pub(crate) async fn e2_each_change_of_any_key_has_a_larger_revision(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let first = a.create("t.k", "1".into(), LONG).await.unwrap();
    let other = b.create("t.l", "1".into(), LONG).await.unwrap();
    let second = b.update("t.k", "2".into(), LONG, first).await.unwrap();
    a.delete("t.k", second).await.unwrap();
    let third = a.create("t.k", "3".into(), LONG).await.unwrap();
    assert!(first < other && other < second && second < third, "{first} {other} {second} {third}");
}

pub(crate) async fn e3_an_update_with_another_revision_changes_nothing(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let first = a.create("t.k", "1".into(), LONG).await.unwrap();
    let second = a.update("t.k", "2".into(), LONG, first).await.unwrap();
    for wrong in [first, Revision(0), Revision(second.0 + 1)] {
        assert_eq!(b.update("t.k", "no".into(), LONG, wrong).await, Err(ChangeError::Conflict), "{wrong}");
    }
    let entry = a.get("t.k").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.revision), ("2".into(), second));
}

pub(crate) async fn e3_a_delete_with_another_revision_changes_nothing(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let first = a.create("t.k", "1".into(), LONG).await.unwrap();
    let second = a.update("t.k", "2".into(), LONG, first).await.unwrap();
    for wrong in [first, Revision(0), Revision(second.0 + 1)] {
        assert_eq!(b.delete("t.k", wrong).await, Err(ChangeError::Conflict), "{wrong}");
    }
    assert_eq!(a.update("t.k", "3".into(), LONG, second).await.map(|_| ()), Ok(()));
}

pub(crate) async fn e3_a_key_that_is_not_there_is_neither_updated_nor_deleted(system: &impl System) {
    let a = system.member("a").await;
    let refused = Err(ChangeError::Conflict);
    assert_eq!(a.update("t.never", "1".into(), LONG, Revision(0)).await, refused);
    assert_eq!(a.delete("t.never", Revision(0)).await, Err(ChangeError::Conflict));
    assert_eq!(a.get("t.never").await, Ok(None));
    let revision = a.create("t.k", "1".into(), LONG).await.unwrap();
    a.delete("t.k", revision).await.unwrap();
    for last in [revision, Revision(0)] {
        assert_eq!(a.update("t.k", "2".into(), LONG, last).await, refused, "{last}");
        assert_eq!(a.delete("t.k", last).await, Err(ChangeError::Conflict), "{last}");
    }
    assert_eq!(a.get("t.k").await, Ok(None));
}

pub(crate) async fn e4_a_key_is_there_for_its_time_to_live<S: System>(system: &S) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let sent = time::now();
    let revision = a.create("t.k", "1".into(), S::LEASE).await.unwrap();
    let ended = ended(&b, "t.k").await;
    assert!(time::now() - sent >= S::LEASE, "it ended after {:?}", time::now() - sent);
    assert!(ended == Revision(0) || ended > revision);
    assert_eq!(b.get("t.k").await, Ok(None));
}

pub(crate) async fn e4_an_update_begins_the_time_to_live_anew<S: System>(system: &S) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let mut revision = a.create("t.k", "1".into(), S::LEASE).await.unwrap();
    let mut sent = time::now();
    // Longer than one time to live.
    for _ in 0..3 {
        time::sleep(S::LEASE / 2).await;
        sent = time::now();
        revision = a.update("t.k", "1".into(), S::LEASE, revision).await.unwrap();
    }
    ended(&b, "t.k").await;
    assert!(time::now() - sent >= S::LEASE, "it ended {:?} after the last update", time::now() - sent);
}

pub(crate) async fn e5_what_is_read_was_written(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    assert_eq!(b.get("t.k").await, Ok(None));
    let first = a.create("t.k", "1".into(), LONG).await.unwrap();
    let second = a.update("t.k", "2".into(), LONG, first).await.unwrap();
    let entry = b.get("t.k").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.revision), ("2".into(), second));
    // Nothing is a value too.
    let third = b.update("t.k", "".into(), Duration::from_secs(90), second).await.unwrap();
    let entry = a.get("t.k").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.revision), ("".into(), third));
}

pub(crate) async fn e6_a_refused_name_does_nothing(system: &impl System) {
    let a = system.member("a").await;
    for key in ["", "t.", "t..k", "t.*", "t.>", "t k", "t.ä", "t.\r\n"] {
        let created = a.create(key, "1".into(), LONG).await;
        assert!(matches!(created, Err(ChangeError::Engine(EngineError::Refused(_)))), "{key}: {created:?}");
        assert!(matches!(a.get(key).await, Err(EngineError::Refused(_))), "{key}");
        assert!(matches!(a.publish(key, "1".into()).await, Err(EngineError::Refused(_))), "{key}");
        assert!(matches!(a.subscribe(key).await.map(|_| ()), Err(EngineError::Refused(_))), "{key}");
    }
    for prefix in ["", "t", "t.k", "*.", "t..", ">"] {
        assert!(matches!(a.watch(prefix).await.map(|_| ()), Err(EngineError::Refused(_))), "{prefix}");
    }
}
