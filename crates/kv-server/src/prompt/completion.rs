//! What the word at the end of a line could become.

use std::borrow::Cow;
use std::ops::ControlFlow;

use futures::io::{AsyncRead, AsyncWrite};

use super::typed::{self, Quote, TypedWord};
use super::visible::escape;
use super::{find, usages};
use crate::command::words;
use crate::{AnswerError, Client, Command};

/// The most completions that are offered: more than a person reads.
const OFFERS_MAX: usize = 100;

/// How many bytes of names are looked through for completions.
const LOOKED_MAX: usize = 1024 * 1024;

/// The word at the end of a line being typed, and what it could become.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::{Completion, Wanted};
///
/// let completion = Completion::of("GET shopping mi");
/// assert_eq!(completion.start, 13);
/// assert_eq!(completion.wanted, Wanted::Key { bucket: "shopping".as_bytes().into() });
/// assert_eq!(completion.offers(["eggs", "milk", "mint"]), ["milk ", "mint "]);
/// ```
///
/// A name that would not read back as itself is offered in quotes. All of them are, if the word begins with a quote:
///
/// ```
/// # use kv_server::prompt::Completion;
/// assert_eq!(Completion::of("GET shopping so").offers(["soy milk"]), ["\"soy milk\" "]);
/// assert_eq!(Completion::of("GET shopping \"soy m").offers(["soy milk"]), ["\"soy milk\" "]);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Completion<'a> {
    /// Where the word begins.
    pub start: usize,
    /// What kind of word it could be.
    pub wanted: Wanted<'a>,
    /// What the word stands for so far.
    typed: Cow<'a, [u8]>,
    is_quoted: bool,
}

/// The kind of a word in a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted<'a> {
    /// The name of a command.
    Command,
    /// The name of a bucket.
    Bucket,
    /// A key of this bucket.
    Key {
        /// The bucket's name.
        bucket: Cow<'a, [u8]>,
    },
    /// Something that cannot be completed.
    Nothing,
}

impl<'a> Completion<'a> {
    /// Looks at the end of this line.
    pub fn of(line: &'a str) -> Self {
        let mut words = typed::words(line);
        let last = if typed::is_between_words(line, &words) { None } else { words.pop() };
        let (start, is_quoted) =
            last.as_ref().map_or((line.len(), false), |last| (last.span.start, last.quote != Quote::None));
        match last.map_or(Some(Cow::Borrowed(&[] as &[u8])), |last| last.text()) {
            Some(typed) => Self { start, wanted: wanted(&words), typed, is_quoted },
            None => Self { start, wanted: Wanted::Nothing, typed: Cow::Borrowed(&[]), is_quoted },
        }
    }

    /// The `names` that begin with what was typed, at most 100, each as a word and a blank.
    pub fn offers<N: AsRef<[u8]>>(&self, names: impl IntoIterator<Item = N>) -> Vec<String> {
        let names = names.into_iter().filter(|name| name.as_ref().starts_with(&self.typed));
        names.take(OFFERS_MAX).map(|name| word(name.as_ref(), self.is_quoted) + " ").collect()
    }

    /// The same for the names that a server has. It asks for commands not at all, and takes the client, because it reads only as
    /// much of a list as there is to offer, and never more than a mebibyte.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the server does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the client and its connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::io::Cursor;
    /// use kv_server::Client;
    /// use kv_server::prompt::Completion;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A server that has answered before it was asked, so that the example needs none.
    /// let (answer, mut asked) = (Cursor::new("* milk\r\n* mint\r\nOK\r\n"), Vec::new());
    /// let completion = Completion::of("GET shopping mi");
    /// let client = Client::new(answer, &mut asked);
    /// assert_eq!(completion.offers_of(client).await?, ["milk ", "mint "]);
    /// assert_eq!(asked, b"LIST shopping mi 100\r\n");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn offers_of<R, W>(&self, client: Client<R, W>) -> Result<Vec<String>, AnswerError>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let prefix = (!self.typed.is_empty()).then(|| self.typed.to_vec().into());
        let limit = Some(OFFERS_MAX.to_string().into());
        let command = match &self.wanted {
            Wanted::Nothing => return Ok(Vec::new()),
            Wanted::Command => return Ok(self.commands()),
            Wanted::Bucket => Command::Buckets { prefix, limit, after: None },
            Wanted::Key { bucket } => Command::List { bucket: bucket.to_vec().into(), prefix, limit, after: None },
        };
        let mut names = Vec::new();
        let mut looked = 0;
        let seen = client.items_while(&command, |name| {
            looked += name.len();
            names.push(name);
            // A server that lists more than it was asked for is not believed.
            let is_enough = names.len() == OFFERS_MAX || looked > LOOKED_MAX;
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        seen.await?;
        Ok(self.offers(names))
    }

    /// The commands that begin with what was typed, in upper or lower case.
    fn commands(&self) -> Vec<String> {
        let begins = |word: &&str| {
            word.as_bytes().get(..self.typed.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(&self.typed))
        };
        let commands = usages().map(|usage| usage.word).filter(begins);
        commands.map(|command| word(command.as_bytes(), self.is_quoted) + " ").collect()
    }
}

/// The kind of the word behind these.
fn wanted<'a>(words: &[TypedWord<'a>]) -> Wanted<'a> {
    let Some((command, given)) = words.split_first() else { return Wanted::Command };
    let usage = command.text().as_deref().and_then(find);
    let bucket = given.first().and_then(TypedWord::text);
    match (usage.and_then(|usage| usage.arguments.get(given.len())), bucket) {
        (Some(&"bucket"), _) => Wanted::Bucket,
        (Some(&"key"), Some(bucket)) => Wanted::Key { bucket },
        _ => Wanted::Nothing,
    }
}

/// The word that stands for a name, in quotes if it has to be. Nothing in it moves a terminal's cursor.
fn word(name: &[u8], is_quoted: bool) -> String {
    if let Ok(text) = str::from_utf8(name)
        && !is_quoted
        && words::is_word(name)
        && !text.starts_with('"')
        && !text.contains(char::is_control)
    {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            if character.is_control() && !character.is_ascii() {
                escape(bytes, &mut quoted);
            } else {
                let mut escaped = Vec::new();
                words::escape(bytes, &mut escaped);
                quoted.push_str(&String::from_utf8_lossy(&escaped));
            }
        }
        escape(chunk.invalid(), &mut quoted);
    }
    quoted.push('"');
    quoted
}

/// The line with its command in quotes, if otherwise its other quotes might not count: see [`Command`].
///
/// # Examples
///
/// ```
/// use kv_server::prompt::with_quoted_command;
///
/// // With one more word than this, it is clear that the quotes count.
/// assert_eq!(with_quoted_command("GET shopping \"soy milk\" "), None);
/// assert_eq!(
///     with_quoted_command("PUT shopping \"soy milk\" "),
///     Some("\"PUT\" shopping \"soy milk\" ".to_owned())
/// );
/// ```
pub fn with_quoted_command(line: &str) -> Option<String> {
    let words = typed::words(line);
    let (command, given) = words.split_first()?;
    let usage = find(&command.text()?)?;
    let has_quotes = given.iter().any(|word| word.quote != Quote::None);
    let is_clear = command.quote != Quote::None || typed::plain_count(line) > 1 + usage.arguments.len();
    let (before, behind) = (&line[..command.span.start], &line[command.span.end..]);
    (has_quotes && !is_clear).then(|| format!("{before}\"{}\"{behind}", usage.word))
}

#[cfg(test)]
mod tests {
    //! What is offered at each place in a line.

    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures::FutureExt;
    use futures::io::Cursor;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn wanted(line: &str, expected: &Wanted<'_>) {
        assert_eq!(&Completion::of(line).wanted, expected, "{line:?}");
    }

    fn key(bucket: &str) -> Wanted<'_> {
        Wanted::Key { bucket: bucket.as_bytes().into() }
    }

    #[test]
    fn every_place_of_a_line_knows_what_it_wants() {
        wanted("", &Wanted::Command);
        wanted("  GE", &Wanted::Command);
        wanted("GET", &Wanted::Command);
        wanted("GET ", &Wanted::Bucket);
        wanted("get sho", &Wanted::Bucket);
        wanted("GET shopping ", &key("shopping"));
        wanted("GET shopping milk", &key("shopping"));
        wanted("GET \"my shop\" ", &key("my shop"));
        wanted("GET \"my shop\" \"soy mi", &key("my shop"));
        wanted("GET \"my shop", &Wanted::Bucket);
        wanted("GET shopping milk ", &Wanted::Nothing);
        wanted("GET shopping \"a\"b", &Wanted::Nothing);
        wanted("PUT shopping milk ", &Wanted::Nothing);
        wanted("CREATE a ", &Wanted::Nothing);
        wanted("PING ", &Wanted::Nothing);
        wanted("BUY ", &Wanted::Nothing);
    }

    #[test]
    fn a_word_may_follow_any_white_space() {
        let completion = Completion::of("GET\u{3000}shop");
        assert_eq!((completion.start, &*completion.typed), (6, &b"shop"[..]));
    }

    #[test]
    fn commands_are_offered_in_capitals_whatever_was_typed() {
        assert_eq!(Completion::of("ge").commands(), ["GET "]);
        assert_eq!(Completion::of("D").commands(), ["DELETE ", "DROP "]);
        assert_eq!(Completion::of("\"pu").commands(), ["\"PUT\" ", "\"PUTNEW\" ", "\"PUTEX\" "]);
        assert_eq!(Completion::of("ü").commands(), [] as [&str; 0]);
        assert_eq!(Completion::of("").commands().len(), usages().count());
    }

    #[test]
    fn no_more_is_offered_than_a_person_reads() {
        let names: Vec<String> = (0..1000).map(|number| format!("n{number}")).collect();
        assert_eq!(Completion::of("LIST n").offers(&names).len(), OFFERS_MAX);
    }

    #[test]
    fn what_a_terminal_would_obey_is_offered_as_an_escape() {
        let offers =
            Completion::of("GET a ").offers([&b"\x1b]0;t\x07"[..], "\u{9b}2J".as_bytes(), b"\xFF", b"\"", b""]);
        assert_eq!(offers, [r#""\x1b]0;t\x07" "#, r#""\xc2\x9b2J" "#, r#""\xff" "#, r#""\"" "#, r#""" "#]);
    }

    /// A bucket with as many keys as anybody reads.
    struct Endless {
        next: u64,
        read: usize,
    }

    impl AsyncRead for Endless {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<std::io::Result<usize>> {
            let line = format!("* n{:019}\r\n", self.next);
            self.next += 1;
            self.read += line.len();
            buffer[..line.len()].copy_from_slice(line.as_bytes());
            Poll::Ready(Ok(line.len()))
        }
    }

    #[test]
    fn a_list_without_end_is_read_as_far_as_it_is_of_use() {
        let mut endless = Endless { next: 0, read: 0 };
        let offers = Completion::of("GET a n").offers_of(Client::new(&mut endless, Vec::new())).now_or_never();
        assert_eq!(offers.expect("it has all been said").expect("it is a list").len(), OFFERS_MAX);
        assert!(endless.read < 3000, "{}", endless.read);
    }

    #[test]
    fn a_list_of_long_names_is_read_as_far_as_it_may_be() {
        let line = format!("* n{}\r\n", "x".repeat(64 * 1024));
        let list = line.repeat(OFFERS_MAX) + "OK\r\n";
        let offers = Completion::of("GET a n").offers_of(Client::new(Cursor::new(list), Vec::new())).now_or_never();
        assert_eq!(offers.expect("it has all been said").expect("it is a list").len(), LOOKED_MAX / (64 * 1024));
    }

    #[test]
    fn a_list_that_is_refused_offers_nothing() {
        let offers = |answer: &str| {
            let client = Client::new(Cursor::new(answer.as_bytes()), Vec::new());
            Completion::of("GET a ").offers_of(client).now_or_never().expect("it has all been said").ok()
        };
        assert_eq!(offers("NOT FOUND\r\n"), Some(Vec::new()));
        assert_eq!(offers("ERROR no\r\n"), Some(Vec::new()));
        assert_eq!(offers("* a\r\n* \"a\\nb\"\r\nOK\r\n"), Some(vec!["a ".to_owned(), "\"a\\nb\" ".to_owned()]));
        assert_eq!(offers("* a\r\n"), None);
    }

    proptest! {
        /// Whatever the bytes of a key are: its completion reads back as the key, at the end of a line and before a value.
        #[test]
        fn a_completed_key_reads_back(key in proptest::collection::vec(any::<u8>(), 0..8), value in "[a-z]{1,3}") {
            let offers = Completion::of("GET a ").offers([&key]);
            let line = |command: &str| {
                let line = format!("{command} a {}", offers[0]);
                with_quoted_command(&line).unwrap_or(line)
            };
            prop_assert_eq!(line("GET").parse(), Ok(Command::get("a", key.clone())));
            prop_assert_eq!((line("PUT") + &value).parse(), Ok(Command::put("a", key, value)));
        }
    }
}
