//! How a client knows where an answer ends.

use bytes::Bytes;

use super::{Answer, read_item};
use crate::command::{AnswerShape, Command};

/// The answer to a command, as a client reads it: it is given the lines that come, one after the other, and says when it has all.
///
/// Most answers are one line, and a list ends with `OK`. Only one needs care. The first line of the answer to `GET` may be the value,
/// and any line at all can be a value: also `NOT FOUND`, and `ERROR` with any text. A value is followed by `OK`, but the client cannot
/// wait for an `OK` that may not come. So it has to send a `PING`, once it is [told to](Step::Ping): if `OK` comes before the `PONG`, it
/// was a value.
///
/// ```
/// use kv_server::{Answer, Command, Reading, Step};
///
/// let mut reading = Reading::of(&Command::get("shopping", "milk"));
/// assert_eq!(reading.line("1".into()), Ok(Step::More));
/// assert_eq!(reading.line("OK".into()), Ok(Step::Whole(Answer::Value("1".into()))));
///
/// let mut reading = Reading::of(&Command::get("shopping", "milk"));
/// assert_eq!(reading.line("NOT FOUND".into()), Ok(Step::Ping));
/// assert_eq!(reading.line("PONG".into()), Ok(Step::Whole(Answer::NotFound)));
///
/// let mut reading = Reading::of(&Command::get("shopping", "milk"));
/// assert_eq!(reading.line("NOT FOUND".into()), Ok(Step::Ping));
/// assert_eq!(reading.line("OK".into()), Ok(Step::More));
/// assert_eq!(reading.line("PONG".into()), Ok(Step::Whole(Answer::Value("NOT FOUND".into()))));
/// ```
///
/// A client that sends several commands at once sends a `PING` behind each `GET` that may find no bucket, whether it is told to or
/// not: the next answer could begin with an `OK` as well.
///
/// ```
/// use kv_server::{Answer, Command, Reading, Step};
///
/// let mut reading = Reading::of(&Command::list("shopping"));
/// assert_eq!(reading.line("* eggs".into()), Ok(Step::More));
/// assert_eq!(reading.line("* milk".into()), Ok(Step::More));
/// let whole = Answer::Items(vec!["eggs".into(), "milk".into()]);
/// assert_eq!(reading.line("OK".into()), Ok(Step::Whole(whole)));
/// ```
#[derive(Debug)]
pub struct Reading(State);

#[derive(Debug)]
enum State {
    /// One line, and it is no value.
    Line,
    /// The answer to `GET`, of which nothing has come.
    Get,
    /// This is a value, and `OK` is to come.
    Value(Bytes),
    /// This is a value, or it is all there is.
    Unsure(Bytes, Answer),
    /// This is a value, and a `PONG` is to come.
    Pinged(Bytes),
    /// As much of a list as has come. It has no bound but the server's; whoever asks for a list has room for it.
    Items(Vec<Bytes>),
    Help(Vec<Bytes>),
    Over,
}

/// What a client does next.
///
/// See [`Reading`] for the rules.
///
/// # Examples
///
/// ```
/// use kv_server::{Answer, Command, Reading, Step};
///
/// let mut lines = ["* eggs", "* milk", "OK"].into_iter();
/// let mut reading = Reading::of(&Command::list("shopping"));
/// let answer = loop {
///     let line = lines.next().expect("the server has not closed");
///     match reading.line(line.into()).expect("it is a server of this kind") {
///         Step::More => {}
///         Step::Ping => println!("sends a PING"),
///         Step::Whole(answer) => break answer,
///     }
/// };
/// assert_eq!(answer, Answer::Items(vec!["eggs".into(), "milk".into()]));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Reads another line.
    More,
    /// Sends [`Command::Ping`], unless one was sent right behind the command, and reads another line.
    Ping,
    /// Nothing: this is the answer.
    Whole(Answer),
}

/// A line that no answer to this command has: it is not a server of this kind, or the client has lost count.
///
/// # Examples
///
/// ```
/// use kv_server::{Command, Reading};
///
/// let error = Reading::of(&Command::Ping).line("+PONG".into()).unwrap_err();
/// assert_eq!(error.line, "+PONG");
/// assert_eq!(error.to_string(), "the server answered \"+PONG\", which is no answer to this; is it a server of this kind?");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the server answered {:?}, which is no answer to this; is it a server of this kind?",
    String::from_utf8_lossy(line)
)]
pub struct UnexpectedLine {
    /// The line.
    pub line: Bytes,
}

impl Reading {
    /// The answer to this command, of which nothing has come.
    ///
    /// # Examples
    ///
    /// The same line is an answer to one command and the beginning of that to another:
    ///
    /// ```
    /// use kv_server::{Answer, Command, Reading, Step};
    ///
    /// let line = || "OK".into();
    /// assert_eq!(Reading::of(&Command::create("shopping")).line(line()), Ok(Step::Whole(Answer::Done)));
    /// assert_eq!(Reading::of(&Command::get("shopping", "milk")).line(line()), Ok(Step::More), "it is a value");
    /// ```
    pub fn of(command: &Command) -> Self {
        Self(match command.verb().usage().answer {
            AnswerShape::Line => State::Line,
            AnswerShape::Value => State::Get,
            AnswerShape::Items => State::Items(Vec::new()),
            AnswerShape::Help => State::Help(Vec::new()),
        })
    }

    /// The answer to a line that is not a command, as far as this crate knows: one line.
    pub(crate) fn of_unknown() -> Self {
        Self(State::Line)
    }

    /// Whether another answer behind this one could be taken for a part of it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.0, State::Get)
    }

    /// Takes the next line, which is given without its end.
    ///
    /// # Errors
    ///
    /// [`UnexpectedLine`], and then there is nothing more to be read from this server.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::{Answer, Command, Reading, Step};
    ///
    /// let mut reading = Reading::of(&Command::Ping);
    /// assert_eq!(reading.line("PONG".into()), Ok(Step::Whole(Answer::Pong)));
    /// assert!(reading.line("PONG".into()).is_err(), "the answer was whole");
    /// ```
    pub fn line(&mut self, line: Bytes) -> Result<Step, UnexpectedLine> {
        let state = std::mem::replace(&mut self.0, State::Over);
        let (state, step) = state.line(line)?;
        self.0 = state;
        Ok(step)
    }

    /// What the answer was, if the server has closed and no line is to come: None if the answer is not whole.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::{Answer, Command, Reading, Step};
    ///
    /// let mut reading = Reading::of(&Command::get("shopping", "milk"));
    /// assert_eq!(reading.line("ERROR too many clients".into()), Ok(Step::Ping));
    /// assert_eq!(reading.closed(), Some(Answer::Error("too many clients".into())));
    ///
    /// assert_eq!(Reading::of(&Command::Ping).closed(), None);
    /// ```
    pub fn closed(self) -> Option<Answer> {
        match self.0 {
            State::Unsure(_, answer) => Some(answer),
            _ => None,
        }
    }
}

/// The answer that has no more lines than this.
fn only_line(line: &Bytes) -> Option<Answer> {
    Some(match &line[..] {
        b"NOT FOUND" => Answer::NotFound,
        b"UNKNOWN COMMAND" => Answer::UnknownCommand,
        _ => Answer::Error(line.slice_ref(line.strip_prefix(b"ERROR ")?)),
    })
}

impl State {
    fn line(self, line: Bytes) -> Result<(Self, Step), UnexpectedLine> {
        let whole = |answer| Ok((Self::Over, Step::Whole(answer)));
        match (self, &line[..]) {
            (Self::Line, b"OK") => whole(Answer::Done),
            (Self::Line, b"PONG") => whole(Answer::Pong),
            (Self::Get, _) => Ok(match only_line(&line) {
                Some(answer) => (Self::Unsure(line, answer), Step::Ping),
                None => (Self::Value(line), Step::More),
            }),
            (Self::Unsure(value, _), b"OK") => Ok((Self::Pinged(value), Step::More)),
            (Self::Unsure(_, answer), b"PONG") => whole(answer),
            (Self::Value(value), b"OK") | (Self::Pinged(value), b"PONG") => whole(Answer::Value(value)),
            (Self::Items(items), b"OK") => whole(Answer::Items(items)),
            (Self::Help(lines), b"OK") => whole(Answer::Help(lines)),
            (Self::Items(mut items), _) => match (read_item(&line), only_line(&line)) {
                (Some(item), _) => {
                    items.push(item);
                    Ok((Self::Items(items), Step::More))
                }
                (None, Some(answer)) => whole(answer),
                (None, None) => Err(UnexpectedLine { line }),
            },
            (Self::Help(mut lines), _) => {
                if let Some(answer) = only_line(&line) {
                    whole(answer)
                } else {
                    lines.push(line);
                    Ok((Self::Help(lines), Step::More))
                }
            }
            (Self::Line, _) => only_line(&line).map_or(Err(UnexpectedLine { line }), whole),
            _ => Err(UnexpectedLine { line }),
        }
    }
}
