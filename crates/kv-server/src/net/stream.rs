//! The two directions of a connection, over TCP, TLS or a Unix socket, as a reader and a writer of `futures`.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite, IoSlice};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

use super::tls::{TlsReader, TlsWriter};

/// The reading half of a connection: see [`connect`](super::connect).
///
/// It ends when the other side has closed its writing half.
///
/// # Examples
///
/// ```
/// # use kv_core::Store;
/// # use kv_server::net::Server;
/// use futures::{AsyncBufReadExt, AsyncWriteExt, io::BufReader};
/// use kv_server::net;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::options().listen("127.0.0.1:0".parse()?).start(Store::start().await?).await?;
/// # let address = &server.addresses()[0];
/// let (reader, mut writer) = net::connect(address).await?;
/// writer.write_all(b"PING\r\n").await?;
/// let mut line = String::new();
/// BufReader::new(reader).read_line(&mut line).await?;
/// assert_eq!(line, "PONG\r\n");
/// # server.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct Reader(ReadHalf);

/// The writing half of a connection: see [`connect`](super::connect).
///
/// Writes are sent at once. Closing or dropping it tells the other side that nothing more comes.
///
/// # Examples
///
/// Closing the writing half, and still reading the answers:
///
/// ```
/// # use kv_core::Store;
/// # use kv_server::net::Server;
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use kv_server::net;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = Server::options().listen("127.0.0.1:0".parse()?).start(Store::start().await?).await?;
/// # let address = &server.addresses()[0];
/// let (mut reader, mut writer) = net::connect(address).await?;
/// writer.write_all(b"PING\r\n").await?;
/// writer.close().await?;
/// let mut answers = String::new();
/// reader.read_to_string(&mut answers).await?;
/// assert_eq!(answers, "PONG\r\n");
/// # server.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct Writer(WriteHalf);

enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
    Tls(TlsReader),
}

enum WriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
    Tls(TlsWriter),
}

pub(super) fn of_tcp(stream: TcpStream) -> (Reader, Writer) {
    // A connection that is gone does not take the option; its first read fails.
    drop(stream.set_nodelay(true));
    let (reader, writer) = stream.into_split();
    (Reader(ReadHalf::Tcp(reader)), Writer(WriteHalf::Tcp(writer)))
}

pub(super) fn of_unix(stream: UnixStream) -> (Reader, Writer) {
    let (reader, writer) = stream.into_split();
    (Reader(ReadHalf::Unix(reader)), Writer(WriteHalf::Unix(writer)))
}

impl Reader {
    /// The socket, if what arrives there is what is read here.
    pub(super) fn plain_socket(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            ReadHalf::Tcp(_) | ReadHalf::Unix(_) => Some(self.as_fd()),
            ReadHalf::Tls(_) => None,
        }
    }
}

impl Writer {
    /// Sends what fits without waiting: at least a line, on a new connection.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            WriteHalf::Tcp(half) => half.try_write(bytes),
            WriteHalf::Unix(half) => half.try_write(bytes),
            WriteHalf::Tls(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl From<TlsReader> for Reader {
    fn from(half: TlsReader) -> Self {
        Self(ReadHalf::Tls(half))
    }
}

impl From<TlsWriter> for Writer {
    fn from(half: TlsWriter) -> Self {
        Self(WriteHalf::Tls(half))
    }
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(match &mut self.0 {
            ReadHalf::Tcp(half) => Pin::new(half).poll_read(cx, &mut buf),
            ReadHalf::Unix(half) => Pin::new(half).poll_read(cx, &mut buf),
            ReadHalf::Tls(half) => Pin::new(half).poll_read(cx, &mut buf),
        })?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl AsyncWrite for Writer {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            WriteHalf::Tcp(half) => Pin::new(half).poll_write(cx, buf),
            WriteHalf::Unix(half) => Pin::new(half).poll_write(cx, buf),
            WriteHalf::Tls(half) => Pin::new(half).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            WriteHalf::Tcp(half) => Pin::new(half).poll_write_vectored(cx, bufs),
            WriteHalf::Unix(half) => Pin::new(half).poll_write_vectored(cx, bufs),
            WriteHalf::Tls(half) => Pin::new(half).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            WriteHalf::Tcp(half) => Pin::new(half).poll_flush(cx),
            WriteHalf::Unix(half) => Pin::new(half).poll_flush(cx),
            WriteHalf::Tls(half) => Pin::new(half).poll_flush(cx),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            WriteHalf::Tcp(half) => Pin::new(half).poll_shutdown(cx),
            WriteHalf::Unix(half) => Pin::new(half).poll_shutdown(cx),
            WriteHalf::Tls(half) => Pin::new(half).poll_shutdown(cx),
        }
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            ReadHalf::Tcp(half) => half.as_ref().as_fd(),
            ReadHalf::Unix(half) => half.as_ref().as_fd(),
            ReadHalf::Tls(half) => half.socket().as_fd(),
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&self.as_fd()).finish()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}
