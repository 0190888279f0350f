//! Transactions: on one bucket, in one message, or refused with a reason.

use crate::resp::{Reply, array, bulk, bulks, client, error, int, ok};

fn queued() -> Reply {
    Reply::Simple("QUEUED".into())
}

const ABORTED: &str = "EXECABORT Transaction discarded because of previous errors.";

#[tokio::test]
async fn the_commands_of_a_transaction_are_executed_together() {
    let (store, mut client) = client().await;
    client.expect("MULTI", ok()).await;
    for command in
        ["HSET a x 1 y 2", "HGET a x", "PING", "HDEL a y", "HGETALL a", "HEXPIRE a 10 NX FIELDS 1 x", "HSETNX a x 9"]
    {
        client.expect(command, queued()).await;
    }
    assert!(store.lookup("a").is_none());
    let replies =
        [int(2), bulk("1"), Reply::Simple("PONG".into()), int(1), bulks(&["x", "1"]), array([int(1)]), int(0)];
    client.expect("EXEC", array(replies)).await;
    client.expect("EXEC", error("ERR EXEC without MULTI")).await;
    client.expect("MULTI", ok()).await;
    client.expect("EXEC", array([])).await;
}

#[tokio::test]
async fn a_transaction_that_is_discarded_does_nothing() {
    let (store, mut client) = client().await;
    client.expect("MULTI", ok()).await;
    client.expect("HSET a x 1", queued()).await;
    client.expect("MULTI", error("ERR MULTI calls can not be nested")).await;
    client.expect("WATCH a", error("ERR WATCH inside MULTI is not allowed")).await;
    client.expect("DISCARD", ok()).await;
    client.expect("DISCARD", error("ERR DISCARD without MULTI")).await;
    assert_eq!(store.count(), 0);
    client.expect("HGET a x", Reply::Null).await;
}

#[tokio::test]
async fn a_transaction_is_for_one_bucket() {
    let (store, mut client) = client().await;
    client.expect("MULTI", ok()).await;
    client.expect("HSET a x 1", queued()).await;
    let text = "ERR a transaction is for one bucket, and this is another one; use a transaction for each";
    client.expect("HSET b x 1", error(text)).await;
    client.expect("HSET a x 1", queued()).await;
    client.expect("EXEC", error(ABORTED)).await;
    assert_eq!(store.count(), 0);
}

#[tokio::test]
async fn what_fails_in_a_transaction_does_not_keep_the_others_from_being_executed() {
    let (_store, mut client) = client().await;
    client.expect("MULTI", ok()).await;
    for command in ["HSET a x word", "HINCRBY a x 1", "HINCRBY a n 5", "HINCRBY a n x", "HTTL a b 1 n", "HGET a n"] {
        client.expect(command, queued()).await;
    }
    let replies = [
        int(1),
        error("ERR hash value is not an integer"),
        int(5),
        error("ERR value is not an integer or out of range"),
        error("ERR Mandatory argument FIELDS is missing or not at the right position"),
        bulk("5"),
    ];
    client.expect("EXEC", array(replies)).await;
}

#[tokio::test]
async fn what_no_bucket_executes_and_what_is_wrong_abort_a_transaction() {
    let (_store, mut client) = client().await;
    for (command, text) in [
        ("DEL a", "ERR DEL is not allowed in a transaction, which is for commands that one bucket executes"),
        ("HGET a", "ERR wrong number of arguments for 'hget' command"),
        ("LPUSH a b", "ERR unknown command 'LPUSH', with args beginning with: 'a' 'b' "),
    ] {
        client.expect("MULTI", ok()).await;
        client.expect(command, error(text)).await;
        client.expect("EXEC", error(ABORTED)).await;
    }
    let watch = "ERR WATCH is not supported; HSETNX, HINCRBY and the commands of a transaction are atomic without it";
    client.expect("WATCH a", error(watch)).await;
    client.expect("UNWATCH", ok()).await;
}

#[tokio::test]
async fn a_transaction_has_a_limit() {
    let (_store, mut client) = client().await;
    client.expect("MULTI", ok()).await;
    for _ in 0..1024 {
        client.expect("HGET a x", queued()).await;
    }
    let Reply::Error(text) = client.ask("HGET a x").await else { panic!("it is full") };
    assert!(text.starts_with("ERR the transaction is too large"), "{text}");
    client.expect("EXEC", error(ABORTED)).await;
    client.expect("MULTI", ok()).await;
    for _ in 0..4 {
        client.expect("HGETALL a", queued()).await;
    }
    client.expect("HKEYS a", error("ERR a transaction may list a bucket 4 times; use another one")).await;
}
