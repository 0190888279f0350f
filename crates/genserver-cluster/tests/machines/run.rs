//! A cluster in which something is killed, stopped or cut off again and again, while clients write and read.
//!
//! Afterwards:
//!
//! - No log has an entry of an owner behind one of a later owner, and no two programs wrote as one owner.
//! - Each put that was answered is in the log, where the answer says. None that was refused is, and none is there twice.
//! - No owner answers a call that began when a later one had answered.
//! - Some order of the operations of each key explains all answers: the history is linearizable.
//!
//! How long it took until a stand-in heard of an end, and until a shelf answered again, is printed beside what is promised. It does
//! not fail the run: the machine may have other things to do.

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{join_all, select_all};
use futures::{FutureExt as _, select_biased};
use genserver::time;
use genserver_cluster::engine::nats::Nats;
use genserver_cluster::engine::{Engine as _, LogEntry, Position, Revision};
use genserver_cluster::{Cluster, StandIn, TIME_TO_LIVE};

use crate::audit::audit;
use crate::chance::Chance;
use crate::clients::{ask, go_on};
use crate::machine::{Machine, Nodes};
use crate::network::Network;
use crate::node::{SPACE, connect};
use crate::record::Record;
use crate::servers::Servers;
use crate::shelf::Answer;
use crate::times::Times;

// What happens to the cluster.
mod troubles;

/// How often something goes wrong, and how long a name lives, in seconds: what `cargo xtask cluster` says.
const COUNT: &str = "CLUSTER_RUN_COUNT";
const SECONDS: &str = "CLUSTER_RUN_TIME_TO_LIVE";
/// Draws other troubles.
const SEED: &str = "CLUSTER_RUN_SEED";

/// The nodes.
const NODES: [&str; 3] = ["a", "b", "c"];

/// The names that any of them may have.
const SHELVES: [&str; 3] = ["books", "games", "music"];

/// How many clients there are at each member of the test.
const CLIENTS: usize = 2;

/// A shelf that has not answered after this time never will.
const HOPELESS: Duration = Duration::from_mins(3);

/// How long the run waits for an answer before it asks again. So it sees one soon.
const ASK_WITHIN: Duration = Duration::from_millis(500);

/// The place of the keys that the run itself uses.
const OWN_PLACE: u64 = 9;

#[test]
#[ignore = "a moment of two processors: `cargo xtask cluster --quick`"]
fn a_killed_node_costs_nothing_that_was_answered() {
    run(&Plan { servers: 1, count: 1, time_to_live: Duration::from_secs(3), seed: 0, cuts: false });
}

#[test]
#[ignore = "half an hour: `cargo xtask cluster --kill 100`"]
fn nothing_is_lost_and_no_owner_is_another_whatever_is_killed() {
    run(&Plan::asked(false));
}

#[test]
#[ignore = "needs root, and some minutes: `cargo xtask cluster --cut 20`"]
fn nothing_is_lost_and_no_owner_is_another_whatever_is_cut_off() {
    run(&Plan::asked(true));
}

/// What a run does.
struct Plan {
    servers: usize,
    count: usize,
    time_to_live: Duration,
    seed: u64,
    /// Whether cables are pulled. Otherwise programs are killed.
    cuts: bool,
}

impl Plan {
    fn asked(cuts: bool) -> Self {
        let number = |name, default| env::var(name).map_or(default, |text| text.parse().unwrap());
        let time_to_live = Duration::from_secs(number(SECONDS, TIME_TO_LIVE.as_secs()));
        let count = usize::try_from(number(COUNT, 3)).unwrap();
        Self { servers: 3, count, time_to_live, seed: number(SEED, 1), cuts }
    }
}

/// The nodes, the servers, and the test as some members beside the nodes. What is dropped last is last.
struct World {
    /// Nothing while it is killed.
    machines: Vec<Option<Machine>>,
    nodes: Nodes,
    servers: Servers,
    network: Option<Network>,
    members: Vec<Member>,
    record: Arc<Record>,
    chance: Chance,
    times: Vec<Times>,
}

/// A member that is part of the test. It knows two servers, so that there is one that does not know a third.
struct Member {
    engine: Nats,
    cluster: Cluster,
}

fn run(plan: &Plan) {
    let network = plan.cuts.then(|| Network::new(NODES.len()));
    let Some(servers) = Servers::start(plan.servers, network.as_ref()) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let record = Arc::new(Record::default());
    let logs = runtime.block_on(async {
        let world = World::open(plan, servers, network, Arc::clone(&record)).await;
        // What runs is ended on the way out.
        select_biased! {
            () = told_to_end().fuse() => panic!("told to end"),
            logs = world.go(plan).fuse() => logs,
        }
    });
    let operations = record.operations();
    let mut wrong = record.wrong();
    for (shelf, log) in logs {
        let audit = audit(&shelf, &log, &operations);
        println!("{shelf}: {} owners, {} puts in the log", audit.owners, audit.puts);
        wrong.extend(audit.wrong);
    }
    let answered = operations.iter().filter(|operation| operation.is_answered()).count();
    let unknown = operations.iter().filter(|operation| operation.is_unknown()).count();
    println!("{} operations: {answered} answered, {unknown} unknown", operations.len());
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
    record.check_order();
    println!("nothing is lost, no owner is another, and the history is linearizable");
}

/// Returns when Ctrl-C or SIGTERM comes.
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).unwrap());
    select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
}

impl World {
    async fn open(plan: &Plan, servers: Servers, network: Option<Network>, record: Arc<Record>) -> Self {
        let nodes = Nodes { time_to_live: plan.time_to_live, shelves: SHELVES.map(str::to_owned).to_vec() };
        let mut members = Vec::new();
        for number in 0..servers.count() {
            let mut addresses = servers.addresses_from(number);
            addresses.truncate(2);
            let engine = connect(&addresses).await;
            let cluster = Cluster::over(engine.clone()).name_space(SPACE).member("test");
            let cluster = cluster.time_to_live(plan.time_to_live).start().await.unwrap();
            members.push(Member { engine, cluster });
        }
        let machines = NODES.map(|_| None).into();
        let (chance, times) = (Chance::new(plan.seed), Vec::new());
        let mut world = Self { machines, nodes, servers, network, members, record, chance, times };
        for number in 0..NODES.len() {
            world.start_node(number).await;
        }
        world
    }

    /// Starts a node, beside its own server if there are several.
    async fn start_node(&mut self, number: usize) {
        let addresses = self.servers.addresses_from(number % self.servers.count());
        let at = self.network.as_ref().map(|network| (network, number));
        let machine = self.nodes.start(NODES[number], &addresses, self.servers.folder(), at).await;
        self.machines[number] = Some(machine);
    }

    /// Lets things go wrong while clients ask. Returns the logs of all shelves.
    async fn go(mut self, plan: &Plan) -> Vec<(String, Vec<LogEntry>)> {
        let clusters = self.members.iter().map(|member| member.cluster.clone()).collect::<Vec<_>>();
        let (record, shelves) = (Arc::clone(&self.record), self.nodes.shelves.clone());
        let clients = (0..CLIENTS * clusters.len()).map(|number| {
            let seed = plan.seed + 1_000 * (1 + u64::try_from(number).unwrap());
            go_on(&record, &clusters[number % clusters.len()], &shelves, Chance::new(seed))
        });
        let troubles = async {
            for number in 1..=plan.count {
                let trouble = self.trouble(plan).await;
                println!("{number}/{}: {trouble}", plan.count);
            }
            self.settled().await
        };
        let last = select_biased! {
            last = troubles.fuse() => last,
            _ = join_all(clients).fuse() => unreachable!("they have no end"),
        };
        let mut logs = Vec::new();
        for (shelf, answer) in &last {
            logs.push((shelf.clone(), self.log(shelf, answer.position).await));
        }
        for machine in self.machines.iter_mut().flatten() {
            assert_eq!(machine.told("stop").await, "stopped");
        }
        self.times.iter().for_each(|times| println!("{times}"));
        logs
    }

    /// Waits until all servers are up to date, and all shelves take a put. Returns what they answered.
    async fn settled(&self) -> BTreeMap<String, Answer> {
        let settled = async {
            while !self.servers.are_current().await {
                time::sleep(Duration::from_millis(100)).await;
            }
            let mut answers = BTreeMap::new();
            for shelf in &self.nodes.shelves {
                answers.insert(shelf.clone(), self.answer_after(shelf, 0).await);
            }
            answers
        };
        let settled = time::timeout(HOPELESS, settled).await;
        settled.unwrap_or_else(|_| panic!("the shelves or the servers did not recover: see {}", self.kept()))
    }

    /// Puts until an owner with a larger fence answers.
    async fn answer_after(&self, shelf: &str, fence: u64) -> Answer {
        let answers = self.members.iter().map(|member| {
            Box::pin(async move {
                loop {
                    match ask(&self.record, &member.cluster, shelf, OWN_PLACE, true, ASK_WITHIN).await {
                        Ok(answer) if answer.fence > fence => return answer,
                        _ => time::sleep(Duration::from_millis(50)).await,
                    }
                }
            })
        });
        // One of them may be connected to a server that is gone.
        select_all(answers).await.0
    }

    /// Reads a log that has come to this position, or further.
    async fn log(&self, shelf: &str, position: u64) -> Vec<LogEntry> {
        let name = format!("{SPACE}.{shelf}");
        let (mut log, mut last) = (Vec::<LogEntry>::new(), Position::default());
        let whole = async {
            while last.0 < position {
                // What is read may be old: E7.
                match self.members[0].engine.read(&name, last, 500).await {
                    Ok(entries) => log.extend(entries),
                    Err(_) => time::sleep(Duration::from_millis(100)).await,
                }
                last = log.last().map_or(last, |entry| entry.position);
            }
        };
        assert!(time::timeout(HOPELESS, whole).await.is_ok(), "the log {name} cannot be read to its end");
        log
    }

    /// Keeps the logs of all programs, and says where.
    fn kept(&self) -> String {
        let kept = env::temp_dir().join(format!("cluster-run-{}", std::process::id()));
        std::fs::create_dir_all(&kept).unwrap();
        for file in std::fs::read_dir(self.servers.folder()).unwrap().flatten() {
            if file.path().is_file() {
                std::fs::copy(file.path(), kept.join(file.file_name())).unwrap();
            }
        }
        kept.display().to_string()
    }

    /// Adds a time to those of its kind.
    fn add(&mut self, what: &'static str, limit: Option<Duration>, took: Duration) {
        if let Some(times) = self.times.iter_mut().find(|times| times.is_of(what)) {
            return times.add(took);
        }
        let mut times = Times::new(what, limit);
        times.add(took);
        self.times.push(times);
    }
}

/// A shelf whose owner is about to be lost.
struct Watched {
    shelf: String,
    fence: Revision,
    stand_in: StandIn,
}

/// How long it took.
struct Lost {
    /// Until the stand-in ended, ...
    down: Duration,
    /// ... and until another owner answered.
    back: Duration,
}

impl World {
    /// Waits for what follows a loss that began then.
    async fn lost(&self, watched: &Watched, began: Instant) -> Lost {
        let down = async {
            watched.stand_in.process_ref().ended().await;
            time::now() - began
        };
        let back = async {
            self.answer_after(&watched.shelf, watched.fence.0).await;
            time::now() - began
        };
        let lost = time::timeout(HOPELESS, futures::future::join(down, back)).await;
        let (down, back) = lost.unwrap_or_else(|_| panic!("{} did not come back: see {}", watched.shelf, self.kept()));
        Lost { down, back }
    }
}
