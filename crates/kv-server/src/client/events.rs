//! Events as a client reads them: a stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::io::{AsyncRead, AsyncWrite};

use super::AnswerError;
use super::wire::{LINE_MAX, LineError, Wire};
use crate::answer::UnexpectedLine;
use crate::event::SubscriptionEvent;

/// The events of a server's store, as a stream: see [`Client::subscribe`](super::Client::subscribe) and
/// [`Client::watch`](super::Client::watch).
///
/// It ends when the server closes the connection. An error is always the last item. A client that reads too slowly loses
/// events, and learns from [`SubscriptionEvent::Missed`] how many.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// # use futures::io::Cursor;
/// use kv_server::{Client, SubscriptionEvent};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (reader, writer) = (Cursor::new("OK\r\nCREATED shopping\r\nEXITED shopping shutdown\r\n"), Vec::new());
/// let mut events = Client::new(reader, writer).subscribe().await?;
/// assert_eq!(
///     events.next().await.transpose()?,
///     Some(SubscriptionEvent::Created { bucket: "shopping".into() })
/// );
/// assert!(matches!(events.next().await.transpose()?, Some(SubscriptionEvent::Exited { .. })));
/// assert!(events.next().await.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "events come only to a stream that is polled"]
pub struct SubscriptionEvents<R, W> {
    wire: Wire<R, W>,
    is_over: bool,
}

impl<R, W> SubscriptionEvents<R, W> {
    /// What a subscribed connection yields.
    pub(super) fn of(wire: Wire<R, W>) -> Self {
        Self { wire, is_over: false }
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream for SubscriptionEvents<R, W> {
    type Item = Result<SubscriptionEvent, SubscriptionError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let item = match ready!(self.wire.poll_line(cx)) {
            Ok(line) => SubscriptionEvent::parse(&line).ok_or(SubscriptionError::Unexpected(UnexpectedLine { line })),
            Err(LineError::Closed) => {
                self.is_over = true;
                return Poll::Ready(None);
            }
            Err(LineError::Io(error)) => Err(SubscriptionError::Io(error)),
            Err(LineError::TooLong) => Err(SubscriptionError::LineTooLong),
        };
        self.is_over = item.is_err();
        Poll::Ready(Some(item))
    }
}

/// Why there are no events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// There is no such bucket.
    #[error("there is no such bucket; BUCKETS lists those there are")]
    NotFound,
    /// The client has to [log in](super::Client::log_in) first.
    #[error("the server has a password; log in first")]
    NotLoggedIn,
    /// The server refused.
    #[error("the server gives no events: {}", String::from_utf8_lossy(text).trim_end())]
    #[non_exhaustive]
    Refused {
        /// Its answer.
        text: Vec<u8>,
    },
    /// The server did not answer.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// Why a stream of events has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// The connection failed.
    #[error("the connection broke: {0}; connect again, and look which buckets there are")]
    Io(#[source] io::Error),
    /// A line was longer than any that a server sends.
    #[error("an event is longer than {LINE_MAX} bytes; is there a kv server at this address?")]
    LineTooLong,
    /// A line is not an event.
    #[error(transparent)]
    Unexpected(#[from] UnexpectedLine),
}
