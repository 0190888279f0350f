//! The limits of a session, and what happens beyond them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::time::Duration;

use crate::support::Client;
use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};

async fn with_limits(limits: Limits) -> Client {
    Client::of(Session::new(Store::start().await.unwrap()).limits(limits))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const TOO_LONG: &str = "ERROR line too long; send lines of at most 65536 bytes\r\n";

#[tokio::test]
async fn a_line_of_the_limit_is_taken_and_one_more_byte_is_not() {
    for end in ["\n", "\r\n"] {
        let mut client = Client::new().await;
        client.check("CREATE shopping", &["OK"]).await;
        let start = "PUT shopping milk ";
        let value = "x".repeat(64 * 1024 - start.len());
        client.send(format!("{start}{value}{end}")).await;
        assert_eq!(client.line().await, "OK\r\n");
        client.send(format!("PING\n{start}{value}x{end}PING\n")).await;
        assert_eq!(client.rest().await, (format!("PONG\r\n{TOO_LONG}"), SessionEnd::LineTooLong));
    }
}

/// Nobody waits for the end of a line that is too long already.
#[tokio::test]
async fn a_line_that_never_ends_is_refused_as_soon_as_it_is_too_long() {
    let mut client = Client::new().await;
    client.send("x".repeat(64 * 1024)).await;
    // A CR may be the beginning of its end.
    client.send("\r").await;
    tokio::task::yield_now().await;
    client.send("x").await;
    assert_eq!(client.rest().await, (TOO_LONG.to_owned(), SessionEnd::LineTooLong));
}

#[tokio::test(start_paused = true)]
async fn half_a_command_is_waited_for_ten_seconds_from_its_first_byte() {
    let mut client = Client::new().await;
    sleep(seconds(3600)).await;
    let begun = Instant::now();
    client.send("PI").await;
    sleep(seconds(9)).await;
    client.send("N").await;
    let error = "ERROR the rest of the command did not come within 10s; send it at once\r\n";
    assert_eq!(client.rest().await, (error.to_owned(), SessionEnd::HalfCommand));
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn each_half_of_a_command_has_ten_seconds_of_its_own() {
    let mut client = Client::new().await;
    client.send("PI").await;
    for _ in 0..10 {
        sleep(seconds(9)).await;
        client.send("NG\r\nPI").await;
        assert_eq!(client.line().await, "PONG\r\n");
    }
    assert_eq!(client.leave().await.1, SessionEnd::Left);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_be_silent_for_as_long_as_it_likes() {
    let mut client = Client::new().await;
    sleep(seconds(1_000_000)).await;
    client.check("PING", &["PONG"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_idle_for_longer_than_its_limit_is_closed() {
    let mut client = with_limits(Limits { idle: Some(seconds(60)), ..Limits::default() }).await;
    for _ in 0..3 {
        sleep(seconds(59)).await;
        client.check("PING", &["PONG"]).await;
    }
    let begun = Instant::now();
    assert_eq!(client.rest().await, (String::new(), SessionEnd::Idle));
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_is_never_idle() {
    let mut client = with_limits(Limits { idle: Some(seconds(60)), ..Limits::default() }).await;
    client.check("SUBSCRIBE", &["OK"]).await;
    sleep(seconds(3600)).await;
    client.check("QUIT", &["OK"]).await;
}

/// A pipe that holds nothing, a client that does not read: all that waits, waits in the session.
#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_replies_is_read_from_no_more_and_dropped() {
    let store = Store::start().await.unwrap();
    let value = "x".repeat(100_000);
    store.create("shopping").await.unwrap().put("milk", value.clone()).await.unwrap();
    let mut client = Client::with_pipe(Session::new(store.clone()), 4096);
    let begun = Instant::now();
    let asking = async {
        for _ in 0..3000 {
            client.send("GET shopping milk\r\n").await;
        }
    };
    assert!(tokio::time::timeout(seconds(10), asking).await.is_err(), "it is not read from for ever");
    assert_eq!(client.end().await, SessionEnd::Stalled);
    assert_eq!(begun.elapsed().as_secs(), 30);
    drop(store);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_its_replies_slowly_gets_them_all() {
    let store = Store::start().await.unwrap();
    let value = "x".repeat(100_000);
    store.create("shopping").await.unwrap().put("milk", value).await.unwrap();
    let mut client = Client::with_pipe(Session::new(store.clone()), 60_000);
    client.send("GET shopping milk\r\n".repeat(50)).await;
    let (mut taken, mut piece) = (0, vec![0; 60_000]);
    while taken < 50 * 100_006 {
        sleep(seconds(29)).await;
        taken += client.reader.read(&mut piece).await.unwrap();
    }
    client.check("PING", &["PONG"]).await;
}

/// As long as fewer than a megabyte of replies wait, a client may send all its commands before it reads.
#[tokio::test]
async fn a_client_may_send_a_lot_before_it_reads() {
    let mut client = Client::with_pipe(Session::new(Store::start().await.unwrap()), 1024);
    client.send("PING\n".repeat(100_000)).await;
    assert!(client.leave().await.0 == "PONG\r\n".repeat(100_000));
}

/// What is sent after the last word is read and thrown away, so that the last word arrives.
#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_reads_on_for_a_second() {
    let mut client = Client::with_pipe(Session::new(Store::start().await.unwrap()), 100);
    let begun = Instant::now();
    client.send("QUIT\r\n").await;
    client.send("x".repeat(10_000)).await;
    assert_eq!(client.line().await, "OK\r\n");
    assert_eq!(client.end().await, SessionEnd::Quit);
    assert_eq!(begun.elapsed().as_secs(), 1);
}
