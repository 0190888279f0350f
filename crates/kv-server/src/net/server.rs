//! A running server: its tree of processes, and its options.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::report::{CustomReport, Level, Report};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{AsProcess, Ended, ProcessRef, Reason, StartError, StopError};

use super::acceptor::Acceptor;
use super::address::Address;
use super::connections::Connections;
use super::descriptors;
use super::listener::{Socket, Spoken};
use super::service::{Service, Sessions};
#[cfg(feature = "tls")]
use super::tls::ServerTls;
use super::who::Who;
use crate::limits::Limits;
use crate::password::PasswordHash;
use crate::served::ServedStore;
use crate::session::Session;

/// A reference to a running server: see the [module](super).
///
/// It is cheap to clone, and neither keeps the server alive nor ends it.
#[derive(Clone, Debug)]
pub struct Server {
    supervisor: Supervisor,
    addresses: Arc<[Address]>,
    connections: Arc<Connections>,
}

/// The options of a [`Server`].
///
/// # Examples
///
/// ```
/// # use kv_core::Store;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = Store::start().await?;
/// # let folder = tempfile::tempdir()?;
/// # let path = format!("unix:{}/kv.sock", folder.path().display());
/// use std::time::Duration;
/// use kv_server::Limits;
/// use kv_server::net::Server;
///
/// let server = Server::options()
///     .listen("localhost:0".parse()?)
///     .listen(path.parse()?)
///     .limits(Limits { connections: 100, ..Limits::default() })
///     .drain(Duration::from_secs(1))
///     .start(store)
///     .await?;
/// assert_eq!(server.addresses().len(), 2);
/// # server.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a server starts when `start` is awaited"]
pub struct ServerOptions {
    addresses: Vec<(Address, Spoken)>,
    who: Who,
    limits: Limits,
    drain: Duration,
}

/// Why a server did not start. Nothing of it is left running.
///
/// # Examples
///
/// ```
/// # use kv_core::Store;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = Store::start().await?;
/// use kv_server::net::{Server, StartServerError};
///
/// let refused =
///     Server::options().listen("0.0.0.0:0".parse()?).start(store).await.unwrap_err();
/// assert!(matches!(refused, StartServerError::NotLoopback { .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartServerError {
    /// Other machines could connect to this address, and there is no password: every client could do everything.
    #[error(
        "{address} can be reached from other machines, and the server has no password; set one with `password`, ask clients of \
         an address with tls: for certificates, listen on 127.0.0.1 or on a Unix socket, or say `insecure_listen(true)` if the \
         network itself keeps strangers out"
    )]
    NotLoopback {
        /// The address.
        address: Address,
    },
    /// An address is one of TLS, and the server has no certificate.
    #[error("there is no certificate for {address}; give one with its key, or listen on an address without tls:")]
    NoCertificate {
        /// The address.
        address: Address,
    },
    /// Another server listens on that Unix socket.
    #[error("a server listens on unix:{} already; stop it, or listen on another path", path.display())]
    InUse {
        /// The path of the socket.
        path: PathBuf,
    },
    /// The path exists and is not a socket.
    #[error("{} is there already, and is not a socket; remove it, or listen on another path", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The system did not allow the server to listen there.
    #[error("cannot listen on {address}: {source}; stop who uses it, or listen on another address")]
    Bind {
        /// The address.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// Its processes did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Server {
    /// Returns the options of a server, to be set before it starts. By default it listens on 127.0.0.1, port 4040.
    pub fn options() -> ServerOptions {
        ServerOptions {
            addresses: Vec::new(),
            who: Who::default(),
            limits: Limits::default(),
            drain: Duration::from_secs(5),
        }
    }

    /// The addresses on which it listens, in the order of the options, with the actual ports.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// How many clients are connected.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kv_core::Store;
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// use kv_server::net::{self, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::start().await?;
    /// let server = Server::options().listen("127.0.0.1:0".parse()?).start(store).await?;
    /// let (mut reader, mut writer) = net::connect(&server.addresses()[0]).await?;
    /// writer.write_all(b"PING\r\n").await?;
    /// reader.read_exact(&mut [0; 6]).await?;
    /// assert_eq!(server.connections(), 1);
    /// # server.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connections(&self) -> usize {
        self.connections.open()
    }

    /// How many clients may be connected at once: [`Limits::connections`], or fewer if the process has fewer descriptors.
    pub fn connections_max(&self) -> usize {
        self.connections.limit()
    }

    /// Drains and stops the server: new clients are refused, what has arrived is answered, and sessions end. Sessions that
    /// take longer than [`drain`](ServerOptions::drain) are cut off. When this returns, the addresses are free.
    ///
    /// The store keeps running.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`](genserver::ServerRef::stop). A server that has already ended, or that is being stopped
    /// elsewhere, is not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping it stops waiting. The server ends all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kv_core::Store;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::start().await?;
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// use kv_server::net::{self, Server};
    ///
    /// let server = Server::options().listen("127.0.0.1:0".parse()?).start(store).await?;
    /// let (mut reader, mut writer) = net::connect(&server.addresses()[0]).await?;
    /// writer.write_all(b"PING\r\n").await?;
    /// server.stop().await?;
    ///
    /// let mut answers = String::new();
    /// reader.read_to_string(&mut answers).await?;
    /// assert_eq!(answers, "PONG\r\n");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) -> Result<(), StopError> {
        match self.supervisor.stop().await {
            Err(StopError::NoProc { .. } | StopError::Exit { reason: Reason::Normal, .. }) => Ok(()),
            other => other,
        }
    }

    /// Waits until the server has ended, and returns the reason: for a program with nothing else to do. A server ends when
    /// it is [stopped](Self::stop), or when something in it crashes again and again.
    pub fn ended(&self) -> Ended {
        self.supervisor.process_ref().ended()
    }
}

#[cfg(test)]
impl Server {
    /// The process of a child.
    pub(super) async fn child(&self, id: &str) -> ProcessRef {
        let children = self.supervisor.which_children().await.unwrap();
        let child = children.iter().find(|child| child.info.id.starts_with(id)).expect("there is such a child");
        child.state.process().expect("it runs").clone()
    }
}

impl AsProcess for Server {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.supervisor.process_ref())
    }
}

impl ServerOptions {
    /// Adds an address to listen on. Port 0 is any free port.
    ///
    /// A Unix socket is closed to other users (mode 0700), replaces the socket of a dead server, and is removed when the
    /// server ends.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kv_core::Store;
    /// use kv_server::net::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::start().await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("kv.sock");
    /// let socket = format!("unix:{}", path.display());
    /// let server = Server::options()
    ///     .listen("127.0.0.1:0".parse()?)
    ///     .listen(socket.parse()?)
    ///     .start(store)
    ///     .await?;
    /// assert!(path.exists());
    /// server.stop().await?;
    /// assert!(!path.exists());
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen(mut self, address: Address) -> Self {
        self.addresses.push((address, Spoken::LinesOrResp));
        self
    }

    /// Adds an address to listen on for clients of Redis only.
    ///
    /// They can also use an address of [`listen`](Self::listen), unless they begin with an inline command: see
    /// [`Session::resp`]. `redis-benchmark` does in one of its tests, and so does a person with `nc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kv_core::Store;
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// use kv_server::net::{self, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::start().await?;
    /// let server = Server::options()
    ///     .listen("127.0.0.1:0".parse()?)
    ///     .listen_resp("127.0.0.1:0".parse()?)
    ///     .start(store)
    ///     .await?;
    /// let (mut reader, mut writer) = net::connect(&server.addresses()[1]).await?;
    /// writer.write_all(b"PING\r\n").await?;
    /// let mut reply = [0; 7];
    /// reader.read_exact(&mut reply).await?;
    /// assert_eq!(&reply, b"+PONG\r\n");
    /// # server.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen_resp(mut self, address: Address) -> Self {
        self.addresses.push((address, Spoken::Resp));
        self
    }

    /// Makes clients log in with this password, on every address. By default there is none, and the server listens only where no
    /// other machine can connect: see [the module](super#who-may-connect).
    ///
    /// # Examples
    ///
    /// The password is in a file that only its owner can read, or its hash is:
    ///
    /// ```
    /// # use std::fs::{self, Permissions};
    /// # use std::os::unix::fs::PermissionsExt;
    /// # use kv_core::Store;
    /// use kv_server::PasswordHash;
    /// use kv_server::net::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::start().await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("password");
    /// # fs::write(&path, "open sesame\n")?;
    /// # fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    /// let server = Server::options()
    ///     .listen("0.0.0.0:0".parse()?)
    ///     .password(PasswordHash::read(&path)?)
    ///     .start(store)
    ///     .await?;
    /// # server.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn password(mut self, hash: PasswordHash) -> Self {
        self.who.password = Some(hash);
        self
    }

    /// Allows listening where other machines can connect although there is no password (default: false): every client there can
    /// read and change everything.
    ///
    /// # Examples
    ///
    /// In a container whose network keeps strangers out:
    ///
    /// ```
    /// # use kv_core::Store;
    /// use kv_server::net::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::start().await?;
    /// let server = Server::options()
    ///     .listen("0.0.0.0:0".parse()?)
    ///     .insecure_listen(true)
    ///     .start(store)
    ///     .await?;
    /// # server.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn insecure_listen(mut self, insecure: bool) -> Self {
        self.who.insecure = insecure;
        self
    }

    /// Sets the limits of clients and their number.
    ///
    /// Each connection takes a file descriptor. If the process has fewer than [`Limits::connections`], there are fewer
    /// connections, and a report says so: see [`raise_descriptor_limit`](super::raise_descriptor_limit).
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the certificate for addresses with TLS, as `tls:127.0.0.1:4040`, which is then the default. With the feature `tls`.
    ///
    /// An address that other machines can reach is served without a password if clients have to have certificates:
    /// [`ServerTls::client_ca`]. A handshake may take 5 seconds, and a client takes its place before it.
    ///
    /// # Examples
    ///
    /// See [`ServerTls`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.who.tls = Some(tls);
        self
    }

    /// Sets how long sessions may take to drain when the server is [stopped](Server::stop) (default: 5 seconds).
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Starts the server. It serves `store`, which has to run as long as the server does.
    ///
    /// # Errors
    ///
    /// [`StartServerError`].
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its drivers enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping it starts nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    /// use kv_server::net::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// let server = Server::options().listen("127.0.0.1:0".parse()?).start(store.clone()).await?;
    /// store.create("shopping").await?;
    /// server.stop().await?;
    /// assert!(store.lookup("shopping").is_some(), "the store is left alone");
    /// # store.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start(self, store: impl Into<ServedStore>) -> Result<Server, StartServerError> {
        let session = Session::new(store).limits(self.limits);
        let session = match &self.who.password {
            Some(hash) => session.password(hash.clone()),
            None => session,
        };
        let sessions = |spoken| Sessions {
            session: match spoken {
                Spoken::LinesOrResp => session.clone(),
                Spoken::Resp => session.clone().resp(),
            },
        };
        self.start_service(sessions).await
    }

    /// The same with any service, made for what is spoken at a socket.
    pub(super) async fn start_service<S: Service>(
        mut self,
        service: impl Fn(Spoken) -> S,
    ) -> Result<Server, StartServerError> {
        if self.addresses.is_empty() {
            self.addresses.push((self.default_address(), Spoken::LinesOrResp));
        }
        let mut sockets = Vec::new();
        for (address, spoken) in &self.addresses {
            sockets.push(Arc::new(Socket::bind(address, *spoken, &self.who).await?));
        }
        let addresses = sockets.iter().map(|socket| socket.address.clone()).collect();
        let connections = Connections::new(descriptors::connections(self.limits.connections));
        let supervisor = self.tree(sockets, service, &connections).start().default_label("server").await?;
        self.tell_fewer(&supervisor, &connections);
        Ok(Server { supervisor, addresses, connections })
    }

    /// The default address, with TLS if there is a certificate.
    fn default_address(&self) -> Address {
        match Address::default() {
            Address::Tcp { host, port } if self.who.tls.is_some() => Address::Tls { host, port },
            address => address,
        }
    }

    /// The supervisor of the sessions first and the acceptors after it, so that the acceptors are stopped first. No child
    /// is stopped because of another: an acceptor that is told to stop closes its socket for good.
    fn tree<S: Service>(
        &self,
        sockets: Vec<Arc<Socket>>,
        service: impl Fn(Spoken) -> S,
        connections: &Arc<Connections>,
    ) -> genserver::supervisor::SupervisorSpec {
        let sessions = ChildSpec::supervisor("sessions", || DynamicSupervisor::new().start_link());
        let reference = sessions.reference();
        let acceptors = sockets.into_iter().map(|socket| {
            let id = format!("acceptor on {}", socket.address);
            let (sessions, connections) = (reference.clone(), Arc::clone(connections));
            let service = Arc::new(service(socket.spoken));
            let acceptor = Acceptor { socket, sessions, connections, service, drain: self.drain };
            ChildSpec::process(id, move |me| acceptor.clone().run(me))
        });
        Supervisor::one_for_one().child(sessions).children(acceptors)
    }

    fn tell_fewer(&self, supervisor: &Supervisor, connections: &Connections) {
        if connections.limit() == self.limits.connections {
            return;
        }
        supervisor.process_ref().report(Level::Warning, |me| {
            let what = "takes fewer connections than it was told to: raise the limit of open files (ulimit -n)";
            let told = CustomReport::new(me, Level::Warning, "Server", what);
            let told = told.with("connections", connections.limit().to_string());
            let told = told.with("told to take", self.limits.connections.to_string());
            Report::Custom(told.with("descriptors allowed", descriptors::allowed().to_string()))
        });
    }
}
