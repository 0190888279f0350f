//! A line that is a command, before anything of it is kept: its words are borrowed, so to read it costs no memory.

use std::borrow::Cow;

use super::UnknownCommand;
use super::words::Line;

/// Which command it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    Create,
    Put,
    Get,
    Delete,
    List,
    Buckets,
    Drop,
    Subscribe,
    Ping,
    Help,
    Quit,
}

impl Verb {
    /// The command that begins with this word, and how many words follow it.
    fn of(word: &[u8]) -> Option<(Self, usize)> {
        Some(match word {
            b"GET" => (Self::Get, 2),
            b"PUT" => (Self::Put, 3),
            b"DELETE" => (Self::Delete, 2),
            b"CREATE" => (Self::Create, 1),
            b"LIST" => (Self::List, 1),
            b"BUCKETS" => (Self::Buckets, 0),
            b"DROP" => (Self::Drop, 1),
            b"SUBSCRIBE" => (Self::Subscribe, 0),
            b"PING" => (Self::Ping, 0),
            b"HELP" => (Self::Help, 0),
            b"QUIT" => (Self::Quit, 0),
            _ => return None,
        })
    }
}

/// A command and its arguments: as many of the words as it has, the others are empty.
#[derive(Debug)]
pub(crate) struct Sentence<'a> {
    pub(crate) verb: Verb,
    pub(crate) words: [Cow<'a, [u8]>; 3],
}

impl<'a> Sentence<'a> {
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, UnknownCommand> {
        let line = Line::new(line);
        Self::of(line.plain().map(Cow::Borrowed).map(Some)).or_else(|| Self::of(line.quoted())).ok_or(UnknownCommand)
    }

    /// The command that these words make, if every one could be read.
    fn of(mut read: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Option<Self> {
        let (verb, arguments) = Verb::of(&read.next()??)?;
        let mut words = [const { Cow::Borrowed(&[] as &[u8]) }; 3];
        for word in &mut words[..arguments] {
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
