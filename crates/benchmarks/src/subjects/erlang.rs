//! Erlang's own `gen_server`: a node for each runtime, told on its standard input what to do next.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::{Ask, World};
use crate::allocations::{Allocations, Counting};
use crate::contenders::Contender;
use crate::memory;
use crate::workloads::Shape;

const PROGRAM: &str = include_str!("../../erlang/bench.erl");

/// The original.
#[derive(Debug)]
pub struct Erlang {
    scratch: PathBuf,
    nodes: [Option<Node>; 2],
}

/// A running `erl`. It ends when its standard input does.
#[derive(Debug)]
struct Node {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Erlang {
    /// Its name in the tables and on the command line.
    pub const ID: &'static str = "erlang";

    /// Uses that folder for the compiled program, if there is an Erlang on the path.
    pub fn find(scratch: &Path) -> Option<Self> {
        let folders = env::var_os("PATH")?;
        let mut folders = env::split_paths(&folders);
        let found = folders.any(|folder| folder.join("erl").is_file());
        found.then(|| Self { scratch: scratch.to_owned(), nodes: [None, None] })
    }

    /// Gives the node of that runtime an order of the form "NAME NUMBER OPS", and waits until it says how long that took.
    pub fn run(&mut self, world: World, order: &str) -> Duration {
        Duration::from_nanos(self.node(world).order(order))
    }

    fn node(&mut self, world: World) -> &mut Node {
        let (at, schedulers) = match world {
            World::TwoWorkers => (0, "2:2"),
            World::OneThread => (1, "1:1"),
        };
        let scratch = &self.scratch;
        self.nodes[at].get_or_insert_with(|| {
            compile(scratch);
            Node::start(scratch, schedulers)
        })
    }
}

fn compile(scratch: &Path) {
    let source = scratch.join("bench.erl");
    fs::create_dir_all(scratch).and_then(|()| fs::write(&source, PROGRAM)).expect("the build's folder is writable");
    let compiled = Command::new("erlc").arg("-o").arg(scratch).arg(&source).stdout(Stdio::null()).status();
    assert!(compiled.expect("erlc is where erl is").success(), "erlc refuses {}", source.display());
}

impl Node {
    fn start(scratch: &Path, schedulers: &str) -> Self {
        let mut process = Command::new("erl")
            .args(["-noshell", "+P", "2000000", "+S", schedulers, "-pa"])
            .arg(scratch)
            .args(["-s", "bench"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("erl is on the path");
        let orders = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, orders, answers }
    }

    /// Gives an order and waits for the number that answers it.
    fn order(&mut self, order: &str) -> u64 {
        writeln!(self.orders, "{order}").expect("the node reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the node answers");
        answer.trim().parse().unwrap_or_else(|error| panic!("the node answered {answer:?} to {order}: {error}"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Contender for Erlang {
    fn id(&self) -> &'static str {
        Self::ID
    }

    fn time(&mut self, world: World, shape: Shape, ops: u64) -> Duration {
        let mut order = match shape {
            Shape::Call(clients, Ask::Plain) | Shape::Queued(clients) => format!("call {clients}"),
            Shape::Call(clients, Ask::Awaiting) => format!("awaiting {clients}"),
            Shape::Cast(producers) => format!("cast {producers}"),
            Shape::Ring(servers) => format!("ring {servers}"),
            Shape::Lives => "lives 1".to_owned(),
        };
        write!(order, " {ops}").expect("a string takes everything");
        self.run(world, &order)
    }

    fn idle_bytes(&mut self, servers: usize) -> Option<u64> {
        let node = self.node(World::OneThread);
        node.order("idle 1 1");
        let before = memory::resident(node.process.id())?;
        node.order(&format!("idle {servers} 1"));
        memory::resident(node.process.id())?.checked_sub(before)
    }

    fn allocations(&mut self, _counting: Counting) -> Option<Allocations> {
        None
    }

    fn lateness(&mut self, _ticks: u32) -> Option<Duration> {
        None
    }
}
