//! Lines out of a reader, while what is queued goes to a writer.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};

use crate::lines::Lines;

/// How much is read at once.
const READ_MAX: usize = 16 * 1024;

/// How long one line of an answer may be: the longest value that a server takes with its usual limits, every byte of it written as
/// an escape, with room to spare. Whatever sends more is no such server.
pub(super) const LINE_MAX: usize = 1024 * 1024;

/// A reader that gives lines, and a writer that takes what is queued.
pub(super) struct Wire<R, W> {
    reader: R,
    writer: W,
    buffer: Box<[u8; READ_MAX]>,
    lines: Lines,
    /// Lines that have come and were not taken yet.
    whole: Bytes,
    /// What is to be sent, ...
    pub(super) unsent: Vec<u8>,
    /// ... how much of it is, ...
    sent: usize,
    /// ... and whether it may still be in the writer.
    is_flushed: bool,
    /// Why nothing more can be written; said when there is nothing more to read either, as a server says why before it closes.
    broken: Option<io::Error>,
}

/// Why there is no further line.
#[derive(Debug)]
pub(super) enum LineError {
    Closed,
    Io(io::Error),
    TooLong,
}

impl<R, W> Wire<R, W> {
    pub(super) fn new(reader: R, writer: W) -> Self {
        Self {
            reader,
            writer,
            buffer: Box::new([0; READ_MAX]),
            lines: Lines::new(),
            whole: Bytes::new(),
            unsent: Vec::new(),
            sent: 0,
            is_flushed: true,
            broken: None,
        }
    }

    /// The next line of what has come, without its end.
    fn take_line(&mut self) -> Option<Bytes> {
        if self.whole.is_empty() {
            self.whole = self.lines.take();
        }
        let end = self.whole.iter().position(|byte| *byte == b'\n')?;
        let line = self.whole.split_to(end + 1);
        let line = line.slice(..end);
        Some(line.strip_suffix(b"\r").map_or_else(|| line.clone(), |text| line.slice_ref(text)))
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Wire<R, W> {
    /// The next line, and meanwhile as much of what is queued as the other side takes.
    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, LineError>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            self.unsent.clear();
            self.sent = 0;
            self.is_flushed = true;
            // A broken pipe is a server that has closed.
            self.broken = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        }
        loop {
            if let Some(line) = self.take_line() {
                return Poll::Ready(Ok(line));
            }
            if self.lines.rest().len() > LINE_MAX {
                return Poll::Ready(Err(LineError::TooLong));
            }
            match ready!(Pin::new(&mut self.reader).poll_read(cx, &mut self.buffer[..])) {
                Ok(0) => return Poll::Ready(Err(self.broken.take().map_or(LineError::Closed, LineError::Io))),
                Ok(length) => self.lines.push(&self.buffer[..length]),
                Err(error) => return Poll::Ready(Err(LineError::Io(error))),
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.unsent.len() {
            self.is_flushed = false;
            match ready!(Pin::new(&mut self.writer).poll_write(cx, &self.unsent[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.sent += length,
            }
        }
        self.unsent.clear();
        self.sent = 0;
        if !self.is_flushed {
            ready!(Pin::new(&mut self.writer).poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl<R, W> fmt::Debug for Wire<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("unsent", &(self.unsent.len() - self.sent)).finish_non_exhaustive()
    }
}
