//! A line that is a command, before anything of it is kept: its words are borrowed, so to read it costs no memory.

use std::borrow::Cow;

use super::words::Line;
use super::{ARGUMENTS_MAX, UnknownCommand, Verb};

/// A command and its arguments: as many of the words as it has, the others are empty.
#[derive(Debug)]
pub(crate) struct Sentence<'a> {
    pub(crate) verb: Verb,
    pub(crate) words: [Cow<'a, [u8]>; ARGUMENTS_MAX],
}

impl<'a> Sentence<'a> {
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, UnknownCommand> {
        let line = Line::new(line);
        Self::of(line.plain().map(Cow::Borrowed).map(Some)).or_else(|| Self::of(line.quoted())).ok_or(UnknownCommand)
    }

    /// The command that these words make, if every one could be read.
    fn of(mut read: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Option<Self> {
        let verb = Verb::of(&read.next()??)?;
        let mut words = [const { Cow::Borrowed(&[] as &[u8]) }; ARGUMENTS_MAX];
        for word in &mut words[..verb.usage().arguments.len()] {
            *word = read.next()??;
        }
        read.next().is_none().then_some(Self { verb, words })
    }
}

/// Whether a line that is no command comes from a browser: some page makes it send a form to whatever listens here. Headers come
/// before what the page chose, so to close at one of these two is to have carried out nothing of it.
pub(crate) fn is_from_browser(line: &[u8]) -> bool {
    Line::new(line).plain().next().is_some_and(|word| word == b"POST" || word.eq_ignore_ascii_case(b"Host:"))
}
