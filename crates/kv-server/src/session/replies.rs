//! The replies that a client has not taken yet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::io::AsyncWrite;

use super::deadline::Deadline;
use crate::answer;
use crate::command::words;

/// Replies on their way to a client. They are bounded: after adding one, wait for [space](Replies::space).
pub(crate) struct Replies<W> {
    writer: W,
    waiting: Vec<u8>,
    /// How many bytes at the beginning of `waiting` are written.
    written: usize,
    /// Whether the writer may hold unflushed bytes.
    unflushed: bool,
    bound: usize,
    stalled: Duration,
    progress: Deadline,
}

/// Why replies did not reach the client.
#[derive(Debug)]
pub(crate) enum ReplyError {
    /// The writer or the reader failed.
    Io(io::Error),
    /// The client took none for too long.
    Stalled,
}

impl From<io::Error> for ReplyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Longer texts are written in pieces of this size, waiting for space in between.
const PIECE: usize = 64 * 1024;

/// The capacity kept for the next replies.
const KEPT: usize = 16 * 1024;

impl<W: AsyncWrite + Unpin> Replies<W> {
    pub(crate) fn new(writer: W, bound: usize, stalled: Duration) -> Self {
        let progress = Deadline::default();
        Self { writer, waiting: Vec::new(), written: 0, unflushed: false, bound, stalled, progress }
    }

    /// The buffer for short replies, which are sent together.
    pub(crate) fn short(&mut self) -> &mut Vec<u8> {
        &mut self.waiting
    }

    /// Whether the bound is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() - self.written >= self.bound
    }

    /// Whether the client has taken everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a value, and `OK`.
    pub(crate) async fn value(&mut self, value: &[u8]) -> Result<(), ReplyError> {
        if value.len() <= PIECE {
            answer::write_value(value, &mut self.waiting);
            return Ok(());
        }
        self.long(value, answer::breaks(value)).await?;
        self.waiting.extend(answer::DONE);
        Ok(())
    }

    /// Adds a key or the name of a bucket, as an item of a list.
    pub(crate) async fn item(&mut self, item: &[u8]) -> Result<(), ReplyError> {
        if item.len() <= PIECE {
            answer::write_item(item, answer::END, &mut self.waiting);
            return Ok(());
        }
        self.waiting.extend(answer::ITEM);
        self.long(item, answer::is_quoted_item(item)).await
    }

    /// Adds a text of any length, as it is.
    pub(crate) async fn text(&mut self, text: &[u8]) -> Result<(), ReplyError> {
        if text.len() <= PIECE {
            self.waiting.extend(text);
            return Ok(());
        }
        for piece in text.chunks(PIECE) {
            self.waiting.extend(piece);
            self.space().await?;
        }
        Ok(())
    }

    /// Adds a line of any length.
    async fn long(&mut self, text: &[u8], quoted: bool) -> Result<(), ReplyError> {
        self.waiting.extend(quoted.then_some(b'"'));
        for piece in text.chunks(PIECE) {
            if quoted {
                words::escape(piece, &mut self.waiting);
            } else {
                self.waiting.extend(piece);
            }
            self.space().await?;
        }
        self.waiting.extend(quoted.then_some(b'"'));
        self.waiting.extend(b"\r\n");
        Ok(())
    }

    /// Waits until more replies may be added.
    pub(crate) async fn space(&mut self) -> Result<(), ReplyError> {
        if self.is_full() { std::future::poll_fn(|cx| self.poll_until(Self::is_full, cx)).await } else { Ok(()) }
    }

    /// Waits until the client has taken everything, and closes the writer.
    pub(crate) async fn close(&mut self) -> Result<(), ReplyError> {
        std::future::poll_fn(|cx| self.poll_write(cx)).await?;
        std::future::poll_fn(|cx| {
            let closed = Pin::new(&mut self.writer).poll_close(cx).map_err(ReplyError::Io);
            self.watch(closed, cx)
        })
        .await
    }

    /// Writes what the client takes. Ready when nothing waits.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        self.poll_until(|replies| !replies.waiting.is_empty() || replies.unflushed, cx)
    }

    fn poll_until(&mut self, unfinished: fn(&Self) -> bool, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        while unfinished(self) {
            let step = self.poll_step(cx);
            ready!(self.watch(step, cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes a part, or flushes when everything is written.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        if self.waiting.is_empty() {
            ready!(Pin::new(&mut self.writer).poll_flush(cx))?;
            self.unflushed = false;
            return Poll::Ready(Ok(()));
        }
        match ready!(Pin::new(&mut self.writer).poll_write(cx, &self.waiting[self.written..]))? {
            0 => return Poll::Ready(Err(ReplyError::Io(io::ErrorKind::WriteZero.into()))),
            written => self.written += written,
        }
        self.unflushed = true;
        if self.written == self.waiting.len() {
            self.waiting.clear();
            self.written = 0;
            self.waiting.shrink_to(KEPT);
        } else if self.written > self.waiting.len() / 2 {
            // So that the written part does not grow forever, and no byte is moved twice.
            self.waiting.drain(..self.written);
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Passes a step's result on, or fails if the last successful step was too long ago.
    fn watch(&mut self, step: Poll<Result<(), ReplyError>>, cx: &mut Context<'_>) -> Poll<Result<(), ReplyError>> {
        if step.is_ready() {
            self.progress.take_back();
            return step;
        }
        self.progress.set(self.stalled);
        self.progress.poll(cx).map(|()| Err(ReplyError::Stalled))
    }
}
