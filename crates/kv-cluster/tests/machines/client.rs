//! A client of the line protocol at the sockets of all programs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use genserver::time;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use crate::chance::Chance;
use crate::record::{Outcome, Record};

/// How long a client waits for an answer. Longer than the program does, unless that stands still.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What is said of a command that was not carried out: by the program, and if the program is not there.
const NOT_DONE: [&str; 2] = ["nothing was carried out", NOT_CONNECTED];
const NOT_CONNECTED: &str = "not connected";

/// At most so long it waits between two questions.
const PAUSE_MS: u64 = 150;

/// How many keys of each bucket are in use at one time.
const PLACES: u64 = 2;

/// Connections to the programs, each made when it is needed.
pub(super) struct Client {
    nodes: Vec<(PathBuf, Option<BufReader<UnixStream>>)>,
}

impl Client {
    pub(super) fn new(sockets: &[PathBuf]) -> Self {
        Self { nodes: sockets.iter().map(|socket| (socket.clone(), None)).collect() }
    }

    /// Writes and reads at all programs in turn, without an end.
    pub(super) async fn go_on(mut self, record: &Record, buckets: &[&str], mut chance: Chance) {
        loop {
            let node = usize::try_from(chance.below(u64::try_from(self.nodes.len()).unwrap())).unwrap();
            let (bucket, place) = (*chance.pick(buckets), chance.below(PLACES));
            // What it says is in the record.
            let _ = self.ask(node, record, bucket, place, chance.below(2) == 0, ANSWER_WITHIN).await;
            time::sleep(Duration::from_millis(chance.below(PAUSE_MS))).await;
        }
    }

    /// Creates a bucket, and tries again until it is there.
    pub(super) async fn create(&mut self, node: usize, bucket: &str) {
        let line = format!("CREATE {bucket}\r\n");
        while self.first_line(node, &line, false, ANSWER_WITHIN).await.as_deref() != Ok("OK") {
            time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Writes or reads once. Returns the value, or the answer that has none.
    pub(super) async fn ask(
        &mut self,
        node: usize,
        record: &Record,
        bucket: &str,
        place: u64,
        puts: bool,
        within: Duration,
    ) -> Result<u64, String> {
        let (number, key, put) = record.call(bucket, place, puts);
        let answer = self.command(node, bucket, &key, put, within).await;
        let outcome = match &answer {
            Ok(value) => Outcome::Answered(*value),
            Err(text) if NOT_DONE.iter().any(|said| text.contains(said)) => Outcome::NotDone,
            Err(_) => Outcome::Unknown,
        };
        record.returns(number, place, outcome);
        answer
    }

    /// Reads a key that nobody writes any more.
    pub(super) async fn read(&mut self, node: usize, bucket: &str, key: &str) -> Result<u64, String> {
        self.command(node, bucket, key, None, ANSWER_WITHIN).await
    }

    async fn command(
        &mut self,
        node: usize,
        bucket: &str,
        key: &str,
        put: Option<u64>,
        within: Duration,
    ) -> Result<u64, String> {
        let line = match put {
            Some(value) => format!("PUT {bucket} {key} {value}\r\n"),
            None => format!("FETCH {bucket} {key}\r\n"),
        };
        let first = self.first_line(node, &line, put.is_none(), within).await;
        match (first.as_deref().map_err(String::as_str), put) {
            (Ok("OK"), Some(value)) => Ok(value),
            (Ok("KEY NOT FOUND"), None) => Ok(0),
            (Ok(text), None) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(text.parse().unwrap()),
            (Ok(text) | Err(text), _) => Err(text.to_owned()),
        }
    }

    /// Sends a line, and returns the first line of its answer. If that is a value, there is a second one.
    async fn first_line(&mut self, node: usize, line: &str, reads: bool, within: Duration) -> Result<String, String> {
        let (socket, connection) = &mut self.nodes[node];
        // Given back when the answer is whole, so that no answer is taken for that of another question.
        let taken = connection.take();
        let asked = async {
            let mut stream = match taken {
                Some(stream) => stream,
                None => connect(socket).await?,
            };
            stream.get_mut().write_all(line.as_bytes()).await?;
            let first = read_line(&mut stream).await?;
            if reads && first.bytes().all(|byte| byte.is_ascii_digit()) {
                assert_eq!(read_line(&mut stream).await?, "OK");
            }
            io::Result::Ok((stream, first))
        };
        match time::timeout(within, asked).await {
            Ok(Ok((stream, first))) => {
                *connection = Some(stream);
                Ok(first)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(elapsed) => Err(elapsed.to_string()),
        }
    }
}

async fn connect(socket: &Path) -> io::Result<BufReader<UnixStream>> {
    let connected = UnixStream::connect(socket).await;
    let stream = connected.map_err(|error| io::Error::new(error.kind(), format!("{NOT_CONNECTED}: {error}")))?;
    Ok(BufReader::new(stream))
}

async fn read_line(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}
