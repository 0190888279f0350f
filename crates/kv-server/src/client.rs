//! A client of the line protocol: commands, their answers as values, and events.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};

use self::wire::{LINE_MAX, LineError, Wire};
use crate::answer::{Answer, AnswerReader, ReaderStep, UnexpectedLine};
use crate::command::Command;

// The stream that a client turns into.
mod events;
// Logging in.
mod login;
// A list, as far as it is of use.
mod items;
// The lines below both.
mod wire;

pub use events::{SubscribeError, SubscriptionError, SubscriptionEvents};
pub use login::LoginError;

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
/// assert_eq!(
///     client.send(&Command::get("shopping", "milk")).await?,
///     Answer::Value("1".into())
/// );
///
/// assert_eq!(asked, b"PUT shopping milk 1\r\nGET shopping milk\r\n");
/// # Ok(())
/// # }
/// ```
///
/// Queued commands are sent when an answer is asked for, so a pipeline goes out in one piece. Answers come in the order of
/// the commands, even if a future that waited for one was dropped.
///
/// # Examples
///
/// Five commands in the time of one:
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
    /// The queued commands without an answer, in order. It grows if the caller queues commands and never asks for answers.
    awaited: VecDeque<Awaited>,
    /// Whether a `PONG` comes next that answers a `PING` of the client's own: see [`AnswerReader`].
    pong_is_due: bool,
}

/// A command without an answer yet.
#[derive(Debug)]
struct Awaited {
    reading: AnswerReader,
    /// Whether the next answer's first line could be taken for a part of this one.
    is_open: bool,
    /// Whether a `PING` was queued behind it that is not answered yet.
    is_pinged: bool,
}

impl<R, W> Client<R, W> {
    /// Creates a client over a connection.
    pub fn new(reader: R, writer: W) -> Self {
        Self { wire: Wire::new(reader, writer), awaited: VecDeque::new(), pong_is_due: false }
    }

    /// Queues a command. It is sent when an [`answer`](Self::answer) is awaited.
    pub fn queue(&mut self, command: &Command) {
        self.close_last();
        command.encode(&mut self.wire.unsent);
        self.await_answer(AnswerReader::of(command));
    }

    /// Queues a line that [is not a command](Command::parse), as far as this client knows. A server that does not know it
    /// either answers [`Answer::UnknownCommand`]. A newer server may know it, and then the answer must be a single line.
    pub fn queue_unknown(&mut self, line: &[u8]) {
        self.close_last();
        self.wire.unsent.extend_from_slice(line);
        self.wire.unsent.extend_from_slice(b"\r\n");
        self.await_answer(AnswerReader::of_unknown());
    }

    /// How many commands have no answer yet.
    pub fn awaited(&self) -> usize {
        self.awaited.len()
    }

    fn await_answer(&mut self, reading: AnswerReader) {
        let is_open = reading.is_open();
        self.awaited.push_back(Awaited { reading, is_open, is_pinged: false });
    }

    /// Queues a `PING` to mark the end of the last answer, if it needs one.
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
    /// [`AnswerError`] if there is no answer. The client is of no use after that.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the command may have been sent and may be carried out. The next call discards its answer.
    pub async fn send(&mut self, command: &Command) -> Result<Answer, AnswerError> {
        self.queue(command);
        self.last_answer().await
    }

    /// Sends a line that [is not a command](Self::queue_unknown), and returns its answer.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_unknown(&mut self, line: &[u8]) -> Result<Answer, AnswerError> {
        self.queue_unknown(line);
        self.last_answer().await
    }

    async fn last_answer(&mut self) -> Result<Answer, AnswerError> {
        while self.awaited.len() > 1 {
            // The answer of a call whose future was dropped.
            self.answer().await?;
        }
        self.answer().await
    }

    /// Sends what is queued, and returns the next answer.
    ///
    /// It writes while it reads, so a pipeline and its answers may be of any length.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if there is no answer. The client is of no use after that.
    ///
    /// # Panics
    ///
    /// If no command is waiting for an answer.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped: the next call continues.
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

    /// Takes a line, and returns the answer if the line completes it.
    fn take(&mut self, line: Bytes) -> Result<Option<Answer>, AnswerError> {
        if std::mem::take(&mut self.pong_is_due) {
            return if &line[..] == b"PONG" { Ok(None) } else { Err(UnexpectedLine { line }.into()) };
        }
        let oldest = self.awaited.front_mut().expect("`poll_answer` has looked");
        match oldest.reading.line(line)? {
            ReaderStep::More => Ok(None),
            ReaderStep::Ping => {
                if !oldest.is_pinged {
                    Command::Ping.encode(&mut self.wire.unsent);
                }
                // The `PONG` is part of this answer now.
                oldest.is_pinged = false;
                oldest.is_open = false;
                Ok(None)
            }
            ReaderStep::Whole(answer) => {
                self.pong_is_due = oldest.is_pinged;
                self.awaited.pop_front();
                Ok(Some(answer))
            }
        }
    }

    /// The answer, if it is clear although the server has closed.
    fn closed(&mut self) -> Result<Answer, AnswerError> {
        let oldest = self.awaited.pop_front().expect("`poll_answer` has looked");
        oldest.reading.closed().ok_or(AnswerError::Closed)
    }

    /// Subscribes to the events of the store's buckets: see [`SubscriptionEvents`].
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if the server refuses or does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the client and its connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use futures::TryStreamExt;
    /// use kv_server::{Client, SubscriptionEvent};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("OK\r\nCREATED shopping\r\n"), Vec::new());
    /// let mut events = Client::new(reader, writer).subscribe().await?;
    /// assert_eq!(
    ///     events.try_next().await?,
    ///     Some(SubscriptionEvent::Created { bucket: "shopping".into() })
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscribe(self) -> Result<SubscriptionEvents<R, W>, SubscribeError> {
        self.events(&Command::Subscribe).await
    }

    /// Subscribes to the events of the keys of one bucket, which must exist: see [`SubscriptionEvents`].
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if there is no such bucket, or if the server refuses or does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the client and its connection.
    ///
    /// # Examples
    ///
    /// ```
    /// # use futures::io::Cursor;
    /// use futures::TryStreamExt;
    /// use kv_server::{Client, SubscriptionEvent};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (reader, writer) = (Cursor::new("OK\r\nPUT shopping milk\r\n"), Vec::new());
    /// let mut events = Client::new(reader, writer).watch("shopping").await?;
    /// let (bucket, key) = ("shopping".into(), "milk".into());
    /// assert_eq!(events.try_next().await?, Some(SubscriptionEvent::Put { bucket, key }));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn watch(self, bucket: impl Into<Bytes>) -> Result<SubscriptionEvents<R, W>, SubscribeError> {
        self.events(&Command::watch(bucket)).await
    }

    async fn events(mut self, command: &Command) -> Result<SubscriptionEvents<R, W>, SubscribeError> {
        match self.send(command).await? {
            Answer::Done => Ok(SubscriptionEvents::of(self.wire)),
            Answer::NotFound => Err(SubscribeError::NotFound),
            refusal if refusal.is_not_logged_in() => Err(SubscribeError::NotLoggedIn),
            refusal => {
                let mut text = Vec::new();
                refusal.encode(&mut text);
                Err(SubscribeError::Refused { text })
            }
        }
    }
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The server closed the connection first. The command may or may not have been carried out.
    #[error("the server closed the connection before it answered; connect again, and look what was done")]
    Closed,
    /// The connection failed. The command may or may not have been carried out.
    #[error("the connection broke before there was an answer: {0}; connect again, and look what was done")]
    Io(#[source] io::Error),
    /// A line was longer than any that a server sends.
    #[error("a line of the answer is longer than {LINE_MAX} bytes; is there a kv server at this address?")]
    LineTooLong,
    /// A line does not belong to the answer.
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
