//! Abusive clients: lines without an end, half commands, silence, a browser's requests, replies left unread.
#![cfg(feature = "net")]
#![expect(clippy::disallowed_methods, reason = "sockets live in the machine's own time")]

#[path = "support/socket.rs"]
mod socket;

use std::alloc::System;
use std::cell::Cell;
use std::io::ErrorKind;
use std::time::Instant;

use futures::StreamExt;
use futures::io::AsyncWriteExt;
use futures::stream::FuturesUnordered;
use genserver::AsProcess;
use kv_core::Store;
use kv_server::net::Server;
use kv_server::{Limits, Password};
use socket::{Client, limits, ms, options, soon, start, start_with};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MIB: usize = 1024 * 1024;

/// The most that the program held more than at the beginning, while `server` has somebody connected.
///
/// Tests that run at the same time in the same program are counted too: they are few, and hold little.
async fn growth_while_connected(region: &Region<'_, System>, server: &Server) -> usize {
    let mut most = 0;
    soon(async {
        while server.connections() > 0 {
            let change = region.change();
            most = most.max(change.bytes_allocated.saturating_sub(change.bytes_deallocated));
            tokio::time::sleep(ms(1)).await;
        }
    })
    .await;
    most
}

async fn connected(server: &Server, clients: usize) {
    soon(async {
        while server.connections() != clients {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_line_without_an_end_is_refused_and_costs_no_memory() {
    let (_store, server, address) = start().await;
    let mut client = Client::connect(&address).await;
    connected(&server, 1).await;
    let region = Region::new(ALLOCATOR);
    let endless = async {
        let block = [b'x'; 16 * 1024];
        loop {
            if let Err(error) = client.writer.write_all(&block).await {
                return error.kind();
            }
        }
    };
    let (end, growth) = futures::join!(soon(endless), growth_while_connected(&region, &server));
    assert!(matches!(end, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{end}");
    assert!(growth < MIB, "it held {growth} bytes");
    let said = client.rest().await;
    assert!(said.is_empty() || said.starts_with("ERROR line too long"), "{said}");
    server.stop().await.unwrap();
}

/// A hash with the usual costs takes 19 MiB each time it is checked.
#[tokio::test]
async fn many_wrong_passwords_at_once_take_the_memory_of_two() {
    let hash = Password::new("open sesame").unwrap().hash().unwrap();
    let store = Store::start().await.unwrap();
    let server = options().password(hash).start(store).await.unwrap();
    let region = Region::new(ALLOCATOR);
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = Client::connect(&server.addresses()[0]).await;
        client.send("AUTH sesame\r\n").await;
        clients.push(client);
    }
    let is_over = Cell::new(false);
    // Those that need not wait: the first five have no failures before them.
    let answers = async {
        let mut answers: FuturesUnordered<_> = clients.iter_mut().map(Client::line).collect();
        for _ in 0..5 {
            let answer = answers.next().await;
            assert!(answer.as_ref().is_some_and(|answer| answer.starts_with("ERROR wrong password")), "{answer:?}");
        }
        is_over.set(true);
    };
    let growth = async {
        let mut most = 0;
        while !is_over.get() {
            let change = region.change();
            most = most.max(change.bytes_allocated.saturating_sub(change.bytes_deallocated));
            tokio::time::sleep(ms(1)).await;
        }
        most
    };
    let ((), most) = soon(async { futures::join!(answers, growth) }).await;
    assert!(most < 44 * MIB, "it held {most} bytes");
    drop(clients);
    server.as_process().unwrap().kill();
}

#[tokio::test]
async fn a_line_that_is_too_long_is_told_so() {
    let (_store, server, address) = start().await;
    let mut client = Client::connect(&address).await;
    client.send(vec![b'x'; 64 * 1024 + 1]).await;
    let said = client.line().await;
    assert!(said.starts_with("ERROR line too long"), "{said}");
    assert_eq!(client.rest().await, "");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_value_of_twenty_thousand_bytes_is_stored_whole() {
    let (_store, server, address) = start().await;
    let mut client = Client::connect(&address).await;
    let value = "v".repeat(20_000);
    client.send(format!("CREATE s\r\nPUT s k {value}\r\nGET s k\r\nQUIT\r\n")).await;
    assert_eq!(client.rest().await, format!("OK\r\nOK\r\n{value}\r\nOK\r\nOK\r\n"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn replies_that_nobody_reads_are_bounded_and_the_client_is_dropped() {
    let (store, server, address) = start_with(Limits { stalled: ms(500), ..limits() }).await;
    store.create("s").await.unwrap().put("k", vec![b'v'; 100_000]).await.unwrap();
    let mut client = Client::connect(&address).await;
    connected(&server, 1).await;

    let region = Region::new(ALLOCATOR);
    client.send("GET s k\r\n".repeat(3_000)).await;
    let growth = growth_while_connected(&region, &server).await;
    assert!(growth < 4 * MIB, "it held {growth} bytes");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_every_reply() {
    let (store, server, address) = start().await;
    store.create("s").await.unwrap().put("k", vec![b'v'; 100_000]).await.unwrap();
    let mut client = Client::connect(&address).await;
    client.send("GET s k\r\n".repeat(300)).await;
    for _ in 0..300 {
        assert_eq!(client.line().await.len(), 100_002);
        assert_eq!(client.line().await, "OK\r\n");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn half_a_command_has_so_much_time_and_dribbling_buys_no_more() {
    let (_store, server, address) = start_with(Limits { half_command: ms(200), ..limits() }).await;
    let mut client = Client::connect(&address).await;
    let before = Instant::now();
    let dribble = async {
        // A slow loris: always one byte more, never the last.
        while client.writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(ms(20)).await;
        }
    };
    soon(dribble).await;
    assert!(before.elapsed() >= ms(200));
    connected(&server, 0).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn who_says_nothing_is_left_alone_unless_a_limit_is_set() {
    let (_store, server, address) = start_with(Limits { idle: Some(ms(100)), ..limits() }).await;
    let mut client = Client::connect(&address).await;
    let last = client.rest().await;
    assert!(last.is_empty() || last.starts_with("ERROR"), "{last}");
    connected(&server, 0).await;
    server.stop().await.unwrap();

    assert_eq!(Limits::default().idle, None);
}

#[tokio::test]
async fn a_browsers_request_is_closed_without_a_word() {
    let (store, server, address) = start().await;
    for request in ["POST / HTTP/1.1\r\nHost: kv\r\n\r\nCREATE s\r\n", "GET / HTTP/1.1\r\nHost: kv\r\n\r\nCREATE s\r\n"]
    {
        let mut client = Client::connect(&address).await;
        client.send(request).await;
        let said = client.rest().await;
        // In the guide's grammar the first line is a question for a bucket called `/`.
        assert!(said.is_empty() || said == "NOT FOUND\r\n", "{said}");
    }
    assert_eq!(store.lookup("s"), None);
    server.stop().await.unwrap();
}
