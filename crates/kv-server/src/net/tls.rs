//! TLS: the certificates of servers and clients, and the handshake.
//!
//! - T1: A handshake runs in the process of its session, has that connection's place, and ends within [`HANDSHAKE`].
//! - T2: The last that is sent is a `close_notify`, so each side can tell the end of a connection from its loss.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{Either, select};
use genserver::time;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, ConfigSide, Error, InvalidMessage, RootCertStore, ServerConfig, WantsVerifier,
    WantsVersions,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use self::advice::{advise, refusal};
use self::transport::{Transport, shut_down};
use super::stream::{Reader, Writer};
use crate::drain::Drain;

// Certificates and keys in files.
mod files;
// The socket below.
mod transport;
// What to do about a failure.
mod advice;

pub use files::TlsError;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long a handshake may still take when the server is told to stop: the client may have sent commands behind it.
const LAST_HANDSHAKE: Duration = Duration::from_secs(1);

/// How long the rest of what a refused client sends is read. Closing a socket with unread input would discard what it was told.
const LINGER: Duration = Duration::from_secs(1);

/// The first byte of a client that speaks TLS: a record of the handshake.
const RECORD_OF_HANDSHAKE: u8 = 0x16;

/// The certificate of a server and its key, and whose clients it serves: for [`ServerOptions::tls`](super::ServerOptions::tls).
///
/// TLS 1.2 and 1.3 are spoken. The files are read once: a new certificate takes a new server. This type needs the feature `tls`.
///
/// # Examples
///
/// ```
/// # use kv_core::Store;
/// # use kv_server::{Answer, Client, Command};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::os::unix::fs::PermissionsExt;
/// # let folder = tempfile::tempdir()?;
/// # let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
/// # let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
/// # std::fs::write(&certificate, issued.cert.pem())?;
/// # std::fs::write(&key, issued.signing_key.serialize_pem())?;
/// # std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
/// # let ca = certificate.clone();
/// # let store = Store::start().await?;
/// use kv_server::net::{self, ClientTls, Server, ServerTls};
///
/// let tls = ServerTls::from_files(&certificate, &key)?;
/// let options = Server::options().tls(tls).listen("tls:127.0.0.1:0".parse()?);
/// let server = options.start(store).await?;
///
/// let tls = ClientTls::from_ca(&ca)?;
/// let (reader, writer) = net::connect_tls(&server.addresses()[0], &tls).await?;
/// let mut client = Client::new(reader, writer);
/// assert_eq!(client.send(&Command::Ping).await?, Answer::Pong);
/// # server.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerTls {
    identity: Arc<CertifiedKey>,
    config: Arc<ServerConfig>,
    knows_clients: bool,
}

/// The authority that a client trusts, and its own certificate if it has one: for [`connect_tls`](super::connect_tls).
///
/// The server has to have a certificate of that authority for the host of its address. This type needs the feature `tls`.
#[derive(Clone)]
pub struct ClientTls {
    authorities: Arc<RootCertStore>,
    config: Arc<ClientConfig>,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl ServerTls {
    /// Reads the certificate, followed by those of its issuers but the last, and its key, from PEM files.
    ///
    /// # Errors
    ///
    /// [`TlsError`], for instance if other users can read the key.
    pub fn from_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let identity = files::identity(certificate.as_ref(), key.as_ref(), &provider())?;
        let config = with_versions(ServerConfig::builder_with_provider(provider()))
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity))));
        Ok(Self { identity, config: Arc::new(config), knows_clients: false })
    }

    /// Serves only clients with a certificate of an authority in this PEM file. The server may then listen on addresses that other
    /// machines can reach.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    pub fn client_ca(mut self, ca: impl AsRef<Path>) -> Result<Self, TlsError> {
        let ca = ca.as_ref();
        let verifier = WebPkiClientVerifier::builder_with_provider(files::authorities(ca)?, provider()).build();
        let unusable = |error| TlsError::Unusable { file: ca.to_owned(), what: format!("{error}") };
        let config = with_versions(ServerConfig::builder_with_provider(provider()))
            .with_client_cert_verifier(verifier.map_err(unusable)?)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&self.identity))));
        self.config = Arc::new(config);
        self.knows_clients = true;
        Ok(self)
    }

    /// Whether only clients with a certificate are served.
    pub(super) fn knows_clients(&self) -> bool {
        self.knows_clients
    }

    /// Shakes hands with a client (T1). A client that speaks no TLS is told so, in the words of its protocol.
    pub(super) async fn accept(&self, socket: TcpStream, drain: &Drain) -> io::Result<(Reader, Writer)> {
        let handshake = pin!(time::timeout(HANDSHAKE, self.shake_hands(socket, drain)));
        let told = async {
            drain.told().await;
            time::sleep(LAST_HANDSHAKE).await;
        };
        match select(handshake, pin!(told)).await {
            Either::Left((Ok(done), _)) => done,
            Either::Left((Err(_), _)) | Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// What an operator is told of a handshake that failed. `None` if the client left before it began.
    pub(super) fn refusal(error: &io::Error) -> Option<&'static str> {
        refusal(error)
    }

    async fn shake_hands(&self, mut socket: TcpStream, drain: &Drain) -> io::Result<(Reader, Writer)> {
        let mut first = [0];
        if !matches!(socket.peek(&mut first).await, Ok(1..)) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if first[0] != RECORD_OF_HANDSHAKE {
            let is_redis = first[0] == b'*';
            let refusal: &[u8] = if is_redis { PLAIN_REDIS } else { PLAIN };
            socket.write_all(refusal).await?;
            socket.shutdown().await?;
            discard(&mut socket).await;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
            ));
        }
        // A connection that is gone does not take the option; its first read fails.
        drop(socket.set_nodelay(true));
        let socket = Arc::new(socket);
        let transport = Transport { socket: Arc::clone(&socket), drain: drain.clone() };
        match TlsAcceptor::from(Arc::clone(&self.config)).accept(transport).into_fallible().await {
            Ok(stream) => Ok(halves(TlsStream::from(stream), socket)),
            Err((error, mut transport)) => {
                // The client was told why, if it can be told.
                shut_down(&socket)?;
                discard(&mut transport).await;
                Err(error)
            }
        }
    }
}

const PLAIN: &[u8] = b"ERROR this address speaks TLS; connect with tls: before it\r\n";
const PLAIN_REDIS: &[u8] = b"-ERR this address speaks TLS\r\n";

/// Reads what a client still sends, for a while.
async fn discard(from: &mut (impl AsyncRead + Unpin)) {
    let mut thrown_away = [0; 1024];
    let reading = async { while matches!(from.read(&mut thrown_away).await, Ok(1..)) {} };
    // It may send for ever.
    let _ = time::timeout(LINGER, reading).await;
}

impl ClientTls {
    /// Trusts the servers whose certificate an authority in this PEM file has issued. A certificate without an issuer is its own
    /// authority.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    pub fn from_ca(ca: impl AsRef<Path>) -> Result<Self, TlsError> {
        let authorities = files::authorities(ca.as_ref())?;
        let config = with_versions(ClientConfig::builder_with_provider(provider()));
        let config = config.with_root_certificates(Arc::clone(&authorities)).with_no_client_auth();
        Ok(Self { authorities, config: Arc::new(config) })
    }

    /// Shows the server this certificate, whose key is in the other PEM file.
    ///
    /// # Errors
    ///
    /// [`TlsError`], for instance if other users can read the key.
    pub fn certificate(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let identity = files::identity(certificate.as_ref(), key.as_ref(), &provider())?;
        let shown: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(identity));
        let config = with_versions(ClientConfig::builder_with_provider(provider()));
        let config = config.with_root_certificates(Arc::clone(&self.authorities)).with_client_cert_resolver(shown);
        self.config = Arc::new(config);
        Ok(self)
    }

    /// Shakes hands with the server of this host.
    pub(super) async fn connect(&self, host: &str, socket: TcpStream) -> io::Result<(Reader, Writer)> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        drop(socket.set_nodelay(true));
        let socket = Arc::new(socket);
        let transport = Transport { socket: Arc::clone(&socket), drain: Drain::new() };
        let connected = TlsConnector::from(Arc::clone(&self.config)).connect(name, transport).await;
        Ok(halves(connected.map_err(advise)?.into(), socket))
    }
}

/// TLS 1.2 and 1.3.
fn with_versions<S: ConfigSide>(config: ConfigBuilder<S, WantsVersions>) -> ConfigBuilder<S, WantsVerifier> {
    config.with_safe_default_protocol_versions().expect("the provider has ciphers for both")
}

fn halves(stream: TlsStream<Transport>, socket: Arc<TcpStream>) -> (Reader, Writer) {
    let (reader, writer) = split(stream);
    (TlsReader { half: reader, socket: Arc::clone(&socket) }.into(), TlsWriter { half: writer, socket }.into())
}

/// The reading half of a connection.
pub(super) struct TlsReader {
    half: ReadHalf<TlsStream<Transport>>,
    socket: Arc<TcpStream>,
}

impl TlsReader {
    /// The socket below.
    pub(super) fn socket(&self) -> &Arc<TcpStream> {
        &self.socket
    }
}

/// The writing half of a connection.
pub(super) struct TlsWriter {
    half: WriteHalf<TlsStream<Transport>>,
    socket: Arc<TcpStream>,
}

impl AsyncRead for TlsReader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // A server refuses a client's certificate after the client's handshake: that is what the first read says.
        Pin::new(&mut self.half).poll_read(cx, buf).map_err(advise)
    }
}

impl AsyncWrite for TlsWriter {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.half).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_flush(cx)
    }

    /// Sends a `close_notify` (T2).
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_shutdown(cx)
    }
}

impl Drop for TlsWriter {
    /// As without TLS, the other side hears that nothing more comes. Only closing says that this is all.
    fn drop(&mut self) {
        drop(shut_down(&self.socket));
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("knows_clients", &self.knows_clients).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}
