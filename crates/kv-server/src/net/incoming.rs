//! The reader of a session: a connection, and while it drains only what has already arrived.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::AsyncRead;

use super::arrived::read_arrived;
use super::stream::Reader;
use super::who;
use crate::drain::Drain;

/// The reader of a session.
///
/// A draining session answers what has arrived, and takes a pending read as the end of that: see [`read_arrived`].
pub(super) struct Incoming {
    reader: Reader,
    drain: Drain,
}

impl Incoming {
    pub(super) fn new(reader: Reader, drain: Drain) -> Self {
        Self { reader, drain }
    }

    /// The address that the client connects from, if it has one.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        who::peer_of(&self.reader)
    }
}

impl AsyncRead for Incoming {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        // Under TLS the same is done below it.
        if self.drain.has_begun()
            && let Some(socket) = self.reader.plain_socket()
            && let Some(read) = read_arrived(socket, buf)
        {
            return Poll::Ready(read);
        }
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    //! What a draining session reads.

    use std::io::Write;

    use futures::future::poll_immediate;
    use futures::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::net::stream;

    #[tokio::test]
    async fn a_session_that_drains_finds_what_the_runtime_has_not_noticed_yet() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (reader, _writer) = stream::of_tcp(listener.accept().await.unwrap().0);
        let drain = Drain::new();
        let mut incoming = Incoming::new(reader, drain.clone());

        let mut bytes = [0; 8];
        assert!(poll_immediate(incoming.read(&mut bytes)).await.is_none());
        // No await from here on, so the runtime does not poll its sockets.
        client.write_all(b"PING\n").unwrap();
        assert!(poll_immediate(incoming.read(&mut bytes)).await.is_none());
        drain.begin();
        assert_eq!(poll_immediate(incoming.read(&mut bytes)).await.unwrap().unwrap(), 5);
        assert!(poll_immediate(incoming.read(&mut bytes)).await.is_none());
        drop(client);
        assert_eq!(poll_immediate(incoming.read(&mut bytes)).await.unwrap().unwrap(), 0);
    }
}
