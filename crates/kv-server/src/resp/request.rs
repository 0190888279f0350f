//! Reading requests: arrays of bulk strings, and inline requests, within limits and however the reads were cut.
//!
//! - Q1: a length or a number over its limit is refused when its header is read. Memory is taken for what has come, not for what
//!   was announced.
//! - Q2: each byte is looked at a bounded number of times, so one byte at a time costs no more than all at once.
//! - Q3: an argument is a slice of what was read. There is no recursion: a request is an array of strings, and nothing else.
//! - Q4: requests before an error are executed.

use bytes::{Bytes, BytesMut};

use super::inline;
use crate::limits::Limits;
use crate::login::wipe;

/// The capacity kept for what comes next. A larger buffer lives until its requests are done.
const KEPT: usize = 4096;

/// For how many arguments the space is kept.
const PLACES_KEPT: usize = 256;

/// The longest header, without its end: a sign and the digits of a number.
const HEADER_MAX: usize = 32;

/// A client sent what is not a request. The session ends, because where the next request begins is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("Protocol error: invalid multibulk length")]
    Arguments,
    #[error("Protocol error: too big mbulk count string")]
    ArgumentsHeader,
    #[error("Protocol error: invalid bulk length")]
    Length,
    #[error("Protocol error: too big bulk count string")]
    LengthHeader,
    #[error("Protocol error: expected '$', got '{}'", shown(*.0))]
    NoBulk(u8),
    #[error("Protocol error: expected CRLF after a bulk string")]
    NoEnd,
    #[error("Protocol error: too big request; send requests of at most {0} bytes")]
    TooBig(usize),
    #[error("Protocol error: too big inline request")]
    Inline,
    #[error("Protocol error: unbalanced quotes in request")]
    Quotes,
}

fn shown(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '?' }
}

/// Where an argument is in what was read.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    end: usize,
}

/// Collects what is read and yields whole requests.
pub(super) struct RequestBuffer {
    buffer: BytesMut,
    limits: Limits,
    /// Where the next thing to look at begins.
    at: usize,
    /// Where the request begins that is being read.
    begin: usize,
    /// How many arguments of it are missing.
    missing: usize,
    /// The length of the argument that comes next, if its header was read.
    length: Option<usize>,
    /// How many bytes of an inline request are known to contain no line end.
    searched: usize,
    /// The arguments of all whole requests, and of the one that is being read.
    places: Vec<Place>,
    /// Where each whole request ends in `places`.
    ends: Vec<usize>,
    /// Where the last whole request ends in the buffer.
    whole: usize,
    /// The most that the buffer has held.
    most: usize,
}

/// Whole requests, in one piece.
#[derive(Default)]
pub(super) struct Requests {
    read: Bytes,
    places: Vec<Place>,
    ends: Vec<usize>,
}

/// A request: at least one argument.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    read: &'a Bytes,
    places: &'a [Place],
}

impl RequestBuffer {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            buffer: BytesMut::new(),
            limits: *limits,
            at: 0,
            begin: 0,
            missing: 0,
            length: None,
            searched: 0,
            places: Vec::new(),
            ends: Vec::new(),
            whole: 0,
            most: 0,
        }
    }

    /// Adds what was read. [Take](Self::take) what is whole before reading more.
    pub(super) fn push(&mut self, read: &[u8]) {
        self.buffer.extend_from_slice(read);
        self.most = self.most.max(self.buffer.len());
    }

    /// Whether there is the beginning of a request whose end has not come.
    pub(super) fn has_rest(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Takes all whole requests. `requests` lends its memory.
    ///
    /// # Errors
    ///
    /// What comes behind the requests is none.
    pub(super) fn take(&mut self, requests: &mut Requests) -> Result<(), RequestError> {
        let read = self.read();
        requests.clear();
        if self.whole == 0 {
            // Nothing is moved for a request that is not whole (Q2).
            return read;
        }
        requests.read = self.buffer.split_to(self.whole).freeze();
        requests.ends.append(&mut self.ends);
        let whole = requests.ends.last().copied().unwrap_or_default();
        requests.places.extend(self.places.drain(..whole));
        for place in &mut self.places {
            place.start -= self.whole;
            place.end -= self.whole;
        }
        self.at -= self.whole;
        self.begin -= self.whole;
        self.whole = 0;
        if self.most > KEPT {
            // The requests are released when they are done. A shared rest would keep their memory.
            self.most = self.buffer.len();
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        self.places.shrink_to(PLACES_KEPT);
        self.ends.shrink_to(PLACES_KEPT);
        read
    }

    /// Clears what was [taken](Self::take) from memory, because there may be a password in it.
    pub(super) fn wipe(&mut self, taken: &mut Requests) {
        // Where it is still needed, it is not cleared.
        let _ = wipe(&mut self.buffer, std::mem::take(&mut taken.read));
    }

    fn read(&mut self) -> Result<(), RequestError> {
        while self.read_one()? {}
        Ok(())
    }

    /// Reads a header, an argument or an inline request, unless its end has not come.
    fn read_one(&mut self) -> Result<bool, RequestError> {
        if let Some(length) = self.length {
            return self.read_argument(length);
        }
        if self.missing > 0 {
            return self.read_length();
        }
        self.begin = self.at;
        match self.buffer.get(self.at) {
            None => Ok(false),
            Some(b'*') => self.read_count(),
            Some(_) => self.read_inline(),
        }
    }

    fn read_count(&mut self) -> Result<bool, RequestError> {
        let count = match header(&self.buffer[self.at + 1..]) {
            Header::Half => return Ok(false),
            Header::TooLong => return Err(RequestError::ArgumentsHeader),
            Header::Number(number, length) => {
                self.at += 1 + length;
                number.ok_or(RequestError::Arguments)?
            }
        };
        // Without arguments there is nothing to execute, as in Redis. A negative number of them is the same.
        let count = usize::try_from(count).unwrap_or_default();
        if count > self.limits.arguments {
            return Err(RequestError::Arguments);
        }
        self.missing = count;
        if count == 0 {
            self.whole = self.at;
        }
        Ok(true)
    }

    fn read_length(&mut self) -> Result<bool, RequestError> {
        match self.buffer.get(self.at) {
            None => return Ok(false),
            Some(b'$') => {}
            Some(other) => return Err(RequestError::NoBulk(*other)),
        }
        let length = match header(&self.buffer[self.at + 1..]) {
            Header::Half => return Ok(false),
            Header::TooLong => return Err(RequestError::LengthHeader),
            Header::Number(number, length) => {
                self.at += 1 + length;
                number.ok_or(RequestError::Length)?
            }
        };
        let length = usize::try_from(length).ok().ok_or(RequestError::Length)?;
        if length > self.limits.argument {
            return Err(RequestError::Length);
        }
        if self.at - self.begin + length > self.limits.request {
            return Err(RequestError::TooBig(self.limits.request));
        }
        self.length = Some(length);
        Ok(true)
    }

    fn read_argument(&mut self, length: usize) -> Result<bool, RequestError> {
        let end = self.at + length;
        match self.buffer.get(end..) {
            Some([b'\r', b'\n', ..]) => {}
            None | Some([] | [b'\r']) => return Ok(false),
            Some(_) => return Err(RequestError::NoEnd),
        }
        self.places.push(Place { start: self.at, end });
        self.at = end + 2;
        self.length = None;
        self.missing -= 1;
        if self.missing == 0 {
            self.ends.push(self.places.len());
            self.whole = self.at;
        }
        Ok(true)
    }

    fn read_inline(&mut self) -> Result<bool, RequestError> {
        let rest = &mut self.buffer[self.at..];
        let Some(end) = memchr::memchr(b'\n', &rest[self.searched..]) else {
            self.searched = rest.len();
            return if self.searched > self.limits.line { Err(RequestError::Inline) } else { Ok(false) };
        };
        let end = std::mem::take(&mut self.searched) + end;
        if end > self.limits.line {
            return Err(RequestError::Inline);
        }
        let before = self.places.len();
        inline::split(&mut rest[..end], |start, end| {
            self.places.push(Place { start: self.at + start, end: self.at + end });
        })
        .ok_or(RequestError::Quotes)?;
        if self.places.len() > before {
            self.ends.push(self.places.len());
        }
        self.at += end + 1;
        self.whole = self.at;
        Ok(true)
    }
}

enum Header {
    /// Its end has not come.
    Half,
    TooLong,
    /// The number, if it is one, and how many bytes the header has with its end.
    Number(Option<i64>, usize),
}

/// Reads a number up to CR and LF.
#[inline]
fn header(rest: &[u8]) -> Header {
    short_header(rest).unwrap_or_else(|| long_header(rest))
}

/// A header of one to four digits that has its end, as nearly all have.
#[inline]
fn short_header(rest: &[u8]) -> Option<Header> {
    let mut number = 0;
    for (digits, byte) in rest.iter().take(5).enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + i64::from(byte - b'0'),
            b'\r' if digits == 1 || (digits > 1 && rest[0] != b'0') => {
                return (rest.get(digits + 1) == Some(&b'\n')).then_some(Header::Number(Some(number), digits + 2));
            }
            _ => return None,
        }
    }
    None
}

#[cold]
fn long_header(rest: &[u8]) -> Header {
    let start = &rest[..rest.len().min(HEADER_MAX)];
    match memchr::memchr(b'\r', start) {
        Some(end) => match rest.get(end + 1) {
            Some(b'\n') => Header::Number(number(&rest[..end]), end + 2),
            Some(_) => Header::Number(None, 0),
            None => Header::Half,
        },
        None if start.len() == HEADER_MAX => Header::TooLong,
        None => Header::Half,
    }
}

/// Reads a number as Redis does: without leading zeros and plus signs.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    // The frequent case: one digit.
    if let [digit @ b'0'..=b'9'] = text {
        return Some(i64::from(digit - b'0'));
    }
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_one = matches!(digits, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    if !is_one {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl Requests {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether anything was taken. That may be no request at all, but an empty one.
    pub(super) fn is_empty(&self) -> bool {
        self.read.is_empty()
    }

    /// One of them.
    pub(super) fn get(&self, number: usize) -> Request<'_> {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        Request { read: &self.read, places: &self.places[start..self.ends[number]] }
    }

    /// Releases the bytes, and places that few reads need.
    pub(super) fn clear(&mut self) {
        self.read = Bytes::new();
        self.places.clear();
        self.ends.clear();
        self.places.shrink_to(PLACES_KEPT);
        self.ends.shrink_to(PLACES_KEPT);
    }
}

impl<'a> Request<'a> {
    /// How many arguments it has, with the name of the command.
    pub(super) fn len(self) -> usize {
        self.places.len()
    }

    /// The name of the command.
    pub(super) fn name(self) -> &'a [u8] {
        self.get(0)
    }

    /// An argument. The name of the command is the first.
    pub(super) fn get(self, argument: usize) -> &'a [u8] {
        let Place { start, end } = self.places[argument];
        &self.read[start..end]
    }

    /// An argument, as a slice of what was read.
    pub(super) fn slice(self, argument: usize) -> Bytes {
        let Place { start, end } = self.places[argument];
        self.read.slice(start..end)
    }

    /// An argument, copied, so that it keeps nothing else alive.
    pub(super) fn copy(self, argument: usize) -> Bytes {
        Bytes::copy_from_slice(self.get(argument))
    }

    /// The arguments from this one on.
    pub(super) fn from(self, argument: usize) -> impl Iterator<Item = &'a [u8]> {
        self.places[argument.min(self.places.len())..].iter().map(move |place| &self.read[place.start..place.end])
    }

    /// How many bytes the arguments have.
    pub(super) fn bytes(self) -> usize {
        self.places.iter().map(|place| place.end - place.start).sum()
    }
}
