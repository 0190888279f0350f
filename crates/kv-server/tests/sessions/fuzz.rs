//! Random bytes at the parser and at a session: no panic, no hang, and an answer for each command.
//!
//! `KV_FUZZ=1000000` runs so many of each, and `KV_FUZZ_SEED` draws others. What failed is printed with its seed.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::print_stdout, reason = "a failure is run again with its seed")]

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};
use kv_core::Store;
use kv_server::{AnswerReader, Command, Limits, LineBuffer, ParseCommandError, Session, SessionEnd, SubscriptionEvent};

use crate::random::Random;

fn runs(ordinary: u64) -> u64 {
    std::env::var("KV_FUZZ").map_or(ordinary, |runs| runs.parse().unwrap())
}

fn seed() -> u64 {
    let seed = std::env::var("KV_FUZZ_SEED").map_or(20_261_121, |seed| seed.parse().unwrap());
    println!("KV_FUZZ_SEED={seed}");
    seed
}

impl Random {
    /// Bytes that get past the first byte of a parser: words that mean something, among such as mean nothing.
    fn bytes(&mut self, pieces: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(pieces + 1) {
            match self.below(8) {
                0 => bytes.push(self.next().to_le_bytes()[0]),
                1 => bytes.extend(b"\n"),
                2 => bytes.extend(b" "),
                _ => bytes.extend(*self.one(PIECES)),
            }
        }
        bytes
    }
}

const PIECES: &[&[u8]] = &[
    b"PUT ",
    b"GET ",
    b"DELETE ",
    b"CREATE ",
    b"LIST ",
    b"COUNT ",
    b"BUCKETS",
    b"FETCH ",
    b"PUTNEW ",
    b"CAS ",
    b"CAD ",
    b"PUTEX ",
    b"EXPIRE ",
    b"PERSIST ",
    b"TTL ",
    b"DROP ",
    b"PING",
    b"HELP",
    b"\"PUT\" ",
    b"\"GET\" ",
    b"\"CAS\" ",
    b"\"LIST\" ",
    b"1d ",
    b"0s",
    b"\"\" ",
    b"a ",
    b"b ",
    b"k ",
    b"1",
    b"\"",
    b"\\",
    b"\\x4",
    b"\\n",
    b"\"a b\"",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\t",
    b"\xE3\x80\x80",
    b"\xC2\xA0",
    b"\xFF",
    b"\0",
    b"*1",
    b"$3",
    b"OK",
    b"NOT FOUND",
    b"KEY NOT FOUND",
    b"EXISTS",
    b"DIFFERS",
    b"ERROR ",
    b"CREATED ",
    b"EXITED ",
    b"MISSED ",
    b"PO",
    b"ST",
];

#[test]
fn the_parser_takes_any_bytes() {
    let mut random = Random(seed());
    for run in 0..runs(1_000_000) {
        let line = Bytes::from(random.bytes(8));
        let told = || format!("run {run}: {:?}", String::from_utf8_lossy(&line));
        if let Ok(command) = Command::parse(line.clone()) {
            // What was read is written so that it is read again.
            let mut written = Vec::new();
            command.encode(&mut written);
            assert_eq!(Command::parse(written).as_ref(), Ok(&command), "{}", told());
        }
        if let Some(event) = SubscriptionEvent::parse(&line) {
            let mut written = Vec::new();
            event.encode(&mut written);
            assert!(LineBuffer::of(&written).count() == 1, "{}", told());
        }
        if run % 8 == 0 {
            let get = Command::get("a", "b");
            for command in [get, Command::put_new("a", "b", "1"), Command::list("a"), Command::Help, Command::Ping] {
                let mut reading = AnswerReader::of(&command);
                let _ = LineBuffer::of(&line).try_for_each(|line| reading.line(Bytes::copy_from_slice(line)).map(drop));
            }
        }
    }
}

/// A client that says all it has in pieces of any size, and takes the answers in pieces of any size; now and then it makes the
/// session wait.
struct Mouth<'a> {
    random: Random,
    rest: &'a [u8],
}

struct Ear {
    random: Random,
    heard: Vec<u8>,
}

impl Random {
    /// Whether the other side has to wait this time.
    fn hesitates(&mut self, cx: &Context<'_>) -> bool {
        let hesitates = self.below(4) == 0;
        if hesitates {
            cx.waker().wake_by_ref();
        }
        hesitates
    }
}

impl AsyncRead for Mouth<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<std::io::Result<usize>> {
        if self.random.hesitates(cx) {
            return Poll::Pending;
        }
        let length = (1 + self.random.below(64)).min(self.rest.len()).min(into.len());
        let (said, rest) = self.rest.split_at(length);
        into[..length].copy_from_slice(said);
        self.rest = rest;
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Ear {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<std::io::Result<usize>> {
        if self.random.hesitates(cx) {
            return Poll::Pending;
        }
        let length = (1 + self.random.below(100)).min(from.len());
        self.heard.extend(&from[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// That there is one answer for each command, by the rules of a client, and that the session ends when it has to.
fn check_answers(sent: &[u8], heard: &[u8], limits: &Limits) -> SessionEnd {
    assert!(heard.is_empty() || heard.ends_with(b"\r\n"));
    let mut answers = LineBuffer::of(heard).map(Bytes::copy_from_slice);
    let end = check_each(sent, &mut answers, limits);
    if end == SessionEnd::LineTooLong {
        assert!(answers.next().unwrap().starts_with(b"ERROR line too long"));
    }
    assert_eq!(answers.next(), None);
    end
}

/// The answers of one line that are not errors.
const ONE_LINE: &[&[u8]] = &[b"OK", b"PONG", b"NOT FOUND", b"KEY NOT FOUND", b"EXISTS", b"DIFFERS"];

fn check_each(sent: &[u8], answers: &mut impl Iterator<Item = Bytes>, limits: &Limits) -> SessionEnd {
    let whole = sent.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut has_subscribed = false;
    for line in LineBuffer::of(&sent[..whole]) {
        if line.len() > limits.line {
            return SessionEnd::LineTooLong;
        }
        let command = Command::parse(Bytes::copy_from_slice(line));
        if command.is_err() && first_word(line) == b"POST" {
            return SessionEnd::Browser;
        }
        let first = answers.next().unwrap();
        match command {
            Ok(Command::Quit) => {
                assert_eq!(first, "OK");
                return SessionEnd::Quit;
            }
            _ if has_subscribed => assert!(first.starts_with(b"ERROR "), "{first:?}"),
            Err(ParseCommandError::Unknown) => assert_eq!(first, "UNKNOWN COMMAND"),
            Err(_) => assert!(first.starts_with(b"ERROR a "), "{first:?}"),
            // No value here is like these.
            Ok(Command::Get { .. } | Command::Fetch { .. } | Command::TimeToLive { .. } | Command::Count { .. })
                if first != "NOT FOUND" && first != "KEY NOT FOUND" =>
            {
                assert_eq!(answers.next().unwrap(), "OK");
            }
            Ok(Command::List { .. } | Command::Buckets { .. }) if first.starts_with(b"* ") => {
                assert_eq!(answers.find(|line| !line.starts_with(b"* ")).unwrap(), "OK");
            }
            Ok(Command::Help) => assert!(answers.any(|line| line == "OK")),
            Ok(Command::Subscribe) => has_subscribed = true,
            Ok(Command::Watch { .. }) if first == "OK" => has_subscribed = true,
            Ok(_) => assert!(ONE_LINE.contains(&&first[..]) || first.starts_with(b"ERROR "), "{first:?}"),
        }
    }
    let rest = &sent[whole..];
    let is_too_long = rest.strip_suffix(b"\r").unwrap_or(rest).len() > limits.line;
    if is_too_long { SessionEnd::LineTooLong } else { SessionEnd::Left }
}

fn first_word(line: &[u8]) -> &[u8] {
    let blank = |character: char| character.is_whitespace() && character != '\u{A0}';
    match std::str::from_utf8(line) {
        Ok(line) => line.split(blank).find(|word| !word.is_empty()).unwrap_or_default().as_bytes(),
        Err(_) => line.split(|byte| matches!(byte, 9..=13 | 32)).find(|word| !word.is_empty()).unwrap_or_default(),
    }
}

#[test]
fn a_session_takes_any_bytes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random(seed());
    let limits = Limits { line: 256, replies: 512, ..Limits::default() };
    runtime.block_on(async {
        let store = Store::start().await.unwrap();
        let session = Session::new(store.clone()).limits(limits);
        for run in 0..runs(100_000) {
            let mut sent = random.bytes(40);
            if sent.first() == Some(&b'*') {
                // A client that begins like this speaks RESP.
                sent.insert(0, b' ');
            }
            let mouth = Mouth { random: Random(random.next()), rest: &sent };
            let mut ear = Ear { random: Random(random.next()), heard: Vec::new() };
            let end = session.clone().serve(mouth, &mut ear).await.unwrap();
            let checked = std::panic::catch_unwind(|| check_answers(&sent, &ear.heard, &limits));
            assert!(
                checked.is_ok_and(|expected| expected == end),
                "run {run}, {end:?}:\n{}\n---\n{}",
                String::from_utf8_lossy(&sent),
                String::from_utf8_lossy(&ear.heard)
            );
        }
        store.stop().await.unwrap();
    });
}

/// In lines and in requests, with logins among them that all fail: every answer is an error, and the store stays as it was.
#[test]
fn nothing_is_executed_before_a_login_whatever_is_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut random = Random(seed());
    runtime.block_on(async {
        let store = Store::start().await.unwrap();
        let session = Session::new(store.clone()).password(crate::secret::hash());
        for run in 0..runs(5_000) {
            let mut sent = random.bytes(40);
            let login =
                *random.one(&[&b"AUTH a\r\n"[..], b"AUTH \"a b\"\r\n", b"*2\r\n$4\r\nAUTH\r\n$1\r\na\r\n", b"AUTH"]);
            let at = random.below(sent.len() + 1);
            sent.splice(at..at, login.iter().copied());
            let mouth = Mouth { random: Random(random.next()), rest: &sent };
            let mut ear = Ear { random: Random(random.next()), heard: Vec::new() };
            session.clone().serve(mouth, &mut ear).await.unwrap();
            let is_refused = |line: &[u8]| line.starts_with(b"ERROR ") || line.starts_with(b"-");
            assert!(
                LineBuffer::of(&ear.heard).all(is_refused),
                "run {run}:\n{}\n---\n{}",
                String::from_utf8_lossy(&sent),
                String::from_utf8_lossy(&ear.heard)
            );
        }
        for name in ["a", "b", "k", "1"] {
            assert!(store.lookup(name).is_none(), "{name}");
        }
        store.stop().await.unwrap();
    });
}
