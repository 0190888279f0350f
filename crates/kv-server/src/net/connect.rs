//! The client's side: connecting to an address.

use std::future::Future;
use std::io;
use std::time::Duration;

use genserver::time::timeout;
use tokio::net::{TcpStream, UnixStream};

use super::address::Address;
use super::stream::{self, Reader, Writer};
#[cfg(feature = "tls")]
use super::tls::ClientTls;

/// How long to wait for a host. A host that drops packets never answers.
const WITHIN: Duration = Duration::from_secs(10);

const IS_THERE_A_SERVER: &str = "; is there a server, and is that its address?";

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {address}: {source}{hint}")]
#[non_exhaustive]
pub struct ConnectError {
    /// The address.
    pub address: Address,
    /// Why.
    pub source: io::Error,
    /// What to do, unless the source says it.
    hint: &'static str,
}

/// Connects to a server, and returns a reader and a writer.
///
/// If a host has several addresses, each is tried, within ten seconds for all. An address with TLS takes `connect_tls`, with the
/// feature `tls`.
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
    let connecting = async {
        Ok(match address {
            Address::Tcp { host, port } => stream::of_tcp(tcp(host, *port).await?),
            Address::Unix(path) => stream::of_unix(UnixStream::connect(path).await?),
            Address::Tls { .. } => {
                let what = "the address is one of TLS; name the authority of its certificate";
                return Err(io::Error::new(io::ErrorKind::Unsupported, what));
            }
        })
    };
    let hint = if matches!(address, Address::Tls { .. }) { "" } else { IS_THERE_A_SERVER };
    within(connecting).await.map_err(|source| ConnectError { address: address.clone(), source, hint })
}

/// Connects to a server, with TLS if its address says so, and returns a reader and a writer.
///
/// With the feature `tls`. The server's certificate has to be for the host of the address, and of the authority that `tls` trusts.
///
/// Closing the writer tells the server that nothing more comes; if it is only dropped, the server cannot tell that from a lost
/// connection. A reader that ends without an error has read everything that the server sent.
///
/// # Errors
///
/// [`ConnectError`] if no server answers there, or one that is not trusted. A server that does not accept the client's certificate may
/// say so only to the first read.
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
/// See [`ServerTls`](super::ServerTls).
#[cfg(feature = "tls")]
pub async fn connect_tls(address: &Address, tls: &ClientTls) -> Result<(Reader, Writer), ConnectError> {
    let Address::Tls { host, port } = address else { return connect(address).await };
    let failed = |hint| move |source| ConnectError { address: address.clone(), source, hint };
    let socket = within(tcp(host, *port)).await.map_err(failed(IS_THERE_A_SERVER))?;
    within(tls.connect(host, socket)).await.map_err(failed(""))
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    TcpStream::connect((host, port)).await
}

async fn within<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |elapsed| Err(io::Error::new(io::ErrorKind::TimedOut, elapsed));
    timeout(WITHIN, connecting).await.unwrap_or_else(late)
}
