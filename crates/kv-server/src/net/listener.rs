//! Listening sockets: binding, permissions, and cleaning up.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixSocket, UnixStream, lookup_host};

use super::StartServerError;
use super::address::Address;
use super::notices::Notices;
use super::stream::{self, Reader, Writer};
use super::tls::ServerTls;
use super::who::Who;
use crate::drain::Drain;

/// How many unaccepted connections the system may hold. Linux uses its own `somaxconn` if that is less.
pub(super) const BACKLOG: u32 = 1024;

/// The silence after which the system probes a TCP client. A client that lost power never closes its connection.
const KEEPALIVE: Duration = Duration::from_mins(5);

/// A bound socket that lives as long as its server: an acceptor on it may crash, and the next one continues.
pub(super) struct Socket {
    /// The address that it is bound to, with the actual port.
    pub(super) address: Address,
    pub(super) spoken: Spoken,
    /// What an operator is told of its clients.
    pub(super) notices: Arc<Notices>,
    listener: Mutex<Option<Arc<Listener>>>,
}

/// A client that has connected.
pub(super) enum Accepted {
    Plain(Reader, Writer),
    Tls(Unshaken),
}

/// A client that has connected where TLS is spoken, before its handshake.
pub(super) struct Unshaken {
    socket: TcpStream,
    from: SocketAddr,
    tls: ServerTls,
    notices: Arc<Notices>,
}

/// What the clients of a socket may speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spoken {
    /// Lines, or RESP if the first byte is a `*`.
    LinesOrResp,
    Resp,
}

pub(super) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, ServerTls),
    Unix(UnixListener, #[expect(dead_code, reason = "removes the file when the listener goes")] SocketFile),
}

impl Socket {
    /// Binds `address`, if it asks enough of [`Who`] connects.
    pub(super) async fn bind(address: &Address, spoken: Spoken, who: &Who) -> Result<Self, StartServerError> {
        let (address, listener) = match address {
            Address::Tcp { host, port } => {
                let (listener, bound) = bind_host(address, host, *port, |found| who.may_listen(found, None)).await?;
                (bound.into(), Listener::Tcp(listener))
            }
            Address::Tls { host, port } => {
                let tls = who.tls.as_ref();
                let (listener, bound) = bind_host(address, host, *port, |found| who.may_listen(found, tls)).await?;
                let bound = Address::Tls { host: bound.ip().to_string(), port: bound.port() };
                let tls = tls.ok_or_else(|| StartServerError::NoCertificate { address: address.clone() })?;
                (bound, Listener::Tls(listener, tls.clone()))
            }
            Address::Unix(path) => (address.clone(), bind_unix(path).await?),
        };
        let notices = Arc::new(Notices::of(address.clone()));
        Ok(Self { address, spoken, notices, listener: Mutex::new(Some(Arc::new(listener))) })
    }

    /// Accepts the next connection of a listener of this socket.
    pub(super) async fn accept(&self, listener: &Listener) -> io::Result<Accepted> {
        let (reader, writer) = match listener {
            Listener::Tcp(listener) => stream::of_tcp(listener.accept().await?.0),
            Listener::Unix(listener, _) => stream::of_unix(listener.accept().await?.0),
            Listener::Tls(listener, tls) => {
                let (socket, from) = listener.accept().await?;
                let notices = Arc::clone(&self.notices);
                return Ok(Accepted::Tls(Unshaken { socket, from, notices, tls: tls.clone() }));
            }
        };
        Ok(Accepted::Plain(reader, writer))
    }

    /// The socket to accept on, unless it is closed.
    pub(super) fn listener(&self) -> Option<Arc<Listener>> {
        self.listener.lock().clone()
    }

    /// Refuses clients from now on.
    pub(super) fn close(&self) {
        drop(self.listener.lock().take());
    }
}

impl Accepted {
    /// Tells a client that is not served, if that is possible without waiting.
    pub(super) fn refuse(self, refusal: &str) {
        match self {
            // A new connection has space for a line. If not, the client is refused all the same.
            Self::Plain(_reader, writer) => drop(writer.try_write(refusal.as_bytes())),
            // It would take a handshake to be told.
            Self::Tls(_) => {}
        }
    }

    /// The connection, once both sides are ready.
    pub(super) async fn open(self, drain: &Drain) -> io::Result<(Reader, Writer)> {
        match self {
            Self::Plain(reader, writer) => Ok((reader, writer)),
            // In a box of its own, so that sessions without TLS are not as large.
            Self::Tls(unshaken) => Box::pin(unshaken.shake_hands(drain)).await,
        }
    }
}

impl Unshaken {
    /// Shakes hands. If that fails, an operator is told why: a client often cannot tell its user.
    async fn shake_hands(self, drain: &Drain) -> io::Result<(Reader, Writer)> {
        let Self { socket, from, tls, notices } = self;
        let opened = tls.accept(socket, drain).await;
        // A server that stops cuts handshakes off.
        if let Err(error) = &opened
            && !drain.has_begun()
            && let Some(what) = ServerTls::refusal(error)
        {
            notices.tell("Session", what, |told| told.with("from", from.to_string()).with("error", error.to_string()));
        }
        opened
    }
}

/// Binds an address of a host, if a server may listen on all that its name stands for.
async fn bind_host(
    address: &Address,
    host: &str,
    port: u16,
    may_listen: impl Fn(&[SocketAddr]) -> bool,
) -> Result<(TcpListener, SocketAddr), StartServerError> {
    let failed = |source| StartServerError::Bind { address: address.clone(), source };
    let found: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(failed)?.collect();
    if !may_listen(&found) {
        return Err(StartServerError::NotLoopback { address: address.clone() });
    }
    let listener = bind_first(&found).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Binds the first address that works: a name may have several.
fn bind_first(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name stands for no address");
    for address in addresses {
        match bind_tcp(*address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Otherwise the port would stay taken for a minute after the last server.
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit both. Systems that do not support them go without.
    drop(socket.set_keepalive(true));
    let _ = sockopt::set_tcp_keepidle(&socket, KEEPALIVE);
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Binds a path, replacing the socket of a server that is gone.
///
/// No client can connect before `listen`, and by then other users have no access to the file.
async fn bind_unix(path: &Path) -> Result<Listener, StartServerError> {
    remove_stale_socket(path).await?;
    let bind = || -> io::Result<Listener> {
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        let file = SocketFile::new(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        Ok(Listener::Unix(socket.listen(BACKLOG)?, file))
    };
    bind().map_err(|source| StartServerError::Bind { address: Address::Unix(path.to_owned()), source })
}

/// Removes a socket that no process listens on. Any other file stays.
async fn remove_stale_socket(path: &Path) -> Result<(), StartServerError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(StartServerError::NotASocket { path: path.to_owned() });
    }
    match UnixStream::connect(path).await {
        Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
            drop(SocketFile { path: path.to_owned(), identity: identity(&found) });
            Ok(())
        }
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => Ok(()),
        // The server answers, or is too busy to.
        _ => Err(StartServerError::InUse { path: path.to_owned() }),
    }
}

/// The file of a Unix socket, removed when this is dropped.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(&fs::symlink_metadata(path)?) })
    }

    /// Removes the file, unless it has been replaced by another.
    fn remove(&self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity);
        if is_ours {
            // If this fails, the next server replaces the file.
            drop(fs::remove_file(&self.path));
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
