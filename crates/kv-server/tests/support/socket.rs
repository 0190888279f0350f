//! A server on a store of its own, and clients of it that do not wait for ever.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![allow(dead_code, reason = "each test takes what it needs")]

use std::future::Future;
use std::io;
use std::time::Duration;

use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use kv_core::Store;
use kv_server::Limits;
use kv_server::net::{self, Address, Reader, Server, ServerOptions, Writer};

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// How long a test waits for what it has every reason to expect. The machine may have other things to do.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// What `future` ends with; a test that waits for longer has failed.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(SOON, future).await.expect("it should have happened by now")
}

/// The usual limits. Only that nobody waits as long for clients that stay, as those of tests do.
pub(crate) fn limits() -> Limits {
    Limits { linger: ms(50), ..Limits::default() }
}

pub(crate) fn options() -> ServerOptions {
    Server::options().listen("127.0.0.1:0".parse().unwrap()).limits(limits())
}

pub(crate) async fn start_with(limits: Limits) -> (Store, Server, Address) {
    let store = Store::start().await.unwrap();
    let server = options().limits(limits).start(store.clone()).await.unwrap();
    let address = server.addresses()[0].clone();
    (store, server, address)
}

pub(crate) async fn start() -> (Store, Server, Address) {
    start_with(limits()).await
}

/// One connection.
pub(crate) struct Client {
    pub(crate) reader: BufReader<Reader>,
    pub(crate) writer: Writer,
}

impl Client {
    pub(crate) async fn connect(address: &Address) -> Self {
        let (reader, writer) = soon(net::connect(address)).await.unwrap();
        Self { reader: BufReader::new(reader), writer }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.writer.write_all(bytes.as_ref())).await.unwrap();
    }

    /// The next line, with its end; nothing if there is none.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        soon(self.reader.read_line(&mut line)).await.unwrap();
        line
    }

    /// The guide's `send_and_recv`.
    pub(crate) async fn send_and_recv(&mut self, command: &str) -> String {
        self.send(command).await;
        self.line().await
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match soon(self.reader.read_to_end(&mut rest)).await {
            Ok(_) => {}
            // It was closed while something of ours was unread.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
        String::from_utf8(rest).unwrap()
    }
}
