//! Redis's own programs, if they are installed: `redis-cli` and `redis-benchmark` on a socket.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::print_stderr, reason = "says why a test was skipped")]

use std::process::{Child, Command, Output, Stdio};

use futures::{AsyncReadExt, AsyncWriteExt};
use kv_core::Store;
use kv_server::net::{self, Address, Server};
use kv_server::{Session, SessionEnd};
use tempfile::TempDir;

use crate::resp::{parse_all, replies_to, request, serve};

/// Runs a program against the address, on a thread of its own. `None` if it is not installed.
async fn run(program: &'static str, address: &Address, arguments: &[&str]) -> Option<Output> {
    let Address::Tcp { port, .. } = address else { panic!("it is TCP") };
    let arguments: Vec<String> = ["-h", "127.0.0.1", "-p", &port.to_string()]
        .iter()
        .chain(arguments)
        .map(|&argument| argument.to_owned())
        .collect();
    let ran = tokio::task::spawn_blocking(move || Command::new(program).args(arguments).output()).await.unwrap();
    match ran {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: {program} cannot be run: {error}");
            None
        }
    }
}

async fn server() -> Server {
    let store = Store::start().await.unwrap();
    let any = "127.0.0.1:0";
    Server::options().listen(any.parse().unwrap()).listen_resp(any.parse().unwrap()).start(store).await.unwrap()
}

#[tokio::test]
async fn redis_cli_works_at_both_kinds_of_address() {
    let server = server().await;
    for address in server.addresses() {
        for (arguments, expected) in [
            ("DEL shopping", None),
            ("HSET shopping milk 1 eggs 2", Some("2\n")),
            ("HGET shopping milk", Some("1\n")),
            ("HGETALL shopping", Some("eggs\n2\nmilk\n1\n")),
            ("-3 --json HGETALL shopping", Some("{\"eggs\":\"2\",\"milk\":\"1\"}\n")),
            ("-n 0 DBSIZE", Some("1\n")),
            ("--scan", Some("shopping\n")),
        ] {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            let Some(output) = run("redis-cli", address, &arguments).await else { return };
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && expected.is_none_or(|expected| expected == printed), "{output:?}");
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn redis_benchmark_works_at_an_address_for_resp() {
    let server = server().await;
    let arguments = ["-t", "ping_inline,ping_mbulk,hset", "-n", "2000", "-c", "5", "-P", "16", "-q"];
    let Some(output) = run("redis-benchmark", &server.addresses()[1], &arguments).await else { return };
    let printed = String::from_utf8_lossy(&output.stdout);
    for test in ["PING_INLINE", "PING_MBULK", "HSET"] {
        assert!(printed.contains(&format!("{test}:")), "{output:?}");
    }
    assert!(output.status.success() && !printed.contains("Error"), "{output:?}");
    server.stop().await.unwrap();
}

/// A Redis of this test's own, on a socket in a folder.
struct Redis {
    process: Child,
    folder: TempDir,
}

impl Redis {
    /// Starts one, if it is installed.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        let started = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn();
        match started {
            Ok(process) => Some(Self { process, folder }),
            Err(error) => {
                eprintln!("skipped: redis-server cannot be run: {error}");
                None
            }
        }
    }

    /// The replies of Redis to these bytes, up to that to `QUIT`.
    async fn replies_to(&mut self, sent: &[u8]) -> Vec<u8> {
        let address = Address::Unix(self.folder.path().join("redis.sock"));
        let (mut reader, mut writer) = loop {
            if let Ok(connection) = net::connect(&address).await {
                break connection;
            }
            assert_eq!(self.process.try_wait().unwrap(), None, "it should listen, and has ended");
            tokio::task::yield_now().await;
        };
        writer.write_all(sent).await.unwrap();
        let mut replies = Vec::new();
        reader.read_to_end(&mut replies).await.unwrap();
        replies
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is the same in a Redis of version 7.0, which has no times of keys in a hash. Lists are sorted there by the hash.
const THE_SAME: &[&str] = &[
    "PING",
    "PING hello",
    "ECHO hello",
    "ping a b",
    "HSET a x 1",
    "HSET a x 2 y 3 y 4",
    "HSET a x",
    "HSET a x 1 y",
    "HMSET a x 1 y",
    "HSETNX a x 1 y",
    "HGET a x",
    "HGET a z",
    "HGET a",
    "HGET none z",
    "HMGET a x z y",
    "HMGET none z y",
    "HEXISTS a x",
    "HEXISTS a z",
    "HSTRLEN a x",
    "HSTRLEN a z",
    "HLEN a",
    "HLEN none",
    "HSETNX a x 9",
    "HSETNX a n 9",
    "HINCRBY a n 5",
    "HINCRBY a n -50",
    "HINCRBY a n x",
    "HINCRBY a n 9223372036854775807",
    "HSET a w word",
    "HINCRBY a w 1",
    "HDEL a w n nothing",
    "HDEL a y",
    "HGETALL a",
    "HKEYS a",
    "HVALS a",
    "HGETALL none",
    "HSCAN a 0",
    "HSCAN a 0 MATCH z*",
    "HSCAN a 0 COUNT 0",
    "HSCAN a 0 COUNT x",
    "HSCAN a 0 NONSENSE",
    "HSCAN none 0",
    "EXISTS a a none",
    "TYPE a",
    "TYPE none",
    "KEYS *",
    "KEYS n*",
    "SCAN 0",
    "SCAN 0 MATCH z* COUNT 10",
    "SCAN 0 TYPE string",
    "DBSIZE",
    "SELECT 0",
    "SELECT x",
    "MULTI",
    "HSET a q 1",
    "HGET a q",
    "PING",
    "MULTI",
    "EXEC",
    "EXEC",
    "DISCARD",
    "MULTI",
    "HGET a",
    "HGET a q",
    "EXEC",
    "MULTI",
    "NONSENSE a",
    "DISCARD",
    "UNWATCH",
    "AUTH secret",
    "AUTH default secret",
    "AUTH me secret",
    "CLIENT GETNAME",
    "CLIENT SETNAME me",
    "CLIENT GETNAME",
    "CLIENT GETNAME me",
    "NONSENSE a b c",
    "HELLO 4",
    "HELLO x",
    "HELLO 2 FOO",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE a b",
    "SUBSCRIBE a b",
    "PSUBSCRIBE a",
    "HGET a x",
    "PING",
    "PING x",
    "UNSUBSCRIBE a c",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE",
    "DEL a none",
    "EXISTS a",
    "MULTI",
    "RESET",
    "EXEC",
    "QUIT",
];

#[tokio::test]
async fn the_replies_are_those_of_redis_itself() {
    let Some(mut redis) = Redis::start() else { return };
    let store = Store::start().await.unwrap();
    for version in ["", "HELLO 3 SETNAME a"] {
        let hello = if version.is_empty() { Vec::new() } else { request(version) };
        let sent: Vec<u8> = THE_SAME.iter().flat_map(|words| request(words)).collect();
        let sent = [hello, sent].concat();
        let theirs = parse_all(&redis.replies_to(&sent).await);
        let (ours, end) = replies_to(&store, &sent).await;
        assert_eq!(end, SessionEnd::Quit);
        // What a server says of itself is another matter.
        let skipped = usize::from(!version.is_empty());
        for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate().skip(skipped) {
            assert_eq!(ours, theirs, "reply {number} with {version:?}");
        }
        assert_eq!(ours.len(), theirs.len());
    }
}

#[tokio::test]
async fn bytes_that_make_no_request_end_a_session_as_in_redis() {
    let Some(mut redis) = Redis::start() else { return };
    let store = Store::start().await.unwrap();
    for sent in [
        "\r\n\r\nPING\r\nQUIT\r\n",
        "*0\r\n*-10\r\nECHO \"a\\x41 b\" \r\nQUIT\r\n",
        "*3000000000\r\n",
        "*blabla\r\n",
        "*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n",
        "*1\r\nfoo\r\n",
        "*1\r\n$-10\r\n",
        "*1\r\n$2000000000\r\n",
        "*1\r\n$blabla\r\n",
        "set \"\"\"test-key\"\"\" test-value\r\nping\r\n",
    ] {
        let theirs = redis.replies_to(sent.as_bytes()).await;
        let (ours, _) = serve(Session::new(store.clone()).resp(), sent.as_bytes()).await;
        assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs), "{sent:?}");
    }
}
