//! Members that connect to NATS when they are started.

use std::fmt;
use std::sync::Arc;

use async_nats::{ServerAddr, ToServerAddrs};
use genserver::StartError;

use crate::cluster::{Cluster, ClusterOptions};
use crate::engine::nats::Nats;
use crate::engine::{Engine, EngineError};

/// The servers of NATS that a member connects to: see [`Cluster::connect`].
pub struct NatsServers(Result<Vec<ServerAddr>, String>);

impl Cluster {
    /// A member of the cluster on this server of NATS, or on these, with options to set before it is started. Starting it connects.
    ///
    /// This is [`over`](Self::over) an engine that [`Nats::connect`] returns. Credentials, certificates and all else that a connection may
    /// need are [`Options`](crate::engine::nats::Options): connect with those, and give what they return to `over`. So does a member
    /// that is a [child](ClusterOptions::child_spec) of a supervisor.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use genserver_cluster::Cluster;
    /// use genserver_cluster::engine::nats::{ConnectOptions, Options};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let servers = ["nats://n1.example.com", "nats://n2.example.com", "nats://n3.example.com"];
    /// let shop = Cluster::connect(&servers[..]).name_space("shop").member("a").start().await?;
    ///
    /// // With credentials, and over TLS:
    /// let client = ConnectOptions::with_credentials_file("shop.creds").await?.require_tls(true);
    /// let nats = Options::new().client(client).connect(&servers[..]).await?;
    /// let shop = Cluster::over(nats).name_space("shop").member("a").start().await?;
    /// # drop(shop);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(servers: impl ToServerAddrs) -> ClusterOptions<NatsServers> {
        let servers = servers.to_server_addrs().map(Iterator::collect).map_err(|error| error.to_string());
        ClusterOptions::new(NatsServers(servers))
    }
}

impl ClusterOptions<NatsServers> {
    /// Connects to NATS, and starts the member.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if no server answers, if they do not let this program in, or if the member does not start.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends what it has begun.
    pub async fn start(self) -> Result<Cluster, ConnectError> {
        Ok(self.connected().await?.start().await?)
    }

    /// Connects to NATS, and starts the member linked with the calling process: see [`genserver::start_link`].
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends what it has begun.
    pub async fn start_link(self) -> Result<Cluster, ConnectError> {
        Ok(self.connected().await?.start_link().await?)
    }

    async fn connected(self) -> Result<ClusterOptions, ConnectError> {
        let (name_space, member) = self.names();
        let (servers, options) = self.replace(());
        let listed = servers.to_string();
        let connected = match servers.0 {
            Ok(servers) => Nats::connect(servers).await,
            Err(why) => Err(EngineError::Refused(why)),
        };
        let nats = connected.map_err(|why| ConnectError::Engine { name_space, member, servers: listed.into(), why })?;
        let nats: Arc<dyn Engine> = Arc::new(nats);
        Ok(options.replace(nats).1)
    }
}

/// Their hosts and ports, without passwords.
impl fmt::Display for NatsServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(servers) = &self.0 else { return f.write_str("what is not an address") };
        for (n, server) in servers.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}:{}", server.host(), server.port())?;
        }
        Ok(())
    }
}

impl fmt::Debug for NatsServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NatsServers({self})")
    }
}

/// Why a member was not connected and started.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// NATS is not connected, or is not what a cluster needs.
    #[error("the member {member} of the cluster {name_space} is not connected to NATS at {servers}: {why}")]
    Engine {
        /// The name space.
        name_space: Arc<str>,
        /// The name of the member.
        member: Arc<str>,
        /// The hosts and ports of the servers.
        servers: Arc<str>,
        /// Why not.
        why: EngineError,
    },
    /// The process of the member did not start. The connection was closed.
    #[error(transparent)]
    Start(#[from] StartError),
}
