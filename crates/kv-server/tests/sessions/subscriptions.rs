//! Subscribers: which events they receive, and that nothing waits for them.
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::time::Duration;

use crate::support::Client;
use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd, SubscriptionEvent};
use tokio::time::{Instant, sleep};

async fn subscriber(store: &Store) -> Client {
    let mut client = Client::of(Session::new(store.clone()));
    client.check("SUBSCRIBE", &["OK"]).await;
    client
}

#[tokio::test]
async fn a_subscriber_is_told_of_buckets_that_come_and_go() {
    let store = Store::start().await.unwrap();
    let mut client = subscriber(&store).await;
    let bucket = store.create("shopping").await.unwrap();
    assert_eq!(client.line().await, "CREATED shopping\r\n");
    bucket.kill();
    assert_eq!(client.line().await, "EXITED shopping killed\r\n");
    store.create("soy\nmilk").await.unwrap();
    assert_eq!(client.line().await, "CREATED \"soy\\nmilk\"\r\n");
}

#[tokio::test]
async fn a_reason_is_one_line() {
    let store = Store::start().await.unwrap();
    let mut client = subscriber(&store).await;
    let bucket = store.create("shopping").await.unwrap();
    assert_eq!(client.line().await, "CREATED shopping\r\n");
    bucket.update("milk", |_| panic!("it is\r\nsour")).await.unwrap_err();
    let line = client.line().await;
    assert!(line.starts_with("EXITED shopping ") && line.contains("it is  sour"), "{line}");
    assert!(SubscriptionEvent::parse(line.trim_end().as_bytes()).is_some());
}

#[tokio::test]
async fn a_subscriber_takes_no_other_command() {
    let store = Store::start().await.unwrap();
    let mut client = subscriber(&store).await;
    let error = "ERROR a session that has subscribed takes no command but QUIT; connect once more for others";
    for line in ["PING", "GET shopping milk", "SUBSCRIBE", "nonsense", ""] {
        client.check(line, &[error]).await;
    }
    client.send("QUIT\n").await;
    assert_eq!(client.rest().await, ("OK\r\n".to_owned(), SessionEnd::Quit));
}

#[tokio::test]
async fn commands_before_and_behind_a_subscription_keep_their_order() {
    let store = Store::start().await.unwrap();
    let mut client = Client::of(Session::new(store));
    client.send("CREATE a\nSUBSCRIBE\nQUIT\nPING\n").await;
    assert_eq!(client.rest().await.0, "OK\r\nOK\r\nOK\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_is_told_of_the_keys_of_its_bucket() {
    let store = Store::start().await.unwrap();
    let [shopping, other] = [store.create("shopping").await.unwrap(), store.create("other").await.unwrap()];
    let mut client = Client::of(Session::new(store.clone()));
    client.check("WATCH nowhere", &["NOT FOUND"]).await;
    client.check("WATCH shopping", &["OK"]).await;
    client
        .check("PING", &["ERROR a session that has subscribed takes no command but QUIT; connect once more for others"])
        .await;
    shopping.put("milk", "1").await.unwrap();
    other.put("milk", "1").await.unwrap();
    shopping.put_expiring("soy\nmilk", "1", Duration::from_secs(1)).await.unwrap();
    shopping.delete("milk").await.unwrap();
    shopping.delete("milk").await.unwrap();
    sleep(Duration::from_secs(2)).await;
    for line in
        ["PUT shopping milk", r#"PUT shopping "soy\nmilk""#, "DELETED shopping milk", r#"EXPIRED shopping "soy\nmilk""#]
    {
        assert_eq!(client.line().await, format!("{line}\r\n"));
    }
    // The bucket is known by its name: when it comes again, its keys are told of again.
    shopping.remove().await.unwrap();
    store.create("shopping").await.unwrap().put("eggs", "1").await.unwrap();
    assert_eq!(client.line().await, "PUT shopping eggs\r\n");
    client.send("QUIT\n").await;
    assert_eq!(client.rest().await, ("OK\r\n".to_owned(), SessionEnd::Quit));
}

#[tokio::test(start_paused = true)]
async fn a_slow_watcher_is_told_how_many_it_missed() {
    let store = Store::start().await.unwrap();
    let shopping = store.create("shopping").await.unwrap();
    let limits = Limits { events: 4, replies: 100, ..Limits::default() };
    let mut client = Client::with_pipe(Session::new(store.clone()).limits(limits), 64);
    client.check("WATCH shopping", &["OK"]).await;
    for number in 0..1000 {
        shopping.put(format!("{number}"), "1").await.unwrap();
    }
    let mut told = 0;
    let mut missed = 0;
    while told + missed < 1000 {
        match SubscriptionEvent::parse(client.line().await.trim_end().as_bytes()) {
            Some(SubscriptionEvent::Put { .. }) => told += 1,
            Some(SubscriptionEvent::Missed { events: Some(events) }) => missed += events,
            other => panic!("{other:?}"),
        }
    }
    assert!(missed > 0);
}

/// It reads nothing; the store does not wait for it, and it hears how much it missed.
#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_is_told_how_many_it_missed() {
    let store = Store::start().await.unwrap();
    let limits = Limits { events: 4, replies: 100, ..Limits::default() };
    let mut client = Client::with_pipe(Session::new(store.clone()).limits(limits), 64);
    client.check("SUBSCRIBE", &["OK"]).await;
    let begun = Instant::now();
    let created = 1000;
    for number in 0..created {
        store.create(&format!("bucket-{number}")).await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits for it");

    let (mut seen, mut missed, mut last) = (0, 0, None);
    while seen + missed < created {
        match SubscriptionEvent::parse(client.line().await.trim_end().as_bytes()).unwrap() {
            SubscriptionEvent::Created { bucket } => {
                seen += 1;
                last = Some(bucket);
            }
            SubscriptionEvent::Missed { events } => missed += events.unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert!(missed > 900, "{missed}");
    assert_eq!(last.unwrap(), "bucket-999");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_takes_nothing_is_dropped() {
    let store = Store::start().await.unwrap();
    let mut client = Client::with_pipe(Session::new(store.clone()), 64);
    client.check("SUBSCRIBE", &["OK"]).await;
    for number in 0..100 {
        store.create(&format!("bucket-{number}")).await.unwrap();
    }
    assert_eq!(client.end().await, SessionEnd::Stalled);
    assert_eq!(store.events().await.unwrap().which_handlers().await.unwrap(), []);
}

#[tokio::test]
async fn a_subscriber_that_has_left_is_forgotten() {
    let store = Store::start().await.unwrap();
    let client = subscriber(&store).await;
    assert_eq!(store.events().await.unwrap().which_handlers().await.unwrap().len(), 1);
    client.leave().await;
    assert_eq!(store.events().await.unwrap().which_handlers().await.unwrap(), []);
}

#[tokio::test]
async fn when_the_event_manager_is_started_again_a_subscriber_hears_of_it_and_goes_on() {
    let store = Store::start().await.unwrap();
    let mut client = subscriber(&store).await;
    for _ in 0..3 {
        store.events().await.unwrap().server().kill();
        assert_eq!(client.line().await, "MISSED ?\r\n");
        let bucket = store.create("shopping").await.unwrap();
        assert_eq!(client.line().await, "CREATED shopping\r\n");
        bucket.stop().await.unwrap();
        assert_eq!(client.line().await, "EXITED shopping normal\r\n");
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_store_stops_a_subscriber_hears_of_it() {
    let store = Store::start().await.unwrap();
    let mut client = subscriber(&store).await;
    store.stop().await.unwrap();
    let error = "ERROR the store has stopped, so there are no more events; connect again later\r\n";
    assert_eq!(client.line().await, error);
    sleep(Duration::from_millis(1)).await;
    client.check("GET shopping milk", &["NOT FOUND"]).await;
}
