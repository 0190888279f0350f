//! Facts about streams of events.

use std::time::Duration;

use futures::StreamExt;
use genserver::time;
use genserver_cluster::engine::{Engine, EngineError, Position, Retention};

use super::{LONG, System};

const BEGIN: Position = Position(0);

/// Everything is kept.
fn all() -> Retention {
    Retention { events: 1_000, bytes: 1 << 20, age: LONG }
}

async fn add(engine: &impl Engine, event: &'static str) -> Position {
    engine.add("t.events", event, event.into()).await.unwrap()
}

/// The next so many events behind a position.
async fn told(engine: &impl Engine, after: Position, count: usize) -> Vec<(u64, String)> {
    let events = engine.follow("t.events", after).await.unwrap().take(count);
    events.map(|it| (it.position.0, String::from_utf8(it.event.to_vec()).unwrap())).collect().await
}

fn numbered(events: &[(u64, &str)]) -> Vec<(u64, String)> {
    events.iter().map(|(position, event)| (*position, (*event).to_owned())).collect()
}

pub(crate) async fn e10_events_have_the_order_in_which_they_were_taken(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    assert_eq!(a.open_stream("t.events", all()).await, Ok(BEGIN));
    assert_eq!(b.open_stream("t.events", all()).await, Ok(BEGIN));
    let positions = [add(&a, "1").await, add(&b, "2").await, add(&b, "3").await, add(&a, "4").await];
    assert_eq!(positions, [1, 2, 3, 4].map(Position));
    let expected = numbered(&[(1, "1"), (2, "2"), (3, "3"), (4, "4")]);
    assert_eq!(told(&a, BEGIN, 4).await, expected);
    assert_eq!(told(&b, BEGIN, 4).await, expected);
    assert_eq!(a.open_stream("t.events", all()).await, Ok(Position(4)));
}

pub(crate) async fn e10_the_oldest_events_beyond_a_number_are_forgotten(system: &impl System) {
    let a = system.member("a").await;
    a.open_stream("t.events", Retention { events: 2, ..all() }).await.unwrap();
    for event in ["1", "2", "3", "4", "5"] {
        add(&a, event).await;
    }
    assert_eq!(told(&a, BEGIN, 2).await, numbered(&[(4, "4"), (5, "5")]));
    // The first has made it, with what it keeps.
    assert_eq!(a.open_stream("t.events", all()).await, Ok(Position(5)));
    add(&a, "6").await;
    assert_eq!(told(&a, Position(1), 2).await, numbered(&[(5, "5"), (6, "6")]));
}

pub(crate) async fn e10_the_oldest_events_beyond_a_size_are_forgotten(system: &impl System) {
    let a = system.member("a").await;
    a.open_stream("t.events", Retention { bytes: 5_000, ..all() }).await.unwrap();
    for id in ["1", "2", "3", "4"] {
        a.add("t.events", id, vec![0; 2_000].into()).await.unwrap();
    }
    let first = a.follow("t.events", BEGIN).await.unwrap().next().await.unwrap();
    assert_eq!(first.position, Position(3));
}

pub(crate) async fn e10_events_beyond_an_age_are_forgotten<S: System>(system: &S) {
    let a = system.member("a").await;
    a.open_stream("t.events", Retention { age: S::LEASE, ..all() }).await.unwrap();
    add(&a, "0").await;
    let mut number = 0;
    // It is a bound, and not a time at which something happens.
    while told(&a, BEGIN, 1).await[0].0 == 1 {
        time::sleep(Duration::from_millis(20)).await;
        number += 1;
        a.add("t.events", &format!("later-{number}"), "1".into()).await.unwrap();
    }
}

pub(crate) async fn e11_of_the_events_of_one_id_one_is_added(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    a.open_stream("t.events", all()).await.unwrap();
    a.open_stream("t.other", all()).await.unwrap();
    let first = a.add("t.events", "id", "1".into()).await.unwrap();
    let second = a.add("t.events", "id-2", "2".into()).await.unwrap();
    for engine in [&a, &b] {
        assert_eq!(engine.add("t.events", "id", "double".into()).await, Ok(first));
    }
    // Another stream has other ids.
    assert_eq!(a.add("t.other", "id", "1".into()).await, Ok(Position(1)));
    let third = add(&a, "3").await;
    assert_eq!([first, second, third], [1, 2, 3].map(Position));
    assert_eq!(told(&a, BEGIN, 3).await, numbered(&[(1, "1"), (2, "2"), (3, "3")]));
}

pub(crate) async fn e11_an_id_is_printable(system: &impl System) {
    let a = system.member("a").await;
    a.open_stream("t.events", all()).await.unwrap();
    for id in ["", "a b", "a\r\nb"] {
        assert!(matches!(a.add("t.events", id, "1".into()).await, Err(EngineError::Refused(_))), "{id}");
    }
    assert_eq!(a.open_stream("t.events", all()).await, Ok(BEGIN));
}

pub(crate) async fn e12_a_follower_is_told_what_is_there_and_then_what_comes(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    a.open_stream("t.events", all()).await.unwrap();
    let first = add(&a, "1").await;
    add(&a, "2").await;
    let mut all = b.follow("t.events", BEGIN).await.unwrap();
    let mut behind = b.follow("t.events", first).await.unwrap();
    let mut ahead = b.follow("t.events", Position(2)).await.unwrap();
    assert_eq!(all.next().await.unwrap().event, "1");
    for events in [&mut all, &mut behind] {
        assert_eq!(events.next().await.unwrap().event, "2");
    }
    for event in ["3", "4", "5"] {
        let position = add(&a, event).await;
        for events in [&mut all, &mut behind, &mut ahead] {
            let told = events.next().await.unwrap();
            assert_eq!((told.position, &told.event[..]), (position, event.as_bytes()));
        }
    }
}

pub(crate) async fn e12_a_follower_is_told_many_events(system: &impl System) {
    let a = system.member("a").await;
    a.open_stream("t.events", Retention { events: 10_000, ..all() }).await.unwrap();
    let events = a.follow("t.events", BEGIN).await.unwrap();
    for number in 1..=1_300 {
        a.add("t.events", &number.to_string(), number.to_string().into()).await.unwrap();
    }
    let positions: Vec<u64> = events.take(1_300).map(|it| it.position.0).collect().await;
    assert_eq!(positions, (1..=1_300).collect::<Vec<u64>>());
}

pub(crate) async fn e12_a_follower_is_told_large_events(system: &impl System) {
    const SIZE: usize = 900_000;
    let a = system.member("a").await;
    a.open_stream("t.events", Retention { bytes: 100 << 20, ..all() }).await.unwrap();
    for number in 1..=40_u8 {
        a.add("t.events", &number.to_string(), vec![number; SIZE].into()).await.unwrap();
    }
    let mut events = a.follow("t.events", BEGIN).await.unwrap();
    for number in 1..=40 {
        let told = events.next().await.unwrap();
        assert_eq!((told.position, told.event.len(), told.event[0]), (Position(number.into()), SIZE, number));
    }
}

pub(crate) async fn e12_a_stream_that_is_not_there_is_not_followed(system: &impl System) {
    let a = system.member("a").await;
    let followed = a.follow("t.events", BEGIN).await.map(|_| ());
    assert!(matches!(followed, Err(EngineError::Refused(_))), "{followed:?}");
    assert!(a.add("t.events", "1", "1".into()).await.is_err());
}
