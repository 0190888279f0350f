//! Channels: what they carry, and what a subscriber may send.

use kv_core::Store;
use kv_server::{Session, SessionEnd};

use crate::resp::{Reply, array, bulk, error, int, ok, request};
use crate::support::Client;

async fn client(store: &Store, version: &str) -> Client {
    let mut client = Client::of(Session::new(store.clone()).resp());
    client.ask(&format!("HELLO {version}")).await;
    client
}

fn push(texts: &[&str]) -> Reply {
    Reply::Push(texts.iter().map(|text| bulk(text)).collect())
}

fn confirmed(word: &str, channel: &str, count: i64) -> Reply {
    Reply::Push(vec![bulk(word), bulk(channel), int(count)])
}

#[tokio::test]
async fn a_subscriber_is_told_what_happens_in_a_bucket() {
    let store = Store::start().await.unwrap();
    let mut client = client(&store, "3").await;
    client.expect("SUBSCRIBE __keyspace@0__:a", confirmed("subscribe", "__keyspace@0__:a", 1)).await;
    // A client of version 3 may send any command, and its own changes are told too.
    client.send(request("HSET a x 1")).await;
    assert_eq!(client.reply().await, int(1));
    assert_eq!(client.reply().await, push(&["message", "__keyspace@0__:a", "hset"]));
    store.create("b").await.unwrap().put("x", "1").await.unwrap();
    let bucket = store.lookup("a").unwrap();
    bucket.delete("x").await.unwrap();
    assert_eq!(client.reply().await, push(&["message", "__keyspace@0__:a", "hdel"]));
    bucket.put_expiring("y", "1", std::time::Duration::from_millis(1)).await.unwrap();
    assert_eq!(client.reply().await, push(&["message", "__keyspace@0__:a", "hset"]));
    assert_eq!(client.reply().await, push(&["message", "__keyspace@0__:a", "hexpired"]));
    bucket.remove().await.unwrap();
    assert_eq!(client.reply().await, push(&["message", "__keyspace@0__:a", "del"]));
}

#[tokio::test]
async fn a_subscriber_to_what_happens_is_told_where() {
    let store = Store::start().await.unwrap();
    let mut client = client(&store, "3").await;
    client.send(request("SUBSCRIBE __keyevent@0__:hdel __keyevent@0__:del kv.events")).await;
    for (count, channel) in [(1, "__keyevent@0__:hdel"), (2, "__keyevent@0__:del"), (3, "kv.events")] {
        assert_eq!(client.reply().await, confirmed("subscribe", channel, count));
    }
    let bucket = store.create("a").await.unwrap();
    assert_eq!(client.reply().await, push(&["message", "kv.events", "CREATED a"]));
    bucket.put("x", "1").await.unwrap();
    bucket.delete("x").await.unwrap();
    assert_eq!(client.reply().await, push(&["message", "__keyevent@0__:hdel", "a"]));
    bucket.remove().await.unwrap();
    assert_eq!(client.reply().await, push(&["message", "__keyevent@0__:del", "a"]));
    assert_eq!(client.reply().await, push(&["message", "kv.events", "EXITED a normal"]));
    let bucket = store.create("a").await.unwrap();
    assert_eq!(client.reply().await, push(&["message", "kv.events", "CREATED a"]));
    bucket.kill();
    assert_eq!(client.reply().await, push(&["message", "kv.events", "EXITED a killed"]));
}

#[tokio::test]
async fn a_pattern_is_for_all_channels_that_match() {
    let store = Store::start().await.unwrap();
    let mut client = client(&store, "3").await;
    client.expect("PSUBSCRIBE __key*__:*", confirmed("psubscribe", "__key*__:*", 1)).await;
    store.create("a").await.unwrap().put("x", "1").await.unwrap();
    assert_eq!(client.reply().await, push(&["pmessage", "__key*__:*", "__keyspace@0__:a", "hset"]));
    assert_eq!(client.reply().await, push(&["pmessage", "__key*__:*", "__keyevent@0__:hset", "a"]));
}

#[tokio::test(start_paused = true)]
async fn in_version_2_a_subscriber_may_send_little_until_it_has_left_its_channels() {
    let store = Store::start().await.unwrap();
    let mut client = client(&store, "2").await;
    client.expect("SUBSCRIBE a", array([bulk("subscribe"), bulk("a"), int(1)])).await;
    client.expect("PSUBSCRIBE b", array([bulk("psubscribe"), bulk("b"), int(2)])).await;
    let refused = "ERR Can't execute 'hget': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
                   context";
    client.expect("HGET a b", error(refused)).await;
    client.expect("PING", array([bulk("pong"), bulk("")])).await;
    client.expect("PING x", array([bulk("pong"), bulk("x")])).await;
    client.expect("UNSUBSCRIBE", array([bulk("unsubscribe"), bulk("a"), int(1)])).await;
    client.expect("UNSUBSCRIBE", array([bulk("unsubscribe"), Reply::Null, int(1)])).await;
    client.expect("PUNSUBSCRIBE b c", array([bulk("punsubscribe"), bulk("b"), int(0)])).await;
    assert_eq!(client.reply().await, array([bulk("punsubscribe"), bulk("c"), int(0)]));
    client.expect("HGET a b", Reply::Null).await;
    client.expect("SUBSCRIBE a", array([bulk("subscribe"), bulk("a"), int(1)])).await;
    client.send(request("QUIT")).await;
    assert_eq!(client.reply().await, ok());
    assert_eq!(client.end().await, SessionEnd::Quit);
}

#[tokio::test]
async fn nobody_listens_for_a_client_that_has_left_its_channels() {
    let store = Store::start().await.unwrap();
    let mut client = client(&store, "3").await;
    let handlers = || async {
        let buckets = store.events().await.unwrap().which_handlers().await.unwrap().len();
        let keys = store.key_events().await.unwrap().manager().which_handlers().await.unwrap().len();
        (buckets, keys)
    };
    client.ask("SUBSCRIBE other").await;
    assert_eq!(handlers().await, (0, 0));
    client.ask("SUBSCRIBE kv.events").await;
    assert_eq!(handlers().await, (1, 0));
    client.ask("PSUBSCRIBE *").await;
    assert_eq!(handlers().await, (1, 1));
    client.ask("PUNSUBSCRIBE").await;
    assert_eq!(handlers().await, (1, 0));
    client.ask("RESET").await;
    assert_eq!(handlers().await, (0, 0));
}

#[tokio::test]
async fn channels_have_a_limit() {
    let store = Store::start().await.unwrap();
    let mut client = client(&store, "3").await;
    for number in 0..1024 {
        let channel = format!("c{number}");
        client.expect(&format!("SUBSCRIBE {channel}"), confirmed("subscribe", &channel, number + 1)).await;
    }
    let text = "ERR too many channels; end some subscriptions, or connect once more";
    client.expect("PSUBSCRIBE more", error(text)).await;
    client.expect("UNSUBSCRIBE c0", confirmed("unsubscribe", "c0", 1023)).await;
    client.expect(&format!("SUBSCRIBE {}", "x".repeat(65_536)), error(text)).await;
}
