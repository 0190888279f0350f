//! Random bytes and random requests: no panic, no hang, and a reply for each request. `KV_FUZZ=100000` runs so many of each.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use futures::AsyncReadExt;
use futures::io::Cursor;
use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd};
use proptest::prelude::*;

use crate::resp::{encode, parse_all, request};

fn cases() -> u32 {
    std::env::var("KV_FUZZ").map_or(300, |cases| cases.parse().unwrap())
}

/// Bytes that get past the first byte of a parser.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"*1\r\n",
        b"*2\r\n",
        b"*3\r\n",
        b"$4\r\n",
        b"$1\r\n",
        b"$0\r\n",
        b"\r\n",
        b"PING",
        b"HGET",
        b"HSET",
        b"a",
        b"\"",
        b"'",
        b"\\x41",
        b"\n",
        b"*",
        b"$",
        b"*-1\r\n",
        b"$-1\r\n",
        b"MULTI\r\n",
        b"EXEC\r\n",
        b"HSET a a a\r\n",
        b"HGETALL a\r\n",
        b"SUBSCRIBE kv.events\r\n",
        b"RESET\r\n",
        b"HELLO 3\r\n",
        b"HSCAN a 0\r\n",
        b"HINCRBY a a 1\r\n",
        b"DEL a\r\n",
    ];
    prop_oneof![
        6 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

/// A command with arguments that mean something to some commands.
fn known_request() -> impl Strategy<Value = Vec<&'static str>> {
    let commands = vec![
        "HGET", "HSET", "HDEL", "HMGET", "HLEN", "HEXISTS", "HGETALL", "HKEYS", "HVALS", "HSETNX", "HSTRLEN", "HMSET",
        "HINCRBY", "HSCAN", "HEXPIRE", "HPEXPIRE", "HTTL", "HPTTL", "HPERSIST", "DEL", "EXISTS", "TYPE", "KEYS",
        "SCAN", "DBSIZE", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "PING", "ECHO", "HELLO", "AUTH", "SELECT",
        "CLIENT", "CONFIG", "INFO", "COMMAND", "RESET", "SET", "NONSENSE",
    ];
    let arguments = vec![
        "a", "a", "a", "b", "0", "1", "2", "3", "10", "-1", "x", "*", "FIELDS", "FIELDS", "NX", "GT", "MATCH", "COUNT",
        "NOVALUES", "AUTH", "SETNAME", "ID", "LIST", "GET", "DOCS", "HSET", "default",
    ];
    let arguments = prop::collection::vec(prop::sample::select(arguments), 0..7);
    (prop::sample::select(commands), arguments).prop_map(|(command, arguments)| [vec![command], arguments].concat())
}

async fn serve(parts: [&[u8]; 2]) -> (Vec<u8>, SessionEnd) {
    let store = Store::start().await.unwrap();
    let limits = Limits { line: 64, argument: 64, arguments: 8, request: 256, replies: 512, ..Limits::default() };
    let mut replies = Cursor::new(Vec::new());
    let session = Session::new(store.clone()).resp().limits(limits);
    let end = session.serve(parts[0].chain(parts[1]), &mut replies).await.unwrap();
    store.stop().await.unwrap();
    (replies.into_inner(), end)
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_takes_any_bytes_however_they_are_cut(bytes in bytes(), cut in any::<prop::sample::Index>()) {
        let (whole, end) = run(serve([&bytes, b""]));
        // They are replies, and nothing else.
        parse_all(&whole);
        let cut = cut.index(bytes.len() + 1);
        let (parts, parts_end) = run(serve([&bytes[..cut], &bytes[cut..]]));
        prop_assert_eq!(end, parts_end);
        // When events come in between is up to the runtime.
        if !bytes.windows(9).any(|nine| nine == b"SUBSCRIBE") {
            prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&parts));
        }
    }

    #[test]
    fn each_request_has_a_reply(requests in prop::collection::vec(
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..6), 0..50
    )) {
        let names: [&[u8]; 8] = [b"HSET", b"HGET", b"HDEL", b"HGETALL", b"HLEN", b"HMGET", b"EXISTS", b"nonsense"];
        let mut sent = Vec::new();
        for (number, request) in requests.iter().enumerate() {
            let mut words: Vec<&[u8]> = request.iter().map(|word| &word[..]).collect();
            words[0] = names[number % names.len()];
            sent.extend(encode(&words));
        }
        let (replies, end) = run(async {
            let store = Store::start().await.unwrap();
            let mut replies = Cursor::new(Vec::new());
            let end = Session::new(store).serve(&sent[..], &mut replies).await.unwrap();
            (replies.into_inner(), end)
        });
        prop_assert_eq!(parse_all(&replies).len(), requests.len());
        prop_assert_eq!(end, SessionEnd::Left);
    }

    #[test]
    fn each_request_has_a_reply_whatever_its_command(requests in prop::collection::vec(known_request(), 0..40)) {
        let sent: Vec<u8> = requests.iter().flat_map(|words| request(&words.join(" "))).collect();
        let replies = run(async {
            let store = Store::start().await.unwrap();
            let mut replies = Cursor::new(Vec::new());
            Session::new(store).resp().serve(&sent[..], &mut replies).await.unwrap();
            parse_all(&replies.into_inner())
        });
        prop_assert_eq!(replies.len(), requests.len(), "{:?} {:?}", requests, replies);
    }

    #[test]
    fn what_is_stored_is_read_again(key in prop::collection::vec(any::<u8>(), 0..40), value in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut sent = encode(&[b"HSET", b"a", &key, &value]);
        sent.extend(encode(&[b"HGET", b"a", &key]));
        sent.extend(encode(&[b"ECHO", &value]));
        let replies = run(async {
            let store = Store::start().await.unwrap();
            let mut replies = Cursor::new(Vec::new());
            Session::new(store).serve(&sent[..], &mut replies).await.unwrap();
            parse_all(&replies.into_inner())
        });
        prop_assert_eq!(&replies[1..], &[crate::resp::Reply::Bulk(value.clone()), crate::resp::Reply::Bulk(value)]);
    }
}
