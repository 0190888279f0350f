//! The memory of a session: bounded by its limits, whatever the client sends and does not read.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::alloc::System;
use std::cell::Cell;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};
use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::time::Duration;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// All memory is counted, also that of what a test says, so tests take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A client that says the same again and again, and looks at how much memory there is each time that it is asked.
struct Client<'a> {
    says: &'a [u8],
    times: usize,
    said: usize,
    /// How much is allocated since this began, ...
    since: &'a Region<'a, System>,
    /// ... at most, ...
    most: &'a Cell<usize>,
    /// ... and when it was looked at last.
    last: &'a Cell<usize>,
    reads_nothing: bool,
}

impl Client<'_> {
    fn look(&self) {
        let change = self.since.change();
        self.last.set(change.bytes_allocated.saturating_sub(change.bytes_deallocated));
        self.most.set(self.most.get().max(self.last.get()));
    }
}

/// The client's two ends.
struct Mouth<'a, 'b>(&'b std::cell::RefCell<Client<'a>>);
struct Ear<'a, 'b>(&'b std::cell::RefCell<Client<'a>>);

impl AsyncRead for Mouth<'_, '_> {
    fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, into: &mut [u8]) -> Poll<std::io::Result<usize>> {
        let mut client = self.0.borrow_mut();
        client.look();
        let left = client.says.len() * client.times - client.said;
        let from = client.said % client.says.len();
        let length = (client.says.len() - from).min(left).min(into.len());
        into[..length].copy_from_slice(&client.says[from..from + length]);
        client.said += length;
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Ear<'_, '_> {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, from: &[u8]) -> Poll<std::io::Result<usize>> {
        let client = self.0.borrow();
        client.look();
        if client.reads_nothing { Poll::Pending } else { Poll::Ready(Ok(from.len())) }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How much memory the session of this client has had at most, and at last, and why it ended.
fn cost(says: &[u8], times: usize, reads_nothing: bool) -> (usize, usize, SessionEnd) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let store = Store::start().await.unwrap();
        store.create("a").await.unwrap().put("k", vec![b'x'; 100_000]).await.unwrap();
        let limits = Limits { linger: Duration::ZERO, ..Limits::default() };
        let session = Session::new(store.clone()).limits(limits);
        // Whatever is made at the first time is not counted.
        session.clone().serve(&b"GET a k\nGET a l\n"[..], futures::io::sink()).await.unwrap();
        let (since, most, last) = (Region::new(GLOBAL), Cell::new(0), Cell::new(0));
        let client = Client { says, times, said: 0, since: &since, most: &most, last: &last, reads_nothing };
        let client = std::cell::RefCell::new(client);
        let end = session.serve(Mouth(&client), Ear(&client)).await.unwrap();
        store.stop().await.unwrap();
        (most.get(), last.get(), end)
    })
}

#[track_caller]
fn check(says: &[u8], times: usize, reads_nothing: bool, bound: usize, expected: SessionEnd) {
    let (most, _, end) = cost(says, times, reads_nothing);
    assert_eq!(end, expected);
    assert!(most < bound, "{most} bytes, and at most {bound} were expected");
}

#[test]
fn an_endless_line_costs_what_a_line_may_have() {
    let _alone = alone();
    check(b"x", 100 * MIB, false, 256 * KIB, SessionEnd::LineTooLong);
    check(&[b'x'; KIB], 100 * KIB, false, 256 * KIB, SessionEnd::LineTooLong);
}

#[test]
fn answers_that_nobody_takes_cost_what_replies_may_have() {
    let _alone = alone();
    check(b"GET a k\n", 3000, true, 4 * MIB, SessionEnd::Stalled);
    check(b"LIST a\n", 3_000_000, true, 4 * MIB, SessionEnd::Stalled);
    check(b"\n", 30_000_000, true, 4 * MIB, SessionEnd::Stalled);
}

#[test]
fn answers_that_are_taken_cost_what_one_read_brings() {
    let _alone = alone();
    check(b"GET a k\n", 3000, false, 4 * MIB, SessionEnd::Left);
    check(b"PING\n", 1_000_000, false, 2 * MIB, SessionEnd::Left);
    check(b"GET b k\n", 100_000, false, 2 * MIB, SessionEnd::Left);
}

/// The words and commands of one read take more than their bytes, but not much, and only a few of them at a time.
#[test]
fn bytes_of_any_kind_cost_what_one_read_brings() {
    let _alone = alone();
    let mut state = 20_261_121_u64;
    for _ in 0..50 {
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_le_bytes()[7]
        };
        let says: Vec<u8> = (0..200 * KIB).map(|_| byte()).collect();
        check(&says, 5, false, 2 * MIB, SessionEnd::Left);
    }
}

/// When all is answered, a session that was sent a lot costs about what any other does.
#[test]
fn a_session_gives_back_the_space_that_it_needed_once() {
    let _alone = alone();
    for bucket in ["a", "b"] {
        let says: String = (0..2000)
            .map(|number| [bucket, "c", "d"][number % 3])
            .fold(String::new(), |says, bucket| says + "GET " + bucket + " l\n");
        let (most, last, _) = cost(says.as_bytes(), 1, false);
        assert!(most > 32 * KIB && last < 32 * KIB, "{most} bytes at most, {last} at last");
    }
    let (_, last, _) = cost("PING\n".repeat(10_000).as_bytes(), 1, false);
    assert!(last < 32 * KIB, "{last} at last");
}

fn request(words: &[&str]) -> Vec<u8> {
    let bulk = |word: &&str| format!("${}\r\n{word}\r\n", word.len());
    format!("*{}\r\n{}", words.len(), words.iter().map(bulk).collect::<String>()).into_bytes()
}

#[test]
fn a_request_of_redis_costs_what_has_come_of_it() {
    let _alone = alone();
    // What is announced is refused, or waited for.
    check(b"*2\r\n$4\r\nECHO\r\n$400000000\r\n", 1, false, 64 * KIB, SessionEnd::ProtocolError);
    check(b"*2\r\n$4\r\nECHO\r\n$1000000\r\n", 1, false, 64 * KIB, SessionEnd::Left);
    check(b"*1000000000\r\n", 1, false, 64 * KIB, SessionEnd::ProtocolError);
    check(b"*65536\r\n", 1, false, 64 * KIB, SessionEnd::Left);
    // Arrays of arrays, however many, are refused at the second.
    check(b"*1\r\n", 200_000, false, 256 * KIB, SessionEnd::ProtocolError);
    // The most arguments.
    let many = [b"*65536\r\n".to_vec(), b"$1\r\nx\r\n".repeat(65_536)].concat();
    check(&many, 5, false, 6 * MIB, SessionEnd::Left);
    // More than a request may have.
    let large =
        request(&["HSET", "a", &"x".repeat(1_000_000), &"x".repeat(1_000_000), "y", &"x".repeat(1_000_000), "z"]);
    let large = [large, request(&["HMGET", "a"]).repeat(100)].concat();
    check(&large, 1, false, 10 * MIB, SessionEnd::Left);
}

#[test]
fn replies_of_redis_that_nobody_takes_cost_what_replies_may_have() {
    let _alone = alone();
    check(&request(&["HGET", "a", "k"]), 3000, true, 4 * MIB, SessionEnd::Stalled);
    check(&request(&["HGETALL", "a"]), 3000, true, 4 * MIB, SessionEnd::Stalled);
    check(&request(&["HMGET", "a", "k", "k", "k", "k"]), 3000, true, 4 * MIB, SessionEnd::Stalled);
    check(&request(&["PING"]), 3_000_000, true, 4 * MIB, SessionEnd::Stalled);
    check(&request(&["COMMAND", "DOCS"]), 3000, true, 4 * MIB, SessionEnd::Stalled);
}

#[test]
fn a_transaction_costs_what_a_request_may_have() {
    let _alone = alone();
    let endless = [request(&["MULTI"]), request(&["HSET", "a", "k", &"x".repeat(100_000)]).repeat(1000)].concat();
    check(&endless, 1, false, 8 * MIB, SessionEnd::Left);
}

#[test]
fn a_session_of_redis_gives_back_the_space_that_it_needed_once() {
    let _alone = alone();
    let says = [request(&["HGET", "a", "l"]), request(&["HGET", "c", "l"]), request(&["HGET", "d", "l"])].concat();
    let says = says.repeat(700);
    let (most, last, _) = cost(&says, 1, false);
    assert!(most > 32 * KIB && last < 48 * KIB, "{most} bytes at most, {last} at last");
    let large = request(&["HMGET", "a", &"x".repeat(1_000_000)]);
    let (most, last, _) = cost(&large, 3, false);
    assert!(most > 1000 * KIB && last < 48 * KIB, "{most} bytes at most, {last} at last");
}

#[cfg(feature = "net")]
#[test]
fn an_idle_client_takes_less_than_eight_kibibytes() {
    use futures::io::{AsyncReadExt, AsyncWriteExt};
    use kv_server::net::{self, Address, Server};

    const CLIENTS: usize = 200;

    /// A client that has asked once, as most have.
    async fn client(address: &Address) -> (net::Reader, net::Writer) {
        let (mut reader, mut writer) = net::connect(address).await.unwrap();
        writer.write_all(b"PING\r\n").await.unwrap();
        reader.read_exact(&mut [0; 6]).await.unwrap();
        (reader, writer)
    }

    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::start().await.unwrap();
        let server = Server::options().listen("127.0.0.1:0".parse().unwrap()).start(store.clone()).await.unwrap();
        let address = &server.addresses()[0];
        // What is made once is there then.
        let first = client(address).await;
        let since = Region::new(GLOBAL);
        let mut clients = Vec::with_capacity(CLIENTS);
        for _ in 0..CLIENTS {
            clients.push(client(address).await);
        }
        let change = since.change();
        // Both ends of each connection are in this program.
        let each = (change.bytes_allocated - change.bytes_deallocated) / CLIENTS;
        assert!(each < 8 * KIB, "{each} bytes");
        drop((first, clients));
        server.stop().await.unwrap();
        store.stop().await.unwrap();
    });
}
