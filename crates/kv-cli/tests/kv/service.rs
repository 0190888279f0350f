//! What a service manager is told, and the unit that is shipped.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::program::{LIMIT, Running, kv, text};

/// The unit, as it is shipped.
const UNIT: &str = include_str!("../../dist/kv.service");

/// The service manager's end of `NOTIFY_SOCKET`.
struct Manager {
    socket: UnixDatagram,
    folder: TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self { socket, folder }
    }

    fn starts(&self, mut command: Command) -> Running {
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        Running::start(command)
    }

    /// The next message.
    #[track_caller]
    fn told(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("another message");
        text(&message[..length])
    }
}

#[test]
fn a_service_manager_is_told_when_a_server_is_ready_and_when_it_stops() {
    let manager = Manager::new();
    let unix = manager.folder.path().join("kv\n.sock");
    let arguments = ["serve", "--memory", "--listen", "127.0.0.1:0", "--unix", unix.to_str().unwrap()];
    let server = manager.starts(kv(&arguments));
    assert_eq!(manager.told(), "STATUS=opening the store\n");
    let address = server.line();
    let folder = manager.folder.path().display();
    assert_eq!(manager.told(), format!("READY=1\nSTATUS={address}, unix:{folder}/kv .sock\n"));
    server.signal(Signal::TERM);
    assert_eq!(manager.told(), "STOPPING=1\nSTATUS=answering what has arrived\n");
    assert_eq!(manager.told(), "STATUS=closing the store\n");
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn a_server_says_that_it_is_alive_if_the_service_manager_wants_to_know() {
    let manager = Manager::new();
    let mut command = kv(&["serve", "--memory", "--listen", "127.0.0.1:0"]);
    command.env("WATCHDOG_USEC", "100000");
    let server = manager.starts(command);
    for _ in 0..10 {
        while manager.told() != "WATCHDOG=1\n" {}
    }
    drop(server);
}

#[test]
fn a_server_that_cannot_tell_its_service_manager_says_so_and_serves() {
    let mut command = kv(&["serve", "--memory", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", "/nonexistent/notify");
    let server = Running::start(command);
    assert!(server.said().starts_with("kv: the service manager cannot be told at NOTIFY_SOCKET: "));
    server.line();
}

/// The arguments of `kv` in the unit, with this in the place of the folder for states, and a free port.
fn arguments_of_unit(states: &Path) -> Vec<String> {
    let line = UNIT.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/kv ")).expect("it starts kv");
    let line = line.replace("%S", states.to_str().unwrap()).replace(":4040", ":0");
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_unit_starts_a_server() {
    let manager = Manager::new();
    let arguments = arguments_of_unit(manager.folder.path());
    let server = manager.starts(kv(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
    while !manager.told().starts_with("READY=1\n") {}
    assert!(manager.folder.path().join("kv/database").exists());
    server.signal(Signal::TERM);
    assert_eq!(server.end().status.code(), Some(0));
}

/// As far as this machine can tell.
#[test]
#[expect(clippy::print_stdout, reason = "a test that was left out is seen")]
fn the_unit_is_one_that_systemd_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("kv.service");
    // A program that is not there is an error.
    fs::write(&unit, UNIT.replace("/usr/bin/kv", env!("CARGO_BIN_EXE_kv")).replace("Documentation=", "#")).unwrap();
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", text(&output.stderr));
            let said = text(&output.stderr);
            assert!(!said.lines().any(|line| line.contains("kv.service")), "{said}");
        }
        Err(error) => println!("left out, because there is no systemd-analyze: {error}"),
    }
}
