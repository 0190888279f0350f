//! A server of NATS that a test starts: the program that the variable `NATS_SERVER` names.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// What a server says before the address that it listens at.
const LISTENS: &str = "Listening for client connections on ";

pub(crate) struct Server {
    program: PathBuf,
    args: Vec<String>,
    data: TempDir,
    address: String,
    child: Child,
}

impl Server {
    /// Starts a server, or says that there is none.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn start_with(args: &[&str]) -> Option<Self> {
        let Some(program) = env::var_os("NATS_SERVER").map(PathBuf::from).filter(|program| program.is_file()) else {
            eprintln!("skipped: NATS_SERVER names no server; `cargo xtask cluster up` installs one");
            return None;
        };
        let data = tempfile::tempdir().unwrap();
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        // It takes a free port.
        let (child, address) = run(&program, &args, &data, "127.0.0.1:-1");
        Some(Self { program, args, data, address, child })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it as a power failure does.
    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, at the same address and with the same data.
    pub(crate) fn restart(&mut self) {
        (self.child, self.address) = run(&self.program, &self.args, &self.data, &self.address);
    }

    /// Lets it stand still: what is sent to it waits.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
        let process = self.child.id().to_string();
        let state = || Command::new("ps").args(["-o", "state=", "-p", &process]).output().unwrap().stdout;
        // The signal is on its way until then.
        while !state().starts_with(b"T") {}
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a server. Returns it when it is ready, with its address.
#[expect(clippy::disallowed_methods, reason = "reads what a real process says")]
fn run(program: &PathBuf, args: &[String], data: &TempDir, address: &str) -> (Child, String) {
    let (host, port) = address.split_once(':').unwrap();
    let mut command = Command::new(program);
    command.args(["--addr", host, "--port", port, "--jetstream", "--store_dir"]).arg(data.path()).args(args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut address = None;
    let mut said = String::new();
    for line in lines.by_ref().map(Result::unwrap) {
        if let Some((_, listens)) = line.split_once(LISTENS) {
            address = Some(listens.to_owned());
        }
        if line.contains("Server is ready") {
            // What it says later is read, so that it can go on.
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
            return (child, address.expect("it listens"));
        }
        said += &line;
        said.push('\n');
    }
    let status = child.wait().unwrap();
    panic!("the server ended with {status} and said\n{said}");
}
