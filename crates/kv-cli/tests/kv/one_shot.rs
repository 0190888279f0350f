//! One command and its exit code, its output, and its JSON.

use std::net::TcpListener;
use std::process::Stdio;

use crate::program::{Server, end, kv, printed, run, text};

#[test]
fn every_verb_prints_what_came_of_it() {
    let server = Server::start();
    let check = |arguments: &[&str], expected: &str| assert_eq!(printed(&server.kv(arguments), 0), expected);
    check(&["ping"], "PONG\n");
    check(&["create", "shopping"], "OK\n");
    check(&["put", "shopping", "milk", "1"], "OK\n");
    check(&["put", "shopping", "soy milk", "two litres"], "OK\n");
    check(&["put", "shopping", "cold", "-5"], "OK\n");
    check(&["get", "shopping", "milk"], "1\n");
    check(&["get", "shopping", "soy milk"], "two litres\n");
    check(&["get", "shopping", "cold"], "-5\n");
    check(&["list", "shopping"], "cold\nmilk\nsoy milk\n");
    check(&["count", "shopping"], "3\n");
    check(&["buckets"], "shopping\n");
    check(&["delete", "shopping", "milk"], "OK\n");
    check(&["delete", "shopping", "milk"], "OK\n");
    check(&["list", "shopping"], "cold\nsoy milk\n");
    check(&["drop", "shopping"], "OK\n");
    check(&["buckets"], "");
}

#[test]
fn values_are_stored_as_they_are() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    for value in
        [&b"1"[..], b"two\nlines\r\n", b"\"quoted\"", b"\xFF\x00\x1b[2J", "Grüße aus Köln\n".as_bytes(), b"NOT FOUND"]
    {
        printed(&server.kv_with(&["put", "a", "k", "-"], value), 0);
        let output = server.kv(&["get", "a", "k"]);
        printed(&output, 0);
        assert_eq!(output.stdout, [value, b"\n"].concat());
    }
    let long = vec![b'x'; 70_000];
    let output = server.kv_with(&["put", "a", "k", "-"], &long);
    printed(&output, 2);
    assert!(text(&output.stderr).contains("more than 65536 bytes"), "{output:?}");
}

#[test]
fn json_has_plain_strings_and_base64_for_what_is_none() {
    let server = Server::start();
    let check = |arguments: &[&str], expected: &str| {
        let mut all = vec!["--json"];
        all.extend(arguments);
        assert_eq!(printed(&server.kv(&all), 0), format!("{expected}\n"));
    };
    check(&["ping"], r#""PONG""#);
    check(&["create", "a"], r#""OK""#);
    check(&["list", "a"], "[]");
    check(&["put", "a", "milk", "say \"two\nlitres\""], r#""OK""#);
    check(&["get", "a", "milk"], r#""say \"two\nlitres\"""#);
    check(&["list", "a"], r#"["milk"]"#);
    check(&["count", "a"], r#""1""#);
    check(&["buckets"], r#"["a"]"#);
    for (value, expected) in [
        (&b"\xFF"[..], r#"{"base64":"/w=="}"#),
        (b"\xFF\xFE", r#"{"base64":"//4="}"#),
        (b"\xFF\xFEo", r#"{"base64":"//5v"}"#),
        (b"\xFF\xFEo\x00", r#"{"base64":"//5vAA=="}"#),
    ] {
        printed(&server.kv_with(&["put", "a", "k", "-"], value), 0);
        check(&["get", "a", "k"], expected);
    }
}

#[test]
fn exit_1_says_what_is_not_there() {
    let server = Server::start();
    let check = |arguments: &[&str], message: &str| {
        let output = server.kv(arguments);
        assert_eq!(printed(&output, 1), "");
        assert!(text(&output.stderr).contains(message), "{output:?}");
    };
    check(&["get", "a", "k"], "kv: FETCH a k: there is no such bucket; kv buckets lists those there are");
    check(&["put", "a", "k", "1"], "kv: PUT a k 1: there is no such bucket");
    check(&["--json", "drop", "a"], "kv: DROP a: there is no such bucket");
    printed(&server.kv(&["create", "a"]), 0);
    for verb in [&["get", "a", "k"][..], &["ttl", "a", "k"], &["persist", "a", "k"], &["expire", "a", "k", "1d"]] {
        check(verb, ": there is no such key; kv list lists those there are");
    }
    check(&["put", "a", "k", "2", "--if", "1"], "kv: CAS a k 1 2: there is no such key");
}

#[test]
fn exit_2_is_for_arguments() {
    let check = |arguments: &[&str], message: &str| {
        let output = run(kv(arguments), b"");
        assert_eq!(printed(&output, 2), "");
        assert!(text(&output.stderr).contains(message), "{output:?}");
    };
    check(&["buy", "milk"], "unrecognized subcommand 'buy'");
    check(&["get", "shopping"], "<KEY>");
    check(&["--connect", "::::", "ping"], "is not an address; write HOST, HOST:PORT");
    check(&["--json"], "--json is for one command");
    check(&["serve", "--workers", "0"], "invalid value '0'");
    check(&["completions", "ksh"], "invalid value 'ksh'");
}

#[test]
fn exit_3_is_the_servers_own_words() {
    let server = Server::start();
    let output = server.kv(&["create", &"x".repeat(300)]);
    assert_eq!(printed(&output, 3), "");
    assert!(text(&output.stderr).contains("255"), "{output:?}");
}

#[test]
fn exit_3_when_something_else_answers() {
    use std::io::{Read, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = crate::program::thread(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 100]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let output = run(kv(&["--connect", &address, "ping"]), b"");
    assert_eq!(printed(&output, 3), "");
    assert!(text(&output.stderr).contains("HTTP/1.1 400 Bad Request"), "{output:?}");
    served.recv().unwrap();
}

#[test]
fn exit_4_when_nobody_is_there() {
    // A port that was free a moment ago, and whose listener is gone.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for arguments in [&["--connect", &address, "ping"][..], &["--connect", &address, "watch"], &["connect", &address]] {
        let output = run(kv(arguments), b"PING\n");
        assert_eq!(printed(&output, 4), "");
        assert!(text(&output.stderr).contains(&format!("cannot connect to {address}")), "{output:?}");
    }
}

#[test]
fn exit_124_when_no_answer_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let output = run(kv(&["--connect", &address, "--timeout", "1", "ping"]), b"");
    assert_eq!(printed(&output, 124), "");
    assert!(text(&output.stderr).contains(&format!("{address} has not answered for 1s")), "{output:?}");
}

#[test]
fn the_environment_names_the_server_and_the_argument_wins() {
    let (server, other) = (Server::start(), Server::start());
    printed(&server.kv(&["create", "a"]), 0);
    let mut command = kv(&["buckets"]);
    command.env("KV_URL", &server.address);
    assert_eq!(printed(&run(command, b""), 0), "a\n");
    let mut command = kv(&["buckets", "--connect", &other.address]);
    command.env("KV_URL", &server.address);
    assert_eq!(printed(&run(command, b""), 0), "");
    let mut command = kv(&[]);
    command.env("KV_URL", &server.address);
    assert_eq!(printed(&run(command, b"BUCKETS\n"), 0), "* a\nOK\n");
}

/// What the environment says is not even looked at where something else is said.
#[test]
fn an_environment_that_names_no_server_is_an_error_only_where_it_counts() {
    let server = Server::start();
    for arguments in [
        &["--connect", &server.address, "ping"][..],
        &["ping", "--connect", &server.address],
        &["connect", &server.address],
        &["--memory"],
        &["completions", "bash"],
    ] {
        let mut command = kv(arguments);
        command.env("KV_URL", "::::");
        printed(&run(command, b"PING\n"), 0);
    }
    for arguments in [&["ping"][..], &["connect"], &["watch"], &[]] {
        let mut command = kv(arguments);
        command.env("KV_URL", "::::");
        let output = run(command, b"PING\n");
        assert_eq!(printed(&output, 2), "");
        assert!(text(&output.stderr).starts_with("kv: KV_URL in the environment: "), "{output:?}");
    }
    // An empty variable is as good as none.
    let mut command = kv(&["ping", "--connect", &server.address]);
    command.env("KV_URL", "");
    assert_eq!(printed(&run(command, b""), 0), "PONG\n");
}

#[test]
fn a_reader_that_leaves_is_not_an_error() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    for arguments in [&["ping"][..], &["--json", "list", "a"]] {
        let mut command = kv(&["--connect", &server.address]);
        // A pipe whose other end is closed already.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = command.args(arguments).stdout(Stdio::from(writer)).spawn().unwrap();
        let output = end(child);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    }
    let mut command = kv(&["--memory"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(Stdio::from(writer));
    let output = run(command, b"PING\n");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn nothing_is_coloured_in_a_pipe() {
    let output = run(kv(&["--connect", "::::", "ping"]), b"");
    assert!(!output.stderr.contains(&0x1b), "{output:?}");
    let output = run(kv(&["--help"]), b"");
    assert!(!output.stdout.contains(&0x1b), "{output:?}");
    assert!(printed(&output, 0).contains("Exit codes:"));
}

#[test]
fn shells_get_their_completions() {
    for (shell, known) in [("bash", "_kv()"), ("zsh", "#compdef kv"), ("fish", "complete -c kv")] {
        assert!(printed(&run(kv(&["completions", shell]), b""), 0).contains(known));
    }
}
