//! The connection of a client: reads lines while it writes what is queued.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};

use crate::lines::LineBuffer;

/// How many bytes are read at once.
const READ_MAX: usize = 16 * 1024;

/// The longest line of an answer: the longest value that a server takes by default, with every byte escaped, and some more.
/// A longer line does not come from such a server.
pub(super) const LINE_MAX: usize = 1024 * 1024;

/// A reader of lines, and a writer of queued bytes.
pub(super) struct Wire<R, W> {
    reader: R,
    writer: W,
    buffer: Box<[u8; READ_MAX]>,
    lines: LineBuffer,
    /// Complete lines that were not taken yet.
    whole: Bytes,
    /// The bytes to send, ...
    pub(super) unsent: Vec<u8>,
    /// ... how many of them are sent, ...
    sent: usize,
    /// ... and whether the writer has flushed them.
    is_flushed: bool,
    /// The error of the writer. Returned once there is nothing left to read, because a server says why before it closes.
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
            lines: LineBuffer::new(),
            whole: Bytes::new(),
            unsent: Vec::new(),
            sent: 0,
            is_flushed: true,
            broken: None,
        }
    }

    /// Takes the next complete line, without its end.
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
    /// Returns the next line. Meanwhile writes as much of the queued bytes as the other side takes.
    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, LineError>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            self.unsent.clear();
            self.sent = 0;
            self.is_flushed = true;
            // A broken pipe means that the server has closed.
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
