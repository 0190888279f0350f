//! A server that shares its buckets with others: `kv serve --cluster`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use kv_cluster::genserver_cluster::engine::nats::{ConnectOptions, Options};
use kv_cluster::genserver_cluster::{Cluster, TIME_TO_LIVE};
use kv_cluster::{ClusterStore, LogStorage};
use kv_core::RemoteStore;
use kv_core::genserver::supervisor::Supervisor;
use kv_core::genserver::{AsProcess as _, Reason, StopError};
use kv_server::ServedStore;

use crate::arguments::ClusterArguments;
use crate::exit::{Exit, Failure};

/// How often the member may end by itself, within a minute, before this program does.
const RESTARTS_MAX: u32 = 10;
const WITHIN: Duration = Duration::from_mins(1);

/// Which member of which cluster.
#[derive(Debug)]
pub(crate) struct Membership {
    servers: Vec<String>,
    member: String,
    name_space: String,
    time_to_live: Duration,
    credentials: Option<PathBuf>,
    authority: Option<PathBuf>,
}

impl Membership {
    /// What the arguments say.
    pub(crate) fn new(arguments: ClusterArguments) -> Result<Self, Failure> {
        let servers = arguments.nats.unwrap_or_default();
        let servers: Vec<String> = servers.split(',').map(|url| url.trim().to_owned()).collect();
        if servers.iter().any(String::is_empty) {
            let message =
                "--cluster names the servers of NATS, separated by commas, as in nats://n1,nats://n2,nats://n3";
            return Err(Failure::new(Exit::Usage, message));
        }
        // They would be shown in the greeting and in errors.
        if servers.iter().any(|url| url.contains('@')) {
            let message = "an address of --cluster has no user and no password, which others could read; give NATS a file with \
                           --nats-credentials";
            return Err(Failure::new(Exit::Usage, message));
        }
        Ok(Self {
            servers,
            member: arguments.member.unwrap_or_default(),
            name_space: arguments.name_space.unwrap_or_else(|| "kv".to_owned()),
            time_to_live: arguments.time_to_live.unwrap_or(TIME_TO_LIVE),
            credentials: arguments.nats_credentials,
            authority: arguments.nats_ca,
        })
    }

    /// Connects, and becomes a member.
    pub(crate) async fn begin(&self) -> Result<Member, Failure> {
        let failed = |error: &dyn fmt::Display| Failure::new(Exit::Server, format_args!("{self}: {error}"));
        let mut client = ConnectOptions::new();
        if let Some(file) = &self.credentials {
            let read = client.credentials_file(file).await;
            client = read.map_err(|error| {
                let file = file.display();
                let message = format_args!(
                    "{file} has no credentials for NATS: {error}; name another file with --nats-credentials"
                );
                Failure::new(Exit::Refused, message)
            })?;
        }
        if let Some(file) = &self.authority {
            client = client.add_root_certificates(file.clone()).require_tls(true);
        }
        let connected = Options::new().client(client).connect(&self.servers[..]).await;
        let engine = connected.map_err(|error| failed(&error).or("look whether NATS runs there, with JetStream"))?;
        let options = Cluster::over(engine.clone()).name_space(&*self.name_space).member(&*self.member);
        let (member, cluster) = options.time_to_live(self.time_to_live).child_spec("cluster");
        let tree = Supervisor::one_for_one().max_restarts(RESTARTS_MAX).within(WITHIN).child(member);
        let supervisor = tree.start().await.map_err(|error| failed(&error))?;
        let storage = LogStorage::over(engine).name_space(&*self.name_space);
        match ClusterStore::start(cluster, storage).await {
            Ok(store) => Ok(Member { store, supervisor }),
            Err(error) => {
                // So that its names are free at once. The error says more than one of this would.
                let _ = supervisor.stop().await;
                Err(failed(&error))
            }
        }
    }
}

/// For a greeting.
impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { servers, member, name_space, .. } = self;
        write!(f, "the member {member} of the cluster {name_space} on NATS at {}", servers.join(", "))
    }
}

/// The store, as a member of a cluster.
#[derive(Debug)]
pub(crate) struct Member {
    store: ClusterStore,
    supervisor: Supervisor,
}

impl Member {
    pub(crate) fn served(&self) -> ServedStore {
        let store: Arc<dyn RemoteStore> = Arc::new(self.store.clone());
        store.into()
    }

    /// Returns if it ends by itself.
    pub(crate) async fn ended(&self) -> Reason {
        let processes = [self.store.as_process(), self.supervisor.as_process()];
        let ended = processes.into_iter().flatten().map(|process| Box::pin(async move { process.ended().await }));
        select_all(ended).await.0
    }

    /// Gives its buckets to the others.
    pub(crate) async fn stop(&self) -> Result<(), StopError> {
        let stopped = self.store.stop().await;
        // Also after a failure: the others wait for its names.
        self.supervisor.stop().await.and(stopped)
    }
}
