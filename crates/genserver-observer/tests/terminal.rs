//! The observer at a terminal: one look at a program, and the terminal after a panic. `kv top` has the rest of the tests at a terminal.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::io::Read;
use std::pin::pin;
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use genserver::Node;
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver_observer::terminal::{AskError, Top};
use genserver_observer::{Observer, Serving};
use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::signal::unix::{SignalKind, signal};

/// Nothing here takes a second on an idle machine; a test that waits as long as this is stuck.
const LIMIT: Duration = Duration::from_mins(1);

const TOKEN: &str = "k7Zq1xVw9TnR4bLc";

/// Some processes with names, and a page that shows them.
async fn shown(node: &Node) -> Serving {
    let agents = (1..=3).map(|number| {
        ChildSpec::server(format!("agent-{number}"), move || genserver::agent::Agent::start_link(move || number))
    });
    Supervisor::one_for_one().children(agents).start().await.unwrap();
    Observer::new(node).token(TOKEN.parse().unwrap()).serve("127.0.0.1:0").unwrap()
}

#[tokio::test]
async fn one_look_has_the_processes_as_text_and_as_json() {
    let page = shown(&Node::current()).await;
    let address = page.address().to_string();
    let top = Top::new(&address).token(TOKEN).unwrap();
    let seen = top.snapshot().await.unwrap();
    let text = seen.to_string();
    for number in 1..=3 {
        assert!(text.contains(&format!("  agent-{number}  waiting ")), "{text}");
    }
    assert_eq!(seen.processes.total, seen.tiles.processes);
    let json = serde_json::to_value(&seen).unwrap();
    assert_eq!(json["processes"]["rows"].as_array().unwrap().len(), seen.processes.rows.len());

    let refused = Top::new(&address).snapshot().await.unwrap_err();
    assert!(matches!(refused, AskError::Token { .. }), "{refused}");
    assert!(!format!("{top:?}").contains(TOKEN));
    page.stop();
}

/// Started again by the next test, at a terminal.
#[test]
#[ignore = "the next test starts it"]
fn shows_until_it_is_told_to_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let page = shown(&Node::current()).await;
        let top = Top::new(&page.address().to_string()).token(TOKEN).unwrap();
        let mut told = signal(SignalKind::user_defined1()).unwrap();
        // In the task that draws.
        if let Either::Right((Some(()), _)) = select(pin!(top.run()), pin!(told.recv())).await {
            panic!("it broke on purpose");
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "waits for a real program, which no runtime knows of")]
fn output(mut pty: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // The end of the program is an error at its terminal.
        while let Ok(length @ 1..) = pty.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[expect(clippy::disallowed_methods, reason = "waits for a real program, which no runtime knows of")]
fn now() -> Instant {
    Instant::now()
}

/// A program at a terminal; killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop((self.0.kill(), self.0.wait()));
    }
}

fn is_raw(pty: &Pty) -> bool {
    !tcgetattr(pty).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was_and_its_message_can_be_read() {
    let (pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(Size::new(24, 80)).unwrap();
    let command = Command::new(std::env::current_exe().unwrap()).env("TERM", "xterm").args([
        "--exact",
        "shows_until_it_is_told_to_panic",
        "--ignored",
        "--nocapture",
    ]);
    let mut running = Running(command.spawn(pts).unwrap());
    let pty = std::sync::Arc::new(pty);
    let output = output(SharedPty(std::sync::Arc::clone(&pty)));
    let mut seen = String::new();
    let deadline = now() + LIMIT;
    let mut until = |text: &str| {
        while !seen.contains(text) {
            let left = deadline.saturating_duration_since(now());
            let bytes = output.recv_timeout(left).unwrap_or_else(|_| panic!("no {text:?} in {seen}"));
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        seen.clone()
    };
    until("agent-3");
    assert!(is_raw(&pty));
    kill_process(Pid::from_child(&running.0), Signal::USR1).unwrap();
    let seen = until("it broke on purpose");
    // The message comes behind the end of the screen that is gone.
    let left = seen.rfind("\x1b[?1049l").expect("it has left the screen");
    assert!(left < seen.find("it broke on purpose").unwrap());
    assert!(!running.0.wait().unwrap().success());
    assert!(!is_raw(&pty));
}

/// A terminal that is read while it is looked at.
struct SharedPty(std::sync::Arc<Pty>);

impl Read for SharedPty {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        (&*self.0).read(buffer)
    }
}
