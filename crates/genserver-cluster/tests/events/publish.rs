//! Publishing, by hand and from a manager.

use std::time::Duration;

use genevent::{Manager, NotifyError};
use genserver::sim;
use genserver_cluster::engine::model::{Faults, Model};
use genserver_cluster::engine::{EngineError, Position};
use genserver_cluster::events::PublishError;

use super::shop::{Order, orders, take};

#[test]
fn an_event_is_published_once_however_often_it_has_to_be_tried() {
    sim::check(async |_sim| {
        let model = Model::new();
        let (a, b) = (orders(&model, "a").await, orders(&model, "b").await);
        let mut events = b.events().await.unwrap();
        model.set_answer_within(Duration::from_millis(100));
        model.set_faults(Faults::new().unanswered(3));
        let mut published = Vec::new();
        for number in 0..5 {
            // It may fail, and may be published all the same.
            published.push(a.publish(&Order(number)).await);
        }
        model.set_faults(Faults::new());
        a.publish(&Order(5)).await.unwrap();
        let mut got = take(&mut events, 1).await;
        while got.last() != Some(&5) {
            got.extend(take(&mut events, 1).await);
        }
        assert!(got.is_sorted_by(|one, next| one < next), "{got:?}");
        for (number, published) in (0..).zip(published) {
            assert!(published.is_err() || got.contains(&number), "{number} is not in {got:?}");
        }
    });
}

#[test]
fn an_event_with_an_id_of_its_own_is_published_once() {
    sim::check(async |_sim| {
        let model = Model::new();
        let (a, b) = (orders(&model, "a").await, orders(&model, "b").await);
        assert_eq!(a.publish_as("order-7", &Order(7)).await, Ok(Position(1)));
        assert_eq!(b.publish_as("order-7", &Order(7)).await, Ok(Position(1)));
        assert_eq!(b.publish(&Order(8)).await, Ok(Position(2)));
        assert_eq!(take(&mut b.events_after(Position::default()), 2).await, [7, 8]);
    });
}

#[test]
fn an_event_that_the_engine_does_not_take_is_an_error_that_says_so() {
    sim::check(async |_sim| {
        let model = Model::new();
        let a = orders(&model, "a").await;
        let refused = a.publish_as("a b", &Order(0)).await.unwrap_err();
        assert!(matches!(&refused, PublishError::Engine { why: EngineError::Refused(_), .. }), "{refused}");
        model.cut("a");
        let failed = a.publish(&Order(1)).await.unwrap_err();
        assert!(matches!(failed, PublishError::Engine { .. }), "{failed}");
        assert!(failed.to_string().starts_with("the event for the topic orders "), "{failed}");
        assert!(!failed.may_be_published() || failed.to_string().contains("may or may not"), "{failed}");
    });
}

#[test]
fn a_manager_publishes_its_events_and_its_senders_wait_until_the_engine_has_them() {
    sim::check(async |_sim| {
        let model = Model::new();
        let (a, b) = (orders(&model, "a").await, orders(&model, "b").await);
        let mut events = b.events().await.unwrap();
        let manager = Manager::start().await.unwrap();
        manager.add_async_handler(a.clone()).await.unwrap();
        manager.notify(Order(1)).unwrap();
        manager.sync_notify(Order(2)).await.unwrap();
        assert_eq!(take(&mut events, 2).await, [1, 2]);
        model.cut("a");
        let refused = manager.sync_notify(Order(3)).await.unwrap_err();
        assert!(matches!(refused, NotifyError::Refused { .. }), "{refused}");
        assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
        model.rejoin("a");
        manager.sync_notify(Order(4)).await.unwrap();
        let next = take(&mut events, 1).await;
        // The one that was refused may have been held up.
        assert!(next == [4] || next == [3], "{next:?}");
    });
}

#[test]
fn a_manager_whose_sender_does_not_wait_loses_the_handler_that_publishes_nothing() {
    sim::check(async |_sim| {
        let model = Model::new();
        let a = orders(&model, "a").await;
        let manager = Manager::start().await.unwrap();
        manager.add_async_handler(a).await.unwrap();
        model.cut("a");
        manager.notify(Order(1)).unwrap();
        assert_eq!(manager.which_handlers().await.unwrap(), []);
    });
}
