//! Programs that are run: with pipes, as servers, and how long a test waits for them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Nothing here takes a second on an idle machine; a test that waits as long as this is stuck.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// `kv` as a test starts it: with nothing of the person's who runs the tests, and no folder for a store.
pub(crate) fn kv(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kv"));
    command.args(arguments).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a program to its end with this input.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that leaves before it has read everything is not this function's business.
    let writing = thread(move || drop(stdin.write_all(&input)));
    let output = end(child);
    writing.recv_timeout(LIMIT).unwrap();
    output
}

/// What a program printed and how it ended; one that goes on for too long is ended.
pub(crate) fn end(child: Child) -> Output {
    let pid = Pid::from_child(&child);
    let ended = thread(move || child.wait_with_output().unwrap());
    ended.recv_timeout(LIMIT).unwrap_or_else(|_| {
        kill_process(pid, Signal::KILL).unwrap();
        let output = ended.recv().unwrap();
        panic!("kv was still running after {LIMIT:?}; it had printed {}", text(&output.stdout));
    })
}

/// Does something that may block, aside; what comes of it arrives in the channel.
#[expect(clippy::disallowed_methods, reason = "waits for real programs, which no runtime knows of")]
pub(crate) fn thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || drop(sender.send(work())));
    receiver
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a program printed, if it ended as it should.
#[track_caller]
pub(crate) fn printed(output: &Output, code: i32) -> String {
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{output:?}; it said: {complaint}");
    text(&output.stdout)
}

/// A program whose output is read while it runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
    printed: Receiver<String>,
    said: Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let printed = lines(child.stdout.take().unwrap());
        let said = lines(child.stderr.take().unwrap());
        Self { child: Some(child), printed, said }
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.printed.recv_timeout(LIMIT).expect("another line of output")
    }

    /// The next line that it says to the person at the terminal.
    #[track_caller]
    pub(crate) fn said(&self) -> String {
        self.said.recv_timeout(LIMIT).expect("another message")
    }

    /// The same, until it says nothing more.
    pub(crate) fn said_yet(&self) -> Option<String> {
        self.said.recv_timeout(LIMIT).ok()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it is running until `end`");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it is running until `end`").id()
    }

    /// How it ended; what it printed was for `line` and `said`.
    pub(crate) fn end(mut self) -> Output {
        end(self.child.take().expect("it is running until `end`"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            drop((child.kill(), child.wait()));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for real programs, which no runtime knows of")]
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines();
        lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

/// `kv serve` on a port of its own.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) running: Running,
    /// What `--connect` takes.
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    pub(crate) fn start_at(address: &str) -> Self {
        Self::of(kv(&["serve", "--memory", "--listen", address]))
    }

    /// A server that is started so.
    pub(crate) fn of(command: Command) -> Self {
        let running = Running::start(command);
        let line = running.line();
        let address = line.strip_prefix("listening on ").expect(&line).to_owned();
        Self { running, address }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn leave(self) {
        self.running.signal(Signal::TERM);
        assert_eq!(self.running.end().status.code(), Some(0));
    }

    /// Runs one command of `kv` on this server.
    pub(crate) fn kv(&self, arguments: &[&str]) -> Output {
        self.kv_with(arguments, b"")
    }

    pub(crate) fn kv_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = kv(&["--connect", &self.address]);
        command.args(arguments);
        run(command, input)
    }
}
