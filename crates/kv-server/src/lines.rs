//! Splitting what was read into lines, however the reads were cut.

use bytes::{Bytes, BytesMut};

use crate::login::wipe;

/// The capacity kept for what comes next. A larger buffer lives until its lines are done.
const KEPT: usize = 4096;

/// Collects what is read and yields whole lines. A line ends with LF, and a CR before that belongs to the end.
///
/// # Examples
///
/// ```
/// use kv_server::LineBuffer;
///
/// let mut lines = LineBuffer::new();
/// lines.push(b"PUT shopping mi");
/// assert!(lines.take().is_empty());
/// lines.push(b"lk 1\r\nGET shopping milk\nGET");
/// let whole = lines.take();
/// let read: Vec<_> = LineBuffer::of(&whole).collect();
/// assert_eq!(read, [&b"PUT shopping milk 1"[..], b"GET shopping milk"]);
/// assert_eq!(lines.rest(), b"GET");
/// ```
#[derive(Debug, Default)]
pub struct LineBuffer {
    buffer: BytesMut,
    /// How many bytes at the beginning of the buffer are known to contain no line end.
    searched: usize,
    /// The most that the buffer has held.
    most: usize,
}

impl LineBuffer {
    /// Creates an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was read. It has no limit of its own: check the [`rest`](Self::rest) before reading more.
    pub fn push(&mut self, read: &[u8]) {
        self.buffer.extend_from_slice(read);
        self.most = self.most.max(self.buffer.len());
    }

    /// Takes all whole lines, in one piece. Empty if there is none.
    pub fn take(&mut self) -> Bytes {
        // From the back, where the last byte is usually a line end, and never twice over bytes that contain none.
        let Some(last) = memchr::memrchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return Bytes::new();
        };
        let whole = self.buffer.split_to(self.searched + last + 1).freeze();
        self.searched = self.buffer.len();
        if self.most > KEPT {
            // The lines are released when they are done. A shared rest would keep their memory.
            self.most = self.buffer.len();
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        whole
    }

    /// Clears what was [taken](Self::take) from memory, because there may be a password in it.
    pub(crate) fn wipe(&mut self, taken: Bytes) {
        // Where it is still needed, it is not cleared.
        let _ = wipe(&mut self.buffer, taken);
    }

    /// The lines of what was [taken](Self::take), without their ends. Bytes after the last end are not a line.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::LineBuffer;
    ///
    /// let read: Vec<_> = LineBuffer::of(b"PING\r\n\nHELP\n").collect();
    /// assert_eq!(read, [&b"PING"[..], b"", b"HELP"]);
    /// ```
    pub fn of(whole: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        memchr::memchr_iter(b'\n', whole).map(move |end| {
            let line = &whole[start..end];
            start = end + 1;
            line.strip_suffix(b"\r").unwrap_or(line)
        })
    }

    /// The beginning of a line whose end has not come.
    ///
    /// # Examples
    ///
    /// A line that is too long before its end has come:
    ///
    /// ```
    /// use kv_server::LineBuffer;
    ///
    /// let mut lines = LineBuffer::new();
    /// lines.push(b"PING\n");
    /// lines.push(&[b'x'; 1_000]);
    /// assert_eq!(lines.take(), "PING\n");
    /// assert!(lines.rest().len() > 500, "this client is told so, and read from no more");
    /// ```
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }
}
