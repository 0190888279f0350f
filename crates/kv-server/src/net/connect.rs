//! The client's side: connecting to an address.

use std::io;
use std::time::Duration;

use genserver::time::timeout;
use tokio::net::{TcpStream, UnixStream};

use super::address::Address;
use super::stream::{self, Reader, Writer};

/// How long to wait for a host. A host that drops packets never answers.
const WITHIN: Duration = Duration::from_secs(10);

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {address}: {source}; is there a server, and is that its address?")]
#[non_exhaustive]
pub struct ConnectError {
    /// The address.
    pub address: Address,
    /// Why.
    pub source: io::Error,
}

/// Connects to a server, and returns a reader and a writer.
///
/// If a host has several addresses, each is tried, within ten seconds for all.
///
/// # Errors
///
/// [`ConnectError`] if no server answers there.
///
/// # Panics
///
/// Outside of a Tokio runtime with its drivers enabled.
///
/// # Cancel safety
///
/// Dropping it makes no connection.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use kv_core::Store;
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use kv_server::net::{self, Server};
///
/// # let store = Store::start().await?;
/// let server = Server::options().listen("127.0.0.1:0".parse()?).start(store).await?;
/// let (mut reader, mut writer) = net::connect(&server.addresses()[0]).await?;
/// writer.write_all(b"PING\r\nQUIT\r\n").await?;
/// let mut answers = String::new();
/// reader.read_to_string(&mut answers).await?;
/// assert_eq!(answers, "PONG\r\nOK\r\n");
/// # server.stop().await?;
/// # Ok(())
/// # }
/// ```
pub async fn connect(address: &Address) -> Result<(Reader, Writer), ConnectError> {
    let connected = timeout(WITHIN, open(address)).await;
    let late = |elapsed| Err(io::Error::new(io::ErrorKind::TimedOut, elapsed));
    connected.unwrap_or_else(late).map_err(|source| ConnectError { address: address.clone(), source })
}

async fn open(address: &Address) -> io::Result<(Reader, Writer)> {
    Ok(match address {
        Address::Tcp { host, port } => stream::of_tcp(TcpStream::connect((host.as_str(), *port)).await?),
        Address::Unix(path) => stream::of_unix(UnixStream::connect(path).await?),
    })
}
