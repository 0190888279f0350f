//! Three programs of `kv serve --cluster`, and servers of NATS, of which something is killed, stopped or cut off again and again, while
//! clients put and read keys of a few buckets at all of them.
//!
//! Before that, a put at one of them is seen at the others by line, by RESP, in lists and as an event. Afterwards all programs read each key that was ever in use. Then some order of the operations of each key has to explain all answers:
//! so no put that was answered is lost, and no read is of an earlier time than it was asked at.
//!
//! How long it took until all buckets took puts again is printed beside what is promised. It does not fail the run: the machine may
//! have other things to do.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{join_all, select_all};
use futures::{FutureExt as _, select_biased};
use genserver::time;

use crate::chance::Chance;
use crate::client::Client;
use crate::everywhere;
use crate::network::Network;
use crate::node::{Node, Nodes, program};
use crate::record::Record;
use crate::servers::Servers;
use crate::times::Times;

/// How often something goes wrong, and how long a name lives, in seconds: what `cargo xtask cluster` says.
const COUNT: &str = "CLUSTER_RUN_COUNT";
const SECONDS: &str = "CLUSTER_RUN_TIME_TO_LIVE";
/// Draws other troubles.
const SEED: &str = "CLUSTER_RUN_SEED";

/// The programs.
const NODES: [&str; 3] = ["a", "b", "c"];

/// The buckets, which have their owners on different programs.
const BUCKETS: [&str; 6] = ["books", "games", "music", "films", "shopping", "notes"];

/// How many clients there are.
const CLIENTS: usize = 6;

/// A bucket that has taken no put after this time never will.
const HOPELESS: Duration = Duration::from_mins(3);

/// How long the run waits for an answer before it asks again.
const ASK_WITHIN: Duration = Duration::from_secs(2);

/// How long all is well between two troubles, or a little longer.
const CALM: Duration = Duration::from_secs(1);

/// The place of the keys that the run itself uses.
const OWN_PLACE: u64 = 9;

#[test]
#[ignore = "a moment of two processors: `cargo xtask cluster --buckets --quick`"]
fn a_killed_program_costs_no_put_that_was_answered() {
    run(&Plan { servers: 1, count: 1, time_to_live: Duration::from_secs(3), seed: 0, cuts: false });
}

#[test]
#[ignore = "half an hour: `cargo xtask cluster --buckets --kill 100`"]
fn no_put_is_lost_whatever_is_killed() {
    run(&Plan::asked(false));
}

#[test]
#[ignore = "needs root, and some minutes: `cargo xtask cluster --buckets --cut 20`"]
fn no_put_is_lost_whatever_is_cut_off() {
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
        let time_to_live = Duration::from_secs(number(SECONDS, genserver_cluster::TIME_TO_LIVE.as_secs()));
        let count = usize::try_from(number(COUNT, 3)).unwrap();
        Self { servers: 3, count, time_to_live, seed: number(SEED, 1), cuts }
    }
}

/// The programs and the servers. What is dropped last is last.
struct World {
    /// Nothing while it is killed.
    running: Vec<Option<Node>>,
    nodes: Nodes,
    servers: Servers,
    network: Option<Network>,
    record: Arc<Record>,
    chance: Chance,
    times: Vec<Times>,
}

/// What may happen to a program.
#[derive(Clone, Copy)]
enum Loss {
    Killed,
    /// It stands still until its buckets have other owners, and goes on.
    Frozen,
    Stopped,
    CutOff,
}

impl Loss {
    /// What is written above the times of it.
    fn title(self) -> &'static str {
        match self {
            Self::Killed => "a program is killed: all buckets take puts",
            Self::Frozen => "a program stands still: all buckets take puts",
            Self::Stopped => "a program is stopped: all buckets take puts",
            Self::CutOff => "a machine is cut off: all buckets take puts",
        }
    }
}

fn run(plan: &Plan) {
    let Some(program) = program() else { return };
    let network = plan.cuts.then(|| Network::new(NODES.len()));
    let Some(servers) = Servers::start(plan.servers, network.as_ref()) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let record = Arc::new(Record::default());
    runtime.block_on(async {
        let world = World::open(plan, program, servers, network, Arc::clone(&record)).await;
        // What runs is ended on the way out.
        select_biased! {
            () = told_to_end().fuse() => panic!("told to end"),
            () = world.go(plan).fuse() => (),
        }
    });
    let (operations, answered) = record.counts();
    println!("{operations} operations: {answered} answered");
    record.check_order();
    println!("no put is lost, and the history is linearizable");
}

/// Returns when Ctrl-C or SIGTERM comes.
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).unwrap());
    select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
}

impl World {
    async fn open(
        plan: &Plan,
        program: PathBuf,
        servers: Servers,
        network: Option<Network>,
        record: Arc<Record>,
    ) -> Self {
        let nodes = Nodes { program, time_to_live: plan.time_to_live, folder: servers.folder().to_owned() };
        let running = NODES.map(|_| None).into();
        let (chance, times) = (Chance::new(plan.seed), Vec::new());
        let mut world = Self { running, nodes, servers, network, record, chance, times };
        for number in 0..NODES.len() {
            world.start_node(number).await;
        }
        let mut client = world.client();
        for bucket in BUCKETS {
            let created = client.create(0, bucket);
            assert!(time::timeout(HOPELESS, created).await.is_ok(), "{bucket} cannot be made: {}", world.nodes.kept());
        }
        let sockets = NODES.map(|name| world.nodes.socket(name));
        let seen = time::timeout(HOPELESS, everywhere::check(&sockets, &BUCKETS)).await;
        assert!(seen.is_ok(), "a put is not seen everywhere: {}", world.nodes.kept());
        world
    }

    /// Starts a program, beside its own server if there are several.
    async fn start_node(&mut self, number: usize) {
        let addresses = self.servers.addresses_from(number % self.servers.count());
        let at = self.network.as_ref().map(|network| (network, number));
        self.running[number] = Some(self.nodes.start(NODES[number], &addresses, at).await);
    }

    fn client(&self) -> Client {
        Client::new(&NODES.map(|name| self.nodes.socket(name)))
    }

    /// Lets things go wrong while clients ask.
    async fn go(mut self, plan: &Plan) {
        let record = Arc::clone(&self.record);
        let clients = (0..CLIENTS).map(|number| {
            let seed = plan.seed + 1_000 * (1 + u64::try_from(number).unwrap());
            self.client().go_on(&record, &BUCKETS, Chance::new(seed))
        });
        let clients = join_all(clients);
        let troubles = async {
            for number in 1..=plan.count {
                let trouble = self.trouble(plan).await;
                println!("{number}/{}: {trouble}", plan.count);
            }
            self.settled().await;
        };
        select_biased! {
            () = troubles.fuse() => (),
            _ = clients.fuse() => unreachable!("they have no end"),
        }
        self.read_all().await;
        for node in self.running.iter_mut().filter_map(Option::take) {
            node.stop().await;
        }
        self.times.iter().for_each(|times| println!("{times}"));
    }

    /// Reads each key at each program.
    async fn read_all(&self) {
        let mut client = self.client();
        for (bucket, key) in self.record.keys() {
            for node in 0..NODES.len() {
                let read = async {
                    loop {
                        match client.read(node, &bucket, &key).await {
                            Ok(value) => return value,
                            Err(_) => time::sleep(Duration::from_millis(100)).await,
                        }
                    }
                };
                let value = time::timeout(HOPELESS, read).await;
                let value = value.unwrap_or_else(|_| panic!("{bucket} cannot be read: see {}", self.nodes.kept()));
                self.record.is_read_at_the_end(&bucket, &key, value);
            }
        }
    }

    /// Waits until all servers are up to date, and all programs take puts for all buckets.
    async fn settled(&self) {
        let settled = async {
            while !self.servers.are_current().await {
                time::sleep(Duration::from_millis(100)).await;
            }
            self.all_take_puts(&[0, 1, 2]).await;
        };
        let settled = time::timeout(HOPELESS, settled).await;
        assert!(settled.is_ok(), "the buckets or the servers did not recover: see {}", self.nodes.kept());
    }

    /// Waits until each of these programs has taken a put for each bucket.
    async fn all_take_puts(&self, nodes: &[usize]) {
        let each = nodes.iter().flat_map(|&node| BUCKETS.map(|bucket| (node, bucket)));
        let puts = each.map(async |(node, bucket)| {
            let mut client = self.client();
            while client.ask(node, &self.record, bucket, OWN_PLACE, true, ASK_WITHIN).await.is_err() {
                time::sleep(Duration::from_millis(50)).await;
            }
        });
        join_all(puts).await;
    }

    /// Lets one thing go wrong, and returns when all is well again. Returns what it was.
    async fn trouble(&mut self, plan: &Plan) -> String {
        self.settled().await;
        // So the clients have written something since the last.
        time::sleep(CALM + Duration::from_millis(self.chance.below(2_000))).await;
        if plan.cuts {
            return self.lose(Loss::CutOff, plan).await;
        }
        if plan.servers == 1 {
            return self.lose(Loss::Killed, plan).await;
        }
        match self.chance.below(10) {
            0..=4 => self.lose(Loss::Killed, plan).await,
            5 => self.lose(Loss::Frozen, plan).await,
            6 => self.lose(Loss::Stopped, plan).await,
            number => {
                let leader = self.servers.leader().await;
                // The leader in two cases of three.
                let server = if number < 9 { leader } else { (leader + 1) % self.servers.count() };
                self.kill_server(server).await
            }
        }
    }

    /// A program is lost, and comes back when the others have its buckets.
    async fn lose(&mut self, loss: Loss, plan: &Plan) -> String {
        let victim = usize::try_from(self.chance.below(3)).unwrap();
        let others: Vec<usize> = (0..NODES.len()).filter(|node| *node != victim).collect();
        let began = time::now();
        match loss {
            Loss::Killed => self.running[victim].take().into_iter().for_each(Node::kill),
            Loss::Frozen => self.running[victim].iter().for_each(Node::freeze),
            Loss::Stopped => {
                if let Some(node) = self.running[victim].take() {
                    node.stop().await;
                }
            }
            Loss::CutOff => self.network.iter().for_each(|network| network.cut(victim)),
        }
        let took = self.recovered(&others, began).await;
        match loss {
            Loss::Killed | Loss::Stopped => self.start_node(victim).await,
            Loss::Frozen => self.running[victim].iter().for_each(Node::thaw),
            Loss::CutOff => {
                time::sleep(Duration::from_millis(self.chance.below(5_000))).await;
                self.network.iter().for_each(|network| network.join(victim));
            }
        }
        let limit = Some(plan.time_to_live + BACK_WITHIN).filter(|_| !matches!(loss, Loss::Stopped));
        self.add(loss.title(), limit, took);
        let what = loss.title().split(':').next().unwrap_or_default();
        format!("{what}, {}; all buckets take puts after {took:.2?}", NODES[victim])
    }

    /// A server is killed, and started again after a while.
    async fn kill_server(&mut self, number: usize) -> String {
        let began = time::now();
        self.servers.kill(number);
        let took = self.recovered(&[0, 1, 2], began).await;
        time::sleep(Duration::from_millis(self.chance.below(5_000))).await;
        self.servers.restart(number, self.network.as_ref());
        self.add("a server of NATS is killed: all buckets take puts", None, took);
        format!("the server n{} is killed; all buckets take puts after {took:.2?}", number + 1)
    }

    /// How long it took from then until these programs took puts for all buckets.
    async fn recovered(&self, nodes: &[usize], began: Instant) -> Duration {
        let recovered = time::timeout(HOPELESS, self.all_take_puts(nodes)).await;
        assert!(recovered.is_ok(), "not all buckets take puts: see {}", self.nodes.kept());
        time::now() - began
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

/// How much later than a name's time to live all buckets have another owner, at most.
const BACK_WITHIN: Duration = Duration::from_secs(2);
