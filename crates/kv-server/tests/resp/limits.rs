//! What a client may not have: a time for half a request, replies that it does not take.
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::time::Duration;

use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd};
use tokio::time::{Instant, sleep};

use crate::resp::{encode, error, request};
use crate::support::Client;

#[tokio::test(start_paused = true)]
async fn half_a_request_is_waited_for_no_longer_than_half_a_line() {
    let store = Store::start().await.unwrap();
    for half in ["*", "*2\r\n$4\r\nECHO\r\n", "PIN"] {
        let mut client = Client::of(Session::new(store.clone()).resp());
        let begun = Instant::now();
        client.send(half).await;
        let text = "ERR the rest of the request did not come within 10s; send it at once";
        assert_eq!(client.reply().await, error(text));
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        assert_eq!(client.end().await, SessionEnd::HalfCommand);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_replies_is_dropped() {
    let store = Store::start().await.unwrap();
    let bucket = store.create("big").await.unwrap();
    bucket.put("x", vec![b'x'; 100_000]).await.unwrap();
    let limits = Limits { replies: 200_000, ..Limits::default() };
    let mut client = Client::with_pipe(Session::new(store).resp().limits(limits), 50_000);
    client.send(request("HGET big x").repeat(1000)).await;
    assert_eq!(client.end().await, SessionEnd::Stalled);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_may_be_silent() {
    let store = Store::start().await.unwrap();
    let limits = Limits { idle: Some(Duration::from_secs(1)), ..Limits::default() };
    let mut client = Client::of(Session::new(store.clone()).resp().limits(limits));
    client.ask("SUBSCRIBE a").await;
    sleep(Duration::from_mins(1)).await;
    client.ask("PING").await;
    client.ask("UNSUBSCRIBE").await;
    assert_eq!(client.end().await, SessionEnd::Idle);
}

#[tokio::test]
async fn a_value_may_be_as_long_as_the_limit_says() {
    let store = Store::start().await.unwrap();
    let mut client = Client::with_pipe(Session::new(store).resp(), 4 * 1024 * 1024);
    let value = vec![b'x'; 1024 * 1024];
    client.send(encode(&[b"HSET", b"a", b"b", &value])).await;
    assert_eq!(client.line().await, ":1\r\n");
    client.expect("HSTRLEN a b", crate::resp::int(1024 * 1024)).await;
    client.send(encode(&[b"HSET", b"a", b"b", &[&value[..], b"x"].concat()])).await;
    assert_eq!(client.reply().await, error("ERR Protocol error: invalid bulk length"));
}

#[tokio::test]
async fn a_bucket_with_too_many_keys_is_not_listed_in_one_reply() {
    let store = Store::start().await.unwrap();
    let bucket = store.create("big").await.unwrap();
    let puts = (0..65_537).map(|number: u32| kv_core::Operation::Put(number.to_string().into(), "".into()));
    bucket.apply(puts.collect()).await.unwrap();
    let mut client = Client::of(Session::new(store).resp());
    let text = "ERR the bucket has more than 65536 keys, too many for one reply; use HSCAN";
    for command in ["HKEYS big", "HVALS big", "HGETALL big"] {
        client.expect(command, error(text)).await;
    }
    client.ask("HDEL big 0").await;
    assert!(matches!(client.ask("HLEN big").await, crate::resp::Reply::Integer(65_536)));
}
