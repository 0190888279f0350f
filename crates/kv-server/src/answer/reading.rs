//! How a client finds the end of an answer.

use bytes::Bytes;

use super::{Answer, read_item};
use crate::command::{AnswerShape, Command};

/// Reads the answer to a command: it is given one line after the other, and says when the answer is complete.
///
/// Most answers are one line, and a list ends with `OK`. The answers to `GET` and `FETCH` need care: the first line may be the value,
/// and a value may be any text, including `NOT FOUND` and `ERROR`. A value is followed by `OK`, but after `NOT FOUND` no
/// `OK` comes, so the client cannot wait for one. It sends a `PING` instead, when it is [told to](ReaderStep::Ping). If `OK`
/// comes before `PONG`, the line was a value.
///
/// ```
/// use kv_server::{Answer, Command, AnswerReader, ReaderStep};
///
/// let mut reading = AnswerReader::of(&Command::get("shopping", "milk"));
/// assert_eq!(reading.line("1".into()), Ok(ReaderStep::More));
/// assert_eq!(reading.line("OK".into()), Ok(ReaderStep::Whole(Answer::Value("1".into()))));
///
/// let mut reading = AnswerReader::of(&Command::get("shopping", "milk"));
/// assert_eq!(reading.line("NOT FOUND".into()), Ok(ReaderStep::Ping));
/// assert_eq!(reading.line("PONG".into()), Ok(ReaderStep::Whole(Answer::NotFound)));
///
/// let mut reading = AnswerReader::of(&Command::get("shopping", "milk"));
/// assert_eq!(reading.line("NOT FOUND".into()), Ok(ReaderStep::Ping));
/// assert_eq!(reading.line("OK".into()), Ok(ReaderStep::More));
/// assert_eq!(
///     reading.line("PONG".into()),
///     Ok(ReaderStep::Whole(Answer::Value("NOT FOUND".into())))
/// );
/// ```
///
/// A client that pipelines commands sends a `PING` right behind every `GET` or `FETCH` that may find no bucket, without being told to:
/// otherwise it could take the `OK` of the next answer for the missing one.
///
/// ```
/// use kv_server::{Answer, Command, AnswerReader, ReaderStep};
///
/// let mut reading = AnswerReader::of(&Command::list("shopping"));
/// assert_eq!(reading.line("* eggs".into()), Ok(ReaderStep::More));
/// assert_eq!(reading.line("* milk".into()), Ok(ReaderStep::More));
/// let whole = Answer::Items(vec!["eggs".into(), "milk".into()]);
/// assert_eq!(reading.line("OK".into()), Ok(ReaderStep::Whole(whole)));
/// ```
#[derive(Debug)]
pub struct AnswerReader(State);

#[derive(Debug)]
enum State {
    /// One line, which is not a value.
    Line,
    /// The answer to `GET`, `FETCH` and others with a value. No line has come yet.
    Get,
    /// A value. `OK` is still to come.
    Value(Bytes),
    /// Either a value, or the whole answer.
    Unsure(Bytes, Answer),
    /// A value. `PONG` is still to come.
    Pinged(Bytes),
    /// The items so far. Only the server limits them, so a client that asks for a list needs memory for it.
    Items(Vec<Bytes>),
    Help(Vec<Bytes>),
    Over,
}

/// What a client does next.
///
/// See [`AnswerReader`] for the rules.
///
/// # Examples
///
/// ```
/// use kv_server::{Answer, Command, AnswerReader, ReaderStep};
///
/// let mut lines = ["* eggs", "* milk", "OK"].into_iter();
/// let mut reading = AnswerReader::of(&Command::list("shopping"));
/// let answer = loop {
///     let line = lines.next().expect("the server has not closed");
///     match reading.line(line.into()).expect("it is a server of this kind") {
///         ReaderStep::More => {}
///         ReaderStep::Ping => println!("sends a PING"),
///         ReaderStep::Whole(answer) => break answer,
///     }
/// };
/// assert_eq!(answer, Answer::Items(vec!["eggs".into(), "milk".into()]));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReaderStep {
    /// Read another line.
    More,
    /// Send [`Command::Ping`], unless one was sent right behind the command, and read another line.
    Ping,
    /// Nothing: the answer is complete.
    Whole(Answer),
}

/// A line that cannot belong to the answer: the server speaks another protocol, or the client has lost count.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the server answered {:?}, which does not answer this; is it a server of this kind?",
    String::from_utf8_lossy(line)
)]
pub struct UnexpectedLine {
    /// The line.
    pub line: Bytes,
}

impl AnswerReader {
    /// Starts reading the answer to this command.
    ///
    /// # Examples
    ///
    /// The same line ends one command's answer and begins another's:
    ///
    /// ```
    /// use kv_server::{Answer, Command, AnswerReader, ReaderStep};
    ///
    /// let line = || "OK".into();
    /// assert_eq!(
    ///     AnswerReader::of(&Command::create("shopping")).line(line()),
    ///     Ok(ReaderStep::Whole(Answer::Done))
    /// );
    /// assert_eq!(
    ///     AnswerReader::of(&Command::get("shopping", "milk")).line(line()),
    ///     Ok(ReaderStep::More),
    ///     "it is a value"
    /// );
    /// ```
    pub fn of(command: &Command) -> Self {
        Self(match command.verb().usage().answer {
            AnswerShape::Line => State::Line,
            AnswerShape::Value => State::Get,
            AnswerShape::Items => State::Items(Vec::new()),
            AnswerShape::Help => State::Help(Vec::new()),
        })
    }

    /// Starts reading the answer to a line that this crate does not know as a command: one line.
    pub(crate) fn of_unknown() -> Self {
        Self(State::Line)
    }

    /// Whether the next answer's first line could be taken for a part of this one.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.0, State::Get)
    }

    /// Takes the next line, without its end.
    ///
    /// # Errors
    ///
    /// [`UnexpectedLine`]. The connection is of no use after that.
    pub fn line(&mut self, line: Bytes) -> Result<ReaderStep, UnexpectedLine> {
        let state = std::mem::replace(&mut self.0, State::Over);
        let (state, step) = state.line(line)?;
        self.0 = state;
        Ok(step)
    }

    /// The answer, if the server has closed the connection and no line can follow. `None` if the answer is incomplete.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::{Answer, Command, AnswerReader, ReaderStep};
    ///
    /// let mut reading = AnswerReader::of(&Command::get("shopping", "milk"));
    /// assert_eq!(reading.line("ERROR too many clients".into()), Ok(ReaderStep::Ping));
    /// assert_eq!(reading.closed(), Some(Answer::Error("too many clients".into())));
    ///
    /// assert_eq!(AnswerReader::of(&Command::Ping).closed(), None);
    /// ```
    pub fn closed(self) -> Option<Answer> {
        match self.0 {
            State::Unsure(_, answer) => Some(answer),
            _ => None,
        }
    }
}

/// An answer of one line that is not a value.
fn only_line(line: &Bytes) -> Option<Answer> {
    Some(match &line[..] {
        b"NOT FOUND" => Answer::NotFound,
        b"KEY NOT FOUND" => Answer::KeyNotFound,
        b"UNKNOWN COMMAND" => Answer::UnknownCommand,
        _ => Answer::Error(line.slice_ref(line.strip_prefix(b"ERROR ")?)),
    })
}

impl State {
    fn line(self, line: Bytes) -> Result<(Self, ReaderStep), UnexpectedLine> {
        let whole = |answer| Ok((Self::Over, ReaderStep::Whole(answer)));
        match (self, &line[..]) {
            (Self::Line, b"OK") => whole(Answer::Done),
            (Self::Line, b"PONG") => whole(Answer::Pong),
            (Self::Line, b"EXISTS") => whole(Answer::Exists),
            (Self::Line, b"DIFFERS") => whole(Answer::Differs),
            (Self::Get, _) => Ok(match only_line(&line) {
                Some(answer) => (Self::Unsure(line, answer), ReaderStep::Ping),
                None => (Self::Value(line), ReaderStep::More),
            }),
            (Self::Unsure(value, _), b"OK") => Ok((Self::Pinged(value), ReaderStep::More)),
            (Self::Unsure(_, answer), b"PONG") => whole(answer),
            // The `PING` was not executed either.
            (Self::Unsure(before, answer), _) if answer.is_not_logged_in() && before == line => whole(answer),
            (Self::Value(value), b"OK") | (Self::Pinged(value), b"PONG") => whole(Answer::Value(value)),
            (Self::Items(items), b"OK") => whole(Answer::Items(items)),
            (Self::Help(lines), b"OK") => whole(Answer::Help(lines)),
            (Self::Items(mut items), _) => match (read_item(&line), only_line(&line)) {
                (Some(item), _) => {
                    items.push(item);
                    Ok((Self::Items(items), ReaderStep::More))
                }
                (None, Some(answer)) => whole(answer),
                (None, None) => Err(UnexpectedLine { line }),
            },
            (Self::Help(mut lines), _) => {
                if let Some(answer) = only_line(&line) {
                    whole(answer)
                } else {
                    lines.push(line);
                    Ok((Self::Help(lines), ReaderStep::More))
                }
            }
            (Self::Line, _) => only_line(&line).map_or(Err(UnexpectedLine { line }), whole),
            _ => Err(UnexpectedLine { line }),
        }
    }
}
