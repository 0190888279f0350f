//! How a test starts the program `kv serve --cluster`, and ends it.

use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::channel::oneshot;
use genserver::time;

use crate::network::Network;

/// The program, which `cargo xtask cluster` has built.
const PROGRAM: &str = "KV_PROGRAM";

/// A program that does not listen after this time never will.
const HOPELESS: Duration = Duration::from_mins(3);

/// The pause before a program is started again.
const START_AGAIN: Duration = Duration::from_millis(100);

/// The name space of all programs.
const SPACE: &str = "machines";

/// Where the program is, or nothing if it was not built.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(super) fn program() -> Option<PathBuf> {
    let program = env::var_os(PROGRAM).map(PathBuf::from).filter(|program| program.is_file());
    if program.is_none() {
        eprintln!("skipped: {PROGRAM} names no program; `cargo xtask cluster --buckets --quick` builds one");
    }
    program
}

/// A program that runs until this is dropped.
pub(super) struct Node(Child);

/// What all programs of a test have in common.
pub(super) struct Nodes {
    pub(super) program: PathBuf,
    pub(super) time_to_live: Duration,
    /// Where their sockets and reports are.
    pub(super) folder: PathBuf,
}

impl Nodes {
    /// The socket of a program. A client reaches it also while the machine is cut off from all others.
    pub(super) fn socket(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sock"))
    }

    /// Starts a program, and returns when it listens. What it reports is added to a file in the folder. If no server of NATS answers yet,
    /// it ends, and is started again, as a service manager does.
    pub(super) async fn start(&self, name: &str, servers: &[String], at: Option<(&Network, usize)>) -> Node {
        let until = time::now() + HOPELESS;
        loop {
            if let Some(node) = self.start_once(name, servers, at).await {
                return node;
            }
            assert!(time::now() < until, "the node {name} ends, and its log says why: {}", self.kept());
            time::sleep(START_AGAIN).await;
        }
    }

    /// Returns nothing if it has ended before it listens.
    #[expect(clippy::disallowed_methods, reason = "reads what a real program says")]
    async fn start_once(&self, name: &str, servers: &[String], at: Option<(&Network, usize)>) -> Option<Node> {
        let socket = self.socket(name);
        // That of a program that was killed is still there.
        let _ = std::fs::remove_file(&socket);
        let mut command = Network::command(at, &self.program);
        command.args(["serve", "--cluster", &servers.join(","), "--name-space", SPACE, "--member", name]);
        command.arg("--time-to-live").arg(format!("{}s", self.time_to_live.as_secs()));
        command.arg("--listen").arg(format!("unix:{}", socket.display()));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(self.log(name)).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let (sender, listens) = oneshot::channel();
        std::thread::spawn(move || {
            let mut sender = Some(sender);
            for line in lines {
                if line.starts_with("listening on ") {
                    // The test may have given up.
                    sender.take().map(|sender| sender.send(()));
                }
            }
        });
        let node = Node(child);
        let listens = time::timeout(HOPELESS, listens).await;
        let listens = listens.unwrap_or_else(|_| panic!("the node {name} does not listen: {}", self.kept()));
        listens.is_ok().then_some(node)
    }

    fn log(&self, name: &str) -> File {
        File::options().create(true).append(true).open(self.folder.join(format!("{name}.log"))).unwrap()
    }

    /// Where the reports of all programs are, for the text of a failure. They are kept.
    pub(super) fn kept(&self) -> String {
        let kept = env::temp_dir().join(format!("cluster-buckets-{}", std::process::id()));
        std::fs::create_dir_all(&kept).unwrap();
        let files = std::fs::read_dir(&self.folder).unwrap().flatten();
        for file in files.filter(|file| Path::new(&file.file_name()).extension().is_some_and(|it| it == "log")) {
            std::fs::copy(file.path(), kept.join(file.file_name())).unwrap();
        }
        kept.display().to_string()
    }
}

impl Node {
    /// Ends it at once, as a machine that is gone.
    pub(super) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    #[expect(clippy::disallowed_methods, reason = "waits for a real program")]
    pub(super) async fn stop(mut self) {
        self.signal("-TERM");
        let (sender, ended) = oneshot::channel();
        std::thread::spawn(move || sender.send(self.0.wait().unwrap()));
        let status = time::timeout(HOPELESS, ended).await.expect("it ends within 5 seconds").unwrap();
        assert!(status.success(), "a node that was asked to end says {status}");
    }

    /// Lets it stand still.
    pub(super) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(super) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.0.id().to_string()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
