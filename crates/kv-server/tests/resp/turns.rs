//! What a session does in one turn, so that a client does not hold up those beside it. It is counted in turns, not in time.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::poll_fn;
use std::pin::pin;

use futures::io::Cursor;
use kv_core::Store;
use kv_server::Session;

use crate::resp::{encode, request};

/// How many turns a session takes for these requests.
async fn turns(store: &Store, requests: Vec<u8>) -> usize {
    let mut turns = 0;
    let mut replies = Cursor::new(Vec::new());
    let mut serving = pin!(Session::new(store.clone()).resp().serve(&requests[..], &mut replies));
    poll_fn(|cx| {
        turns += 1;
        serving.as_mut().poll(cx)
    })
    .await
    .unwrap();
    turns
}

#[tokio::test]
async fn a_request_for_many_buckets_is_many_turns() {
    let store = Store::start().await.unwrap();
    let names: Vec<String> = (0..3000).map(|number| format!("n{number}")).collect();
    for name in &names {
        store.create(name).await.unwrap();
    }
    for (command, least) in [("EXISTS", 2), ("DEL", 3000 / 256)] {
        let mut arguments = vec![command.as_bytes()];
        arguments.extend(names.iter().map(String::as_bytes));
        let turns = turns(&store, encode(&arguments)).await;
        assert!(turns >= least, "{command} took {turns} turns");
    }
    assert_eq!(store.lookup_ordered("n0").await.unwrap(), None);
    assert_eq!(store.count(), 0);
}

#[tokio::test]
async fn a_client_that_never_stops_sending_takes_many_turns() {
    let store = Store::start().await.unwrap();
    store.create("a").await.unwrap();
    for command in
        ["PING", "nonsense", "HGET a k", "HSET a k 1", "TYPE a", "EXISTS a", "DEL b", "DBSIZE", "SELECT 0", "DISCARD"]
    {
        let turns = turns(&store, request(command).repeat(20_000)).await;
        assert!(turns >= 20_000 / 2_200, "{command:?} took {turns} turns");
    }
}
