//! Signals: how programs end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{LIMIT, Running, Server, kv, printed, run, thread};
use crate::serving::ask;

/// The promise is 5 seconds. A busy machine may need more, and a server without the promise would wait for 30.
const ENDED: Duration = Duration::from_secs(20);

#[test]
fn sigterm_sigint_and_sighup_let_a_server_leave() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT"), (Signal::HUP, "SIGHUP")] {
        let server = Server::start();
        let client = TcpStream::connect(&server.address).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        assert_eq!(ask(&client, "PING\r\n"), "PONG\r\n");
        assert_eq!(server.running.said(), "kv: the store is in memory, and gone with this program");
        server.running.signal(signal);
        assert_eq!(server.running.said(), format!("kv: {name}: answering what has arrived"));
        let mut rest = String::new();
        (&client).read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        let output = server.running.end();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

/// As `nohup` starts a program.
#[test]
#[cfg(target_os = "linux")]
fn sighup_that_was_ignored_at_the_start_stays_ignored() {
    let direct = kv(&["serve", "--memory", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(direct.get_program()).args(direct.get_args());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let server = Running::start(command);
    let address = server.line().replace("listening on ", "");
    server.said();
    server.signal(Signal::HUP);
    assert_eq!(ask(TcpStream::connect(&address).unwrap(), "PING\r\n"), "PONG\r\n");
    server.signal(Signal::TERM);
    assert_eq!(server.said(), "kv: SIGTERM: answering what has arrived");
    assert_eq!(server.end().status.code(), Some(0));
}

/// A client that puts numbers in a key for as long as the server takes them, with at most so many without an answer; and the last
/// that was answered.
fn endless(address: &str, key: &'static str, window: usize) -> Receiver<usize> {
    let mut writer = TcpStream::connect(address).unwrap();
    let mut reader = BufReader::new(writer.try_clone().unwrap());
    let (sent, unanswered) = mpsc::sync_channel(window);
    drop(thread(move || {
        for number in 1.. {
            let put = format!("PUT a {key} {number}\r\n");
            if sent.send(()).is_err() || writer.write_all(put.as_bytes()).is_err() {
                return;
            }
        }
    }));
    thread(move || {
        let (mut answered, mut line) = (0, String::new());
        while matches!(reader.read_line(&mut line), Ok(1..)) {
            assert_eq!(line, "OK\r\n");
            line.clear();
            answered += 1;
            // It is there: the writer has counted it before it was sent.
            unanswered.recv().unwrap();
        }
        answered
    })
}

#[test]
fn whatever_its_clients_do_a_server_ends_in_time_and_has_answered_what_it_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Server::of(kv(&["serve", "--data", data, "--sync", "buffered", "--listen", "127.0.0.1:0"]));
    let connect = || TcpStream::connect(&server.address).unwrap();

    let mut half = connect();
    let put = format!("CREATE a\r\nPUT a k {}\r\n", "x".repeat(60_000));
    half.write_all(put.as_bytes()).unwrap();
    assert_eq!(ask(&half, ""), "OK\r\n");
    half.write_all(b"PUT a half ").unwrap();
    let silent: Vec<TcpStream> = (0..100).map(|_| connect()).collect();
    for client in &silent {
        assert_eq!(ask(client, "PING\r\n"), "PONG\r\n");
    }
    let subscriber = connect();
    subscriber.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(ask(&subscriber, "WATCH a\r\n"), "OK\r\n");
    let resp = connect();
    assert_eq!(ask(&resp, "*2\r\n$9\r\nSUBSCRIBE\r\n$9\r\nkv.events\r\n"), "*3\r\n");
    // They are more than all the buffers between it and the server.
    let mut never_reads = connect();
    never_reads.write_all("GET a k\r\n".repeat(1000).as_bytes()).unwrap();
    assert!(ask(&never_reads, "").starts_with("xxx"));
    let pipeline = endless(&server.address, "pipeline", 100);
    // More than is answered in time on a machine that is busy, so it may be cut off in between.
    let flood = endless(&server.address, "flood", 1_000_000);
    // Both are under way.
    let mut puts = BufReader::new(&subscriber).lines().map(Result::unwrap);
    for put in ["PUT a pipeline", "PUT a flood"] {
        assert!(puts.any(|line| line == put));
    }

    #[expect(clippy::disallowed_methods, reason = "the promise is about the machine's time")]
    let before = Instant::now();
    server.running.signal(Signal::TERM);
    let output = server.running.end();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(before.elapsed() < ENDED, "it took {:?}", before.elapsed());

    let (pipeline, flood) = (pipeline.recv_timeout(LIMIT).unwrap(), flood.recv_timeout(LIMIT).unwrap());
    let stored = printed(&run(kv(&["--data", data]), b"GET a pipeline\nGET a flood\nFETCH a half\n"), 0);
    let stored: Vec<&str> = stored.lines().collect();
    assert_eq!(stored[0], pipeline.to_string(), "what was carried out is what was answered");
    assert!(stored[2].parse::<usize>().unwrap() >= flood, "{flood} were answered: {stored:?}");
    assert_eq!(stored[4..], ["KEY NOT FOUND"]);
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    for (first, second) in [(Signal::TERM, Signal::INT), (Signal::INT, Signal::TERM), (Signal::HUP, Signal::INT)] {
        let server = Server::start();
        // A client that does not take its answers: they are more than all the buffers between it and the server.
        let mut client = TcpStream::connect(&server.address).unwrap();
        let put = format!("CREATE a\r\nPUT a k {}\r\n", "x".repeat(60_000));
        client.write_all(put.as_bytes()).unwrap();
        client.write_all("GET a k\r\n".repeat(1000).as_bytes()).unwrap();
        assert_eq!(ask(&client, ""), "OK\r\n");

        assert_eq!(server.running.said(), "kv: the store is in memory, and gone with this program");
        server.running.signal(first);
        assert!(server.running.said().ends_with(": answering what has arrived"));
        assert!(server.running.said().starts_with("kv: not done yet; "));
        server.running.signal(second);
        assert_eq!(server.running.end().status.code(), Some(130));
    }
}

#[test]
fn signals_that_come_together_are_one_and_sighup_is_never_the_second() {
    let server = Server::start();
    assert_eq!(server.running.said(), "kv: the store is in memory, and gone with this program");
    // It stays for as long as a session lingers.
    let client = TcpStream::connect(&server.address).unwrap();
    assert_eq!(ask(&client, "PING\r\n"), "PONG\r\n");
    // It finds them all when it goes on.
    for signal in [Signal::STOP, Signal::TERM, Signal::INT, Signal::HUP, Signal::CONT] {
        server.running.signal(signal);
    }
    assert_eq!(server.running.said(), "kv: SIGTERM: answering what has arrived");
    assert!(server.running.said().starts_with("kv: not done yet; "));
    server.running.signal(Signal::HUP);
    assert_eq!(server.running.end().status.code(), Some(0));
}

#[test]
fn watch_and_import_end_by_ctrl_c() {
    let server = Server::start();
    let watch = Running::start(kv(&["--connect", &server.address, "watch"]));
    watch.said();
    watch.signal(Signal::INT);
    let output = watch.end();
    assert_eq!(
        output.status.signal(),
        Some(Signal::INT.as_raw()),
        "it ends by the signal, as shells expect: {output:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut command = kv(&["import", "-", "--data", data]);
    command.stdin(std::process::Stdio::piped());
    let import = Running::start(command);
    import.signal(Signal::INT);
    let output = import.end();
    assert_eq!(output.status.signal(), Some(Signal::INT.as_raw()), "{output:?}");
    assert_eq!(printed(&run(kv(&["--data", data]), b"CREATE a\n"), 0), "OK\n");
}
