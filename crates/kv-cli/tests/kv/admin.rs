//! The admin page of `kv serve`, and `kv top`: at a terminal, in a pipe, and as JSON.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use tempfile::TempDir;

use crate::program::{Running, Server, kv, printed, run, text};
use crate::terminal::Terminal;

const TOKEN: &str = "canary-7f3a9c51e2d84b06";

/// A server with an admin page.
struct Shown {
    server: Server,
    /// What `--admin` takes.
    admin: String,
}

impl Shown {
    fn start() -> Self {
        Self::start_with(&["--admin", "127.0.0.1:0"])
    }

    fn start_with(options: &[&str]) -> Self {
        Self::of(Server::of(kv(&[&["serve", "--memory", "--listen", "127.0.0.1:0"], options].concat())))
    }

    fn of(server: Server) -> Self {
        let line = server.running.line();
        let admin = line.strip_prefix("admin page at http://").and_then(|line| line.strip_suffix('/')).expect(&line);
        let admin = admin.to_owned();
        Self { server, admin }
    }

    fn top(&self, arguments: &[&str]) -> std::process::Output {
        run(kv(&[&["top", "--admin", &self.admin], arguments].concat()), b"")
    }

    /// `kv top` at a terminal of the usual size, when it shows something.
    fn at_terminal(&self) -> (Terminal, TempDir) {
        let state = tempfile::tempdir().unwrap();
        let mut terminal = Terminal::start(&["top", "--admin", &self.admin], &state);
        terminal.resizes(24, 80);
        terminal.until(|screen| is_drawn(screen, 24) && screen.contains("registry"));
        (terminal, state)
    }

    /// The status line and the body of an answer.
    fn get(&self, path: &str, header: &str) -> String {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// Whether the keys stand in the last row.
fn is_drawn(screen: &str, rows: usize) -> bool {
    let lines: Vec<&str> = screen.lines().collect();
    lines.len() == rows && lines[0].starts_with("observer ") && lines[rows - 1].starts_with("q quit")
}

#[test]
fn a_server_serves_a_page_that_says_whether_it_is_ready() {
    let shown = Shown::start();
    assert!(shown.get("/", "").contains("<html"));
    for path in ["/healthz", "/readyz"] {
        let answer = shown.get(path, "");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok\n"), "{answer}");
    }
    printed(&shown.server.kv(&["create", "a"]), 0);
    let answer = shown.get("/metrics", "");
    for line in
        ["kv_ready 1", "kv_storage_up 1", "# TYPE kv_clients gauge", "kv_buckets 1", "# TYPE kv_memory_bytes gauge"]
    {
        assert!(answer.contains(&format!("\n{line}\n")), "{line}: {answer}");
    }
    // It only reads.
    let answer = shown.get("/api/summary", "Origin: http://example.org\r\n");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    shown.server.leave();
}

/// How large a file a program may write, from now on.
fn limit_files(pid: u32, bytes: Option<u64>) {
    let pid = Pid::from_raw(pid.try_into().unwrap());
    let maximum = getrlimit(Resource::Fsize).maximum;
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

/// What a client of Redis is told of the disk.
fn persistence(server: &Server) -> String {
    let mut client = TcpStream::connect(&server.address).unwrap();
    client.write_all(b"*2\r\n$4\r\nINFO\r\n$11\r\npersistence\r\n*1\r\n$4\r\nQUIT\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_is_not_ready_while_its_disk_takes_no_changes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // A program that is sent SIGXFSZ ends; one that ignores it gets an error.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_kv")]).env_clear();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data"]).arg(&data);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let shown = Shown::of(Server::of(command));
    let until = |ready: &str| while !shown.get("/readyz", "").starts_with(ready) {};
    printed(&shown.server.kv(&["create", "a"]), 0);
    printed(&shown.server.kv(&["put", "a", "b", "1"]), 0);
    until("HTTP/1.1 200");

    limit_files(shown.server.running.pid(), Some(0));
    printed(&shown.server.kv(&["put", "a", "b", "2"]), 3);
    assert!(shown.get("/readyz", "").starts_with("HTTP/1.1 503"));
    assert!(shown.get("/metrics", "").contains("\nkv_storage_up 0\n"));
    assert!(persistence(&shown.server).contains("aof_last_write_status:err"));
    // The program runs, and reads go on.
    assert!(shown.get("/healthz", "").starts_with("HTTP/1.1 200"));
    assert_eq!(printed(&shown.server.kv(&["get", "a", "b"]), 0), "1\n");
    let told = loop {
        let said = shown.server.running.said();
        if said.contains("takes no changes") {
            break said;
        }
    };
    assert!(told.contains("File too large"), "{told}");

    // Nobody asks for anything, and it finds out that the disk works again.
    limit_files(shown.server.running.pid(), None);
    until("HTTP/1.1 200");
    assert!(shown.server.running.said().contains("takes changes again"));
    printed(&shown.server.kv(&["put", "a", "b", "3"]), 0);
    shown.server.leave();
}

#[test]
fn a_server_is_not_ready_while_it_is_told_to_leave() {
    let shown = Shown::start();
    // It waits for an answer that this client does not take.
    let mut client = TcpStream::connect(&shown.server.address).unwrap();
    client.write_all(b"CREATE a\nPUT a b ").unwrap();
    client.write_all(&vec![b'x'; 60_000]).unwrap();
    client.write_all(b"\n").unwrap();
    let gets = "GET a b\n".repeat(1_000);
    client.write_all(gets.as_bytes()).unwrap();
    while !text(&shown.server.kv(&["get", "a", "b"]).stdout).starts_with('x') {}
    shown.server.running.signal(Signal::TERM);
    while !shown.get("/readyz", "").starts_with("HTTP/1.1 503") {}
    drop(client);
    assert_eq!(shown.server.running.end().status.code(), Some(0));
}

#[test]
fn a_page_for_everybody_needs_a_token_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let file = path.to_str().unwrap();
    let serve = |options: &[&str]| {
        run(kv(&[&["serve", "--memory", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"], options].concat()), b"")
    };
    let output = serve(&[]);
    assert_eq!(printed(&output, 78), "");
    assert!(text(&output.stderr).contains("--admin-token-file, or serve it on 127.0.0.1"), "{output:?}");
    for (token, mode, said) in [
        (TOKEN, 0o644, "other users can read"),
        ("sesame", 0o600, "the token is too short"),
        ("a b", 0o600, "character"),
    ] {
        fs::write(&path, token).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let output = serve(&["--admin-token-file", file]);
        assert_eq!(printed(&output, 78), "");
        assert!(text(&output.stderr).contains(said), "{output:?}");
    }
    fs::write(&path, format!("{TOKEN}\n")).unwrap();

    let shown = Shown::start_with(&["--admin", "0.0.0.0:0", "--admin-token-file", file]);
    let pid = shown.server.running.pid();
    assert!(!text(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).contains(TOKEN));
    let admin = shown.admin.replace("0.0.0.0", "127.0.0.1");
    let shown = Shown { admin, ..shown };
    let output = shown.top(&[]);
    assert_eq!(printed(&output, 77), "");
    assert!(text(&output.stderr).contains("--admin-token-file or KV_ADMIN_TOKEN_FILE"), "{output:?}");
    assert!(printed(&shown.top(&["--admin-token-file", file]), 0).starts_with("processes "));
    let mut command = kv(&["top"]);
    command.env("KV_ADMIN_TOKEN_FILE", file).env("KV_ADMIN", &shown.admin);
    assert!(printed(&run(command, b""), 0).starts_with("processes "));
    assert!(shown.get("/api/summary", "").starts_with("HTTP/1.1 401"));
    assert!(shown.get("/readyz", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn an_address_of_no_use_is_an_error_before_anything_is_served() {
    let taken = Shown::start();
    for (address, code, said) in [("nonsense", 2, "write HOST:PORT"), (&*taken.admin, 3, "cannot listen on")] {
        let output = run(kv(&["serve", "--memory", "--listen", "127.0.0.1:0", "--admin", address]), b"");
        assert_eq!(printed(&output, code), "");
        assert!(text(&output.stderr).contains(said), "{output:?}");
    }
}

#[test]
fn in_a_pipe_it_looks_once() {
    let shown = Shown::start();
    printed(&shown.server.kv(&["create", "a"]), 0);
    let seen = printed(&shown.top(&[]), 0);
    let lines: Vec<&str> = seen.lines().collect();
    assert!(lines[0].starts_with("processes ") && lines[0].ends_with("cycles 0"), "{seen}");
    assert!(lines[1].starts_with("pid  name"), "{seen}");
    assert!(lines.iter().any(|line| line.contains("registry") && line.ends_with("RegistryServer")), "{seen}");

    let seen = printed(&shown.top(&["--json"]), 0);
    let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    let processes = seen["tiles"]["processes"].as_u64().unwrap();
    assert_eq!(seen["processes"]["rows"].as_array().unwrap().len() as u64, processes);

    let admin = shown.admin.clone();
    shown.server.leave();
    let output = run(kv(&["top", "--admin", &admin]), b"");
    assert_eq!(printed(&output, 4), "");
    assert!(text(&output.stderr).contains("cannot connect to the observer"), "{output:?}");
    // What answers something else.
    let server = Server::start();
    let output = run(kv(&["top", "--admin", &server.address]), b"");
    assert_eq!(printed(&output, 3), "");
    assert!(text(&output.stderr).contains("is not an observer that is understood here"), "{output:?}");
}

#[test]
fn at_a_terminal_it_looks_once_if_it_is_told_to_or_if_there_is_no_screen() {
    let shown = Shown::start();
    for (option, terminal) in [(Some("--once"), "xterm"), (Some("--json"), "xterm"), (None, "dumb")] {
        let state = tempfile::tempdir().unwrap();
        let arguments: Vec<&str> = ["top", "--admin", &shown.admin].into_iter().chain(option).collect();
        let mut terminal = Terminal::start_with(&arguments, &state, &[("TERM", terminal)]);
        let output = terminal.left();
        assert_eq!(output.status.code(), Some(0));
        assert!(terminal.until_it_shows("RegistryServer").contains("processes"));
        assert!(!terminal.is_alternate());
    }
}

#[test]
fn at_a_terminal_a_wrong_address_is_an_error_at_once() {
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["top", "--admin", "127.0.0.1:1"], &state);
    assert_eq!(terminal.left().status.code(), Some(4));
    assert!(!terminal.is_alternate() && terminal.is_as_found());
    let screen = terminal.until_it_shows("cannot connect to the observer at 127.0.0.1:1");
    assert!(screen.replace('\n', "").contains("kv serve has the page with --admin"), "{screen}");
}

#[test]
fn at_a_terminal_processes_are_sorted_searched_and_inspected() {
    let shown = Shown::start();
    let (mut terminal, _state) = shown.at_terminal();
    let screen = terminal.until_it_shows("by mailbox");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    assert!(screen.contains("processes") && screen.contains("acceptor on 127.0.0.1:"), "{screen}");

    terminal.types("s");
    terminal.until_it_shows("by rate");
    terminal.types("SS");
    terminal.until_it_shows("pid▲");
    terminal.types("r");
    terminal.until_it_shows("pid▼");

    terminal.types("/regis");
    terminal.until_it_shows("1-1 of 1 with \"regis\"");
    // The first Enter keeps the search, the second inspects what was found.
    terminal.types("\r\r");
    let screen = terminal.until_it_shows("type: kv_core::registry::server::RegistryServer");
    assert!(screen.contains("doing: ") && screen.contains("parent: "), "{screen}");
    // Not the keys of a bucket, and how many it has.
    printed(&shown.server.kv(&["create", "a"]), 0);
    printed(&shown.server.kv(&["put", "a", "secret", "1"]), 0);
    terminal.types("/BucketServer");
    terminal.until_it_shows("1-1 of 1 with \"BucketServer\"");
    terminal.types("\r\r");
    let screen = terminal.until_it_shows("state: BucketServer { keys: 1, .. }");
    assert!(!screen.contains("secret"), "{screen}");
    terminal.types("l");
    terminal.until_it_shows("nothing has gone wrong since the observer looks");
    terminal.types("\x1b");
    terminal.until(|screen| !screen.contains("nothing has gone wrong") && screen.contains("\"BucketServer\""));
    terminal.types("\x1b");
    terminal.until(|screen| !screen.contains("\"BucketServer\"") && screen.contains("acceptor on"));
}

#[test]
fn a_terminal_of_another_size_is_drawn_anew() {
    let shown = Shown::start();
    let (mut terminal, _state) = shown.at_terminal();
    terminal.resizes(30, 120);
    let screen = terminal.until(|screen| is_drawn(screen, 30) && screen.contains("restarts type"));
    assert!(screen.contains("RegistryServer"), "{screen}");
    terminal.resizes(10, 40);
    terminal.until(|screen| is_drawn(screen, 10));
    terminal.resizes(24, 80);
    terminal.until(|screen| is_drawn(screen, 24) && screen.contains("registry"));
}

#[test]
fn a_key_or_a_signal_leaves_the_terminal_as_it_was() {
    let shown = Shown::start();
    for (keys, signal) in
        [("q", None), ("\x03", None), ("/\x03", None), ("", Some(Signal::TERM)), ("", Some(Signal::HUP))]
    {
        let (mut terminal, _state) = shown.at_terminal();
        assert!(terminal.is_alternate() && !terminal.is_as_found());
        terminal.types(keys);
        if let Some(signal) = signal {
            terminal.signal(signal);
        }
        let status = terminal.left().status;
        // Its shell is told of a signal as of any other program's.
        assert_eq!(status.signal(), signal.map(Signal::as_raw), "{keys:?}: {status:?}");
        assert_eq!(status.code(), signal.is_none().then_some(0));
        assert!(!terminal.is_alternate() && terminal.is_as_found(), "{keys:?} {signal:?}");
    }
}

#[test]
fn a_server_that_goes_is_said_and_asked_again_when_it_is_back() {
    let shown = Shown::start();
    let (mut terminal, _state) = shown.at_terminal();
    let Shown { server, admin } = shown;
    server.leave();
    let screen = terminal.until_it_shows("cannot connect to the observer");
    assert!(screen.contains("registry"), "what was seen last stays: {screen}");
    let again = Running::start(kv(&["serve", "--memory", "--listen", "127.0.0.1:0", "--admin", &admin]));
    again.line();
    terminal.until(|screen| is_drawn(screen, 24));
    terminal.types("q");
    assert_eq!(terminal.left().status.code(), Some(0));
}
