//! The crate `redis`, on a socket of ours and of Redis itself. `cargo xtask clients` does the same with clients in other languages.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeMap;

use kv_server::net::Address;
use redis::{Client, Cmd, Commands, Connection, ConnectionLike, RedisResult, Value};

use crate::programs::{THE_SAME, commands, server};
use crate::redis::Redis;

/// Runs what blocks, on a thread of its own.
async fn blocking<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(f).await.unwrap()
}

/// The address of a server as this client writes it, with what chooses the protocol.
fn url(address: &Address, protocol: &str) -> String {
    match address {
        Address::Tcp { port, .. } => format!("redis://127.0.0.1:{port}/?{protocol}"),
        Address::Unix(path) => format!("redis+unix://{}?{protocol}", path.display()),
        Address::Tls { .. } => unreachable!("the servers of these tests are not asked by TLS"),
    }
}

fn connect(url: &str) -> Connection {
    Client::open(url).unwrap().get_connection().unwrap()
}

/// What the client makes of the reply to each command.
fn replies(url: &str) -> Vec<(String, RedisResult<Value>)> {
    let mut connection = connect(url);
    // The other section is about what a client does without being told.
    let all = THE_SAME.split("\n\n").nth(1).unwrap();
    let answered = |words: &str| {
        let mut command = Cmd::new();
        words.split(' ').for_each(|word| {
            command.arg(word);
        });
        (words.to_owned(), connection.req_command(&command))
    };
    commands(all).map(answered).collect()
}

#[tokio::test]
async fn the_crate_redis_reads_what_it_reads_of_redis_itself() {
    let Some(mut redis) = Redis::start() else { return };
    let theirs = Address::Unix(redis.socket().await);
    for protocol in ["", "protocol=resp2", "protocol=resp3"] {
        let server = server().await;
        let (ours, theirs) = (url(&server.addresses()[0], protocol), url(&theirs, protocol));
        let (ours, theirs) = blocking(move || (replies(&ours), replies(&theirs))).await;
        assert!(ours.len() > 50);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "with {protocol:?}");
        }
        server.stop().await.unwrap();
    }
}

/// What a program does with a store.
fn use_it(url: &str) {
    let mut connection = connect(url);
    let mut other = connect(url);
    let mut messages = other.as_pubsub();
    messages.subscribe("__keyspace@0__:shopping").unwrap();

    let items = [("milk", "1"), ("eggs", "2")];
    assert_eq!(connection.hset_multiple("shopping", &items), Ok(()));
    assert_eq!(messages.get_message().unwrap().get_payload(), Ok("hset".to_owned()));
    let all: BTreeMap<String, u32> = connection.hgetall("shopping").unwrap();
    assert_eq!(all, BTreeMap::from([("eggs".to_owned(), 2), ("milk".to_owned(), 1)]));
    assert_eq!(connection.hget("shopping", "none"), Ok(None::<String>));
    assert_eq!(connection.hincr("shopping", "milk", 41), Ok(42));

    let mut transaction = redis::pipe();
    transaction.atomic().hset("shopping", "bread", 3).ignore().hget("shopping", "bread").hdel("shopping", "eggs");
    assert_eq!(transaction.query(&mut connection), Ok((3, 1)));

    for number in 0..100 {
        assert_eq!(connection.hset("many", number, "x"), Ok(1));
    }
    let found = connection.hscan_match::<_, _, (u32, String)>("many", "1*").unwrap();
    assert_eq!(found.filter(|entry| entry.as_ref().is_ok_and(|(_, value)| value == "x")).count(), 11);
    assert_eq!(connection.scan::<String>().unwrap().map(Result::unwrap).collect::<Vec<_>>(), ["many", "shopping"]);

    let refused = connection.set::<_, _, ()>("shopping", "milk").unwrap_err();
    assert_eq!(refused.code(), Some("ERR"));
    assert_eq!(connection.del(&["many", "shopping"]), Ok(2));
}

#[tokio::test]
async fn a_program_with_the_crate_redis_uses_a_store() {
    for protocol in ["", "protocol=resp2", "protocol=resp3"] {
        let server = server().await;
        let url = url(&server.addresses()[0], protocol);
        blocking(move || use_it(&url)).await;
        server.stop().await.unwrap();
    }
}
