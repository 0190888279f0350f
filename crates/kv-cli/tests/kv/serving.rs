//! `kv serve` and `kv watch`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use rustix::process::Signal;

use crate::program::{Running, Server, kv, printed, run, text};

pub(crate) fn ask(mut stream: impl Read + Write, line: &str) -> String {
    stream.write_all(line.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_says_where_it_listens() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let unix = format!("unix:{}", one.display());
    let arguments = [
        "serve",
        "--memory",
        "--listen",
        "127.0.0.1:0",
        "--listen",
        &unix,
        "--unix",
        two.to_str().unwrap(),
        "--workers",
        "2",
    ];
    let server = Running::start(kv(&arguments));
    let tcp = server.line();
    assert_eq!(server.line(), format!("listening on {unix}"));
    assert_eq!(server.line(), format!("listening on unix:{}", two.display()));

    assert_eq!(ask(TcpStream::connect(tcp.strip_prefix("listening on ").unwrap()).unwrap(), "PING\r\n"), "PONG\r\n");
    assert_eq!(ask(UnixStream::connect(&one).unwrap(), "CREATE a\n"), "OK\r\n");
    let address = format!("unix:{}", two.display());
    assert_eq!(printed(&run(kv(&["--connect", &address, "buckets"]), b""), 0), "a\n");

    server.signal(Signal::TERM);
    assert_eq!(server.end().status.code(), Some(0));
    assert!(!one.exists() && !two.exists());
}

#[test]
fn clients_of_redis_are_served_everywhere_and_typed_commands_where_they_are_alone() {
    let server = Running::start(kv(&["serve", "--memory", "--listen", "127.0.0.1:0", "--resp-listen", "127.0.0.1:0"]));
    let [both, alone] = [server.line(), server.line()].map(|line| line.replace("listening on ", ""));
    let connect = |address: &str| TcpStream::connect(address).unwrap();
    for address in [&both, &alone] {
        assert_eq!(ask(connect(address), "*1\r\n$4\r\nPING\r\n"), "+PONG\r\n");
    }
    assert_eq!(ask(connect(&both), "PING\r\n"), "PONG\r\n");
    assert_eq!(ask(connect(&alone), "PING\r\n"), "+PONG\r\n");
    server.signal(Signal::TERM);
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn one_client_more_than_a_server_takes_is_told_so() {
    let server = Running::start(kv(&["serve", "--memory", "--resp-listen", "127.0.0.1:0", "--max-connections", "2"]));
    let address = server.line().replace("listening on ", "");
    let clients = [(); 2].map(|()| TcpStream::connect(&address).unwrap());
    // They have a place once they are answered.
    for client in &clients {
        assert_eq!(ask(client, "PING\r\n"), "+PONG\r\n");
    }
    assert_eq!(ask(TcpStream::connect(&address).unwrap(), ""), "-ERR max number of clients reached\r\n");
    drop(clients);
    server.signal(Signal::TERM);
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn a_server_that_may_take_no_more_memory_refuses_changes_and_goes_on() {
    let server = Server::of(kv(&["serve", "--memory", "--listen", "127.0.0.1:0", "--max-memory", "64KiB"]));
    let half = "x".repeat(40_000);
    printed(&server.kv(&["create", "a"]), 0);
    printed(&server.kv(&["put", "a", "k", &half]), 0);
    let output = server.kv(&["put", "a", "l", &half]);
    assert_eq!(printed(&output, 3), "");
    let refused = "the store may hold 65536 bytes, and this would be more; delete something, or raise its `max_memory`";
    assert!(text(&output.stderr).contains(refused), "{output:?}");
    assert_eq!(printed(&server.kv(&["get", "a", "k"]), 0), format!("{half}\n"));
    printed(&server.kv(&["delete", "a", "k"]), 0);
    printed(&server.kv(&["put", "a", "l", &half]), 0);

    for size in ["", "64k", "-1", "1.5MiB", "99999999999999999999GiB", "17179869184GiB", "MiB"] {
        let output = run(kv(&["serve", "--memory", &format!("--max-memory={size}")]), b"");
        assert_eq!(printed(&output, 2), "");
        assert!(text(&output.stderr).contains("with KiB, MiB or GiB, as in 512MiB"), "{size}: {output:?}");
    }
}

#[test]
fn an_address_for_everybody_is_refused_with_exit_78() {
    let output = run(kv(&["serve", "--memory", "--listen", "0.0.0.0:0"]), b"");
    assert_eq!(printed(&output, 78), "");
    for way in ["--password-file", "--unix", "--insecure-listen"] {
        assert!(text(&output.stderr).contains(way), "{output:?}");
    }

    let server = Running::start(kv(&["serve", "--memory", "--listen", "0.0.0.0:0", "--insecure-listen"]));
    assert!(server.line().starts_with("listening on 0.0.0.0:"));
}

#[test]
fn an_address_that_is_taken_is_exit_3() {
    let server = Server::start();
    let output = run(kv(&["serve", "--memory", "--listen", &server.address]), b"");
    assert_eq!(printed(&output, 3), "");
    assert!(text(&output.stderr).contains(&format!("cannot listen on {}", server.address)), "{output:?}");
}

#[test]
fn watch_tells_of_buckets_until_the_server_leaves() {
    let server = Server::start();
    let lines = Running::start(kv(&["--connect", &server.address, "watch"]));
    let json = Running::start(kv(&["watch", "--json", "--connect", &server.address]));
    assert_eq!(lines.said(), format!("kv: watching {}; Ctrl-C ends it", server.address));
    json.said();
    printed(&server.kv(&["create", "shopping"]), 0);
    printed(&server.kv(&["drop", "shopping"]), 0);
    assert_eq!(lines.line(), "CREATED shopping");
    assert!(lines.line().starts_with("EXITED shopping "));
    assert_eq!(json.line(), r#"{"bucket":"shopping","event":"created"}"#);
    let exited = json.line();
    assert!(exited.starts_with(r#"{"bucket":"shopping","event":"exited","reason":""#), "{exited}");

    server.running.signal(Signal::TERM);
    for watch in [lines, json] {
        assert_eq!(watch.end().status.code(), Some(0));
    }
}

#[test]
fn watch_tells_of_the_keys_of_a_bucket() {
    let server = Server::start();
    printed(&server.kv(&["create", "shopping"]), 0);
    printed(&server.kv(&["create", "other"]), 0);
    let lines = Running::start(kv(&["--connect", &server.address, "watch", "shopping"]));
    let json = Running::start(kv(&["watch", "shopping", "--json", "--connect", &server.address]));
    lines.said();
    json.said();
    printed(&server.kv(&["put", "other", "milk", "1"]), 0);
    printed(&server.kv(&["put", "shopping", "soy milk", "1"]), 0);
    printed(&server.kv(&["delete", "shopping", "soy milk"]), 0);
    assert_eq!(lines.line(), r#"PUT shopping "soy milk""#);
    assert_eq!(lines.line(), r#"DELETED shopping "soy milk""#);
    assert_eq!(json.line(), r#"{"bucket":"shopping","event":"put","key":"soy milk"}"#);
    assert_eq!(json.line(), r#"{"bucket":"shopping","event":"deleted","key":"soy milk"}"#);

    let output = server.kv(&["watch", "nowhere"]);
    assert_eq!(printed(&output, 1), "");
    assert!(text(&output.stderr).contains("kv: there is no such bucket; BUCKETS lists those there are"), "{output:?}");
}

/// What is said of a command line that is refused, and its exit code.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(kv(arguments), b"");
    assert_eq!(text(&output.stdout), "");
    (output.status.code(), text(&output.stderr))
}

#[test]
fn options_that_do_not_go_with_a_cluster_are_refused() {
    let cluster = ["serve", "--cluster", "nats://127.0.0.1:1", "--member", "a"];
    let with = |more: &[&'static str]| refused(&[&cluster[..], more].concat());
    for (more, said) in [
        (&["--memory"][..], "--data, --memory and --sync are for a store of this program"),
        (&["--data", "folder"], "--data, --memory and --sync are for a store of this program"),
        (&["--max-memory", "1MiB"], "cannot be used with"),
        (&["--name-space", "a.b"], "write 1 to 100 letters"),
        (&["--time-to-live", "10ms"], "write a time from 1s to 3600s"),
    ] {
        let (code, text) = with(more);
        assert!(code == Some(2) && text.contains(said), "{more:?}: {code:?} {text}");
    }
    let (code, text) = refused(&cluster[..3]);
    assert!(code == Some(2) && text.contains("--member <NAME>"), "{code:?} {text}");
    let (code, text) = refused(&["serve", "--memory", "--member", "a"]);
    assert!(code == Some(2) && text.contains("--cluster <URLS>"), "{code:?} {text}");
}

#[test]
#[cfg(feature = "cluster")]
fn a_password_in_an_address_of_nats_is_refused_and_not_shown() {
    let (code, text) = refused(&["serve", "--cluster", "nats://kv:sesame@127.0.0.1:1", "--member", "a"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("--nats-credentials") && !text.contains("sesame"), "{text}");
}

#[test]
#[cfg(feature = "cluster")]
fn a_cluster_whose_nats_does_not_answer_says_where_it_was_looked_for() {
    let (code, text) = refused(&["serve", "--cluster", "nats://127.0.0.1:1", "--member", "a"]);
    assert_ne!(code, Some(0));
    assert!(text.contains("the member a of the cluster kv on NATS at nats://127.0.0.1:1: "), "{text}");
    assert!(text.contains("look whether NATS runs there, with JetStream"), "{text}");
}

#[test]
#[cfg(not(feature = "cluster"))]
fn a_program_without_clusters_says_how_to_build_one() {
    let (code, text) = refused(&["serve", "--cluster", "nats://127.0.0.1:1", "--member", "a"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("cargo build --release -p kv-cli --features cluster"), "{text}");
}
