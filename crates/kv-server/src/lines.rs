//! Whole lines out of what was read, however it was cut into reads.

use bytes::{Bytes, BytesMut};

/// How much room is kept for what comes next. Whoever sends more at once has the larger buffer until the lines in it are done with.
const KEPT: usize = 4096;

/// Makes lines of what is read. A line ends with LF; a CR before that belongs to the end.
///
/// # Examples
///
/// ```
/// use kv_server::Lines;
///
/// let mut lines = Lines::new();
/// lines.push(b"PUT shopping mi");
/// assert!(lines.take().is_empty());
/// lines.push(b"lk 1\r\nGET shopping milk\nGET");
/// let whole = lines.take();
/// let read: Vec<_> = Lines::of(&whole).collect();
/// assert_eq!(read, [&b"PUT shopping milk 1"[..], b"GET shopping milk"]);
/// assert_eq!(lines.rest(), b"GET");
/// ```
#[derive(Debug, Default)]
pub struct Lines {
    buffer: BytesMut,
    /// How many bytes at the beginning of the buffer have no end of a line in them.
    searched: usize,
    /// How much the buffer has held at most.
    most: usize,
}

impl Lines {
    /// Nothing was read yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Lines;
    ///
    /// let mut lines = Lines::new();
    /// assert!(lines.take().is_empty());
    /// assert!(lines.rest().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was read. It has no limit of its own: whoever reads looks at the [`rest`](Self::rest) before reading more.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Lines;
    ///
    /// let mut lines = Lines::new();
    /// for read in [&b"PI"[..], b"NG\r", b"\n"] {
    ///     lines.push(read);
    /// }
    /// assert_eq!(lines.take(), "PING\r\n");
    /// ```
    pub fn push(&mut self, read: &[u8]) {
        self.buffer.extend_from_slice(read);
        self.most = self.most.max(self.buffer.len());
    }

    /// All lines that are whole, in one piece: empty if there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Lines;
    ///
    /// let mut lines = Lines::new();
    /// lines.push(b"PING\nHELP\nQU");
    /// assert_eq!(lines.take(), "PING\nHELP\n");
    /// assert!(lines.take().is_empty(), "they were taken");
    /// ```
    pub fn take(&mut self) -> Bytes {
        // From behind, where in most cases the last end is the last byte; and never twice through what has none.
        let Some(last) = memchr::memrchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return Bytes::new();
        };
        let whole = self.buffer.split_to(self.searched + last + 1).freeze();
        self.searched = self.buffer.len();
        if self.most > KEPT {
            // What is taken goes when its lines are done with; the rest would keep all of it.
            self.most = self.buffer.len();
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        whole
    }

    /// The lines of what was [taken](Self::take), without their ends. What is behind the last end is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::Lines;
    ///
    /// let read: Vec<_> = Lines::of(b"PING\r\n\nHELP\n").collect();
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

    /// The beginning of a line that has no end yet.
    ///
    /// # Examples
    ///
    /// A line that is too long, before it has come to its end:
    ///
    /// ```
    /// use kv_server::Lines;
    ///
    /// let mut lines = Lines::new();
    /// lines.push(b"PING\n");
    /// lines.push(&[b'x'; 1_000]);
    /// assert_eq!(lines.take(), "PING\n");
    /// assert!(lines.rest().len() > 500, "this client is told so, and read from no more");
    /// ```
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }
}
