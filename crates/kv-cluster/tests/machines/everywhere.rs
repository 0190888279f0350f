//! What one program was told, asked of the others in every way that they offer: lines, RESP, lists and events.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use genserver::time;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// A connection that sends what it is given, and reads lines.
struct Connection(BufReader<UnixStream>);

impl Connection {
    async fn open(socket: &PathBuf) -> Self {
        Self(BufReader::new(UnixStream::connect(socket).await.unwrap()))
    }

    async fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).await.unwrap(), 0, "the program has closed the connection");
        line.trim_end().to_owned()
    }

    /// The lines up to one, and that.
    async fn lines_to(&mut self, last: &str) -> Vec<String> {
        let mut lines = vec![self.line().await];
        while lines.last().is_some_and(|line| line != last) {
            lines.push(self.line().await);
        }
        lines
    }
}

/// Puts a key at the first program, and looks for it at the others.
pub(super) async fn check(sockets: &[PathBuf], buckets: &[&str]) {
    let [first, others @ ..] = sockets else { unreachable!("there are several") };
    let bucket = buckets[0];
    let mut watching = Vec::new();
    for socket in others {
        let mut watch = Connection::open(socket).await;
        watch.send(&format!("WATCH {bucket}\r\n")).await;
        assert_eq!(watch.line().await, "OK");
        watching.push(watch);
    }
    // Again and again, for the subscription of a program may begin a moment after it listens.
    let put = pin!(async {
        let mut put = Connection::open(first).await;
        loop {
            put.send(&format!("PUT {bucket} told 5\r\n")).await;
            assert_eq!(put.line().await, "OK");
            time::sleep(Duration::from_millis(500)).await;
        }
    });
    let see = pin!(see(others, watching, buckets));
    match select(see, put).await {
        Either::Left(((), _)) => {}
        Either::Right((never, _)) => match never {},
    }
}

/// Waits until all of them have it.
async fn see(others: &[PathBuf], watching: Vec<Connection>, buckets: &[&str]) {
    let bucket = buckets[0];
    for (socket, mut watch) in others.iter().zip(watching) {
        // Before it there may be a line that something was missed: a program begins.
        watch.lines_to(&format!("PUT {bucket} told")).await;
        let mut resp = Connection::open(socket).await;
        resp.send(&format!("*3\r\n$4\r\nHGET\r\n${}\r\n{bucket}\r\n$4\r\ntold\r\n", bucket.len())).await;
        assert_eq!([resp.line().await, resp.line().await], ["$1", "5"]);
        let mut list = Connection::open(socket).await;
        let mut expected: Vec<String> = buckets.iter().map(|bucket| format!("* {bucket}")).collect();
        expected.sort_unstable();
        expected.push("OK".to_owned());
        // The newest names may be missing for a moment.
        loop {
            list.send("BUCKETS\r\n").await;
            if list.lines_to("OK").await == expected {
                break;
            }
            time::sleep(Duration::from_millis(50)).await;
        }
    }
}
