//! Facts about watches.

use futures::StreamExt;
use futures::stream::BoxStream;
use genserver_cluster::engine::{Engine, Entry, Revision, WatchEvent};

use super::{LONG, System};

fn set(key: &str, value: &'static str, revision: Revision) -> WatchEvent {
    WatchEvent::Set(key.to_owned(), Entry { value: value.into(), revision })
}

async fn gone(watch: &mut BoxStream<'static, WatchEvent>) -> (String, Revision) {
    match watch.next().await {
        Some(WatchEvent::Gone(key, revision)) => (key, revision),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn e9_a_watch_tells_what_is_there_and_then_each_change(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let deleted = a.create("t.gone", "0".into(), LONG).await.unwrap();
    a.delete("t.gone", deleted).await.unwrap();
    let k = a.create("t.k", "1".into(), LONG).await.unwrap();
    let l = a.create("t.l", "1".into(), LONG).await.unwrap();
    let mut watch = b.watch("t.").await.unwrap();
    let mut there = vec![watch.next().await.unwrap(), watch.next().await.unwrap()];
    there.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(there, [set("t.k", "1", k), set("t.l", "1", l)]);
    assert_eq!(watch.next().await, Some(WatchEvent::Current));
    let changed = a.update("t.k", "2".into(), LONG, k).await.unwrap();
    assert_eq!(watch.next().await, Some(set("t.k", "2", changed)));
    a.delete("t.k", changed).await.unwrap();
    let (key, at) = gone(&mut watch).await;
    assert!(key == "t.k" && at > changed);
    let again = a.create("t.k", "3".into(), LONG).await.unwrap();
    assert_eq!(watch.next().await, Some(set("t.k", "3", again)));
    assert!(again > at);
}

pub(crate) async fn e9_a_change_behind_a_watch_is_told_or_a_later_one_of_its_key(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let mut last = a.create("t.k", "0".into(), LONG).await.unwrap();
    for round in ["1", "2", "3", "4", "5"] {
        let mut watch = b.watch("t.").await.unwrap();
        last = a.update("t.k", round.into(), LONG, last).await.unwrap();
        // Before or behind `Current`, and alone or behind the one before.
        while watch.next().await.unwrap() != set("t.k", round, last) {}
    }
}

pub(crate) async fn e9_a_watch_tells_of_its_prefix_alone(system: &impl System) {
    let a = system.member("a").await;
    for key in ["t", "tt.k", "u.t.k"] {
        a.create(key, "0".into(), LONG).await.unwrap();
    }
    let deep = a.create("t.k.deep", "1".into(), LONG).await.unwrap();
    let mut watch = a.watch("t.").await.unwrap();
    assert_eq!(watch.next().await, Some(set("t.k.deep", "1", deep)));
    assert_eq!(watch.next().await, Some(WatchEvent::Current));
    a.create("ttt.k", "0".into(), LONG).await.unwrap();
    let last = a.create("t.l", "1".into(), LONG).await.unwrap();
    assert_eq!(watch.next().await, Some(set("t.l", "1", last)));
}

pub(crate) async fn e9_a_watch_tells_that_a_key_has_ended<S: System>(system: &S) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let mut watch = b.watch("t.").await.unwrap();
    assert_eq!(watch.next().await, Some(WatchEvent::Current));
    let revision = a.create("t.k", "1".into(), S::LEASE).await.unwrap();
    assert_eq!(watch.next().await, Some(set("t.k", "1", revision)));
    let (key, ended) = gone(&mut watch).await;
    assert!(key == "t.k" && ended > revision);
}
