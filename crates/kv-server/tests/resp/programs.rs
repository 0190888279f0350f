//! Redis's own programs: `redis-cli` and `redis-benchmark` on a socket of ours, and the replies of `redis-server` beside ours.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use kv_core::Store;
use kv_server::net::Server;
use kv_server::{Session, SessionEnd};

use crate::redis::{Redis, run};
use crate::resp::{parse_all, replies_to, request, serve};

pub(crate) async fn server() -> Server {
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

/// The commands of `the_same.txt`, of which the first section is for any client.
pub(crate) const THE_SAME: &str = include_str!("the_same.txt");

/// The commands of a text with a line for each, and with comments.
pub(crate) fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[tokio::test]
async fn the_replies_are_those_of_redis_itself() {
    let Some(mut redis) = Redis::start() else { return };
    let store = Store::start().await.unwrap();
    for version in ["", "HELLO 3 SETNAME a"] {
        let hello = if version.is_empty() { Vec::new() } else { request(version) };
        let sent: Vec<u8> = commands(THE_SAME).flat_map(request).collect();
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
