//! The tag of a log: the name and version of its events' type, as the program calls them.

use std::fmt;

/// The longest tag, in bytes.
pub(super) const TAG_MAX: usize = 32;

/// A tag, with zeros behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag([u8; TAG_MAX]);

impl Tag {
    /// # Panics
    ///
    /// If it is empty, longer than [`TAG_MAX`], or has control characters.
    #[track_caller]
    pub(super) fn new(text: &str) -> Self {
        assert!(
            (1..=TAG_MAX).contains(&text.len()) && !text.contains(char::is_control),
            "the tag {text:?} is not one of 1 to {TAG_MAX} bytes without control characters; use one like \"Sale/1\""
        );
        let mut bytes = [0; TAG_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Self(bytes)
    }

    pub(super) fn of(bytes: [u8; TAG_MAX]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; TAG_MAX] {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.split(|byte| *byte == 0).next().unwrap_or_default();
        f.write_str(&String::from_utf8_lossy(text))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}
