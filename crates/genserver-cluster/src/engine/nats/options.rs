//! How one connects to NATS, and makes the places for keys, logs and events.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, Info, StorageType, Stream};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{ConnectOptions, ServerAddr, ToServerAddrs};

use super::keys::MARKER_SECONDS;
use super::link::Link;
use super::write::unavailable;
use super::{Inner, Nats};
use crate::engine::EngineError;
use crate::engine::subject::check;

/// How often the server is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// How long an operation waits for its answer, if nothing else was chosen.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How a [`Nats`] connects.
///
/// ```no_run
/// use genserver_cluster::engine::nats::{ConnectOptions, Options};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = ConnectOptions::with_credentials_file("shop.creds").await?.require_tls(true);
/// let servers = ["tls://n1.example.com", "tls://n2.example.com", "tls://n3.example.com"];
/// let nats = Options::new().client(client).replicas(3).connect(&servers[..]).await?;
/// # drop(nats);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Options {
    client: ConnectOptions,
    name: String,
    replicas: Option<usize>,
    answer_within: Duration,
    ping_interval: Duration,
}

impl Options {
    /// The defaults: no credentials, TLS if the server asks for it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            client: ConnectOptions::new(),
            name: "genserver".to_owned(),
            replicas: None,
            answer_within: ANSWER_WITHIN,
            ping_interval: PING_INTERVAL,
        }
    }

    /// The options of NATS's own client: credentials, certificates, buffers. Its callback for events and its interval of pings are
    /// replaced.
    ///
    /// A user is a name with a password, a key, or a file of credentials; an address has none. A server that asks for TLS gets it without an option. It is
    /// trusted if an authority of this machine has signed its certificate; if some are added here, it has to be one of those.
    #[must_use]
    pub fn client(self, client: ConnectOptions) -> Self {
        Self { client, ..self }
    }

    /// Where keys, logs and events are: `genserver` if nothing else is said. All members of a cluster need the same name.
    ///
    /// It is made of the letters, digits and signs of a key, without a `.`.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// How many servers keep each key, log and event, if this member is the first and makes the places for them: 1, 3 or 5.
    ///
    /// By default 3 if the server belongs to a cluster, and otherwise 1. With 1, what is kept is gone as long as its server is.
    #[must_use]
    pub fn replicas(self, replicas: usize) -> Self {
        Self { replicas: Some(replicas), ..self }
    }

    /// How long operations on keys, logs and events wait for their answer before they fail with [`EngineError::Unanswered`]: by default 5
    /// seconds.
    #[must_use]
    pub fn answer_within(self, within: Duration) -> Self {
        Self { answer_within: within, ..self }
    }

    /// How often the server is asked whether it is still there: by default every 5 seconds. A connection that breaks without a word is
    /// noticed when two pings were not answered.
    #[must_use]
    pub fn ping_interval(self, interval: Duration) -> Self {
        Self { ping_interval: interval, ..self }
    }

    /// Connects to a server, or to several, of which one answers. Makes the places for keys and logs if there are none.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unreachable`] if no server answers. [`EngineError::Refused`] if the server does not let this user in, has no
    /// JetStream, is too old, or has something else at these places.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub async fn connect(self, addresses: impl ToServerAddrs) -> Result<Nats, EngineError> {
        let Self { client, name, replicas, answer_within, ping_interval } = self;
        let addresses = servers(addresses)?;
        check(&name)?;
        if name.contains('.') {
            return Err(EngineError::Refused(format!("the name `{name}` has a `.`")));
        }
        let link = Link::connect(client.ping_interval(ping_interval), addresses, answer_within).await?;
        let replicas = replicas.unwrap_or_else(|| if link.client.server_info().cluster.is_some() { 3 } else { 1 });
        let context = jetstream::context::ContextBuilder::new().timeout(answer_within).build(link.client.clone());
        let keys = make(&context, keys(&name, replicas)).await?;
        make(&context, logs(&name, replicas)).await?;
        Ok(Nats { inner: Arc::new(Inner { link, context, name, replicas, keys }) })
    }
}

/// The servers, without users: the client of NATS would leave them out without a word.
fn servers(addresses: impl ToServerAddrs) -> Result<Vec<ServerAddr>, EngineError> {
    let refused = |why: String| EngineError::Refused(why);
    let servers: Vec<_> = addresses.to_server_addrs().map_err(|error| refused(error.to_string()))?.collect();
    if servers.iter().any(ServerAddr::has_user_pass) {
        return Err(refused("an address has no user and no password; give them to `Options::client`".to_owned()));
    }
    Ok(servers)
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of keys. It is one for the tools of NATS, too.
fn keys(name: &str, replicas: usize) -> Config {
    Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        storage: StorageType::File,
        num_replicas: replicas,
        allow_rollup: true,
        deny_delete: true,
        // Any replica would answer, and be behind for longer in a partition.
        allow_direct: false,
        allow_message_ttl: true,
        // A key that ends by itself leaves a marker, so that watches are told.
        subject_delete_marker_ttl: Some(Duration::from_secs(MARKER_SECONDS)),
        ..Config::default()
    }
}

/// The stream of logs.
fn logs(name: &str, replicas: usize) -> Config {
    Config {
        name: format!("LOG_{name}"),
        subjects: vec![format!("LOG.{name}.>")],
        storage: StorageType::File,
        num_replicas: replicas,
        allow_rollup: true,
        deny_delete: true,
        // Many entries are read by one request.
        allow_direct: true,
        ..Config::default()
    }
}

/// Makes a stream, unless it is there and can do what it has to.
pub(super) async fn make(context: &jetstream::Context, config: Config) -> Result<Stream<()>, EngineError> {
    let name = config.name.clone();
    let info = match context.create_stream(config.clone()).await {
        Ok(stream) => stream.cached_info().clone(),
        Err(error) if is_there_already(&error) => {
            let stream = context.get_stream(&name).await;
            stream.map_err(|error| EngineError::Unreachable(error.to_string()))?.cached_info().clone()
        }
        Err(error) => return Err(refused(&error)),
    };
    if !suffices(&config, &info) {
        let text = format!("its stream `{name}` was made for something else, or it is older than NATS 2.11");
        return Err(EngineError::Refused(text));
    }
    context.get_stream_no_info(&name).await.map_err(|error| EngineError::Refused(error.to_string()))
}

/// With other replicas or limits, it may be used all the same.
fn suffices(wanted: &Config, found: &Info) -> bool {
    let of = |config: &Config| {
        let ends = (config.allow_message_ttl, config.subject_delete_marker_ttl.is_some());
        (config.subjects.clone(), config.allow_rollup, config.allow_direct, ends)
    };
    of(wanted) == of(&found.config)
        && (wanted.max_messages_per_subject == 1) == (found.config.max_messages_per_subject == 1)
}

fn is_there_already(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NAME_EXIST)
}

/// What a server is told to lack whose JetStream nobody serves, be it never or not now.
pub(super) const NO_JETSTREAM: &str = "it has no JetStream";

fn refused(error: &CreateStreamError) -> EngineError {
    match error.kind() {
        CreateStreamErrorKind::TimedOut => EngineError::Unanswered,
        CreateStreamErrorKind::JetStreamUnavailable => EngineError::Refused(NO_JETSTREAM.to_owned()),
        // As long as the servers have no leader, for example.
        CreateStreamErrorKind::JetStream(error) => unavailable(&error),
        CreateStreamErrorKind::Response => EngineError::Unreachable(error.to_string()),
        _ => EngineError::Refused(error.to_string()),
    }
}
