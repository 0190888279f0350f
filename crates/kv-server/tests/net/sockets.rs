//! The server over sockets: the guide's own test, the same through `nc`, where it listens, and who is let in.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use crate::socket::{Client, limits, options, soon, start, start_with};
use kv_core::Store;
use kv_server::Limits;
use kv_server::net::{Address, Server, StartServerError, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The Elixir guide's `KVServerTest`, line for line.
#[tokio::test]
async fn the_guides_server_interaction() {
    let (_store, server, address) = start().await;
    let mut socket = Client::connect(&address).await;

    assert_eq!(socket.send_and_recv("UNKNOWN shopping\r\n").await, "UNKNOWN COMMAND\r\n");
    assert_eq!(socket.send_and_recv("GET shopping eggs\r\n").await, "NOT FOUND\r\n");
    assert_eq!(socket.send_and_recv("CREATE shopping\r\n").await, "OK\r\n");
    assert_eq!(socket.send_and_recv("PUT shopping eggs 3\r\n").await, "OK\r\n");
    // GET returns two lines.
    assert_eq!(socket.send_and_recv("GET shopping eggs\r\n").await, "3\r\n");
    assert_eq!(socket.send_and_recv("").await, "OK\r\n");
    assert_eq!(socket.send_and_recv("DELETE shopping eggs\r\n").await, "OK\r\n");
    // GET returns two lines.
    assert_eq!(socket.send_and_recv("GET shopping eggs\r\n").await, "\r\n");
    assert_eq!(socket.send_and_recv("").await, "OK\r\n");
    server.stop().await.unwrap();
}

/// What `nc` with these arguments prints when it is given the guide's session; None where there is no `nc`.
async fn through_nc(arguments: Vec<String>) -> Option<String> {
    let session = "UNKNOWN shopping\nGET shopping eggs\nCREATE shopping\nPUT shopping eggs 3\nGET shopping eggs\n\
                   DELETE shopping eggs\nGET shopping eggs\nQUIT\n";
    let run = move || {
        let spawned = Command::new("nc").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut nc = spawned.ok()?;
        nc.stdin.take().unwrap().write_all(session.as_bytes()).unwrap();
        let output = nc.wait_with_output().unwrap();
        Some(String::from_utf8(output.stdout).unwrap())
    };
    soon(tokio::task::spawn_blocking(run)).await.unwrap()
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a test that was left out is seen")]
async fn the_guides_server_interaction_through_nc() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sock");
    for unix in [false, true] {
        let store = Store::start().await.unwrap();
        let server = options().listen(Address::Unix(path.clone())).start(store).await.unwrap();
        let [Address::Tcp { host, port }, Address::Unix(path)] = server.addresses() else { unreachable!() };
        let arguments =
            if unix { vec!["-U".to_owned(), path.display().to_string()] } else { vec![host.clone(), port.to_string()] };
        let expected = "UNKNOWN COMMAND\r\nNOT FOUND\r\nOK\r\nOK\r\n3\r\nOK\r\nOK\r\n\r\nOK\r\nOK\r\n";
        match through_nc(arguments).await {
            Some(printed) => assert_eq!(printed, expected),
            None => println!("left out: there is no nc on this machine"),
        }
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_unix_socket_serves_this_user_alone_and_goes_with_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sock");
    let address = Address::Unix(path.clone());
    let server = Server::options().listen(address.clone()).start(Store::start().await.unwrap()).await.unwrap();
    assert_eq!(server.addresses(), std::slice::from_ref(&address));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);

    let mut socket = Client::connect(&address).await;
    assert_eq!(socket.send_and_recv("PING\n").await, "PONG\r\n");
    server.stop().await.unwrap();
    assert!(!path.exists());
    assert!(connect(&address).await.is_err());
}

#[tokio::test]
async fn a_socket_that_a_dead_server_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "the standard library leaves the file");

    let address = Address::Unix(path);
    let server = Server::options().listen(address.clone()).start(Store::start().await.unwrap()).await.unwrap();
    assert_eq!(Client::connect(&address).await.send_and_recv("PING\n").await, "PONG\r\n");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_socket_that_a_living_server_has_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sock");
    let address = Address::Unix(path.clone());
    let store = Store::start().await.unwrap();
    let server = Server::options().listen(address.clone()).start(store.clone()).await.unwrap();

    let second = Server::options().listen(address.clone()).start(store.clone()).await.unwrap_err();
    assert!(matches!(&second, StartServerError::InUse { path: taken } if *taken == path));
    assert_eq!(
        second.to_string(),
        format!("a server listens on unix:{} already; stop it, or listen on another path", path.display())
    );
    assert_eq!(Client::connect(&address).await.send_and_recv("PING\n").await, "PONG\r\n");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_socket_is_never_removed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = Server::options().listen(Address::Unix(file.path().to_owned()));
    let refused = options.start(Store::start().await.unwrap()).await.unwrap_err();
    assert!(matches!(refused, StartServerError::NotASocket { .. }));
    assert!(file.path().exists());
}

#[tokio::test]
async fn a_socket_that_somebody_put_in_place_of_ours_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sock");
    let server =
        Server::options().listen(Address::Unix(path.clone())).start(Store::start().await.unwrap()).await.unwrap();
    fs::remove_file(&path).unwrap();
    // A file that is there at the same time as another has another identity, so this one comes first.
    let other = folder.path().join("other");
    fs::write(&other, "another").unwrap();
    fs::rename(&other, &path).unwrap();
    server.stop().await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "another");
}

#[tokio::test]
async fn other_machines_are_let_in_only_if_that_is_said() {
    let store = Store::start().await.unwrap();
    for everybody in ["0.0.0.0:0", "[::]:0"] {
        let everybody: Address = everybody.parse().unwrap();
        let refused = Server::options().listen(everybody.clone()).start(store.clone()).await.unwrap_err();
        let StartServerError::NotLoopback { address } = &refused else { panic!("{refused}") };
        assert_eq!(*address, everybody);
        assert!(refused.to_string().contains("insecure_listen(true)"), "{refused}");
    }
    let everybody = Server::options().listen("0.0.0.0:0".parse().unwrap()).insecure_listen(true);
    everybody.start(store).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn the_loopback_is_what_it_listens_on_unless_told_otherwise() {
    let started = Server::options().start(Store::start().await.unwrap()).await;
    let expected = Address::Tcp { host: "127.0.0.1".to_owned(), port: 4040 };
    match started {
        Ok(server) => {
            assert_eq!(server.addresses(), [expected]);
            server.stop().await.unwrap();
        }
        // Somebody else has the port. That this is where it was to listen is seen all the same.
        Err(StartServerError::Bind { address, source }) => {
            assert_eq!((address, source.kind()), (expected, ErrorKind::AddrInUse));
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_refused_and_nothing_is_left_of_the_server() {
    let (store, server, taken) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sock");
    let second = Server::options().listen(Address::Unix(path.clone())).listen(taken.clone());
    let refused = second.start(store).await.unwrap_err();
    assert!(matches!(&refused, StartServerError::Bind { address, .. } if *address == taken), "{refused}");
    assert!(!path.exists());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_stopped_may_start_again_at_once_on_its_port() {
    let (store, server, address) = start().await;
    let mut socket = Client::connect(&address).await;
    assert_eq!(socket.send_and_recv("PING\n").await, "PONG\r\n");
    server.stop().await.unwrap();
    server.stop().await.expect("to stop it again is not an error");

    let again = Server::options().listen(address.clone()).start(store).await.unwrap();
    assert_eq!(Client::connect(&address).await.send_and_recv("PING\n").await, "PONG\r\n");
    again.stop().await.unwrap();
}

#[tokio::test]
async fn clients_are_listed_with_the_addresses_they_connect_from() {
    let store = Store::start().await.unwrap();
    let server = Server::options().listen_resp("127.0.0.1:0".parse().unwrap()).start(store).await.unwrap();
    let mut client = TcpStream::connect(server.addresses()[0].to_string()).await.unwrap();
    client.write_all(b"CLIENT INFO\r\nQUIT\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains(&format!("id=1 addr={} name= ", client.local_addr().unwrap())), "{answer}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn at_an_address_for_resp_one_client_too_many_is_told_so_in_the_words_of_redis() {
    let store = Store::start().await.unwrap();
    let options = Server::options().listen_resp("127.0.0.1:0".parse().unwrap());
    let server = options.limits(Limits { connections: 1, ..limits() }).start(store).await.unwrap();
    let mut first = Client::connect(&server.addresses()[0]).await;
    assert_eq!(first.send_and_recv("PING\r\n").await, "+PONG\r\n");
    let mut second = Client::connect(&server.addresses()[0]).await;
    assert_eq!(second.rest().await, "-ERR max number of clients reached\r\n");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn one_client_too_many_is_told_so_and_a_place_is_free_again_when_one_leaves() {
    let (_store, server, address) = start_with(Limits { connections: 2, ..limits() }).await;
    assert_eq!(server.connections_max(), 2);
    let mut first = Client::connect(&address).await;
    let mut second = Client::connect(&address).await;
    assert_eq!(first.send_and_recv("PING\n").await, "PONG\r\n");
    assert_eq!(second.send_and_recv("PING\n").await, "PONG\r\n");

    let mut third = Client::connect(&address).await;
    assert_eq!(third.rest().await, "ERROR too many connections: all 2 are taken; try again later\r\n");
    assert_eq!(first.send_and_recv("QUIT\n").await, "OK\r\n");
    assert_eq!(first.rest().await, "");
    drop(first);
    soon(async {
        while server.connections() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut fourth = Client::connect(&address).await;
    assert_eq!(fourth.send_and_recv("PING\n").await, "PONG\r\n");
    server.stop().await.unwrap();
}
