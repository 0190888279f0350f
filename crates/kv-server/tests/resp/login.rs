//! Logging in, in the words of Redis.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::time::Duration;

use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd};
use tokio::time::Instant;

use crate::resp::{Reply, encode, error, ok, request};
use crate::secret::{PASSWORD, hash};
use crate::support::Client;

const NOAUTH: &str = "NOAUTH Authentication required.";
const WRONGPASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const HELLO_FIRST: &str = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
                           <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
                           the same time";

async fn session() -> Session {
    Session::new(Store::start().await.unwrap()).resp().password(hash())
}

async fn client() -> Client {
    Client::of(session().await)
}

impl Client {
    /// Sends a request whose arguments may have blanks in them.
    async fn say(&mut self, words: &[&str]) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.send(encode(&words)).await;
        self.reply().await
    }
}

#[tokio::test]
async fn before_the_login_there_is_only_auth_hello_and_quit() {
    let mut client = client().await;
    for words in ["PING", "HGET a b", "HGET a", "NOSUCH sesame", "COMMAND", "INFO", "RESET", "MULTI", "SUBSCRIBE a"] {
        client.expect(words, error(NOAUTH)).await;
    }
    client.expect("HELLO", error(HELLO_FIRST)).await;
    client.expect("HELLO 3 SETNAME a", error(HELLO_FIRST)).await;
    client.expect("HELLO 4", error("NOPROTO unsupported protocol version")).await;
    client.expect("AUTH", error("ERR wrong number of arguments for 'auth' command")).await;
    client.send(request("QUIT")).await;
    assert_eq!(client.rest().await, ("+OK\r\n".to_owned(), SessionEnd::Quit));
}

#[tokio::test]
async fn auth_takes_the_password_and_the_user_default() {
    for words in [&["AUTH", PASSWORD][..], &["auth", "default", PASSWORD]] {
        let mut client = client().await;
        client.expect("AUTH sesame", error(WRONGPASS)).await;
        client.expect("AUTH default sesame", error(WRONGPASS)).await;
        assert_eq!(client.say(&["AUTH", "me", PASSWORD]).await, error(WRONGPASS));
        assert_eq!(client.say(&["AUTH", ""]).await, error(WRONGPASS));
        client.expect("AUTH a b c", error("ERR syntax error")).await;
        client.expect("PING", error(NOAUTH)).await;
        assert_eq!(client.say(words).await, ok());
        client.expect("PING", Reply::Simple("PONG".to_owned())).await;
        // A failure does not log out.
        client.expect("AUTH sesame", error(WRONGPASS)).await;
        client.expect("PING", Reply::Simple("PONG".to_owned())).await;
    }
}

#[tokio::test]
async fn hello_logs_in_or_sets_nothing() {
    let mut client = client().await;
    assert_eq!(client.say(&["HELLO", "3", "AUTH", "default", "sesame"]).await, error(WRONGPASS));
    assert_eq!(client.say(&["HELLO", "3", "AUTH", "me", PASSWORD]).await, error(WRONGPASS));
    let unknown = "ERR Syntax error in HELLO option 'FOO'";
    assert_eq!(client.say(&["HELLO", "3", "AUTH", "default", PASSWORD, "FOO"]).await, error(unknown));
    client.expect("PING", error(NOAUTH)).await;
    let Reply::Map(_) = client.say(&["HELLO", "3", "AUTH", "default", PASSWORD, "SETNAME", "me"]).await else {
        panic!("it is version 3")
    };
    client.expect("CLIENT GETNAME", Reply::Bulk(b"me".to_vec())).await;
}

#[tokio::test]
async fn reset_logs_out() {
    let mut client = client().await;
    assert_eq!(client.say(&["AUTH", PASSWORD]).await, ok());
    client.expect("RESET", Reply::Simple("RESET".to_owned())).await;
    client.expect("PING", error(NOAUTH)).await;
    assert_eq!(client.say(&["AUTH", PASSWORD]).await, ok());
    client.expect("PING", Reply::Simple("PONG".to_owned())).await;
}

#[tokio::test]
async fn requests_behind_a_login_are_executed_after_it_is_answered() {
    let mut client = client().await;
    let mut sent = request("HSET a k v");
    sent.extend(encode(&[b"AUTH", PASSWORD.as_bytes()]));
    let value = "x".repeat(50_000);
    sent.extend(encode(&[b"HSET", b"b", b"k", value.as_bytes()]));
    sent.extend(request("KEYS *"));
    client.send(sent).await;
    assert_eq!(client.leave().await.0, format!("-{NOAUTH}\r\n+OK\r\n:1\r\n*1\r\n$1\r\nb\r\n"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_log_in_is_told_and_closed() {
    let late = "-ERR no login within 5s and 16384 bytes; connect again, and send AUTH and the password first\r\n";
    for sent in ["", "*1\r\n$4\r\nPI"] {
        let mut client = client().await;
        let begun = Instant::now();
        client.send(sent).await;
        assert_eq!(client.rest().await, (late.to_owned(), SessionEnd::NotLoggedIn));
        assert_eq!(begun.elapsed().as_secs(), 5);
    }
    let mut client = client().await;
    client.send(encode(&[b"AUTH", &vec![b'x'; 100_000]])).await;
    assert_eq!(client.rest().await, (late.to_owned(), SessionEnd::NotLoggedIn));
}

#[tokio::test(start_paused = true)]
async fn attempts_that_are_sent_at_once_get_no_more_time() {
    let mut client = client().await;
    let begun = Instant::now();
    client.send([request("AUTH a"), request("HELLO 3 AUTH default a")].concat().repeat(100)).await;
    let (said, end) = client.rest().await;
    assert_eq!((said.matches(WRONGPASS).count(), end), (8, SessionEnd::NotLoggedIn));
    assert_eq!(begun.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_over_both_protocols_and_all_users() {
    let limits = Limits { login: Duration::from_secs(1000), ..Limits::default() };
    let mut client = Client::of(session().await.limits(limits));
    for (words, seconds) in [
        ("AUTH a", 0),
        ("AUTH default a", 0),
        ("AUTH me a", 0),
        ("HELLO 3 AUTH default a", 0),
        ("HELLO 3 AUTH me a", 0),
        ("AUTH me a", 1),
        ("AUTH a", 2),
    ] {
        let begun = Instant::now();
        client.expect(words, error(WRONGPASS)).await;
        assert_eq!(begun.elapsed().as_secs(), seconds, "{words}");
    }
}
