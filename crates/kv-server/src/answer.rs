//! Answers, as a server writes them and as a client reads them.

use std::borrow::Cow;

use bytes::Bytes;

use crate::command::words;
use crate::login::{NOT_LOGGED_IN, TOO_LATE};

// How a client finds the end of an answer.
mod reading;

pub use reading::{AnswerReader, ReaderStep, UnexpectedLine};

/// A server's answer: one line, or several lines that end with `OK`.
///
/// Each line ends in CR and LF.
///
/// ```
/// use kv_server::Answer;
///
/// #[track_caller]
/// fn check(answer: Answer, lines: &str) {
///     let mut written = Vec::new();
///     answer.encode(&mut written);
///     assert_eq!(String::from_utf8_lossy(&written), lines);
/// }
///
/// check(Answer::Done, "OK\r\n");
/// check(Answer::Value("1".into()), "1\r\nOK\r\n");
/// check(Answer::Value("".into()), "\r\nOK\r\n");
/// check(
///     Answer::Items(vec!["eggs".into(), "soy milk".into()]),
///     "* eggs\r\n* soy milk\r\nOK\r\n",
/// );
/// check(Answer::Pong, "PONG\r\n");
/// check(Answer::NotFound, "NOT FOUND\r\n");
/// check(Answer::KeyNotFound, "KEY NOT FOUND\r\n");
/// check(Answer::Exists, "EXISTS\r\n");
/// check(Answer::Differs, "DIFFERS\r\n");
/// check(Answer::UnknownCommand, "UNKNOWN COMMAND\r\n");
/// check(
///     Answer::Error("no space; delete something".into()),
///     "ERROR no space; delete something\r\n",
/// );
/// ```
///
/// # Line ends inside values
///
/// A value can contain a line end if it was written with [quotes](crate::Command), or by code that uses the store directly.
/// To keep an answer from having more lines than it should, the server writes such a value with quotes. A client cannot
/// tell a value that was quoted for this reason from a value that really has those quotes. This is the protocol's only
/// ambiguity.
///
/// ```
/// # use kv_server::Answer;
/// # #[track_caller]
/// # fn check(answer: Answer, lines: &str) {
/// #     let mut written = Vec::new();
/// #     answer.encode(&mut written);
/// #     assert_eq!(String::from_utf8_lossy(&written), lines);
/// # }
/// check(Answer::Value("one\ntwo".into()), "\"one\\ntwo\"\r\nOK\r\n");
/// check(Answer::Value(r#""one\ntwo""#.into()), "\"one\\ntwo\"\r\nOK\r\n");
/// check(Answer::Value(r#""hi""#.into()), "\"hi\"\r\nOK\r\n");
/// ```
///
/// Keys and names of buckets are not ambiguous: they are also quoted if they begin with a quote, so an item that begins
/// with a quote is always a quoted one.
///
/// ```
/// # use kv_server::Answer;
/// # #[track_caller]
/// # fn check(answer: Answer, lines: &str) {
/// #     let mut written = Vec::new();
/// #     answer.encode(&mut written);
/// #     assert_eq!(String::from_utf8_lossy(&written), lines);
/// # }
/// check(
///     Answer::Items(vec!["one\ntwo".into(), r#""hi""#.into()]),
///     "* \"one\\ntwo\"\r\n* \"\\\"hi\\\"\"\r\nOK\r\n",
/// );
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// `OK`.
    Done,
    /// The value, and `OK`. The answer to `GET` is the same for a missing key as for an empty value. A client gets the line as
    /// it is; use [`unquoted`](Self::unquoted) if it must be a quoted value.
    Value(Bytes),
    /// A line `* item` for each key or bucket, and `OK`.
    Items(Vec<Bytes>),
    /// The lines of `HELP`, and `OK`.
    Help(Vec<Bytes>),
    /// `PONG`.
    Pong,
    /// `NOT FOUND`: there is no such bucket.
    NotFound,
    /// `KEY NOT FOUND`: there is such a bucket, and no such key in it.
    KeyNotFound,
    /// `EXISTS`: the key has a value already.
    Exists,
    /// `DIFFERS`: the key has another value than the expected one.
    Differs,
    /// `UNKNOWN COMMAND`.
    UnknownCommand,
    /// `ERROR`, followed in the same line by what is wrong and what to do.
    Error(Bytes),
}

impl Answer {
    /// Writes the lines of the protocol, each ended by CR and LF.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(b"\r\n", out);
    }

    /// Writes the same lines for a file or a terminal, each ended by LF.
    pub fn print(&self, out: &mut Vec<u8>) {
        self.write(b"\n", out);
    }

    /// Whether the command was not executed because the client has to [log in](crate::Client::log_in) first, or has not done so in
    /// time.
    pub fn is_not_logged_in(&self) -> bool {
        let Self::Error(text) = self else { return false };
        *text == *NOT_LOGGED_IN.as_bytes() || text.starts_with(TOO_LATE.as_bytes())
    }

    fn write(&self, end: &[u8], out: &mut Vec<u8>) {
        let last = match self {
            Self::Done => DONE,
            Self::Value(value) => {
                write_line(value, end, out);
                DONE
            }
            Self::Items(items) => {
                for item in items {
                    write_item(item, end, out);
                }
                DONE
            }
            Self::Help(lines) => {
                for line in lines {
                    write_line(line, end, out);
                }
                DONE
            }
            Self::Pong => PONG,
            Self::NotFound => NOT_FOUND,
            Self::KeyNotFound => KEY_NOT_FOUND,
            Self::Exists => EXISTS,
            Self::Differs => DIFFERS,
            Self::UnknownCommand => UNKNOWN_COMMAND,
            Self::Error(text) => return write_error_line(&String::from_utf8_lossy(text), end, out),
        };
        out.extend(last.trim_ascii_end());
        out.extend(end);
    }

    /// Unquotes a value. `None` if it is not a quoted value with a line end. Always safe for a client whose values do not
    /// look like that themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Answer;
    ///
    /// assert_eq!(Answer::unquoted(br#""one\ntwo""#).as_deref(), Some(&b"one\ntwo"[..]));
    /// assert_eq!(Answer::unquoted(br#""hi""#), None, "it would not have been quoted");
    /// assert_eq!(Answer::unquoted(b"1"), None);
    /// ```
    pub fn unquoted(value: &[u8]) -> Option<Bytes> {
        let value = words::unquote(value)?;
        breaks(&value).then(|| Bytes::from(value.into_owned()))
    }
}

/// What an item's line begins with.
pub(crate) const ITEM: &[u8] = b"* ";
pub(crate) const DONE: &[u8] = b"OK\r\n";
pub(crate) const PONG: &[u8] = b"PONG\r\n";
pub(crate) const NOT_FOUND: &[u8] = b"NOT FOUND\r\n";
pub(crate) const KEY_NOT_FOUND: &[u8] = b"KEY NOT FOUND\r\n";
pub(crate) const EXISTS: &[u8] = b"EXISTS\r\n";
pub(crate) const DIFFERS: &[u8] = b"DIFFERS\r\n";
pub(crate) const UNKNOWN_COMMAND: &[u8] = b"UNKNOWN COMMAND\r\n";

/// Whether the text contains a line end.
pub(crate) fn breaks(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

/// The end of a line.
pub(crate) const END: &[u8] = b"\r\n";

fn write_line(line: &[u8], end: &[u8], out: &mut Vec<u8>) {
    if breaks(line) {
        words::quote(line, out);
    } else {
        out.extend(line);
    }
    out.extend(end);
}

/// Writes a value, and `OK`.
pub(crate) fn write_value(value: &[u8], out: &mut Vec<u8>) {
    write_line(value, END, out);
    out.extend(DONE);
}

/// Writes a key or the name of a bucket, as an item of a list.
pub(crate) fn write_item(item: &[u8], end: &[u8], out: &mut Vec<u8>) {
    out.extend(ITEM);
    if is_quoted_item(item) {
        words::quote(item, out);
    } else {
        out.extend(item);
    }
    out.extend(end);
}

/// Whether an item is written with quotes.
pub(crate) fn is_quoted_item(item: &[u8]) -> bool {
    item.first() == Some(&b'"') || breaks(item)
}

/// Reads the item of a line, if it is one.
pub(crate) fn read_item(line: &Bytes) -> Option<Bytes> {
    let item = line.strip_prefix(ITEM)?;
    if item.first() != Some(&b'"') {
        return Some(line.slice_ref(item));
    }
    Some(match words::unquote(item)? {
        Cow::Borrowed(item) => line.slice_ref(item),
        Cow::Owned(item) => item.into(),
    })
}

/// Writes an `ERROR` line.
pub(crate) fn write_error(text: &str, out: &mut Vec<u8>) {
    write_error_line(text, END, out);
}

fn write_error_line(text: &str, end: &[u8], out: &mut Vec<u8>) {
    out.extend(b"ERROR ");
    write_text(text, out);
    out.extend(end);
}

/// The longest reason or error in a line: a process can panic with a message of any length.
const TEXT_MAX: usize = 1000;

/// Writes text for a person within a line. Control characters, which could end the line or move a terminal's cursor, become
/// blanks.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    let mut shown = [0; 4];
    for character in text.chars().take(TEXT_MAX) {
        let character = if character.is_control() { ' ' } else { character };
        out.extend(character.encode_utf8(&mut shown).as_bytes());
    }
    if text.chars().nth(TEXT_MAX).is_some() {
        out.extend("...".as_bytes());
    }
}
