//! A client of the line protocol: commands, their answers as values, and events.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};

use self::wire::{LINE_MAX, LineError, Wire};
use crate::answer::{Answer, Reading, Step, UnexpectedLine};
use crate::command::Command;

// The stream that a client becomes.
mod events;
// What lies below both.
mod wire;

pub use events::{Events, EventsError, SubscribeError};

/// A client of the line protocol over any reader and writer: it sends a [`Command`] and returns its [`Answer`] as a value.
///
/// ```
/// use futures::io::Cursor;
/// use kv_server::{Answer, Client, Command};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A server that has answered before it was asked, so that the example needs none.
/// let answers = Cursor::new("OK\r\n1\r\nOK\r\n");
/// let mut asked = Vec::new();
///
/// let mut client = Client::new(answers, &mut asked);
/// assert_eq!(client.send(&Command::put("shopping", "milk", "1")).await?, Answer::Done);
/// assert_eq!(client.send(&Command::get("shopping", "milk")).await?, Answer::Value("1".into()));
///
/// assert_eq!(asked, b"PUT shopping milk 1\r\nGET shopping milk\r\n");
/// # Ok(())
/// # }
/// ```
///
/// What is queued waits in the client until an answer is asked for, so that the commands of a pipeline go out together. Answers come
/// in the order of their commands, also when the future that waited for one was dropped.
///
/// # Examples
///
/// Five commands, which take the time of one:
///
/// ```
/// # use futures::io::Cursor;
/// use kv_server::{Answer, Client, Command};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (reader, writer) = (Cursor::new("OK\r\n".repeat(5)), Vec::new());
/// let mut client = Client::new(reader, writer);
/// for name in ["a", "b", "c", "d", "e"] {
///     client.queue(&Command::create(name));
/// }
/// while client.awaited() > 0 {
///     assert_eq!(client.answer().await?, Answer::Done);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client<R, W> {
    wire: Wire<R, W>,
    /// What was queued and is not answered yet, in its order. Whoever queues commands without asking for their answers makes it grow.
    awaited: VecDeque<Awaited>,
    /// Whether the answer to a `PING` comes next that nobody asked for: see [`Reading`].
    pong_is_due: bool,
}

/// A command that is not answered yet.
#[derive(Debug)]
struct Awaited {
    reading: Reading,
    /// Whether another answer behind this one could be taken for a part of it.
    is_open: bool,
    /// Whether a `PING` was queued behind it whose answer is still to come.
    is_pinged: bool,
}

impl<R, W> Client<R, W> {
    /// A client that has sent nothing yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::io::Cursor;
    /// use kv_server::{Client, Command};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut asked = Vec::new();
    /// let mut client = Client::new(Cursor::new("PONG\r\n"), &mut asked);
    /// client.send(&Command::Ping).await?;
    /// assert_eq!(asked, b"PING\r\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(reader: R, writer: W) -> Self {
        Self { wire: Wire::new(reader, writer), awaited: VecDeque::new(), pong_is_due: false }
    }

    /// Adds a command to those that are sent when an [`answer`](Self::answer) is waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_server::{Answer, Client, Command};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("OK\r\nPONG\r\n"), Vec::new());
    /// let mut client = Client::new(reader, writer);
    /// client.queue(&Command::create("shopping"));
    /// client.queue(&Command::Ping);
    /// assert_eq!(client.answer().await?, Answer::Done);
    /// assert_eq!(client.answer().await?, Answer::Pong);
    /// # Ok(())
    /// # }
    /// ```
    pub fn queue(&mut self, command: &Command) {
        self.close_last();
        command.encode(&mut self.wire.unsent);
        self.await_answer(Reading::of(command));
    }

    /// Adds a line that [is not a command](Command::parse), as far as this client knows. A server that does not know it either
    /// answers [`Answer::UnknownCommand`]. One that does may answer with one line, like most commands.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_server::{Answer, Client};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("UNKNOWN COMMAND\r\n"), Vec::new());
    /// let mut client = Client::new(reader, writer);
    /// client.queue_unknown(b"BUY milk");
    /// assert_eq!(client.answer().await?, Answer::UnknownCommand);
    /// # Ok(())
    /// # }
    /// ```
    pub fn queue_unknown(&mut self, line: &[u8]) {
        self.close_last();
        self.wire.unsent.extend_from_slice(line);
        self.wire.unsent.extend_from_slice(b"\r\n");
        self.await_answer(Reading::of_unknown());
    }

    /// How many commands have not been answered yet.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_server::{Client, Command};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("PONG\r\nPONG\r\n"), Vec::new());
    /// let mut client = Client::new(reader, writer);
    /// client.queue(&Command::Ping);
    /// client.queue(&Command::Ping);
    /// client.answer().await?;
    /// assert_eq!(client.awaited(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn awaited(&self) -> usize {
        self.awaited.len()
    }

    fn await_answer(&mut self, reading: Reading) {
        let is_open = reading.is_open();
        self.awaited.push_back(Awaited { reading, is_open, is_pinged: false });
    }

    /// Marks the end of the last answer before another comes behind it, if it needs a mark.
    fn close_last(&mut self) {
        if let Some(last) = self.awaited.back_mut().filter(|last| last.is_open && !last.is_pinged) {
            last.is_pinged = true;
            Command::Ping.encode(&mut self.wire.unsent);
        }
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Client<R, W> {
    /// Sends a command and returns its answer. An `ERROR` of the server is an answer too: [`Answer::Error`].
    ///
    /// # Errors
    ///
    /// [`AnswerError`] when there is no answer. The client is of no use any more.
    ///
    /// # Cancel safety
    ///
    /// The command may have been sent when the future is dropped, and is then carried out. Its answer is thrown away by the next
    /// call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_server::{Answer, Client, Command};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("NOT FOUND\r\n"), Vec::new());
    /// let mut client = Client::new(reader, writer);
    /// assert_eq!(client.send(&Command::list("shopping")).await?, Answer::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(&mut self, command: &Command) -> Result<Answer, AnswerError> {
        self.queue(command);
        self.last_answer().await
    }

    /// Sends a line that is [not a command](Self::queue_unknown), and returns its answer.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_server::{Answer, Client};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("UNKNOWN COMMAND\r\n"), Vec::new());
    /// let mut client = Client::new(reader, writer);
    /// assert_eq!(client.send_unknown(b"BUY milk").await?, Answer::UnknownCommand);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_unknown(&mut self, line: &[u8]) -> Result<Answer, AnswerError> {
        self.queue_unknown(line);
        self.last_answer().await
    }

    async fn last_answer(&mut self) -> Result<Answer, AnswerError> {
        while self.awaited.len() > 1 {
            // Of a call that was given up.
            self.answer().await?;
        }
        self.answer().await
    }

    /// Sends what is queued and returns the answer to the oldest command that has none.
    ///
    /// It goes on writing while it reads, so a pipeline may be of any length, and so may its answers.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] when there is no answer. The client is of no use any more.
    ///
    /// # Panics
    ///
    /// If every command has its answer: there would never be another.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: the next call goes on where it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use kv_server::{Answer, AnswerError, Client, Command};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("OK\r\n"), Vec::new());
    /// let mut client = Client::new(reader, writer);
    /// client.queue(&Command::create("shopping"));
    /// client.queue(&Command::Ping);
    /// assert_eq!(client.answer().await?, Answer::Done);
    /// assert!(matches!(client.answer().await, Err(AnswerError::Closed)), "the server went away");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn answer(&mut self) -> Result<Answer, AnswerError> {
        std::future::poll_fn(|cx| self.poll_answer(cx)).await
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, AnswerError>> {
        assert!(!self.awaited.is_empty(), "every command has its answer; use `queue` before `answer`");
        loop {
            let line = match ready!(self.wire.poll_line(cx)) {
                Ok(line) => line,
                Err(LineError::Closed) => return Poll::Ready(self.closed()),
                Err(error) => return Poll::Ready(Err(error.into())),
            };
            if let Some(answer) = self.take(line)? {
                return Poll::Ready(Ok(answer));
            }
        }
    }

    /// The answer, if this line completes it.
    fn take(&mut self, line: Bytes) -> Result<Option<Answer>, AnswerError> {
        if std::mem::take(&mut self.pong_is_due) {
            return if &line[..] == b"PONG" { Ok(None) } else { Err(UnexpectedLine { line }.into()) };
        }
        let oldest = self.awaited.front_mut().expect("`poll_answer` has looked");
        match oldest.reading.line(line)? {
            Step::More => Ok(None),
            Step::Ping => {
                if !oldest.is_pinged {
                    Command::Ping.encode(&mut self.wire.unsent);
                }
                // Its answer is now a part of this one.
                oldest.is_pinged = false;
                oldest.is_open = false;
                Ok(None)
            }
            Step::Whole(answer) => {
                self.pong_is_due = oldest.is_pinged;
                self.awaited.pop_front();
                Ok(Some(answer))
            }
        }
    }

    /// What the answer was, if it can be told although the server has closed.
    fn closed(&mut self) -> Result<Answer, AnswerError> {
        let oldest = self.awaited.pop_front().expect("`poll_answer` has looked");
        oldest.reading.closed().ok_or(AnswerError::Closed)
    }

    /// Asks for the events of the store's buckets: see [`Events`].
    ///
    /// # Errors
    ///
    /// When the server does not agree, or does not answer: see [`SubscribeError`].
    ///
    /// # Cancel safety
    ///
    /// The client is gone when the future is dropped, and with it the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use futures::TryStreamExt;
    /// use kv_server::{Client, Event};
    ///
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("OK\r\nCREATED shopping\r\n"), Vec::new());
    /// let mut events = Client::new(reader, writer).subscribe().await?;
    /// assert_eq!(events.try_next().await?, Some(Event::Created { bucket: "shopping".into() }));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscribe(mut self) -> Result<Events<R, W>, SubscribeError> {
        match self.send(&Command::Subscribe).await? {
            Answer::Done => Ok(Events::of(self.wire)),
            refusal => {
                let mut text = Vec::new();
                refusal.encode(&mut text);
                Err(SubscribeError::Refused { text })
            }
        }
    }
}

/// Why a command has no answer.
///
/// # Examples
///
/// ```
/// # use futures::io::Cursor;
/// use kv_server::{AnswerError, Client, Command};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let (reader, writer) = (Cursor::new(""), Vec::new());
/// let closed = Client::new(reader, writer).send(&Command::Ping).await.unwrap_err();
/// assert!(matches!(closed, AnswerError::Closed));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The server closed the connection first. Whether the command was carried out is not known.
    #[error("the server closed the connection before it answered; connect again, and look what was done")]
    Closed,
    /// The connection failed. Whether the command was carried out is not known.
    #[error("the connection broke before there was an answer: {0}; connect again, and look what was done")]
    Io(#[source] io::Error),
    /// A line was longer than any that a server sends.
    #[error("a line of the answer is longer than {LINE_MAX} bytes; is there a kv server at this address?")]
    LineTooLong,
    /// What came is no answer to what was sent.
    #[error(transparent)]
    Unexpected(#[from] UnexpectedLine),
}

impl From<LineError> for AnswerError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Closed => Self::Closed,
            LineError::Io(error) => Self::Io(error),
            LineError::TooLong => Self::LineTooLong,
        }
    }
}

#[cfg(test)]
mod tests;
