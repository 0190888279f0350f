//! A password, and every place where it could be left: answers, errors, reports, what is seen of a process, and each `Debug`.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, Cursor};
use genserver::report::Report;
use genserver::{Node, Probe};
use kv_core::Store;
use kv_server::net::Server;
use kv_server::{Client, Command, Password, PasswordHash, Session};

use crate::secret::{PASSWORD, hash};
use crate::socket::{self, options, soon};

/// Another one, which is wrong.
const WRONG: &str = "sparrow 0b64a8de11f7c3";

/// What was seen, and where.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn see(&mut self, place: &str, text: impl Into<String>) {
        self.0.push((place.to_owned(), text.into()));
    }

    fn debug(&mut self, value: &impl Debug) {
        self.see("Debug", format!("{value:?} {value:#?}"));
    }

    /// Neither a password, nor a part of one or of a hash.
    #[track_caller]
    fn check(&self) {
        let hash = hash().as_str().rsplit('$').next().unwrap().to_owned();
        for (place, text) in &self.0 {
            for secret in [&*hash, PASSWORD, "sesame", WRONG, "0b64a8de11f7c3"] {
                assert!(!text.contains(secret), "{place}: {text}");
            }
        }
    }
}

/// Gives what a client has sent, and breaks.
struct Breaking(VecDeque<u8>);

impl AsyncRead for Breaking {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!self.0.is_empty(), "it broke");
        let length = buf.len().min(self.0.len());
        for (to, from) in buf.iter_mut().zip(self.0.drain(..length)) {
            *to = from;
        }
        Poll::Ready(Ok(length))
    }
}

fn bulk(words: &[&str]) -> String {
    let bulk = |word: &&str| format!("${}\r\n{word}\r\n", word.len());
    format!("*{}\r\n{}", words.len(), words.iter().map(bulk).collect::<String>())
}

/// Logins of all kinds, in lines and in requests: wrong ones, misspelt ones, and then the right one.
fn logins() -> [String; 2] {
    let lines = [
        format!("AUTH \"{WRONG}\""),
        format!("AUTH {PASSWORD}"),
        format!("AUHT \"{PASSWORD}\""),
        format!("AUTH \"{PASSWORD}"),
        format!("AUTH default \"{PASSWORD}\""),
        format!("AUTH \"{PASSWORD}\""),
        "HELP\r\n".to_owned(),
    ];
    let requests = [
        bulk(&["AUTH", WRONG]),
        bulk(&["AUHT", PASSWORD]),
        bulk(&["AUTH", "a", "b", PASSWORD]),
        bulk(&["HELLO", "3", "AUTH", PASSWORD]),
        bulk(&["HELLO", "3", "AUTH", PASSWORD, PASSWORD]),
        bulk(&["HELLO", "3", "AUTH", "default", PASSWORD]),
        bulk(&["CLIENT", "LIST"]),
        bulk(&["COMMAND", "INFO", "AUTH"]),
        bulk(&["MULTI"]),
        bulk(&["AUTH", PASSWORD]),
        bulk(&["EXEC"]),
    ];
    [lines.join("\r\n"), requests.concat()]
}

#[tokio::test]
async fn a_password_is_in_no_answer_report_or_debug() {
    let mut seen = Seen::default();
    let mut reports = Node::current().reports();
    let store = Store::start().await.unwrap();
    let session = Session::new(store.clone()).password(hash());
    seen.debug(&session);
    seen.debug(&options().password(hash()));

    for logins in logins() {
        let mut answers = Cursor::new(Vec::new());
        session.clone().serve(logins.as_bytes(), &mut answers).await.unwrap();
        let answers = String::from_utf8(answers.into_inner()).unwrap();
        assert!(answers.lines().count() > 6, "{answers}");
        seen.see("answers", answers);

        // A session that crashes behind its login, and what its node tells of that.
        let (session, login) = (session.clone(), logins.clone());
        let process = genserver::spawn(move |_me: Probe<()>| async move {
            session.serve(Breaking(login.into_bytes().into()), Cursor::new(Vec::new())).await?;
            Ok(())
        });
        let process = process.unwrap();
        seen.debug(&Node::current().process_list());
        assert_eq!(process.process_ref().ended().await.to_string(), "panicked: it broke");
    }
    let mut crashes = 0;
    while crashes < 2 {
        let report = soon(reports.next()).await.unwrap();
        crashes +=
            u32::from(matches!(&report, Report::Crashed(crashed) if crashed.reason.to_string().contains("it broke")));
        seen.debug(&report);
        seen.see("report", report.to_string());
    }
    store.stop().await.unwrap();
    seen.check();
}

#[tokio::test]
async fn a_password_is_in_no_debug_of_a_server_and_its_clients() {
    let mut seen = Seen::default();
    let store = Store::start().await.unwrap();
    let server = options().password(hash()).start(store.clone()).await.unwrap();
    seen.debug(&server);
    let address = &server.addresses()[0];
    let (reader, writer) = kv_server::net::connect(address).await.unwrap();
    let mut client = Client::new(reader, writer);
    let (right, wrong) = (Password::new(PASSWORD).unwrap(), Password::new(WRONG).unwrap());
    seen.debug(&right);
    seen.debug(&hash());
    let refused = client.log_in(&wrong).await.unwrap_err();
    seen.debug(&refused);
    seen.see("error", refused.to_string());
    seen.debug(&client.log_in(&right).await);
    client.queue_unknown(format!("AUTH \"{PASSWORD}\"").as_bytes());
    seen.debug(&client);
    seen.debug(&client.answer().await.unwrap());
    seen.debug(&client.send(&Command::Help).await.unwrap());
    seen.debug(&format!("AUTH \"{PASSWORD}\"").parse::<Command>());
    seen.debug(&Password::new(WRONG.repeat(1000)).map(drop));
    seen.debug(&hash().as_str()[1..].parse::<PasswordHash>().map(drop));
    seen.debug(&Node::current().process_list());
    server.stop().await.unwrap();
    store.stop().await.unwrap();
    seen.check();
}

#[tokio::test]
async fn logins_that_fail_again_and_again_are_reported_with_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let unix = format!("unix:{}/kv.sock", folder.path().display());
    for (address, from) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::/64"), (&unix, "this machine")] {
        let mut seen = Seen::default();
        let mut reports = Node::current().reports();
        let store = Store::start().await.unwrap();
        let server = Server::options().limits(socket::limits()).password(hash()).listen(address.parse().unwrap());
        let server = server.start(store.clone()).await.unwrap();
        for _ in 0..5 {
            // Another connection makes no difference.
            let mut client = socket::Client::connect(&server.addresses()[0]).await;
            let refused = client.send_and_recv(&format!("AUTH \"{WRONG}\"\r\n")).await;
            assert_eq!(refused, "ERROR wrong password; check it, and send AUTH again\r\n");
        }
        let told = loop {
            let report = soon(reports.next()).await.unwrap();
            seen.see("report", format!("{report} {report:?}"));
            if let Report::Custom(told) = report
                && let Some(from) = told.detail("from")
            {
                break from.to_owned();
            }
        };
        assert_eq!(told, from);
        seen.check();
        server.stop().await.unwrap();
        store.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_with_a_password_asks_for_it_at_every_address() {
    let folder = tempfile::tempdir().unwrap();
    let unix = format!("unix:{}/kv.sock", folder.path().display());
    let store = Store::start().await.unwrap();
    let server = Server::options().limits(socket::limits()).password(hash());
    let server = server.listen("0.0.0.0:0".parse().unwrap()).listen("[::1]:0".parse().unwrap());
    let server = server.listen(unix.parse().unwrap()).listen_resp("127.0.0.1:0".parse().unwrap());
    let server = server.start(store.clone()).await.unwrap();
    for (number, address) in server.addresses().iter().enumerate() {
        let mut client = socket::Client::connect(address).await;
        let [refusal, login, pong] = match number {
            3 => ["-NOAUTH Authentication required.\r\n", "+OK\r\n", "+PONG\r\n"],
            _ => ["ERROR log in first: send AUTH and the password\r\n", "OK\r\n", "PONG\r\n"],
        };
        assert_eq!(client.send_and_recv("PING\r\n").await, refusal);
        assert_eq!(client.send_and_recv(&format!("AUTH \"{PASSWORD}\"\r\n")).await, login);
        assert_eq!(client.send_and_recv("PING\r\n").await, pong);
    }
    server.stop().await.unwrap();
    store.stop().await.unwrap();
}
