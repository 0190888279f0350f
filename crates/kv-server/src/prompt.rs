//! Completions, hints and advice for a prompt. It does not depend on a terminal, so any line editor can use it.

use std::fmt::Write;

use crate::{COMMANDS, Command, CommandUsage};

/// The most completions that are offered: more than a person reads.
const OFFERS_MAX: usize = 100;

/// The word at the end of a line being typed, and what it could become.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::{Completion, Wanted};
///
/// let completion = Completion::of("GET shopping mi");
/// assert_eq!(completion.start, 13);
/// assert_eq!(completion.wanted, Wanted::Key { bucket: "shopping" });
/// assert_eq!(completion.offers(["eggs", "milk", "mint"]), ["milk", "mint"]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Completion<'a> {
    /// Where the word begins.
    pub start: usize,
    /// What was typed of it.
    pub typed: &'a str,
    /// What kind of word it could be.
    pub wanted: Wanted<'a>,
}

/// The kind of a word in a line.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::{Completion, Wanted};
///
/// let completion = Completion::of("LIST s");
/// let offers = match completion.wanted {
///     Wanted::Command => completion.commands(),
///     Wanted::Bucket => completion.offers(["books", "shopping"]),
///     Wanted::Key { bucket } => completion.offers([format!("a key of {bucket}")]),
///     Wanted::Nothing => Vec::new(),
/// };
/// assert_eq!(offers, ["shopping"]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted<'a> {
    /// The name of a command: get them from [`Completion::commands`].
    Command,
    /// The name of a bucket.
    Bucket,
    /// A key of this bucket.
    Key {
        /// The bucket's name.
        bucket: &'a str,
    },
    /// Something that cannot be completed.
    Nothing,
}

impl<'a> Completion<'a> {
    /// Looks at the end of this line.
    pub fn of(line: &'a str) -> Self {
        let start = line.rfind(char::is_whitespace).map_or(0, |blank| blank + width(&line[blank..]));
        let mut words = line[..start].split_whitespace();
        let wanted = match words.next() {
            None => Wanted::Command,
            Some(word) => argument(word, words.next(), words.count()),
        };
        Self { start, typed: &line[start..], wanted }
    }

    /// The commands that begin with what was typed, in upper or lower case, each followed by a blank if it has arguments.
    pub fn commands(&self) -> Vec<String> {
        let begins = |usage: &&CommandUsage| {
            usage.word.get(..self.typed.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(self.typed))
        };
        let offer = |usage: &CommandUsage| usage.word.to_owned() + if usage.arguments.is_empty() { "" } else { " " };
        COMMANDS.iter().filter(begins).map(offer).collect()
    }

    /// The `names` that begin with what was typed and need no quotes, at most 100.
    pub fn offers<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Vec<String> {
        let names = names.into_iter().filter(|name| {
            let name = name.as_ref();
            name.starts_with(self.typed) && !name.contains(|c: char| c.is_whitespace() || c.is_control())
        });
        names.take(OFFERS_MAX).map(|name| name.as_ref().to_owned()).collect()
    }
}

fn width(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// The kind of a command's next argument, after one that may be a bucket, and some more.
fn argument<'a>(command: &str, bucket: Option<&'a str>, more: usize) -> Wanted<'a> {
    let given = usize::from(bucket.is_some()) + more;
    match (find(command).and_then(|usage| usage.arguments.get(given)), bucket) {
        (Some(&"bucket"), _) => Wanted::Bucket,
        (Some(&"key"), Some(bucket)) => Wanted::Key { bucket },
        _ => Wanted::Nothing,
    }
}

/// The command with this name, in upper or lower case.
fn find(word: &str) -> Option<&'static CommandUsage> {
    COMMANDS.iter().find(|usage| usage.word.eq_ignore_ascii_case(word))
}

/// The arguments still missing from a line, to show behind the cursor.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::hint;
///
/// assert_eq!(hint("PUT shopping "), Some("key value".to_owned()));
/// assert_eq!(hint("PUT"), Some(" bucket key value".to_owned()));
/// assert_eq!(hint("get "), Some("bucket key   (commands are in capitals: GET)".to_owned()));
/// assert_eq!(hint("GET shopping milk"), None);
/// ```
pub fn hint(line: &str) -> Option<String> {
    let word = line.split_whitespace().next()?;
    let usage = find(word)?;
    let is_between = line.ends_with(char::is_whitespace);
    // The word being typed counts as given.
    let given = line.split_whitespace().count() - 1;
    let mut hint = String::new();
    for argument in usage.arguments.iter().skip(given) {
        let blank = if hint.is_empty() && is_between { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(hint, "{blank}{argument}");
    }
    if word != usage.word {
        let _ = write!(hint, "   (commands are in capitals: {})", usage.word);
    }
    (!hint.is_empty()).then_some(hint)
}

/// Advice about a line that the server did not know as a command.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::advice;
///
/// assert_eq!(advice("get shopping milk"), "commands are in capitals: GET shopping milk");
/// assert_eq!(
///     advice("GET shopping"),
///     "it is GET bucket key; a word with blanks goes in quotes"
/// );
/// assert_eq!(advice("BUY milk"), "HELP lists the commands");
/// ```
pub fn advice(line: &str) -> String {
    let line = line.trim();
    let word = line.split_whitespace().next().unwrap_or_default();
    let Some(usage) = find(word) else { return "HELP lists the commands".to_owned() };
    let capitals = line.replacen(word, usage.word, 1);
    if word != usage.word && capitals.parse::<Command>().is_ok() {
        return format!("commands are in capitals: {capitals}");
    }
    let whole = [&[usage.word], usage.arguments].concat().join(" ");
    if usage.arguments.is_empty() {
        return format!("it is {whole}, and nothing behind it");
    }
    format!("it is {whole}; a word with blanks goes in quotes")
}

/// An answer made safe for a terminal: control characters, which could move the cursor or ring the bell, and bytes that are
/// not UTF-8 become escapes.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::visible;
///
/// assert_eq!(visible("Grüße\t1".as_bytes()), "Grüße\t1");
/// assert_eq!(visible(b"\x1b[2J \xFF"), "\\x1b[2J \\xff");
/// ```
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() && !matches!(character, '\t' | '\n') {
                escape(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut text);
            } else {
                text.push(character);
            }
        }
        escape(chunk.invalid(), &mut text);
    }
    text
}

fn escape(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    //! What is offered at each place in a line.

    use super::*;

    #[track_caller]
    fn wanted(line: &str, expected: Wanted<'_>) {
        assert_eq!(Completion::of(line).wanted, expected, "{line:?}");
    }

    #[test]
    fn every_place_of_a_line_knows_what_it_wants() {
        wanted("", Wanted::Command);
        wanted("  GE", Wanted::Command);
        wanted("GET", Wanted::Command);
        wanted("GET ", Wanted::Bucket);
        wanted("get sho", Wanted::Bucket);
        wanted("GET shopping ", Wanted::Key { bucket: "shopping" });
        wanted("GET shopping milk", Wanted::Key { bucket: "shopping" });
        wanted("GET shopping milk ", Wanted::Nothing);
        wanted("PUT shopping milk ", Wanted::Nothing);
        wanted("CREATE a ", Wanted::Nothing);
        wanted("PING ", Wanted::Nothing);
        wanted("BUY ", Wanted::Nothing);
    }

    #[test]
    fn a_word_may_follow_any_white_space() {
        let completion = Completion::of("GET\u{3000}shop");
        assert_eq!((completion.start, completion.typed), (6, "shop"));
    }

    #[test]
    fn commands_are_offered_in_capitals_whatever_was_typed() {
        assert_eq!(Completion::of("ge").commands(), ["GET "]);
        assert_eq!(Completion::of("D").commands(), ["DELETE ", "DROP "]);
        assert_eq!(Completion::of("ü").commands(), [] as [&str; 0]);
        assert_eq!(Completion::of("").commands().len(), COMMANDS.len());
    }

    #[test]
    fn no_more_is_offered_than_a_person_reads() {
        let names: Vec<String> = (0..1000).map(|number| format!("n{number}")).collect();
        assert_eq!(Completion::of("LIST n").offers(&names).len(), OFFERS_MAX);
    }

    #[test]
    fn a_hint_shrinks_with_each_word() {
        #[track_caller]
        fn check(line: &str, expected: Option<&str>) {
            assert_eq!(hint(line).as_deref(), expected, "{line:?}");
        }
        check("PUT ", Some("bucket key value"));
        check("PUT s", Some(" key value"));
        check("PUT s k", Some(" value"));
        check("PUT s k v", None);
        check("PUT s k v w", None);
        check("PING", None);
        check("ping", Some("   (commands are in capitals: PING)"));
        check("PU", None);
        check("", None);
    }

    #[test]
    fn advice_says_what_would_have_worked() {
        assert_eq!(advice("ping now"), "it is PING, and nothing behind it");
        assert_eq!(advice("  ping"), "commands are in capitals: PING");
        assert_eq!(advice("put s k two litres"), "it is PUT bucket key value; a word with blanks goes in quotes");
        assert_eq!(advice(""), "HELP lists the commands");
    }
}
