//! A parsed line that borrows its words, so that parsing allocates nothing.

use std::borrow::Cow;

use super::words::{Line, QuoteError};
use super::{ARGUMENTS_MAX, Verb};

/// A command and its arguments. Unused places are empty.
#[derive(Debug)]
pub(crate) struct CommandLine<'a> {
    pub(crate) verb: Verb,
    pub(crate) words: [Cow<'a, [u8]>; ARGUMENTS_MAX],
    /// How many words there are.
    pub(crate) given: usize,
}

/// Why a line is not a [`Command`](crate::Command).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseCommandError {
    /// There is no such command, or it has other arguments.
    #[error("no command reads like this; `HELP` lists those there are")]
    Unknown,
    /// It begins like a command, and its quotes do not fit.
    #[error(transparent)]
    Quote(#[from] QuoteError),
}

impl<'a> CommandLine<'a> {
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, ParseCommandError> {
        let line = Line::new(line);
        // Without optional arguments: `LIST "soy milk"` has one argument and not two.
        let plain = Self::of(line.plain().map(Cow::Borrowed).map(Ok), false);
        plain.or_else(|_| Self::of(line.quoted(), true))
    }

    /// Forms a command of words, if all of them could be read.
    fn of(
        mut read: impl Iterator<Item = Result<Cow<'a, [u8]>, QuoteError>>,
        with_optional: bool,
    ) -> Result<Self, ParseCommandError> {
        let unknown = ParseCommandError::Unknown;
        let verb = Verb::of(&read.next().ok_or(unknown)??).ok_or(unknown)?;
        let usage = verb.usage();
        let least = usage.arguments.len();
        let most = if with_optional { least + usage.optional.len() } else { least };
        let mut words = [const { Cow::Borrowed(&[] as &[u8]) }; ARGUMENTS_MAX];
        let mut given = 0;
        for word in read {
            let word = word?;
            *words[..most].get_mut(given).ok_or(unknown)? = word;
            given += 1;
        }
        if given < least { Err(unknown) } else { Ok(Self { verb, words, given }) }
    }

    /// The optional arguments that are given.
    pub(crate) fn optional(&self) -> &[Cow<'a, [u8]>] {
        &self.words[self.verb.usage().arguments.len()..self.given]
    }
}

/// Whether an invalid line comes from a browser, which a web page can make send a form to this port. The headers come
/// before the text that the page chose, so ending the session at one of these two lines carries out none of that text.
pub(crate) fn is_from_browser(line: &[u8]) -> bool {
    Line::new(line).plain().next().is_some_and(|word| word == b"POST" || word.eq_ignore_ascii_case(b"Host:"))
}
