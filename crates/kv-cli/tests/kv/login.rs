//! A server with a password: which file has it, who gets in, and where no password is ever to be seen.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::program::{Running, Server, kv, printed, run, text};
use crate::terminal::Terminal;

/// Nothing else on this machine has it.
const CANARY: &str = "canary 7f3a9c51e2d84b06";
const OTHER: &str = "sparrow 0b64a8de11f7c3";

/// A hash of it that is checked in no time.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$bm90IHNvIHJhbmRvbQ$";

/// Passwords in files, and a server that takes the first of them.
struct Guarded {
    files: TempDir,
    server: Server,
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

impl Guarded {
    fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        write(&files.path().join("right"), &format!("{CANARY}\n"), 0o600);
        write(&files.path().join("wrong"), &format!("{OTHER}\n"), 0o600);
        let right = files.path().join("right").display().to_string();
        // At an address for everybody, which needs one.
        let arguments = ["serve", "--memory", "--listen", "0.0.0.0:0", "--password-file", &right];
        let running = Running::start(kv(&arguments));
        let line = running.line();
        let port = line.strip_prefix("listening on 0.0.0.0:").expect(&line);
        let server = Server { address: format!("127.0.0.1:{port}"), running };
        Self { files, server }
    }

    fn path(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    /// Runs a client with this file as an argument, and that one in the environment.
    fn kv(&self, argument: Option<&str>, environment: Option<&str>, arguments: &[&str]) -> Output {
        let mut command = kv(&["--connect", &self.server.address]);
        if let Some(name) = argument {
            command.args(["--password-file", &self.path(name)]);
        }
        if let Some(name) = environment {
            command.env("KV_PASSWORD_FILE", self.path(name));
        }
        run(
            {
                command.args(arguments);
                command
            },
            b"PING\n",
        )
    }
}

#[test]
fn the_password_comes_from_a_file_that_the_argument_or_the_environment_names() {
    let guarded = Guarded::start();
    printed(&guarded.kv(Some("right"), None, &["create", "a"]), 0);
    assert_eq!(printed(&guarded.kv(None, Some("right"), &["buckets"]), 0), "a\n");
    // The argument counts more.
    assert_eq!(printed(&guarded.kv(Some("right"), Some("wrong"), &["ping"]), 0), "PONG\n");
    // A pipe.
    assert_eq!(printed(&guarded.kv(Some("right"), None, &["-e"]), 0), "PONG\n");
}

#[test]
fn exit_77_is_a_password_that_is_wrong_or_missing() {
    let guarded = Guarded::start();
    let check = |output: &Output, said: &str| {
        assert_eq!(printed(output, 77), "");
        assert!(text(&output.stderr).contains(said), "{output:?}");
    };
    let wrong = "the server says that the password is wrong";
    check(&guarded.kv(Some("wrong"), Some("right"), &["ping"]), wrong);
    check(&guarded.kv(None, Some("wrong"), &["watch"]), wrong);
    let missing = "--password-file or KV_PASSWORD_FILE";
    for arguments in [&["ping"][..], &["get", "a", "b"], &["watch"], &["list", "a"]] {
        check(&guarded.kv(None, None, arguments), missing);
    }
    let output = guarded.kv(None, None, &["-e"]);
    assert_eq!(printed(&output, 77), "ERROR log in first: send AUTH and the password\n");
}

#[test]
fn a_file_that_others_can_read_is_refused_by_the_server_and_by_clients() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("password");
    write(&path, CANARY, 0o640);
    let path = path.display().to_string();
    for arguments in [&["serve", "--memory", "--listen", "127.0.0.1:0"][..], &["ping"]] {
        let output = run(kv(&[arguments, &["--password-file", &path]].concat()), b"");
        assert_eq!(printed(&output, 78), "");
        assert!(text(&output.stderr).trim_end().ends_with(&format!("chmod 600 {path}")), "{output:?}");
    }
    let output = run(kv(&["ping", "--password-file", "/none"]), b"");
    assert_eq!(printed(&output, 74), "");
    assert!(text(&output.stderr).contains("the password cannot be read from /none"), "{output:?}");
}

#[test]
fn a_server_takes_the_hash_of_a_password_too() {
    let files = tempfile::tempdir().unwrap();
    let (hash, password) = (files.path().join("hash"), files.path().join("password"));
    write(&hash, &format!("{HASH}q0dFyjDk7xjlm+8/P44GvI9/iRSTyO0qWQfhruITFKI\n"), 0o600);
    write(&password, "open sesame", 0o600);
    let arguments = ["serve", "--memory", "--listen", "127.0.0.1:0", "--password-file", hash.to_str().unwrap()];
    let server = Running::start(kv(&arguments));
    let address = server.line().replace("listening on ", "");
    let ping = |file: &Path| run(kv(&["ping", "--connect", &address, "--password-file", file.to_str().unwrap()]), b"");
    assert_eq!(printed(&ping(&password), 0), "PONG\n");
    let output = ping(&hash);
    assert_eq!(printed(&output, 78), "");
    assert!(text(&output.stderr).contains("a client needs the password itself"), "{output:?}");
}

#[test]
fn a_client_with_a_password_says_once_that_the_server_has_none() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("password");
    write(&path, CANARY, 0o600);
    let server = Server::start();
    let said = format!("kv: {} has no password, so everyone who reaches it can do everything;", server.address);
    let named = ["--password-file", path.to_str().unwrap()];
    let output = server.kv(&[&["ping"], &named[..]].concat());
    assert_eq!(printed(&output, 0), "PONG\n");
    assert!(text(&output.stderr).starts_with(&said), "{output:?}");
    // A pipe goes on as well, and so does one whose environment names the file.
    let mut command = kv(&["--connect", &server.address, "-e"]);
    command.env("KV_PASSWORD_FILE", &path);
    let output = run(command, b"PING\nPING\n");
    assert_eq!(printed(&output, 0), "PONG\nPONG\n");
    assert!(text(&output.stderr).starts_with(&said), "{output:?}");
    assert_eq!(text(&output.stderr).lines().count(), 1);
    // Without a password there is nothing to be said.
    assert_eq!(text(&server.kv(&["ping"]).stderr), "");

    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&[&["connect", &server.address], &named[..]].concat(), &state);
    terminal.enters("CREATE shopping");
    // Tab asks over another connection, and so does a watch.
    terminal.types("GET sho\t");
    terminal.until(|screen| screen.contains("GET shopping"));
    terminal.types("\x03");
    let screen = terminal.enters("PING");
    assert_eq!(screen.matches("has no password").count(), 1, "{screen}");
}

#[test]
fn where_there_is_no_server_there_is_nothing_to_log_in_to() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("password");
    write(&path, CANARY, 0o600);
    for arguments in [&[][..], &["--memory"], &["export"], &["completions", "bash"]] {
        let output = run(kv(&[arguments, &["--password-file", path.to_str().unwrap()]].concat()), b"");
        assert_eq!(printed(&output, 2), "");
        assert!(text(&output.stderr).contains("--password-file is for a server"), "{output:?}");
    }
}

#[test]
fn a_prompt_logs_in_with_a_file_or_by_a_line() {
    let guarded = Guarded::start();
    let state = tempfile::tempdir().unwrap();
    let file = guarded.path("right");
    let mut terminal = Terminal::start(&["connect", &guarded.server.address, "--password-file", &file], &state);
    let screen = terminal.enters("PING");
    assert!(screen.contains("\nPING\nPONG\n"), "{screen}");

    let mut terminal = Terminal::start(&["connect", &guarded.server.address], &state);
    let screen = terminal.enters("PING");
    assert!(screen.contains("--password-file or KV_PASSWORD_FILE"), "{screen}");
    terminal.enters(&format!("AUTH \"{CANARY}\""));
    let screen = terminal.enters("PING");
    assert!(screen.contains("\nOK\nPING\nPONG\n"), "{screen}");
}

/// Logins in lines and in requests: right ones, wrong ones, and misspelt ones.
fn logins() -> [(&'static str, String); 2] {
    let quoted = format!("\"{CANARY}\"");
    let [one, two] = CANARY.split(' ').collect::<Vec<_>>()[..] else { panic!("it has one blank") };
    let lines = [
        format!("AUTH {CANARY}"),
        format!("auth {quoted}"),
        format!("AUHT {quoted}"),
        format!("AUTH default {quoted}"),
        format!("AUTH \"{CANARY}"),
        format!("PASSWORD {quoted}"),
        format!("AUTH \"{OTHER}\""),
        format!("AUTH {quoted}"),
        "HELP".to_owned(),
        "SUBSCRIBE".to_owned(),
    ];
    let bulk = |word: &str| format!("${}\r\n{word}\r\n", word.len());
    let request =
        |words: &[&str]| format!("*{}\r\n{}", words.len(), words.iter().map(|word| bulk(word)).collect::<String>());
    let requests = [
        request(&["AUTH", OTHER]),
        request(&["AUHT", CANARY]),
        request(&["AUTH", one, two, CANARY]),
        request(&["HELLO", "3", "AUTH", CANARY]),
        request(&["HELLO", "3", "AUTH", CANARY, CANARY]),
        request(&["HELLO", "3", "AUTH", "default", CANARY, "SETNAME", "me"]),
        request(&["AUTH", "default", CANARY]),
        request(&["CLIENT", "LIST"]),
        request(&["INFO"]),
        request(&["MULTI"]),
        request(&["AUTH", CANARY]),
        request(&["EXEC"]),
    ];
    [("lines", lines.join("\r\n") + "\r\n"), ("requests", requests.concat())]
}

/// Every place where a password could be left, but the files that have it.
#[test]
fn a_password_is_nowhere_to_be_seen() {
    let guarded = Guarded::start();
    let mut seen = Vec::new();
    let mut see = |what: &str, bytes: &[u8]| seen.push((what.to_owned(), text(bytes)));
    let cmdline = fs::read(format!("/proc/{}/cmdline", guarded.server.running.pid()));
    see("cmdline of the server", &cmdline.unwrap_or_default());

    for (name, arguments) in
        [("right", &["ping"][..]), ("wrong", &["ping"]), ("right", &["get", "a", "b"]), ("wrong", &["watch"])]
    {
        let output = guarded.kv(Some(name), None, arguments);
        see("output of a client", &output.stdout);
        see("messages of a client", &output.stderr);
    }
    for (what, sent) in logins() {
        let mut client = TcpStream::connect(&guarded.server.address).unwrap();
        client.write_all(sent.as_bytes()).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let answers: Vec<String> = BufReader::new(client).lines().map_while(Result::ok).collect();
        assert!(answers.len() >= 10, "{answers:?}");
        see(what, answers.join("\n").as_bytes());
    }
    let quoted = format!("\"{CANARY}\"");
    // A prompt, its screen without what was typed, and its history.
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &guarded.server.address], &state);
    for line in [format!("AUTH {quoted}"), format!("AUTH {CANARY}"), format!("auth {quoted}"), format!("AUHT {quoted}")]
    {
        let screen = terminal.enters(&line);
        see("screen", screen.replace(&line, "").as_bytes());
        terminal.types("\x0c");
        terminal.until_it_waits();
    }
    terminal.enters("CREATE a");
    let history = fs::read(state.path().join("kv/history")).unwrap();
    assert_eq!(text(&history), "#V2\nCREATE a\n");

    guarded.server.running.signal(rustix::process::Signal::TERM);
    while let Some(said) = guarded.server.running.said_yet() {
        see("messages of the server", said.as_bytes());
    }
    assert_eq!(guarded.server.running.end().status.code(), Some(0));
    assert!(seen.len() > 15);
    for (what, text) in seen {
        for secret in [CANARY, OTHER, "7f3a9c51e2d84b06", "0b64a8de11f7c3"] {
            assert!(!text.contains(secret), "{what}: {text}");
        }
    }
}
