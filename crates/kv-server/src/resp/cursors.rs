//! The cursors of `SCAN` and `HSCAN`: numbers that stand for where a listing goes on.
//!
//! A listing goes on behind a key, and clients of Redis take a cursor for a number of 64 bits. So a session remembers the keys of
//! its last cursors.

use std::collections::VecDeque;

use bytes::Bytes;

/// The most cursors that are remembered, and the most bytes that their keys may have together. The last is remembered in any case.
const CURSORS_MAX: usize = 64;
const BYTES_MAX: usize = 64 * 1024;

/// The last cursors of a session, oldest first.
#[derive(Default)]
pub(super) struct Cursors {
    last: u64,
    /// Keys, of which the last belongs to the last cursor.
    keys: VecDeque<Bytes>,
    bytes: usize,
}

/// A client has sent a cursor that it was not given, or not lately.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("invalid cursor; a cursor is for the connection that it was given to, which remembers its last {CURSORS_MAX}")]
pub(super) struct UnknownCursor;

impl Cursors {
    /// A cursor for what comes behind a key.
    pub(super) fn after(&mut self, key: Bytes) -> u64 {
        self.bytes += key.len();
        self.keys.push_back(key);
        while self.keys.len() > CURSORS_MAX || (self.bytes > BYTES_MAX && self.keys.len() > 1) {
            self.bytes -= self.keys.pop_front().map_or(0, |key| key.len());
        }
        self.last += 1;
        self.last
    }

    /// The key that a cursor stands for. `None` for the beginning, which is 0.
    pub(super) fn key(&self, cursor: &[u8]) -> Result<Option<Bytes>, UnknownCursor> {
        let cursor: u64 = std::str::from_utf8(cursor).ok().and_then(|it| it.parse().ok()).ok_or(UnknownCursor)?;
        if cursor == 0 {
            return Ok(None);
        }
        let back = self.last.checked_sub(cursor).and_then(|back| usize::try_from(back).ok());
        let place = back.and_then(|back| self.keys.len().checked_sub(back + 1));
        place.map(|place| Some(self.keys[place].clone())).ok_or(UnknownCursor)
    }
}

#[cfg(test)]
mod tests {
    //! What is remembered.

    use super::*;

    #[test]
    fn a_cursor_stands_for_a_key_until_there_are_too_many() {
        let mut cursors = Cursors::default();
        assert_eq!(cursors.key(b"0"), Ok(None));
        let first = cursors.after("milk".into());
        assert_eq!(cursors.key(first.to_string().as_bytes()), Ok(Some("milk".into())));
        for _ in 1..CURSORS_MAX {
            cursors.after("eggs".into());
        }
        assert_eq!(cursors.key(first.to_string().as_bytes()), Ok(Some("milk".into())));
        let last = cursors.after("bread".into());
        assert_eq!(cursors.key(first.to_string().as_bytes()), Err(UnknownCursor));
        assert_eq!(cursors.key(last.to_string().as_bytes()), Ok(Some("bread".into())));
        assert_eq!(cursors.key((last + 1).to_string().as_bytes()), Err(UnknownCursor));
        assert_eq!(cursors.key(b"milk"), Err(UnknownCursor));
    }

    #[test]
    fn long_keys_are_forgotten_sooner() {
        let mut cursors = Cursors::default();
        let first = cursors.after(vec![b'x'; BYTES_MAX].into());
        assert!(cursors.key(first.to_string().as_bytes()).is_ok());
        let second = cursors.after(vec![b'y'; 2 * BYTES_MAX].into());
        assert!(cursors.key(first.to_string().as_bytes()).is_err());
        assert!(cursors.key(second.to_string().as_bytes()).is_ok());
    }
}
