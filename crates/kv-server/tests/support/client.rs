//! A client at the other end of a pipe in memory, and the session that serves it.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::io;

use kv_core::Store;
use kv_server::{Session, SessionEnd};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

/// How much a pipe holds: more than any answer here, unless a test says less.
const PIPE: usize = 1024 * 1024;

pub(crate) struct Client {
    pub(crate) reader: ReadHalf<DuplexStream>,
    pub(crate) writer: WriteHalf<DuplexStream>,
    session: JoinHandle<io::Result<SessionEnd>>,
}

impl Client {
    /// A client of a store of its own.
    pub(crate) async fn new() -> Self {
        Self::of(Session::new(Store::start().await.unwrap()))
    }

    pub(crate) fn of(session: Session) -> Self {
        Self::with_pipe(session, PIPE)
    }

    pub(crate) fn with_pipe(session: Session, pipe: usize) -> Self {
        let (here, there) = tokio::io::duplex(pipe);
        let (reader, writer) = tokio::io::split(there);
        let session = tokio::spawn(session.serve(reader.compat(), writer.compat_write()));
        let (reader, writer) = tokio::io::split(here);
        Self { reader, writer, session }
    }

    pub(crate) async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.writer.write_all(text.as_ref()).await.unwrap();
    }

    /// The next line, with its end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.push(self.reader.read_u8().await.unwrap());
        }
        String::from_utf8(line).unwrap()
    }

    /// Sends a line, and expects these lines for it.
    #[track_caller]
    pub(crate) fn check(&mut self, line: &str, expected: &[&str]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let (line, expected) = (format!("{line}\r\n"), expected.iter().map(|line| format!("{line}\r\n")));
        let expected: Vec<String> = expected.collect();
        async move {
            self.send(&line).await;
            for expected in expected {
                assert_eq!(self.line().await, expected, "after {line:?} at {caller}");
            }
        }
    }

    /// Says that it sends nothing more, and takes what still comes.
    pub(crate) async fn leave(mut self) -> (String, SessionEnd) {
        self.writer.shutdown().await.unwrap();
        self.rest().await
    }

    /// What still comes, until the session has ended.
    pub(crate) async fn rest(mut self) -> (String, SessionEnd) {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).await.unwrap();
        drop((self.reader, self.writer));
        (String::from_utf8(rest).unwrap(), self.session.await.unwrap().unwrap())
    }

    /// How the session ends, while the client takes nothing.
    pub(crate) async fn end(&mut self) -> SessionEnd {
        (&mut self.session).await.unwrap().unwrap()
    }
}
