//! What only a whole program shows: signals, and a program that runs out of descriptors.
//!
//! The program is this one, started again to run one of the tests that are left out otherwise.
#![cfg(feature = "net")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "sockets live in the machine's own time")]

#[path = "support/load.rs"]
mod load;
#[path = "support/socket.rs"]
mod socket;

use std::env;
use std::io::{BufRead, BufReader};
use std::pin::pin;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use genserver::Node;
use genserver::report::Report;
use kv_core::Store;
use kv_server::Limits;
use kv_server::net::{Address, Signals, connect};
use load::{CLIENTS, Load};
use socket::{Client, SOON, limits, options, soon};

/// How long the program may take to drain, in milliseconds.
const DRAIN: &str = "KV_SERVER_TEST_DRAIN";

/// Longer than a test waits for anything.
const LONG: Duration = SOON.saturating_mul(2);

/// A server in a program of its own, ended with the test.
struct Program {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts `test` of this program, after `shell`, which may set limits.
    fn start(test: &str, shell: &str, drain: Duration) -> Self {
        let run = format!("{shell} exec \"$0\" --exact {test} --ignored --nocapture");
        let mut command = Command::new("sh");
        command.arg("-c").arg(run).arg(env::current_exe().unwrap());
        command.env(DRAIN, drain.as_millis().to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What stands behind `word` in the next line that has it.
    fn said(&mut self, word: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find_map(|line| Some(line.split_once(word)?.1.trim().to_owned())).expect("the program has ended")
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for it to end, and asserts that it ended well.
    fn ends(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

/// A test that fails leaves no program behind.
impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[tokio::test]
#[ignore = "it is the program that other tests start"]
#[expect(clippy::print_stdout, reason = "it talks to the test that has started it")]
async fn serve_until_told() {
    let Ok(drain) = env::var(DRAIN) else { return };
    let drain = Duration::from_millis(drain.parse().unwrap());
    let mut signals = Signals::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start().await.unwrap();
    let options = options().listen(Address::Unix(folder.path().join("kv.sock"))).drain(drain);
    let server = options.start(store.clone()).await.unwrap();
    println!("port {}", server.addresses()[0]);
    println!("socket {}", server.addresses()[1]);

    println!("signal {}", signals.next().await);
    if let Either::Right((signal, _)) = select(pin!(server.stop()), pin!(signals.next())).await {
        println!("signal {signal}");
    }
    for client in 0..CLIENTS {
        if let Some(bucket) = store.lookup(&load::bucket(client)) {
            let last = bucket.get("last").await.unwrap().unwrap_or_default();
            println!("last {}", String::from_utf8_lossy(&last));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_loses_no_reply_of_twenty_clients() {
    let mut program = Program::start("serve_until_told", "", LONG);
    let addresses: [Address; 2] = [program.said("port "), program.said("socket ")].map(|said| said.parse().unwrap());
    let load = Load::start(&addresses, 1).await;
    load.is_under_way().await;

    let before = Instant::now();
    program.signal("-TERM");
    assert_eq!(program.said("signal "), "SIGTERM");
    let answered = load.answered().await;
    let carried_out: Vec<usize> = answered.iter().map(|_| program.said("last ").parse().unwrap()).collect();
    assert_eq!(carried_out, answered);
    program.ends();
    assert!(before.elapsed() < LONG);
    assert!(connect(&addresses[1]).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let mut program = Program::start("serve_until_told", "", LONG);
    let address = program.said("port ").parse().unwrap();
    let mut stuck = Client::connect(&address).await;
    let value = "v".repeat(60_000);
    stuck.send(format!("CREATE s\r\nPUT s k {value}\r\n{}", "GET s k\r\n".repeat(500))).await;
    assert_eq!(stuck.line().await, "OK\r\n");

    program.signal("-TERM");
    assert_eq!(program.said("signal "), "SIGTERM");
    program.signal("-INT");
    assert_eq!(program.said("signal "), "SIGINT");
    program.ends();
}

#[tokio::test]
#[ignore = "it is the program that other tests start"]
#[expect(clippy::print_stdout, reason = "it talks to the test that has started it")]
async fn run_out_of_descriptors() {
    if env::var(DRAIN).is_err() {
        return;
    }
    let mut reports = Node::current().reports();
    let store = Store::start().await.unwrap();
    let server = options().limits(Limits { connections: 1_000, ..limits() }).start(store).await.unwrap();
    let Some(Report::Custom(fewer)) = reports.next().await else { panic!("it says that there are fewer") };
    assert_eq!(fewer.detail("connections"), Some(&*server.connections_max().to_string()));
    assert_eq!(fewer.detail("told to take"), Some("1000"));
    println!("connections {}", server.connections_max());

    // Files that somebody else opens, until none is left; then a client, for which there is one again.
    let address = &server.addresses()[0];
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    files.pop();
    let mut client = Client::connect(address).await;
    client.send("PING\r\n").await;
    let Some(Report::Custom(trouble)) = reports.next().await else { panic!("it says that it cannot accept") };
    println!("error {}", trouble.detail("error").unwrap());
    assert_eq!(trouble.detail("address"), Some(&*address.to_string()));
    drop(files);
    assert_eq!(client.line().await, "PONG\r\n");
    assert_eq!(reports.try_next(), None, "it is told once");
    server.stop().await.unwrap();
    println!("served at last");
}

#[tokio::test]
async fn a_program_without_descriptors_is_told_so_and_serves_when_it_has_some_again() {
    let run = || {
        let mut program = Program::start("run_out_of_descriptors", "ulimit -n 50;", Duration::ZERO);
        assert_eq!(program.said("connections "), "25");
        assert!(program.said("error ").contains("os error 24"));
        program.said("served at last");
        program.ends();
    };
    soon(tokio::task::spawn_blocking(run)).await.unwrap();
}
