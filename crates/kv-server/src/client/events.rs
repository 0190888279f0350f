//! Events as a client reads them: a stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::io::{AsyncRead, AsyncWrite};

use super::AnswerError;
use super::wire::{LINE_MAX, LineError, Wire};
use crate::answer::UnexpectedLine;
use crate::event::Event;

/// What happens to the buckets of a server's store, as a stream: see [`Client::subscribe`](super::Client::subscribe).
///
/// It ends when the server leaves. An error is the last item. Whoever does not take the events in time is told by [`Event::Missed`] how
/// many are lost.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// # use futures::io::Cursor;
/// use kv_server::{Client, Event};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (reader, writer) = (Cursor::new("OK\r\nCREATED shopping\r\nEXITED shopping shutdown\r\n"), Vec::new());
/// let mut events = Client::new(reader, writer).subscribe().await?;
/// assert_eq!(events.next().await.transpose()?, Some(Event::Created { bucket: "shopping".into() }));
/// assert!(matches!(events.next().await.transpose()?, Some(Event::Exited { .. })));
/// assert!(events.next().await.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "events come only to a stream that is polled"]
pub struct Events<R, W> {
    wire: Wire<R, W>,
    is_over: bool,
}

impl<R, W> Events<R, W> {
    /// What comes out of a connection that has subscribed.
    pub(super) fn of(wire: Wire<R, W>) -> Self {
        Self { wire, is_over: false }
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream for Events<R, W> {
    type Item = Result<Event, EventsError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let item = match ready!(self.wire.poll_line(cx)) {
            Ok(line) => Event::parse(&line).ok_or(EventsError::Unexpected(UnexpectedLine { line })),
            Err(LineError::Closed) => {
                self.is_over = true;
                return Poll::Ready(None);
            }
            Err(LineError::Io(error)) => Err(EventsError::Io(error)),
            Err(LineError::TooLong) => Err(EventsError::LineTooLong),
        };
        self.is_over = item.is_err();
        Poll::Ready(Some(item))
    }
}

/// Why there are no events.
///
/// # Examples
///
/// ```
/// # use futures::io::Cursor;
/// use kv_server::{Client, SubscribeError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let (reader, writer) = (Cursor::new("UNKNOWN COMMAND\r\n"), Vec::new());
/// let refused = Client::new(reader, writer).subscribe().await.unwrap_err();
/// assert!(matches!(refused, SubscribeError::Refused { .. }));
/// assert_eq!(refused.to_string(), "the server gives no events: UNKNOWN COMMAND");
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The server answered this.
    #[error("the server gives no events: {}", String::from_utf8_lossy(text).trim_end())]
    #[non_exhaustive]
    Refused {
        /// What it answered.
        text: Vec<u8>,
    },
    /// The server did not answer.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// Why a stream of events ends early.
///
/// # Examples
///
/// ```
/// # use futures::io::Cursor;
/// use futures::StreamExt;
/// use kv_server::{Client, EventsError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (reader, writer) = (Cursor::new("OK\r\nHello!\r\n"), Vec::new());
/// let mut events = Client::new(reader, writer).subscribe().await?;
/// assert!(matches!(events.next().await, Some(Err(EventsError::Unexpected(_)))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// The connection failed.
    #[error("the connection broke: {0}; connect again, and look which buckets there are")]
    Io(#[source] io::Error),
    /// A line was longer than any that a server sends.
    #[error("an event is longer than {LINE_MAX} bytes; is there a kv server at this address?")]
    LineTooLong,
    /// What came is no event.
    #[error(transparent)]
    Unexpected(#[from] UnexpectedLine),
}
