//! What a test says to a session, and how it reads replies.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fmt;

use futures::io::Cursor;
use kv_core::Store;
use kv_server::{Session, SessionEnd};
use tokio::io::AsyncReadExt;

use crate::support::Client;

/// A reply of either version.
#[derive(Clone, PartialEq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Null,
    Array(Vec<Reply>),
    Set(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    Push(Vec<Reply>),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) => write!(f, "+{text}"),
            Self::Error(text) => write!(f, "-{text}"),
            Self::Integer(number) => write!(f, ":{number}"),
            Self::Bulk(text) => write!(f, "{:?}", String::from_utf8_lossy(text)),
            Self::Null => f.write_str("null"),
            Self::Array(replies) => replies.fmt(f),
            Self::Set(replies) => write!(f, "~{replies:?}"),
            Self::Map(pairs) => write!(f, "%{pairs:?}"),
            Self::Push(replies) => write!(f, ">{replies:?}"),
        }
    }
}

/// Reads the first reply, and returns it and the rest. `None` if it is not whole.
pub(crate) fn parse(bytes: &[u8]) -> Option<(Reply, &[u8])> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    let (line, rest) = (std::str::from_utf8(&bytes[1..end]).unwrap(), &bytes[end + 2..]);
    let length = || line.parse::<usize>().unwrap();
    let several = |count: usize| -> Option<(Vec<Reply>, &[u8])> {
        let (mut replies, mut rest) = (Vec::new(), rest);
        for _ in 0..count {
            let (reply, after) = parse(rest)?;
            replies.push(reply);
            rest = after;
        }
        Some((replies, rest))
    };
    Some(match bytes[0] {
        b'+' => (Reply::Simple(line.to_owned()), rest),
        b'-' => (Reply::Error(line.to_owned()), rest),
        b':' => (Reply::Integer(line.parse().unwrap()), rest),
        b'$' | b'*' if line == "-1" => (Reply::Null, rest),
        b'_' => (Reply::Null, rest),
        b'$' | b'=' => {
            let text = rest.get(..length())?;
            let rest = rest.get(length()..)?.strip_prefix(b"\r\n")?;
            (Reply::Bulk(text.to_vec()), rest)
        }
        b'*' => {
            let (replies, rest) = several(length())?;
            (Reply::Array(replies), rest)
        }
        b'~' => {
            let (replies, rest) = several(length())?;
            (Reply::Set(replies), rest)
        }
        b'>' => {
            let (replies, rest) = several(length())?;
            (Reply::Push(replies), rest)
        }
        b'%' => {
            let (replies, rest) = several(2 * length())?;
            let pairs = replies.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
            (Reply::Map(pairs), rest)
        }
        other => panic!("{other} begins no reply"),
    })
}

/// All replies. Nothing may be left.
pub(crate) fn parse_all(mut bytes: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let (reply, rest) = parse(bytes).unwrap_or_else(|| panic!("no reply: {:?}", String::from_utf8_lossy(bytes)));
        replies.push(reply);
        bytes = rest;
    }
    replies
}

/// A request, of words between blanks.
pub(crate) fn request(words: &str) -> Vec<u8> {
    let words: Vec<&[u8]> = words.split_ascii_whitespace().map(str::as_bytes).collect();
    encode(&words)
}

/// A request of any words.
pub(crate) fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend(format!("${}\r\n", word.len()).as_bytes());
        request.extend(*word);
        request.extend(b"\r\n");
    }
    request
}

pub(crate) fn ok() -> Reply {
    Reply::Simple("OK".to_owned())
}

pub(crate) fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

pub(crate) fn int(number: i64) -> Reply {
    Reply::Integer(number)
}

pub(crate) fn error(text: &str) -> Reply {
    Reply::Error(text.to_owned())
}

pub(crate) fn array(replies: impl IntoIterator<Item = Reply>) -> Reply {
    Reply::Array(replies.into_iter().collect())
}

pub(crate) fn bulks(texts: &[&str]) -> Reply {
    array(texts.iter().map(|text| bulk(text)))
}

pub(crate) fn ints(numbers: &[i64]) -> Reply {
    array(numbers.iter().map(|number| int(*number)))
}

/// A store, and a client of a session on it that speaks RESP only.
pub(crate) async fn client() -> (Store, Client) {
    let store = Store::start().await.unwrap();
    let client = Client::of(Session::new(store.clone()).resp());
    (store, client)
}

/// The replies to these bytes, sent at once, of a session that speaks RESP only.
pub(crate) async fn replies_to(store: &Store, bytes: &[u8]) -> (Vec<Reply>, SessionEnd) {
    let (replies, end) = serve(Session::new(store.clone()).resp(), bytes).await;
    (parse_all(&replies), end)
}

pub(crate) async fn serve(session: Session, bytes: &[u8]) -> (Vec<u8>, SessionEnd) {
    let mut replies = Cursor::new(Vec::new());
    let end = session.serve(bytes, &mut replies).await.unwrap();
    (replies.into_inner(), end)
}

impl Client {
    /// The next reply.
    pub(crate) async fn reply(&mut self) -> Reply {
        let mut bytes = Vec::new();
        loop {
            bytes.push(self.reader.read_u8().await.unwrap());
            if let Some((reply, rest)) = bytes.ends_with(b"\r\n").then(|| parse(&bytes)).flatten() {
                assert!(rest.is_empty());
                return reply;
            }
        }
    }

    /// Sends a request of words between blanks, and takes the reply.
    pub(crate) async fn ask(&mut self, words: &str) -> Reply {
        self.send(request(words)).await;
        self.reply().await
    }

    /// The same, and expects this reply.
    #[track_caller]
    pub(crate) fn expect(&mut self, words: &str, expected: Reply) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let words = words.to_owned();
        async move {
            let reply = self.ask(&words).await;
            assert_eq!(reply, expected, "after {words:?} at {caller}");
        }
    }
}
