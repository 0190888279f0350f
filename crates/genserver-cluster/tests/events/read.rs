//! Readers: they go on where others of their name have stopped.

use futures::StreamExt;
use genserver::{sim, time};
use genserver_cluster::engine::Retention;
use genserver_cluster::engine::model::Model;
use genserver_cluster::events::EventsError;

use super::shop::{Order, orders, take};

#[test]
fn a_reader_goes_on_behind_what_was_confirmed() {
    sim::check(async |_sim| {
        let model = Model::new();
        let (a, b) = (orders(&model, "a").await, orders(&model, "b").await);
        a.publish(&Order(0)).await.unwrap();
        let mut reader = b.reader("billing").await.unwrap();
        for number in 1..=5 {
            a.publish(&Order(number)).await.unwrap();
        }
        assert_eq!(take(&mut reader, 2).await, [1, 2]);
        reader.confirm();
        assert_eq!(take(&mut reader, 1).await, [3]);
        reader.close().await.unwrap();
        // Of another member, and not told of what was not confirmed.
        let mut reader = a.reader("billing").await.unwrap();
        assert_eq!(take(&mut reader, 2).await, [3, 4]);
        // Another name has another place.
        let mut other = a.reader("shipping").await.unwrap();
        a.publish(&Order(6)).await.unwrap();
        assert_eq!(take(&mut other, 1).await, [6]);
    });
}

#[test]
fn a_reader_of_a_topic_that_was_made_anew_says_so_and_the_next_one_begins_with_it() {
    sim::check(async |_sim| {
        let model = Model::new();
        let a = orders(&model, "a").await;
        let mut reader = a.reader("billing").await.unwrap();
        a.publish(&Order(1)).await.unwrap();
        a.publish(&Order(2)).await.unwrap();
        assert_eq!(take(&mut reader, 2).await, [1, 2]);
        reader.confirm();
        reader.close().await.unwrap();
        model.delete_stream("shop.orders");
        let mut reader = a.reader("billing").await.unwrap();
        assert!(matches!(reader.next().await, Some(Err(EventsError::MadeAnew { .. }))));
        assert!(reader.next().await.is_none());
        let mut reader = a.reader("billing").await.unwrap();
        a.publish(&Order(3)).await.unwrap();
        assert_eq!(take(&mut reader, 1).await, [3]);
    });
}

#[test]
fn a_reader_that_has_confirmed_nothing_begins_where_it_began() {
    sim::check(async |_sim| {
        let model = Model::new();
        let a = orders(&model, "a").await;
        drop(a.reader("billing").await.unwrap());
        a.publish(&Order(1)).await.unwrap();
        let mut reader = a.reader("billing").await.unwrap();
        assert_eq!(take(&mut reader, 1).await, [1]);
        drop(reader);
        assert_eq!(take(&mut a.reader("billing").await.unwrap(), 1).await, [1]);
    });
}

#[test]
fn what_is_confirmed_is_written_while_the_reader_is_polled() {
    sim::check(async |_sim| {
        let model = Model::new();
        let a = orders(&model, "a").await;
        let mut reader = a.reader("billing").await.unwrap();
        for number in 1..=3 {
            a.publish(&Order(number)).await.unwrap();
            assert_eq!(take(&mut reader, 1).await, [number]);
            reader.confirm();
        }
        let waits = time::timeout(std::time::Duration::from_secs(1), reader.next()).await;
        assert!(waits.is_err());
        // Without a word, as a process that is killed.
        drop(reader);
        a.publish(&Order(4)).await.unwrap();
        assert_eq!(take(&mut a.reader("billing").await.unwrap(), 1).await, [4]);
    });
}

#[test]
fn the_older_of_two_readers_of_one_name_is_told_when_it_confirms() {
    sim::check(async |_sim| {
        let model = Model::new();
        let (a, b) = (orders(&model, "a").await, orders(&model, "b").await);
        let mut older = a.reader("billing").await.unwrap();
        a.publish(&Order(1)).await.unwrap();
        assert_eq!(take(&mut older, 1).await, [1]);
        let mut newer = b.reader("billing").await.unwrap();
        assert_eq!(take(&mut newer, 1).await, [1]);
        older.confirm();
        let taken = older.next().await.unwrap().unwrap_err();
        assert!(matches!(taken, EventsError::TakenOver { .. }), "{taken}");
        assert!(older.next().await.is_none());
        a.publish(&Order(2)).await.unwrap();
        newer.confirm();
        assert_eq!(take(&mut newer, 1).await, [2]);
        newer.close().await.unwrap();
        assert_eq!(take(&mut a.reader("billing").await.unwrap(), 1).await, [2]);
    });
}

#[test]
fn a_reader_that_comes_too_late_is_told_how_many_events_are_missing() {
    sim::check(async |_sim| {
        let model = Model::new();
        let a = orders(&model, "a").await.retention(Retention { events: 2, ..Retention::default() });
        drop(a.reader("billing").await.unwrap());
        for number in 1..=5 {
            a.publish(&Order(number)).await.unwrap();
        }
        let mut reader = a.reader("billing").await.unwrap();
        let missed = reader.next().await.unwrap().unwrap_err();
        assert!(matches!(missed, EventsError::Missed { count: 3, .. }), "{missed}");
        // What was told as missed can be confirmed, as events are.
        reader.confirm();
        reader.close().await.unwrap();
        assert_eq!(take(&mut a.reader("billing").await.unwrap(), 2).await, [4, 5]);
    });
}

#[test]
fn a_reader_that_is_closed_without_an_engine_says_that_it_has_not_confirmed() {
    sim::check(async |_sim| {
        let model = Model::new();
        let a = orders(&model, "a").await;
        let mut reader = a.reader("billing").await.unwrap();
        a.publish(&Order(1)).await.unwrap();
        assert_eq!(take(&mut reader, 1).await, [1]);
        reader.confirm();
        model.cut("a");
        let closed = reader.close().await;
        assert!(matches!(closed, Err(EventsError::Engine { .. })), "{closed:?}");
    });
}
