//! A parsed line that borrows its words, so that parsing allocates nothing.

use std::borrow::Cow;

use super::words::Line;
use super::{ARGUMENTS_MAX, UnknownCommand, Verb};

/// A command and its arguments. Unused places are empty.
#[derive(Debug)]
pub(crate) struct CommandLine<'a> {
    pub(crate) verb: Verb,
    pub(crate) words: [Cow<'a, [u8]>; ARGUMENTS_MAX],
}

impl<'a> CommandLine<'a> {
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, UnknownCommand> {
        let line = Line::new(line);
        Self::of(line.plain().map(Cow::Borrowed).map(Some)).or_else(|| Self::of(line.quoted())).ok_or(UnknownCommand)
    }

    /// Forms a command of words, if all of them could be read.
    fn of(mut read: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Option<Self> {
        let verb = Verb::of(&read.next()??)?;
        let mut words = [const { Cow::Borrowed(&[] as &[u8]) }; ARGUMENTS_MAX];
        for word in &mut words[..verb.usage().arguments.len()] {
            *word = read.next()??;
        }
        read.next().is_none().then_some(Self { verb, words })
    }
}

/// Whether an invalid line comes from a browser, which a web page can make send a form to this port. The headers come
/// before the text that the page chose, so ending the session at one of these two lines carries out none of that text.
pub(crate) fn is_from_browser(line: &[u8]) -> bool {
    Line::new(line).plain().next().is_some_and(|word| word == b"POST" || word.eq_ignore_ascii_case(b"Host:"))
}
