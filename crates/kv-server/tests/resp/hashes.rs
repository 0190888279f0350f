//! The commands on the keys of a bucket.

use std::time::Duration;

use kv_core::Store;
use kv_server::Session;
use tokio::time::advance;

use crate::resp::{
    Reply, array, bulk, bulks, client, encode, error, int, ints, ok, parse_all, replies_to, request, serve,
};
use crate::support::Client;

#[tokio::test]
async fn a_value_is_stored_and_read_again() {
    let (store, mut client) = client().await;
    client.expect("HSET shopping milk 1", int(1)).await;
    client.expect("hset shopping milk 2 eggs 3 milk 4", int(1)).await;
    client.expect("HGET shopping milk", bulk("4")).await;
    client.expect("HGET shopping bread", Reply::Null).await;
    client.expect("HMGET shopping milk bread eggs", array([bulk("4"), Reply::Null, bulk("3")])).await;
    client.expect("HEXISTS shopping milk", int(1)).await;
    client.expect("HEXISTS shopping bread", int(0)).await;
    client.expect("HSTRLEN shopping milk", int(1)).await;
    client.expect("HSTRLEN shopping bread", int(0)).await;
    client.expect("HLEN shopping", int(2)).await;
    client.expect("HMSET shopping a 1 b 2", ok()).await;
    client.expect("HDEL shopping a b c", int(2)).await;
    client.expect("HKEYS shopping", bulks(&["eggs", "milk"])).await;
    client.expect("HVALS shopping", bulks(&["3", "4"])).await;
    client.expect("HGETALL shopping", bulks(&["eggs", "3", "milk", "4"])).await;
    client.expect("HSETNX shopping milk 9", int(0)).await;
    client.expect("HSETNX shopping bread 9", int(1)).await;
    let bucket = store.lookup("shopping").unwrap();
    assert_eq!(bucket.get("milk").await.unwrap(), Some("4".into()));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_an_empty_one_and_reads_make_none() {
    let (store, mut client) = client().await;
    client.expect("HGET none milk", Reply::Null).await;
    client.expect("HMGET none a b", array([Reply::Null, Reply::Null])).await;
    for command in ["HLEN none", "HEXISTS none a", "HSTRLEN none a", "HDEL none a b"] {
        client.expect(command, int(0)).await;
    }
    for command in ["HKEYS none", "HVALS none", "HGETALL none"] {
        client.expect(command, array([])).await;
    }
    client.expect("HTTL none FIELDS 2 a b", ints(&[-2, -2])).await;
    client.expect("HEXPIRE none 10 FIELDS 1 a", ints(&[-2])).await;
    client.expect("HPERSIST none FIELDS 1 a", ints(&[-2])).await;
    client.expect("HSCAN none 0", array([bulk("0"), array([])])).await;
    assert_eq!(store.count(), 0);
}

#[tokio::test]
async fn a_bucket_of_the_same_name_is_found_after_the_one_that_a_session_knew_has_ended() {
    let (store, mut client) = client().await;
    for count in [1, 0, 0] {
        client.expect("HSET shopping milk 1", int(count)).await;
    }
    store.lookup("shopping").unwrap().stop().await.unwrap();
    client.expect("HGET shopping milk", Reply::Null).await;
    for count in [1, 0, 0] {
        client.expect("HSET shopping milk 2", int(count)).await;
    }
    client.expect("DEL shopping", int(1)).await;
    client.expect("HSET shopping eggs 1", int(1)).await;
    client.expect("HGETALL shopping", bulks(&["eggs", "1"])).await;
    assert_eq!(store.lookup("shopping").unwrap().get("eggs").await.unwrap(), Some("1".into()));
}

#[tokio::test]
async fn a_bucket_without_keys_stays() {
    let (_store, mut client) = client().await;
    client.expect("HSET shopping milk 1", int(1)).await;
    client.expect("HDEL shopping milk", int(1)).await;
    client.expect("EXISTS shopping", int(1)).await;
}

#[tokio::test]
async fn keys_and_values_are_any_bytes() {
    let (_store, mut client) = client().await;
    let all: Vec<u8> = (0..=255).collect();
    client.send(encode(&[b"HSET", "Einkäufe".as_bytes(), &all, &all])).await;
    assert_eq!(client.reply().await, int(1));
    client.send(encode(&[b"HGET", "Einkäufe".as_bytes(), &all])).await;
    assert_eq!(client.reply().await, Reply::Bulk(all));
    client.send(encode(&[b"HSET", b"", b"", b""])).await;
    let Reply::Error(text) = client.reply().await else { panic!("the name is empty") };
    assert_eq!(text, "ERR the name is empty; give the bucket one of 1 to 255 bytes");
    client.send(encode(&[b"HSET", b"\xFF", b"a", b"b"])).await;
    assert_eq!(client.reply().await, error("ERR the name is not UTF-8; give the bucket one that is"));
}

#[tokio::test]
async fn in_version_3_maps_are_maps_and_nothing_is_null() {
    let (_store, mut client) = client().await;
    client.ask("HELLO 3").await;
    client.expect("HSET shopping milk 1", int(1)).await;
    client.expect("HGETALL shopping", Reply::Map(vec![(bulk("milk"), bulk("1"))])).await;
    client.send(request("HGET shopping eggs")).await;
    assert_eq!(client.line().await, "_\r\n");
    client.ask("HELLO 2").await;
    client.send(request("HGET shopping eggs")).await;
    assert_eq!(client.line().await, "$-1\r\n");
}

#[tokio::test]
async fn an_integer_is_added_to_in_its_bucket() {
    let (_store, mut client) = client().await;
    client.expect("HINCRBY counts a 5", int(5)).await;
    client.expect("HINCRBY counts a -7", int(-2)).await;
    client.expect("HGET counts a", bulk("-2")).await;
    client.expect("HINCRBY counts a x", error("ERR value is not an integer or out of range")).await;
    client.expect("HSET counts b one", int(1)).await;
    client.expect("HINCRBY counts b 1", error("ERR hash value is not an integer")).await;
    client.expect(&format!("HSET counts c {}", i64::MAX), int(1)).await;
    client.expect("HINCRBY counts c 1", error("ERR increment or decrement would overflow")).await;
}

#[tokio::test(start_paused = true)]
async fn keys_expire_when_they_are_told_to() {
    let (_store, mut client) = client().await;
    client.expect("HSET s a 1 b 2 c 3", int(3)).await;
    client.expect("HTTL s FIELDS 2 a x", ints(&[-1, -2])).await;
    client.expect("HEXPIRE s 10 FIELDS 2 a x", ints(&[1, -2])).await;
    client.expect("HPEXPIRE s 1500 FIELDS 1 b", ints(&[1])).await;
    client.expect("HPTTL s FIELDS 2 a b", ints(&[10_000, 1500])).await;
    client.expect("HTTL s FIELDS 2 a b", ints(&[10, 2])).await;
    client.expect("HPERSIST s FIELDS 3 a c x", ints(&[1, -1, -2])).await;
    client.expect("HEXPIRE s 0 FIELDS 1 c", ints(&[2])).await;
    client.expect("HGETALL s", bulks(&["a", "1", "b", "2"])).await;
    advance(Duration::from_millis(1500)).await;
    client.expect("HGETALL s", bulks(&["a", "1"])).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_is_set_if_its_condition_holds() {
    let (_store, mut client) = client().await;
    client.expect("HSET s a 1", int(1)).await;
    client.expect("HEXPIRE s 10 XX FIELDS 1 a", ints(&[0])).await;
    client.expect("HEXPIRE s 10 GT FIELDS 1 a", ints(&[0])).await;
    client.expect("HEXPIRE s 10 nx FIELDS 2 a x", ints(&[1, -2])).await;
    client.expect("HEXPIRE s 20 NX FIELDS 1 a", ints(&[0])).await;
    client.expect("HEXPIRE s 5 GT FIELDS 1 a", ints(&[0])).await;
    client.expect("HEXPIRE s 20 GT FIELDS 1 a", ints(&[1])).await;
    client.expect("HEXPIRE s 30 LT FIELDS 1 a", ints(&[0])).await;
    client.expect("HEXPIRE s 15 LT FIELDS 1 a", ints(&[1])).await;
    client.expect("HTTL s FIELDS 1 a", ints(&[15])).await;
    client.expect("HPERSIST s FIELDS 1 a", ints(&[1])).await;
    client.expect("HEXPIRE s 15 LT FIELDS 1 a", ints(&[1])).await;
}

#[tokio::test]
async fn fields_have_to_be_counted() {
    let (_store, mut client) = client().await;
    let missing = "ERR Mandatory argument FIELDS is missing or not at the right position";
    let number = "ERR Number of fields must be a positive integer";
    let other = "ERR The `numfields` parameter must match the number of arguments";
    for (command, text) in [
        ("HTTL s a 1 b", missing),
        ("HTTL s FIELDS x b", number),
        ("HTTL s FIELDS 0 b", number),
        ("HTTL s FIELDS 2 b", other),
        ("HTTL s FIELDS 1 b c", other),
        ("HEXPIRE s 10 AB FIELDS 1 a", missing),
        ("HEXPIRE s 10 NX FIELD 1 a", missing),
        ("HEXPIRE s x FIELDS 1 a", "ERR value is not an integer or out of range"),
        ("HEXPIRE s -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0"),
    ] {
        client.expect(command, error(text)).await;
    }
}

#[tokio::test]
async fn a_scan_finds_each_key_that_stays() {
    let store = Store::start().await.unwrap();
    let bucket = store.create("big").await.unwrap();
    for number in 0..1000 {
        bucket.put(format!("key-{number:03}"), "v").await.unwrap();
    }
    let mut client = Client::of(Session::new(store).resp());
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    loop {
        let Reply::Array(both) = client.ask(&format!("HSCAN big {cursor} MATCH *7* COUNT 100 NOVALUES")).await else {
            panic!("it is a cursor and keys")
        };
        let [Reply::Bulk(next), Reply::Array(keys)] = &both[..] else { panic!("{both:?}") };
        found.extend(keys.clone());
        cursor = String::from_utf8(next.clone()).unwrap();
        // What comes and goes does not matter.
        bucket.delete("key-000").await.unwrap();
        if cursor == "0" {
            break;
        }
    }
    let expected: Vec<Reply> = (0..1000)
        .map(|number| format!("key-{number:03}"))
        .filter(|key| key.contains('7'))
        .map(|key| bulk(&key))
        .collect();
    assert_eq!(found, expected);
    let unknown =
        "ERR invalid cursor; a cursor is for the connection that it was given to, which remembers its last 64";
    client.expect("HSCAN big 99", error(unknown)).await;
    client.expect("HSCAN big 0 COUNT 0", error("ERR syntax error")).await;
    client.expect("HSCAN big 0 COUNT x", error("ERR value is not an integer or out of range")).await;
    client.expect("HSCAN big 0 NONSENSE", error("ERR syntax error")).await;
}

#[tokio::test]
async fn pipelined_requests_for_several_buckets_are_answered_in_order() {
    let store = Store::start().await.unwrap();
    let mut sent = Vec::new();
    let mut expected = Vec::new();
    for number in 0..2000 {
        let bucket = number % 20;
        sent.extend(request(&format!("HSET b{bucket} last {number}")));
        expected.push(int(i64::from(number < 20)));
        sent.extend(request(&format!("HGET b{bucket} last")));
        expected.push(bulk(&number.to_string()));
        if number % 100 == 0 {
            sent.extend(request(&format!("EXISTS b{bucket}")));
            expected.push(int(1));
        }
    }
    let (replies, _) = replies_to(&store, &sent).await;
    assert_eq!(replies, expected);
}

#[tokio::test]
async fn a_client_that_begins_with_an_array_speaks_resp_for_its_life() {
    let store = Store::start().await.unwrap();
    let mut sent = request("HSET shopping milk 1");
    sent.extend(b"HGET shopping milk\r\nPING\r\n");
    let (replies, _) = serve(Session::new(store.clone()), &sent).await;
    assert_eq!(parse_all(&replies), [int(1), bulk("1"), Reply::Simple("PONG".into())]);
    let (replies, _) = serve(Session::new(store), b"PING\r\n*1\r\n$4\r\nPING\r\n").await;
    assert_eq!(replies, b"PONG\r\nUNKNOWN COMMAND\r\nUNKNOWN COMMAND\r\nPONG\r\n");
}
