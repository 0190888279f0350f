//! Subscriptions: what they get, and what they are told instead.

use futures::StreamExt;
use genserver::sim;
use genserver_cluster::engine::model::Model;
use genserver_cluster::engine::{Engine, Position, Retention};
use genserver_cluster::events::{ClusterEvent, EventsError};
use serde::{Deserialize, Serialize};

use super::shop::{Order, TOPIC, member, orders, take};

/// What another build has published.
#[derive(Serialize, Deserialize)]
struct Later {
    number: u64,
}

impl ClusterEvent for Later {
    const NAME: &str = "shop.order";
    const VERSION: u32 = 2;
}

/// What a careless build has published.
#[derive(Serialize, Deserialize)]
struct Careless(String);

impl ClusterEvent for Careless {
    const NAME: &str = "shop.order";
    const VERSION: u32 = 1;
}

#[test]
fn a_subscription_gets_what_is_published_from_then_on() {
    sim::check(async |_sim| {
        let model = Model::new();
        let (a, b) = (orders(&model, "a").await, orders(&model, "b").await);
        a.publish(&Order(1)).await.unwrap();
        let mut events = b.events().await.unwrap();
        a.publish(&Order(2)).await.unwrap();
        b.publish(&Order(3)).await.unwrap();
        assert_eq!(take(&mut events, 2).await, [2, 3]);
        assert_eq!(events.position(), Position(3));
    });
}

#[test]
fn a_subscription_behind_a_position_gets_what_is_kept_behind_it() {
    sim::check(async |_sim| {
        let model = Model::new();
        let topic = orders(&model, "a").await.retention(Retention { events: 3, ..Retention::default() });
        let mut positions = Vec::new();
        for number in 1..=5 {
            positions.push(topic.publish(&Order(number)).await.unwrap());
        }
        assert_eq!(take(&mut topic.events_after(positions[3]), 1).await, [5]);
        // The oldest that is kept is the beginning, and nothing is missing.
        assert_eq!(take(&mut topic.events_after(Position::default()), 3).await, [3, 4, 5]);
        let mut events = topic.events_after(positions[0]);
        let missed = events.next().await.unwrap().unwrap_err();
        assert!(matches!(missed, EventsError::Missed { count: 1, .. }), "{missed}");
        assert_eq!(take(&mut events, 3).await, [3, 4, 5]);
    });
}

#[test]
fn a_slow_subscriber_is_told_how_many_events_were_forgotten() {
    sim::check(async |_sim| {
        let model = Model::new();
        let topic = orders(&model, "a").await.retention(Retention { events: 3, ..Retention::default() });
        let mut events = topic.events().await.unwrap();
        topic.publish(&Order(0)).await.unwrap();
        assert_eq!(take(&mut events, 1).await, [0]);
        for number in 1..=10 {
            topic.publish(&Order(number)).await.unwrap();
        }
        let mut got = Vec::new();
        while got.last() != Some(&10) {
            match events.next().await.unwrap() {
                Ok(received) => got.push(received.event.0),
                Err(EventsError::Missed { count, .. }) => {
                    got.extend(std::iter::repeat_n(0, usize::try_from(count).unwrap()));
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(got.len(), 10, "{got:?}");
    });
}

#[test]
fn an_event_of_another_version_is_an_error_that_names_both() {
    sim::check(async |_sim| {
        let model = Model::new();
        let cluster = member(&model, "a").await;
        let mut events = cluster.topic::<Order>(TOPIC).events().await.unwrap();
        cluster.topic::<Later>(TOPIC).publish(&Later { number: 1 }).await.unwrap();
        cluster.topic::<Careless>(TOPIC).publish(&Careless("1".into())).await.unwrap();
        cluster.topic::<Order>(TOPIC).publish(&Order(1)).await.unwrap();
        let other = events.next().await.unwrap().unwrap_err().to_string();
        assert!(other.contains("is version 2 of shop.order, and this build reads version 1 of shop.order"), "{other}");
        let undecodable = events.next().await.unwrap().unwrap_err();
        assert!(matches!(undecodable, EventsError::Undecodable { position: Position(2), .. }), "{undecodable}");
        // It goes on behind both.
        assert_eq!(take(&mut events, 1).await, [1]);
    });
}

#[test]
fn what_is_not_an_event_is_an_error() {
    sim::check(async |_sim| {
        let model = Model::new();
        let topic = orders(&model, "a").await;
        let mut events = topic.events().await.unwrap();
        model.member("b").add("shop.orders", "1", "not an event".into()).await.unwrap();
        let error = events.next().await.unwrap().unwrap_err();
        assert!(matches!(error, EventsError::Undecodable { .. }), "{error}");
    });
}

#[test]
fn a_subscription_outlasts_a_lost_connection() {
    sim::check(async |_sim| {
        let model = Model::new();
        let (a, b) = (orders(&model, "a").await, orders(&model, "b").await);
        let mut events = b.events().await.unwrap();
        a.publish(&Order(1)).await.unwrap();
        assert_eq!(take(&mut events, 1).await, [1]);
        model.cut("b");
        a.publish(&Order(2)).await.unwrap();
        let waits = genserver::time::timeout(std::time::Duration::from_secs(30), events.next()).await;
        assert!(waits.is_err(), "{waits:?}");
        a.publish(&Order(3)).await.unwrap();
        model.rejoin("b");
        assert_eq!(take(&mut events, 2).await, [2, 3]);
    });
}
