//! Printing answers and events, as text and as JSON.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use base64::prelude::{BASE64_STANDARD, Engine};
use kv_server::prompt::visible;
use kv_server::{Answer, SubscriptionEvent};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::login;

/// Standard output. At a terminal, control characters are escaped; elsewhere every byte is written as it is.
pub(crate) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        let stdout = io::stdout();
        Self { is_terminal: stdout.is_terminal(), stdout: BufWriter::new(stdout.lock()) }
    }

    pub(crate) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.is_terminal { self.stdout.write_all(visible(text).as_bytes()) } else { self.stdout.write_all(text) }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// Prints a text.
pub(crate) fn show(text: &[u8]) -> io::Result<()> {
    let mut output = Output::new();
    output.write(text)?;
    output.flush()
}

/// The lines of an answer.
pub(crate) fn answer(answer: &Answer) -> Vec<u8> {
    let mut text = Vec::new();
    answer.print(&mut text);
    text
}

/// The line of an event.
pub(crate) fn event(event: &SubscriptionEvent) -> Vec<u8> {
    let mut text = Vec::new();
    event.print(&mut text);
    text
}

/// Prints the answer to a command, for a person or a script: the bare value, or one item a line.
pub(crate) fn plain(answer: &Answer) -> Result<(), Failure> {
    let text = match answer {
        Answer::Value(value) => [&unquoted(value)[..], b"\n"].concat(),
        Answer::Items(items) => items.iter().flat_map(|item| [&item[..], b"\n"]).collect::<Vec<_>>().concat(),
        other => self::answer(other),
    };
    Ok(show(&text)?)
}

/// Prints the answer to a command as one line of JSON.
pub(crate) fn json(answer: &Answer) -> Result<(), Failure> {
    let value = match answer {
        Answer::Done => json!("OK"),
        Answer::Pong => json!("PONG"),
        Answer::Value(value) => text(&unquoted(value)),
        Answer::Items(items) | Answer::Help(items) => items.iter().map(|item| text(item)).collect(),
        // An answer that this program does not know yet.
        other => text(self::answer(other).trim_ascii_end()),
    };
    Ok(show(format!("{value}\n").as_bytes())?)
}

/// An event as a line of JSON.
pub(crate) fn event_json(event: &SubscriptionEvent) -> Vec<u8> {
    let value = match event {
        SubscriptionEvent::Created { bucket } => json!({ "event": "created", "bucket": text(bucket) }),
        SubscriptionEvent::Exited { bucket, reason } => {
            json!({ "event": "exited", "bucket": text(bucket), "reason": text(reason) })
        }
        SubscriptionEvent::Put { bucket, key } => key_json("put", bucket, key),
        SubscriptionEvent::Deleted { bucket, key } => key_json("deleted", bucket, key),
        SubscriptionEvent::Expired { bucket, key } => key_json("expired", bucket, key),
        SubscriptionEvent::Missed { events } => json!({ "event": "missed", "events": events }),
        // An event that this program does not know yet.
        other => text(self::event(other).trim_ascii_end()),
    };
    format!("{value}\n").into_bytes()
}

fn key_json(event: &str, bucket: &[u8], key: &[u8]) -> Value {
    json!({ "event": event, "bucket": text(bucket), "key": text(key) })
}

/// The value itself, if the protocol had to quote it.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    Answer::unquoted(value).map_or(Cow::Borrowed(value), |value| Cow::Owned(value.to_vec()))
}

/// A string. Bytes that are not UTF-8 become `{"base64": "..."}`.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

/// The failure that an answer is. `None` if the command was carried out.
pub(crate) fn refusal(answer: &Answer) -> Option<Failure> {
    Some(match answer {
        Answer::NotFound => Failure::new(Exit::NotFound, "there is no such bucket"),
        Answer::KeyNotFound => Failure::new(Exit::NotFound, "there is no such key"),
        Answer::Exists => Failure::new(Exit::NotFound, "the key has a value already, so nothing was stored"),
        Answer::Differs => Failure::new(Exit::NotFound, "the key has another value, so nothing was stored"),
        refused if refused.is_not_logged_in() => Failure::new(Exit::Denied, login::MISSING),
        Answer::Error(text) => Failure::new(Exit::Server, visible(text)),
        Answer::UnknownCommand => {
            Failure::new(Exit::Server, "the server does not know this command; HELP lists those that it knows")
        }
        _ => return None,
    })
}
