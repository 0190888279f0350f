//! How a test starts the program of a node, talks to it, and ends it.

use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::{self, UnboundedReceiver};

use crate::network::Network;
use crate::node;

/// A program of a node that runs until this is dropped.
pub(super) struct Machine {
    name: String,
    child: Child,
    input: ChildStdin,
    said: UnboundedReceiver<String>,
}

/// What all nodes of a test have in common.
pub(super) struct Nodes {
    pub(super) time_to_live: Duration,
    /// The shelves that each is a candidate for.
    pub(super) shelves: Vec<String>,
}

impl Nodes {
    /// Starts a node, and returns when it is ready. What it reports is added to a file in the folder.
    #[expect(clippy::disallowed_methods, reason = "reads what a real program says")]
    pub(super) async fn start(
        &self,
        name: &str,
        servers: &[String],
        folder: &Path,
        at: Option<(&Network, usize)>,
    ) -> Machine {
        let program = env::current_exe().unwrap();
        let mut command = Network::command(at, &program);
        command.args(["--exact", "node::is_a_node", "--nocapture"]);
        command.env(node::NAME, name).env(node::SERVERS, servers.join(",")).env(node::SHELVES, self.shelves.join(","));
        command.env(node::TIME_TO_LIVE, self.time_to_live.as_millis().to_string());
        let reports = File::options().create(true).append(true).open(folder.join(format!("{name}.log"))).unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(reports).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (sender, said) = mpsc::unbounded();
        std::thread::spawn(move || {
            let lines = lines.filter_map(|line| line.strip_prefix(node::SAYS).map(str::to_owned));
            lines.map(|line| sender.unbounded_send(line)).take_while(Result::is_ok).for_each(drop);
        });
        let input = child.stdin.take().unwrap();
        let mut machine = Machine { name: name.to_owned(), child, input, said };
        assert_eq!(machine.says().await, "ready");
        machine
    }
}

impl Machine {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Tells it something, and returns what it says to that.
    pub(super) async fn told(&mut self, line: &str) -> String {
        self.tell(line);
        self.says().await
    }

    pub(super) fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    pub(super) async fn says(&mut self) -> String {
        let line = self.said.next().await;
        line.unwrap_or_else(|| panic!("the node {} has ended, and its log says why", self.name))
    }

    /// Ends it at once, as a machine that is gone.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it stand still.
    pub(super) fn freeze(&self) {
        signal(&self.child, "-STOP");
    }

    pub(super) fn thaw(&self) {
        signal(&self.child, "-CONT");
    }
}

fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill").arg(signal).arg(child.id().to_string()).status();
    assert!(status.unwrap().success());
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
