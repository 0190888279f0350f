//! The socket below TLS, which can be read and written by the layer above it and looked at by others.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net as system;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::drain::Drain;
use crate::net::arrived::read_arrived;

/// A TCP connection that carries TLS. While it drains, reads find all that has arrived.
pub(super) struct Transport {
    pub(super) socket: Arc<TcpStream>,
    pub(super) drain: Drain,
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.drain.has_begun()
            && let Some(bytes) = read_arrived(&*self.socket, buf.initialize_unfilled())
        {
            buf.advance(bytes?);
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            match self.socket.try_read(buf.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => {
                    buf.advance(read?);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_write_ready(cx))?;
            match self.socket.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shut_down(&self.socket))
    }
}

/// Tells the other side that nothing more comes. A connection that is gone knows.
pub(super) fn shut_down(socket: &TcpStream) -> io::Result<()> {
    match system::shutdown(socket, system::Shutdown::Write) {
        Err(rustix::io::Errno::NOTCONN) => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    //! What is read below TLS while a session drains.

    use std::io::Write;

    use futures::future::poll_immediate;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_transport_that_drains_finds_what_the_runtime_has_not_noticed_yet() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = Arc::new(listener.accept().await.unwrap().0);
        let drain = Drain::new();
        let mut transport = Transport { socket, drain: drain.clone() };

        let mut bytes = [0; 8];
        assert!(poll_immediate(transport.read(&mut bytes)).await.is_none());
        // No await from here on, so the runtime does not poll its sockets.
        client.write_all(b"PING\n").unwrap();
        assert!(poll_immediate(transport.read(&mut bytes)).await.is_none());
        drain.begin();
        assert_eq!(poll_immediate(transport.read(&mut bytes)).await.unwrap().unwrap(), 5);
        assert!(poll_immediate(transport.read(&mut bytes)).await.is_none());
        drop(client);
        assert_eq!(poll_immediate(transport.read(&mut bytes)).await.unwrap().unwrap(), 0);
    }
}
