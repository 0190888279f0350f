//! A line being typed, as words that know where they stand.

use std::borrow::Cow;
use std::ops::Range;

use crate::command::words;

/// A word of a line that may not be complete yet. Quotes count, as in the second reading of [`Command`](crate::Command).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TypedWord<'a> {
    /// Where it stands.
    pub(super) span: Range<usize>,
    /// What stands there, with its quotes.
    source: &'a str,
    pub(super) quote: Quote,
}

/// How a word is quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quote {
    /// It is not.
    None,
    /// It is, from its beginning to its end.
    Whole,
    /// The quote has no end yet.
    Open,
    /// Something stands behind the quote.
    Behind,
    /// There is an escape in it that stands for nothing.
    Escape,
}

impl<'a> TypedWord<'a> {
    /// The bytes that the word stands for. Of a quote without an end, what there is of it. `None` if it stands for none.
    pub(super) fn text(&self) -> Option<Cow<'a, [u8]>> {
        match self.quote {
            Quote::None => Some(Cow::Borrowed(self.source.as_bytes())),
            Quote::Whole => words::unquote(self.source.as_bytes()),
            Quote::Open => {
                let closed = format!("{}\"", self.source);
                words::unquote(closed.as_bytes()).map(|text| Cow::Owned(text.into_owned()))
            }
            Quote::Behind | Quote::Escape => None,
        }
    }
}

/// The words of a line.
pub(super) fn words(line: &str) -> Vec<TypedWord<'_>> {
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return found;
        }
        let start = line.len() - rest.len();
        let (length, quote) = first(rest);
        let (source, behind) = rest.split_at(length);
        rest = behind;
        found.push(TypedWord { span: start..start + length, source, quote });
    }
}

/// Whether a new word begins at the end of the line.
pub(super) fn is_between_words(line: &str, words: &[TypedWord<'_>]) -> bool {
    words.last().is_none_or(|last| last.span.end < line.len())
}

/// How many words the line has if quotes do not count.
pub(super) fn plain_count(line: &str) -> usize {
    line.split(is_blank).filter(|word| !word.is_empty()).count()
}

/// The length of the word that the text begins with, and how it is quoted.
fn first(text: &str) -> (usize, Quote) {
    let to_blank = |from: usize| text[from..].find(is_blank).map_or(text.len(), |blank| from + blank);
    let Some(quoted) = text.strip_prefix('"') else { return (to_blank(0), Quote::None) };
    let Some(length) = quoted_length(quoted) else { return (text.len(), Quote::Open) };
    let end = 1 + length + 1;
    let quote = match words::unquote(&text.as_bytes()[..end]) {
        _ if to_blank(end) > end => Quote::Behind,
        None => Quote::Escape,
        Some(_) => Quote::Whole,
    };
    (to_blank(end), quote)
}

/// Where the quote is that ends this text.
fn quoted_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

/// Whether a character divides words: see [`Command`](crate::Command).
pub(super) fn is_blank(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{A0}' | '\u{2007}' | '\u{202F}')
}

#[cfg(test)]
mod tests {
    //! The words of a line, as the protocol reads them.

    use proptest::prelude::*;

    use super::*;
    use crate::Command;

    #[track_caller]
    fn check(line: &str, expected: &[(&str, Quote)]) {
        let words = words(line);
        let found: Vec<_> = words.iter().map(|word| (&line[word.span.clone()], word.quote)).collect();
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn a_word_knows_where_it_stands_and_how_it_is_quoted() {
        check("", &[]);
        check(
            "  GET\tshop\u{3000}soy\u{A0}milk",
            &[("GET", Quote::None), ("shop", Quote::None), ("soy\u{A0}milk", Quote::None)],
        );
        check(r#"GET "soy milk" "a"#, &[("GET", Quote::None), (r#""soy milk""#, Quote::Whole), (r#""a"#, Quote::Open)]);
        check(
            r#""a\"b" "\q" "a"b c"#,
            &[(r#""a\"b""#, Quote::Whole), (r#""\q""#, Quote::Escape), (r#""a"b"#, Quote::Behind), ("c", Quote::None)],
        );
        check(r#"don"t"#, &[(r#"don"t"#, Quote::None)]);
        check(r#""a\"#, &[(r#""a\"#, Quote::Open)]);
    }

    #[test]
    fn an_open_quote_stands_for_what_there_is_of_it() {
        let text = |line| words(line).pop().and_then(|word| word.text().map(Cow::into_owned));
        assert_eq!(text(r#""soy mi"#).as_deref(), Some(&b"soy mi"[..]));
        assert_eq!(text(r#""a\n"#).as_deref(), Some(&b"a\n"[..]));
        assert_eq!(text(r#""a\x4"#), None);
    }

    proptest! {
        /// With the command's word quoted, quotes count: then the words are those of the parsed command.
        #[test]
        fn the_words_are_those_of_the_command(rest in r#"[ab"\\ \tnx0-9]{0,16}"#) {
            let line = format!("\"GET\" {rest}");
            let found: Option<Vec<Vec<u8>>> =
                words(&line).iter().map(|word| word.text().filter(|_| word.quote != Quote::Open).map(Cow::into_owned)).collect();
            let expected = match line.parse() {
                Ok(Command::Get { bucket, key }) => Some(vec![b"GET".to_vec(), bucket.to_vec(), key.to_vec()]),
                _ => None,
            };
            prop_assert_eq!(found.filter(|words| words.len() == 3), expected);
        }
    }
}
