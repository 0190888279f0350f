//! Logs: one subject of a stream for each.

use std::time::Duration;

use async_nats::header::{NATS_LAST_SEQUENCE, NATS_ROLLUP, NATS_SEQUENCE};
use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use futures::StreamExt as _;
use genserver::time;
use serde_json::json;

use super::Inner;
use crate::engine::{ChangeError, EngineError, LogEntry, Position};

/// A request for entries is answered by them and then by this status, ...
const END: u16 = 204;

/// ... or by this alone.
const NONE: u16 = 404;

/// What an answer says.
enum Answer {
    Entry(LogEntry),
    End,
}

impl Inner {
    pub(super) async fn append(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        self.add_entry(log, HeaderMap::new(), entry, last).await
    }

    pub(super) async fn snapshot(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        let mut headers = HeaderMap::new();
        // The server removes what was in this subject before.
        headers.insert(NATS_ROLLUP, "sub");
        self.add_entry(log, headers, entry, last).await
    }

    async fn add_entry(
        &self,
        log: &str,
        headers: HeaderMap,
        entry: Bytes,
        last: Position,
    ) -> Result<Position, ChangeError> {
        let stream = format!("LOG_{}", self.name);
        self.write(self.log_subject(log), &stream, headers, entry, last.0).await.map(Position)
    }

    /// Reads a batch. A server that is cut off may be asked until others notice that, so another one is asked soon. The waits
    /// for a first answer are together as long as one answer may take.
    pub(super) async fn read(&self, log: &str, after: Position, limit: usize) -> Result<Vec<LogEntry>, EngineError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut read = Err(EngineError::Unanswered);
        for twentieths in [1, 1, 2, 2, 4, 10] {
            read = self.read_from_any(log, after, limit, self.link.answer_within * twentieths / 20).await;
            if read != Err(EngineError::Unanswered) {
                break;
            }
        }
        read
    }

    /// Asks any server of the stream for a batch. Those that come are told with the number of the one before, so that none is missed.
    async fn read_from_any(
        &self,
        log: &str,
        after: Position,
        limit: usize,
        answer_within: Duration,
    ) -> Result<Vec<LogEntry>, EngineError> {
        let client = &self.link.client;
        let connected = self.link.connected()?;
        let inbox = client.new_inbox();
        let answers =
            client.subscribe(inbox.clone()).await.map_err(|error| EngineError::Unreachable(error.to_string()))?;
        let mut answers = Box::pin(connected.limit(answers));
        let asked = json!({ "seq": after.0 + 1, "next_by_subj": self.log_subject(log), "batch": limit });
        let subject = format!("$JS.API.DIRECT.GET.LOG_{}", self.name);
        let sent = client.publish_with_reply(subject, inbox, asked.to_string().into()).await;
        sent.map_err(|error| EngineError::Unreachable(error.to_string()))?;
        let mut entries = Vec::new();
        // No bound but the batch: each answer is waited for, and not all of them.
        loop {
            let answer = time::timeout(answer_within, answers.next()).await;
            let answer = answer.ok().flatten().ok_or(EngineError::Unanswered)?;
            match read_answer(answer, &entries)? {
                Answer::Entry(entry) => entries.push(entry),
                Answer::End => return Ok(entries),
            }
        }
    }

    fn log_subject(&self, log: &str) -> String {
        format!("LOG.{}.{log}", self.name)
    }
}

fn read_answer(answer: Message, before: &[LogEntry]) -> Result<Answer, EngineError> {
    match answer.status {
        None => (),
        Some(status) if [END, NONE].contains(&status.as_u16()) => return Ok(Answer::End),
        Some(StatusCode::NO_RESPONDERS) => {
            return Err(EngineError::Unreachable("no server has the logs at present".to_owned()));
        }
        Some(status) => return Err(EngineError::Refused(format!("a log is not read: {status}"))),
    }
    let headers = answer.headers.unwrap_or_default();
    let number = |name| headers.get(name).and_then(|number| number.as_str().parse().ok());
    let position = Position(number(NATS_SEQUENCE).ok_or(EngineError::Unanswered)?);
    // The first has none before it.
    let last = before.last().map_or(0, |entry| entry.position.0);
    if number(NATS_LAST_SEQUENCE).unwrap_or(0) != last {
        return Err(EngineError::Unanswered);
    }
    Ok(Answer::Entry(LogEntry { position, entry: answer.payload, is_snapshot: headers.get(NATS_ROLLUP).is_some() }))
}
