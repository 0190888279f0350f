//! Stopping a server: new clients are refused, what has arrived is answered, and sessions end in time.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "sockets live in the machine's own time")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::load::{self, CLIENTS, Load};
use crate::socket::{Client, SOON, limits, ms, options, soon};
use futures::future::join_all;
use kv_core::Store;
use kv_server::Limits;
use kv_server::net::{Address, Server, connect};
use tempfile::TempDir;

/// Longer than a test waits for anything: who is cut off after it is one too late.
const LONG: Duration = SOON.saturating_mul(2);

/// A server on a port and on a Unix socket.
async fn start(drain: Duration) -> (Store, Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start().await.unwrap();
    let options = options().listen(Address::Unix(folder.path().join("kv.sock"))).drain(drain);
    // It stalls later than it drains, so that this is what is seen.
    let limits = Limits { stalled: LONG, ..limits() };
    let server = options.limits(limits).start(store.clone()).await.unwrap();
    (store, server, folder)
}

#[tokio::test]
async fn every_command_that_has_arrived_is_answered() {
    let (store, server, _folder) = start(LONG).await;
    store.create("s").await.unwrap();
    let mut clients = Vec::new();
    for address in server.addresses() {
        for _ in 0..10 {
            let mut client = Client::connect(address).await;
            assert_eq!(client.send_and_recv("PING\n").await, "PONG\r\n");
            clients.push(client);
        }
    }
    for client in &mut clients {
        // When this returns, all of it is in the server's half of the loopback.
        client.send("PUT s k 1\r\n".repeat(2_000)).await;
    }
    let before = Instant::now();
    let (stopped, answers) = futures::join!(server.stop(), join_all(clients.iter_mut().map(Client::rest)));
    stopped.unwrap();
    assert!(before.elapsed() < LONG);
    assert_eq!(answers.len(), CLIENTS);
    for answers in answers {
        assert_eq!(answers.matches("OK\r\n").count(), 2_000);
    }
}

#[tokio::test]
async fn a_client_that_was_not_accepted_yet_is_answered() {
    let (store, server, folder) = start(LONG).await;
    let Address::Tcp { host, port } = &server.addresses()[0] else { unreachable!() };
    // No await from here on, so no acceptor runs.
    let mut tcp = std::net::TcpStream::connect((host.as_str(), *port)).unwrap();
    let mut unix = UnixStream::connect(folder.path().join("kv.sock")).unwrap();
    tcp.write_all(b"CREATE tcp\nPING\n").unwrap();
    unix.write_all(b"CREATE unix\nPING\n").unwrap();
    server.stop().await.unwrap();
    for (client, bucket) in [(&mut tcp as &mut dyn Read, "tcp"), (&mut unix, "unix")] {
        let mut answers = String::new();
        client.read_to_string(&mut answers).unwrap();
        assert_eq!(answers, "OK\r\nPONG\r\n");
        assert!(store.lookup(bucket).is_some());
    }
}

#[tokio::test]
async fn every_request_of_redis_that_has_arrived_is_answered() {
    let (store, server, _folder) = start(LONG).await;
    let mut clients = Vec::new();
    for address in server.addresses() {
        let mut client = Client::connect(address).await;
        assert_eq!(client.send_and_recv("*1\r\n$4\r\nPING\r\n").await, "+PONG\r\n");
        clients.push(client);
    }
    for client in &mut clients {
        client.send("*4\r\n$4\r\nHSET\r\n$1\r\ns\r\n$1\r\nk\r\n$1\r\n1\r\n".repeat(2_000)).await;
    }
    let (stopped, replies) = futures::join!(server.stop(), join_all(clients.iter_mut().map(Client::rest)));
    stopped.unwrap();
    for replies in &replies {
        assert_eq!(replies.matches("\r\n").count(), 2_000);
    }
    assert_eq!(replies.concat().matches(":1\r\n").count(), 1, "it was new once");
    assert!(store.lookup("s").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_whatever_is_carried_out_is_answered() {
    for pipeline in [1, 16] {
        let (store, server, _folder) = start(LONG).await;
        let load = Load::start(server.addresses(), pipeline).await;
        load.is_under_way().await;
        let before = Instant::now();
        server.stop().await.unwrap();
        assert!(before.elapsed() < LONG);

        for (client, answered) in load.answered().await.into_iter().enumerate() {
            let bucket = store.lookup(&load::bucket(client)).unwrap();
            let carried_out = bucket.get("last").await.unwrap().unwrap();
            assert_eq!(String::from_utf8_lossy(&carried_out), answered.to_string(), "client {client}");
        }
    }
}

#[tokio::test]
async fn a_subscriber_is_told_what_happened_and_leaves() {
    let (store, server, _folder) = start(LONG).await;
    let mut client = Client::connect(&server.addresses()[0]).await;
    assert_eq!(client.send_and_recv("SUBSCRIBE\n").await, "OK\r\n");
    store.create("s").await.unwrap();
    let (stopped, rest) = futures::join!(server.stop(), client.rest());
    stopped.unwrap();
    assert_eq!(rest, "CREATED s\r\n");
}

#[tokio::test]
async fn half_a_command_is_not_carried_out() {
    let (store, server, _folder) = start(LONG).await;
    let mut client = Client::connect(&server.addresses()[0]).await;
    assert_eq!(client.send_and_recv("CREATE s\n").await, "OK\r\n");
    client.send("PUT s k 1").await;
    let (stopped, rest) = futures::join!(server.stop(), client.rest());
    stopped.unwrap();
    assert_eq!(rest, "");
    assert_eq!(store.lookup("s").unwrap().len().await.unwrap(), 0);
}

#[tokio::test]
async fn replies_that_wait_are_taken_in_the_clients_own_time() {
    let (store, server, _folder) = start(LONG).await;
    store.create("s").await.unwrap().put("k", vec![b'v'; 100_000]).await.unwrap();
    let mut client = Client::connect(&server.addresses()[0]).await;
    client.send("GET s k\r\n".repeat(300)).await;
    // Something of it has been answered, and the rest waits until it is taken.
    assert_eq!(client.line().await.len(), 100_002);
    let (stopped, rest) = futures::join!(server.stop(), client.rest());
    stopped.unwrap();
    assert_eq!(rest.len(), 300 * (100_002 + 4) - 100_002);
}

/// A client that does not take what it was answered.
async fn stuck(store: &Store, server: &Server) -> Client {
    store.create("s").await.unwrap().put("k", vec![b'v'; 100_000]).await.unwrap();
    let mut stuck = Client::connect(&server.addresses()[0]).await;
    stuck.send("GET s k\r\n".repeat(300)).await;
    assert_eq!(stuck.line().await.len(), 100_002);
    stuck
}

#[tokio::test]
async fn while_a_server_stops_nobody_is_let_in() {
    let (store, server, folder) = start(LONG).await;
    let stuck = stuck(&store, &server).await;
    let late = async {
        for address in server.addresses() {
            // A connection from before the socket closed ends; then there are no more.
            soon(async { while connect(address).await.is_ok() {} }).await;
        }
        // Those from before are told that nothing more comes; the one that takes nothing is still there.
        soon(async {
            while server.connections() > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(server.connections(), 1);
        drop(stuck);
    };
    let (stopped, ()) = futures::join!(server.stop(), late);
    stopped.unwrap();
    assert_eq!(server.connections(), 0);
    assert!(!folder.path().join("kv.sock").exists());
}

#[tokio::test]
async fn who_takes_nothing_is_cut_off() {
    let (store, server, _folder) = start(ms(400)).await;
    let _stuck = stuck(&store, &server).await;
    let before = Instant::now();
    server.stop().await.unwrap();
    assert!((ms(400)..LONG).contains(&before.elapsed()));
    assert_eq!(server.connections(), 0);
}
