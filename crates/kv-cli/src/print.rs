//! How answers and events are printed: as text, and as JSON.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use kv_server::prompt::visible;
use kv_server::{Answer, Event};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};

/// The standard output. At a terminal it shows nothing that would move the cursor; elsewhere every byte is as it is.
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

/// Prints this and nothing more.
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
pub(crate) fn event(event: &Event) -> Vec<u8> {
    let mut text = Vec::new();
    event.print(&mut text);
    text
}

/// Prints what a command came to, for a person or a script: the value alone, or each item in a line of its own.
pub(crate) fn plain(answer: &Answer) -> Result<(), Failure> {
    let text = match answer {
        Answer::Value(value) => [&unquoted(value)[..], b"\n"].concat(),
        Answer::Items(items) => items.iter().flat_map(|item| [&item[..], b"\n"]).collect::<Vec<_>>().concat(),
        Answer::Done | Answer::Pong | Answer::Help(_) => self::answer(answer),
        refusal => return Err(refused(refusal)),
    };
    Ok(show(&text)?)
}

/// Prints what a command came to as one line of JSON.
pub(crate) fn json(answer: &Answer) -> Result<(), Failure> {
    let value = match answer {
        Answer::Done => json!("OK"),
        Answer::Pong => json!("PONG"),
        Answer::Value(value) => text(&unquoted(value)),
        Answer::Items(items) | Answer::Help(items) => items.iter().map(|item| text(item)).collect(),
        refusal => return Err(refused(refusal)),
    };
    Ok(show(format!("{value}\n").as_bytes())?)
}

/// An event as a line of JSON.
pub(crate) fn event_json(event: &Event) -> Vec<u8> {
    let value = match event {
        Event::Created { bucket } => json!({ "event": "created", "bucket": text(bucket) }),
        Event::Exited { bucket, reason } => {
            json!({ "event": "exited", "bucket": text(bucket), "reason": text(reason) })
        }
        Event::Missed { events } => json!({ "event": "missed", "events": events }),
        // One that this program does not know yet.
        other => text(self::event(other).trim_ascii_end()),
    };
    format!("{value}\n").into_bytes()
}

/// The value itself, where the protocol had to write it with quotes.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    Answer::unquoted(value).map_or(Cow::Borrowed(value), |value| Cow::Owned(value.to_vec()))
}

/// A string, or `{"base64": "..."}` for bytes that are none.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": base64(bytes) }),
    }
}

/// RFC 4648, with its padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = [0, 1, 2].into_iter().fold(0, |bits, at| bits << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        let digit = |at: usize| if at <= group.len() { char::from(DIGITS[bits >> (18 - 6 * at) & 63]) } else { '=' };
        [0, 1, 2, 3].map(digit)
    };
    bytes.chunks(3).flat_map(group).collect()
}

/// What a server answers when it does not do what it was asked.
fn refused(answer: &Answer) -> Failure {
    match answer {
        Answer::Error(text) => Failure::new(Exit::Server, visible(text)),
        Answer::UnknownCommand => {
            Failure::new(Exit::Server, "the server does not know this command; it may be an older one than this kv")
        }
        other => {
            Failure::new(Exit::Server, format_args!("the server answered {}", visible(&self::answer(other)).trim_end()))
        }
    }
}
