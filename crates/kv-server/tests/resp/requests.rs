//! Requests: however they are cut, and those of Redis's own tests that are refused.

use futures::AsyncReadExt;
use futures::io::Cursor;
use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd};

use crate::resp::{Reply, bulk, error, int, parse_all, replies_to};

const SEVERAL: &[u8] = b"*4\r\n$4\r\nHSET\r\n$1\r\na\r\n$4\r\nsoy\n\r\n$0\r\n\r\n\r\n*0\r\nPING\r\n*-1\r\n*3\r\n$4\r\nhget\r\n$1\r\na\r\n$4\r\nsoy\n\r\n  \
ECHO \"a\\x41 b\" \r\n*1\r\n$4\r\nPING\r\n";

fn several() -> Vec<Reply> {
    let pong = || Reply::Simple("PONG".to_owned());
    vec![int(1), pong(), bulk(""), bulk("aA b"), pong()]
}

#[tokio::test]
async fn requests_that_are_cut_anywhere_are_the_same() {
    for cut in 0..=SEVERAL.len() {
        let store = Store::start().await.unwrap();
        let mut replies = Cursor::new(Vec::new());
        let (first, second) = SEVERAL.split_at(cut);
        let end = Session::new(store.clone()).resp().serve(first.chain(second), &mut replies).await.unwrap();
        assert_eq!((parse_all(&replies.into_inner()), end), (several(), SessionEnd::Left), "cut at {cut}");
        store.stop().await.unwrap();
    }
}

#[tokio::test]
async fn requests_that_come_byte_by_byte_are_the_same() {
    let store = Store::start().await.unwrap();
    let mut replies = Cursor::new(Vec::new());
    let mut reader: Box<dyn futures::AsyncRead + Unpin> = Box::new(futures::io::empty());
    for byte in SEVERAL.chunks(1) {
        reader = Box::new(reader.chain(byte));
    }
    Session::new(store).resp().serve(reader, &mut replies).await.unwrap();
    assert_eq!(parse_all(&replies.into_inner()), several());
}

#[tokio::test]
async fn an_argument_has_any_length_up_to_its_limit() {
    let store = Store::start().await.unwrap();
    for length in [0, 1, 9, 10, 99, 100, 999, 1_000, 9_999, 10_000, 99_999, 100_000] {
        let argument = "x".repeat(length);
        let sent = format!("*2\r\n$4\r\nECHO\r\n${length}\r\n{argument}\r\n");
        let expected = (vec![bulk(&argument)], SessionEnd::Left);
        assert_eq!(replies_to(&store, sent.as_bytes()).await, expected, "{length}");
    }
}

#[tokio::test]
async fn half_a_request_is_not_executed() {
    let store = Store::start().await.unwrap();
    let sent = b"*4\r\n$4\r\nHSET\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r";
    assert_eq!(replies_to(&store, sent).await, (vec![], SessionEnd::Left));
    assert_eq!(store.count(), 0);
}

/// Redis's `tests/unit/protocol.tcl`, and what else its parser refuses.
#[tokio::test]
async fn bytes_that_make_no_request_are_answered_in_the_words_of_redis_and_end_the_session() {
    let store = Store::start().await.unwrap();
    let long = "A".repeat(70_000);
    for (sent, words) in [
        ("*3000000000\r\n", "invalid multibulk length"),
        ("*20000000\r\n", "invalid multibulk length"),
        ("*blabla\r\n", "invalid multibulk length"),
        ("*1x\r\n", "invalid multibulk length"),
        ("*\r\n", "invalid multibulk length"),
        ("*+1\r\n", "invalid multibulk length"),
        ("*01\r\n", "invalid multibulk length"),
        ("*1\rx", "invalid multibulk length"),
        ("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'"),
        ("*1\r\nfoo\r\n", "expected '$', got 'f'"),
        ("*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"),
        ("*1\r\n\0", "expected '$', got '?'"),
        ("*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$-10\r\n", "invalid bulk length"),
        ("*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n", "invalid bulk length"),
        ("*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$blabla\r\n", "invalid bulk length"),
        ("*1\r\n$99999999999999999999\r\n", "invalid bulk length"),
        ("*1\r\n$4\r\nPINGxx", "expected CRLF after a bulk string"),
        ("set \"\"\"test-key\"\"\" test-value\r\nping\r\n", "unbalanced quotes in request"),
        (&long, "too big inline request"),
        (&format!("{long}\r\n"), "too big inline request"),
        (&format!("*{long}"), "too big mbulk count string"),
        (&format!("*1\r\n${long}"), "too big bulk count string"),
    ] {
        // What comes before is answered, and nothing behind.
        let sent = format!("*1\r\n$4\r\nPING\r\n{sent}\r\n*1\r\n$4\r\nPING\r\n");
        let expected = vec![Reply::Simple("PONG".into()), error(&format!("ERR Protocol error: {words}"))];
        let short = &sent[..sent.len().min(60)];
        assert_eq!(replies_to(&store, sent.as_bytes()).await, (expected, SessionEnd::ProtocolError), "{short:?}");
    }
}

#[tokio::test]
async fn empty_requests_are_none() {
    let store = Store::start().await.unwrap();
    let pong = Reply::Simple("PONG".into());
    let sent = b"\r\n\r\n*0\r\n*-10\r\n\n  \r\nPING\r\n";
    assert_eq!(replies_to(&store, sent).await, (vec![pong], SessionEnd::Left));
}

#[tokio::test]
async fn the_limits_are_those_of_the_session() {
    let store = Store::start().await.unwrap();
    let limits = Limits { argument: 10, arguments: 5, request: 60, ..Limits::default() };
    let session = Session::new(store).resp().limits(limits);
    let end = |sent: String| {
        let session = session.clone();
        async move {
            let mut replies = Cursor::new(Vec::new());
            let end = session.serve(sent.as_bytes(), &mut replies).await.unwrap();
            (parse_all(&replies.into_inner()), end)
        }
    };
    let refused = |text: &str| (vec![error(&format!("ERR Protocol error: {text}"))], SessionEnd::ProtocolError);
    assert_eq!(end("*2\r\n$4\r\nECHO\r\n$10\r\n0123456789\r\n".into()).await.0, [bulk("0123456789")]);
    assert_eq!(end("*2\r\n$4\r\nECHO\r\n$11\r\n".into()).await, refused("invalid bulk length"));
    assert_eq!(end("*6\r\n".into()).await, refused("invalid multibulk length"));
    let much = format!("*5\r\n{}", "$10\r\n0123456789\r\n".repeat(5));
    let text = "too big request; send requests of at most 60 bytes";
    assert_eq!(end(much).await, refused(text));
}
