//! Values of a program's own types as bytes, and back, within bounds.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use genserver::Reason;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::check;

/// How much of an error's text is kept: what a type says of a value may quote the value.
const TEXT_MAX: usize = 400;

/// Why a value was not written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EncodeError {
    /// The whole message has more bytes than it may.
    TooLarge {
        /// How many it has.
        size: usize,
        /// How many it may have.
        bound: usize,
    },
    /// The type cannot be written, and why.
    Failed(String),
}

/// A message that is written: what it would have beyond its bound is counted, and not kept.
pub(super) struct Bounded {
    bytes: Vec<u8>,
    size: usize,
    bound: usize,
}

impl Bounded {
    /// An empty message.
    pub(super) fn new(bound: usize) -> Self {
        Self { bytes: Vec::new(), size: 0, bound }
    }

    /// Writes bytes.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.size = self.size.saturating_add(bytes.len());
        if self.size <= self.bound {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Writes a value.
    pub(super) fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let start = self.bytes.len();
        guarded(|| rmp_serde::encode::write_named(self, value)).map_err(EncodeError::Failed)?;
        if self.size > self.bound {
            return Err(EncodeError::TooLarge { size: self.size, bound: self.bound });
        }
        // The other side would refuse it. Here the error has a place.
        check::well_formed(&self.bytes[start..]).map_err(|why| EncodeError::Failed(why.to_string()))
    }

    /// Overwrites two bytes.
    pub(super) fn set_length(&mut self, at: usize, length: u16) {
        if let Some(place) = self.bytes.get_mut(at..at + 2) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// How many bytes were written.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The bytes, all of them if they are within the bound.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.raw(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a value that is all of these bytes. The error says why it cannot be read.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    check::well_formed(bytes).map_err(|why| why.to_string())?;
    guarded(|| rmp_serde::from_slice(bytes))
}

/// Runs code of the program's types. A panic of it is an error.
pub(super) fn guarded<T, E: fmt::Display>(run: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(text_of(&error, TEXT_MAX)),
        Err(payload) => Err(text_of(&Reason::caught(payload), TEXT_MAX)),
    }
}

/// What a value prints, up to so many bytes. A value that panics while it is printed has said what it has said.
pub(super) fn text_of(value: &dyn fmt::Display, max: usize) -> String {
    let mut text = Prefix { text: String::new(), max };
    // It stops by an error when there is enough.
    let printed = catch_unwind(AssertUnwindSafe(|| fmt::write(&mut text, format_args!("{value}"))));
    if let Err(payload) = printed {
        text.text.push_str(" (and then it panicked)");
        drop(Reason::caught(payload));
    }
    text.text
}

/// The beginning of a text.
struct Prefix {
    text: String,
    max: usize,
}

impl fmt::Write for Prefix {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let left = self.max.saturating_sub(self.text.len());
        if more.len() <= left {
            self.text.push_str(more);
            return Ok(());
        }
        self.text.push_str(&more[..more.floor_char_boundary(left)]);
        self.text.push_str(" ...");
        // All that follows is left out.
        Err(fmt::Error)
    }
}
