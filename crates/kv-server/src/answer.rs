//! Answers, as a server writes them and as a client reads them.

use std::borrow::Cow;

use bytes::Bytes;

use crate::command::words;

// How a client knows where an answer ends.
mod reading;

pub use reading::{Reading, Step, UnexpectedLine};

/// What a server answers: one line, or several of which the last says so.
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
/// check(Answer::Items(vec!["eggs".into(), "soy milk".into()]), "* eggs\r\n* soy milk\r\nOK\r\n");
/// check(Answer::Pong, "PONG\r\n");
/// check(Answer::NotFound, "NOT FOUND\r\n");
/// check(Answer::UnknownCommand, "UNKNOWN COMMAND\r\n");
/// check(Answer::Error("no room; delete something".into()), "ERROR no room; delete something\r\n");
/// ```
///
/// # What holds a line's end
///
/// Nobody who speaks in lines can store a value with a line's end in it, but for one written with [quotes](crate::Command), or one who
/// has the store at hand. So that an answer is never more lines than it should be, such a value is written with quotes. This is
/// the one thing that a reader cannot tell: whether a value is quoted, or has these very quotes.
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
/// Keys and names of buckets can be told: they are quoted as well when they begin with a quote, and so whatever begins with one is
/// quoted.
///
/// ```
/// # use kv_server::Answer;
/// # #[track_caller]
/// # fn check(answer: Answer, lines: &str) {
/// #     let mut written = Vec::new();
/// #     answer.encode(&mut written);
/// #     assert_eq!(String::from_utf8_lossy(&written), lines);
/// # }
/// check(Answer::Items(vec!["one\ntwo".into(), r#""hi""#.into()]), "* \"one\\ntwo\"\r\n* \"\\\"hi\\\"\"\r\nOK\r\n");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// `OK`.
    Done,
    /// The value, and `OK`. A key that is not there has the same answer as an empty value. As a client reads it, this is what
    /// stands in the line; [`unquoted`](Self::unquoted) for one that knows it to be quoted.
    Value(Bytes),
    /// A line `* item` for each key, or each bucket, and `OK`.
    Items(Vec<Bytes>),
    /// What `HELP` says, line by line, and `OK`.
    Help(Vec<Bytes>),
    /// `PONG`.
    Pong,
    /// `NOT FOUND`: there is no such bucket.
    NotFound,
    /// `UNKNOWN COMMAND`.
    UnknownCommand,
    /// `ERROR`, and in the same line what is wrong and what to do.
    Error(Bytes),
}

impl Answer {
    /// Writes the lines of the protocol, each ended by CR and LF.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Answer;
    ///
    /// let mut lines = Vec::new();
    /// Answer::Value("1".into()).encode(&mut lines);
    /// Answer::Done.encode(&mut lines);
    /// assert_eq!(lines, b"1\r\nOK\r\nOK\r\n");
    /// ```
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(b"\r\n", out);
    }

    /// Writes the same lines for a file or a terminal, each ended by LF.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Answer;
    ///
    /// let mut text = Vec::new();
    /// Answer::Items(vec!["milk".into()]).print(&mut text);
    /// assert_eq!(text, b"* milk\nOK\n");
    /// ```
    pub fn print(&self, out: &mut Vec<u8>) {
        self.write(b"\n", out);
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
            Self::UnknownCommand => UNKNOWN_COMMAND,
            Self::Error(text) => return write_error_line(&String::from_utf8_lossy(text), end, out),
        };
        out.extend(last.trim_ascii_end());
        out.extend(end);
    }

    /// What a value was before it was written with quotes; None if it was not. A client that stores no values of this kind
    /// without a line's end in them can always take it.
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

/// What the line of an item begins with.
pub(crate) const ITEM: &[u8] = b"* ";
pub(crate) const DONE: &[u8] = b"OK\r\n";
pub(crate) const PONG: &[u8] = b"PONG\r\n";
pub(crate) const NOT_FOUND: &[u8] = b"NOT FOUND\r\n";
pub(crate) const UNKNOWN_COMMAND: &[u8] = b"UNKNOWN COMMAND\r\n";

/// Whether a line would end in it.
pub(crate) fn breaks(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

/// What ends a line of the protocol.
pub(crate) const END: &[u8] = b"\r\n";

fn write_line(line: &[u8], end: &[u8], out: &mut Vec<u8>) {
    if breaks(line) {
        words::quote(line, out);
    } else {
        out.extend(line);
    }
    out.extend(end);
}

/// A value, and OK.
pub(crate) fn write_value(value: &[u8], out: &mut Vec<u8>) {
    write_line(value, END, out);
    out.extend(DONE);
}

/// A key, or the name of a bucket, in a list of them.
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

/// The item that stands in a line, if it is one.
fn read_item(line: &Bytes) -> Option<Bytes> {
    let item = line.strip_prefix(ITEM)?;
    if item.first() != Some(&b'"') {
        return Some(line.slice_ref(item));
    }
    Some(match words::unquote(item)? {
        Cow::Borrowed(item) => line.slice_ref(item),
        Cow::Owned(item) => item.into(),
    })
}

/// What is wrong, in one line.
pub(crate) fn write_error(text: &str, out: &mut Vec<u8>) {
    write_error_line(text, END, out);
}

fn write_error_line(text: &str, end: &[u8], out: &mut Vec<u8>) {
    out.extend(b"ERROR ");
    write_text(text, out);
    out.extend(end);
}

/// How much of a reason or an error is told: what a process panics with may be as long as it likes.
const TEXT_MAX: usize = 1000;

/// Text for a person as a part of a line: what would end the line, or move a terminal's cursor, is a blank in it.
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
