//! Crashing sessions and acceptors: with services that crash in ways that no client can cause.

use std::io;
use std::pin::pin;

use futures::future::{Either, select};
use futures::io::{AsyncReadExt, AsyncWriteExt};
use genserver::report::Report;
use genserver::{AsProcess, Node, Reason};

use super::incoming::Incoming;
use super::service::Service;
use super::{Address, Reader, Server, Writer, connect};
use crate::drain::Drain;

/// Echoes every byte until told to leave. A `!` makes it panic.
struct Fragile;

impl Service for Fragile {
    async fn serve(&self, mut reader: Incoming, mut writer: Writer, drain: Drain) -> io::Result<()> {
        let mut byte = [0];
        let mut told = pin!(drain.told());
        while let Either::Left((read, _)) = select(reader.read(&mut byte), &mut told).await {
            if read? == 0 {
                break;
            }
            assert!(byte != *b"!", "it broke");
            writer.write_all(&byte).await?;
        }
        writer.close().await
    }
}

async fn start() -> Server {
    let address = "127.0.0.1:0".parse().expect("it is an address");
    Server::options().listen(address).start_service(|_| Fragile).await.unwrap()
}

async fn echo(client: &mut (Reader, Writer), byte: u8) -> io::Result<u8> {
    let mut answer = [0];
    client.1.write_all(&[byte]).await?;
    client.0.read_exact(&mut answer).await?;
    Ok(answer[0])
}

#[tokio::test]
async fn a_session_that_panics_is_reported_and_closed_and_touches_no_other() {
    let mut reports = Node::current().reports();
    let server = start().await;
    let mut other = connect(&server.addresses()[0]).await.unwrap();
    assert_eq!(echo(&mut other, b'a').await.unwrap(), b'a');

    let mut fragile = connect(&server.addresses()[0]).await.unwrap();
    assert_eq!(echo(&mut fragile, b'!').await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    // Other tests crash processes too, maybe in the same program.
    loop {
        let report = reports.next().await.unwrap();
        if matches!(report, Report::Crashed(crashed) if crashed.reason.to_string() == "panicked: it broke") {
            break;
        }
    }

    assert_eq!(echo(&mut other, b'b').await.unwrap(), b'b');
    assert_eq!(server.connections(), 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_acceptor_that_crashes_leaves_its_socket_and_the_sessions_alone() {
    let server = start().await;
    let mut before = connect(&server.addresses()[0]).await.unwrap();
    assert_eq!(echo(&mut before, b'a').await.unwrap(), b'a');

    server.child("acceptor").await.kill();
    let mut after = connect(&server.addresses()[0]).await.unwrap();
    assert_eq!(echo(&mut after, b'b').await.unwrap(), b'b');
    assert_eq!(echo(&mut before, b'c').await.unwrap(), b'c');
    server.stop().await.unwrap();
}

#[tokio::test]
async fn sessions_that_lose_their_supervisor_leave_and_new_ones_are_served() {
    let server = start().await;
    let mut before = connect(&server.addresses()[0]).await.unwrap();
    assert_eq!(echo(&mut before, b'a').await.unwrap(), b'a');

    server.child("sessions").await.kill();
    let mut rest = Vec::new();
    assert_eq!(before.0.read_to_end(&mut rest).await.unwrap(), 0);
    let mut after = connect(&server.addresses()[0]).await.unwrap();
    assert_eq!(echo(&mut after, b'b').await.unwrap(), b'b');
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_killed_frees_its_address() {
    let server = start().await;
    let address: Address = server.addresses()[0].clone();
    server.as_process().unwrap().kill();
    assert_eq!(server.ended().await, Reason::Killed);
    // The link tells the acceptor.
    while connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.stop().await.unwrap();
}
