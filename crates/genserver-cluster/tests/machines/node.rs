//! A member of a cluster as a program: this test program, started again with a name in its environment.
//!
//! It connects, stands as a candidate for some shelves, and says `ready`. Then it does what each line of its input says, and
//! answers with one line:
//!
//! | input | answer |
//! |---|---|
//! | `start NAME` | `started`, or `refused` and why |
//! | `put NAME KEY VALUE`, `get NAME KEY` | the value and who answers, or `failed` and why |
//! | `stop` | `stopped`, and it ends |
//!
//! It also ends when its input does, so that it does not outlive its test.

use std::env;
use std::io::Write as _;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::future::{Either, select};
use genserver::supervisor::Supervisor;
use genserver::time;
use genserver_cluster::engine::Revision;
use genserver_cluster::engine::nats::{ConnectOptions, Nats, Options};
use genserver_cluster::{Cluster, NamedServer, RemoteCallError};

use crate::shelf::{Answer, Get, Put, Shelf, ShelfArgs};

/// The name space of all members.
pub(super) const SPACE: &str = "machines";

/// What the program is told: its name, ...
pub(super) const NAME: &str = "CLUSTER_NODE";
/// ... the addresses of the servers, separated by commas, ...
pub(super) const SERVERS: &str = "CLUSTER_NODE_SERVERS";
/// ... how long a name lives, in milliseconds, ...
pub(super) const TIME_TO_LIVE: &str = "CLUSTER_NODE_TIME_TO_LIVE";
/// ... and the shelves that it is a candidate for, separated by commas.
pub(super) const SHELVES: &str = "CLUSTER_NODE_SHELVES";

/// What is before each line that the program says: the test runner says others.
pub(super) const SAYS: &str = "node: ";

/// Servers do end here, and are started again each time.
const RESTARTS_MAX: u32 = 1_000_000;

/// The program. As a test, without a name, it does nothing.
#[test]
fn is_a_node() {
    let Ok(name) = env::var(NAME) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut input = input();
        // Without a test there is nobody to be ready for.
        let node = {
            let start = pin!(Node::start(name));
            match select(start, input.next()).await {
                Either::Left((node, _)) => node,
                Either::Right(_) => return,
            }
        };
        say("ready");
        node.obey(input).await;
    });
}

fn say(line: &str) {
    let line = format!("{SAYS}{line}\n");
    // In one write, so that a kill does not leave half a line.
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

/// The lines of the input.
#[expect(clippy::disallowed_methods, reason = "waits for what a real program is told")]
fn input() -> UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        lines.map(|line| sender.unbounded_send(line)).take_while(Result::is_ok).for_each(drop);
    });
    lines
}

struct Node {
    engine: Nats,
    writer: String,
    cluster: Cluster,
    supervisor: Supervisor,
    /// Those that it was told to start.
    started: Vec<NamedServer<Shelf>>,
}

impl Node {
    async fn start(name: String) -> Self {
        let servers: Vec<String> = env::var(SERVERS).unwrap().split(',').map(str::to_owned).collect();
        let time_to_live = Duration::from_millis(env::var(TIME_TO_LIVE).unwrap().parse().unwrap());
        let engine = connect(&servers).await;
        let options = Cluster::over(engine.clone()).name_space(SPACE).member(name.as_str());
        let (member, cluster) = options.time_to_live(time_to_live).child_spec("cluster");
        let mut tree = Supervisor::one_for_one().max_restarts(RESTARTS_MAX).child(member);
        let writer = format!("{name}-{}", std::process::id());
        for shelf in env::var(SHELVES).unwrap().split(',').filter(|shelf| !shelf.is_empty()) {
            let args = args(&engine, &writer, shelf);
            tree = tree.child(cluster.singleton::<Shelf>(shelf, move || args.clone()));
        }
        let supervisor = tree.start().await.unwrap();
        Self { engine, writer, cluster, supervisor, started: Vec::new() }
    }

    async fn obey(mut self, mut input: UnboundedReceiver<String>) {
        while let Some(line) = input.next().await {
            let words: Vec<&str> = line.split(' ').collect();
            let answer = match *words {
                ["start", name] => self.start_named(name).await,
                ["put", name, key, value] => {
                    let put = Put { key: key.to_owned(), value: value.parse().unwrap() };
                    said(self.cluster.named::<Shelf>(name).call(put).await)
                }
                ["get", name, key] => said(self.cluster.named::<Shelf>(name).call(Get { key: key.to_owned() }).await),
                ["stop"] => {
                    self.supervisor.stop().await.unwrap();
                    return say("stopped");
                }
                _ => panic!("`{line}` says nothing to a node"),
            };
            say(&answer);
        }
    }

    async fn start_named(&mut self, name: &str) -> String {
        match self.cluster.start_named::<Shelf>(name, args(&self.engine, &self.writer, name)).await {
            Ok(shelf) => {
                self.started.push(shelf);
                "started".to_owned()
            }
            Err(error) => format!("refused: {error}"),
        }
    }
}

/// Connects to the first of them that answers, as soon as one does. Others of the cluster are not asked.
///
/// # Panics
///
/// If none has answered after three minutes.
pub(super) async fn connect(servers: &[String]) -> Nats {
    let until = time::now() + Duration::from_mins(3);
    loop {
        assert!(time::now() < until, "none of {servers:?} answers");
        let client = ConnectOptions::new().ping_interval(PING_INTERVAL).retain_servers_order();
        let client = client.ignore_discovered_servers();
        if let Ok(engine) = Options::new().client(client).connect(servers).await {
            return engine;
        }
        time::sleep(Duration::from_millis(100)).await;
    }
}

/// How often it is seen whether a server is still there.
const PING_INTERVAL: Duration = Duration::from_secs(2);

fn args(engine: &Nats, writer: &str, shelf: &str) -> ShelfArgs {
    let log = format!("{SPACE}.{shelf}");
    ShelfArgs { engine: engine.clone(), log, writer: writer.to_owned(), fence: Revision::default() }
}

fn said(answer: Result<Answer, RemoteCallError>) -> String {
    match answer {
        Ok(Answer { value, writer, .. }) => format!("{value} of {writer}"),
        Err(error) => format!("failed: {error}"),
    }
}
