//! The commands on buckets as a whole.

use kv_core::Store;
use kv_server::Session;

use crate::resp::{Reply, array, bulk, bulks, client, error, int, request};
use crate::support::Client;

#[tokio::test]
async fn a_bucket_is_a_hash_until_it_is_deleted() {
    let (store, mut client) = client().await;
    client.expect("TYPE shopping", Reply::Simple("none".into())).await;
    client.expect("EXISTS shopping", int(0)).await;
    client.expect("HSET shopping milk 1", int(1)).await;
    client.expect("TYPE shopping", Reply::Simple("hash".into())).await;
    client.expect("EXISTS shopping shopping none", int(2)).await;
    client.expect("DBSIZE", int(1)).await;
    client.expect("DEL shopping none shopping", int(1)).await;
    assert!(store.lookup("shopping").is_none());
    client.expect("DBSIZE", int(0)).await;
    client.expect("HGET shopping milk", Reply::Null).await;
}

#[tokio::test]
async fn what_is_deleted_and_stored_in_one_read_is_there_at_the_end() {
    let (_store, mut client) = client().await;
    client.expect("HSET shopping milk 1", int(1)).await;
    let mut sent = Vec::new();
    for command in ["DEL shopping", "HSET shopping eggs 2", "HGETALL shopping", "DEL shopping", "HLEN shopping"] {
        sent.extend(request(command));
    }
    client.send(sent).await;
    for expected in [int(1), int(1), bulks(&["eggs", "2"]), int(1), int(0)] {
        assert_eq!(client.reply().await, expected);
    }
}

#[tokio::test]
async fn names_are_listed_by_pattern() {
    let (store, mut client) = client().await;
    for name in ["one", "two", "three", "four"] {
        store.create(name).await.unwrap();
    }
    client.expect("KEYS *", bulks(&["four", "one", "three", "two"])).await;
    client.expect("KEYS t*", bulks(&["three", "two"])).await;
    client.expect("KEYS [fo]*", bulks(&["four", "one"])).await;
    client.expect("KEYS none", array([])).await;
}

#[tokio::test]
async fn a_scan_finds_each_bucket() {
    let (store, mut client) = client().await;
    for number in 0..25 {
        store.create(&format!("b{number:02}")).await.unwrap();
    }
    let (mut cursor, mut found, mut turns) = ("0".to_owned(), Vec::new(), 0);
    loop {
        turns += 1;
        let Reply::Array(both) = client.ask(&format!("SCAN {cursor}")).await else {
            panic!("it is a cursor and names")
        };
        let [Reply::Bulk(next), Reply::Array(names)] = &both[..] else { panic!("{both:?}") };
        found.extend(names.clone());
        cursor = String::from_utf8(next.clone()).unwrap();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(turns, 3);
    assert_eq!(found, (0..25).map(|number| bulk(&format!("b{number:02}"))).collect::<Vec<_>>());
    client.expect("SCAN 0 COUNT 100 MATCH b0[12] TYPE hash", array([bulk("0"), bulks(&["b01", "b02"])])).await;
    client.expect("SCAN 0 COUNT 100 TYPE string", array([bulk("0"), array([])])).await;
    client.expect("SCAN 0 NOVALUES", error("ERR syntax error")).await;
}

#[tokio::test]
async fn commands_on_strings_are_refused_with_what_to_use_instead() {
    let (_store, mut client) = client().await;
    client
        .expect("SET a 1", error("ERR a bucket is a hash, and SET is for strings; use HSET bucket key value instead"))
        .await;
    client.expect("get a", error("ERR a bucket is a hash, and GET is for strings; use HGET instead")).await;
    client.expect("TTL a", error("ERR a bucket does not expire, and its keys do; use HTTL instead")).await;
    client.expect("INCR a", error("ERR a bucket is a hash, and INCR is for strings; use HINCRBY instead")).await;
}

#[tokio::test]
async fn a_limit_of_the_store_is_an_error_and_nothing_is_lost() {
    let store = Store::options().max_value(3).max_buckets(1).start().await.unwrap();
    let mut client = Client::of(Session::new(store).resp());
    client.expect("HSET a milk 123", int(1)).await;
    let Reply::Error(text) = client.ask("HSET a milk 1234").await else { panic!("it is too long") };
    assert!(text.starts_with("ERR the value has 4 bytes"), "{text}");
    let Reply::Error(text) = client.ask("HSET b milk 1").await else { panic!("there is one") };
    assert!(text.starts_with("ERR ") && text.contains("1 buckets"), "{text}");
    client.expect("HGET a milk", bulk("123")).await;
    // A read of the bucket that is not there is not refused, although the next command wants to create it.
    client.send([request("HGET b milk"), request("HSET b milk 1"), request("HLEN b")].concat()).await;
    assert_eq!(client.reply().await, Reply::Null);
    assert_eq!(client.reply().await, error(&text));
    assert_eq!(client.reply().await, int(0));
}
