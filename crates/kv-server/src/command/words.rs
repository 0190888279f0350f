//! Splitting a line into words, at white space and with quotes.

use std::borrow::Cow;

/// A line, and which white space counts in it.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    bytes: &'a [u8],
    /// Whether it is UTF-8 beyond ASCII: then Unicode's white space counts, otherwise ASCII's.
    wide: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let wide = !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok();
        Self { bytes, wide }
    }

    /// The words between white space.
    pub(super) fn plain(self) -> Plain<'a> {
        Plain { rest: self.bytes, wide: self.wide }
    }

    /// The same, but a word that begins with a quote ends at the next quote.
    pub(super) fn quoted(self) -> Quoted<'a> {
        Quoted { rest: self.bytes, wide: self.wide }
    }
}

/// The length of the white space character that `rest` begins with, or zero.
///
/// Unicode's `White_Space` without the non-breaking U+00A0, U+2007 and U+202F: where Elixir's `String.split/1` splits.
fn blank(rest: &[u8], wide: bool) -> usize {
    match rest {
        [9..=13 | 32, ..] => 1,
        [0xC2, 0x85, ..] if wide => 2,
        [0xE1, 0x9A, 0x80, ..]
        | [0xE2, 0x80, 0x80..=0x86 | 0x88..=0x8A | 0xA8 | 0xA9, ..]
        | [0xE2, 0x81, 0x9F, ..]
        | [0xE3, 0x80, 0x80, ..]
            if wide =>
        {
            3
        }
        _ => 0,
    }
}

/// `rest` without leading white space.
fn after_blanks(mut rest: &[u8], wide: bool) -> &[u8] {
    // The fast path: no blank or one blank, as between most words.
    if let [33..=127, ..] | [32, 33..=127, ..] = rest {
        return rest.strip_prefix(b" ").unwrap_or(rest);
    }
    loop {
        match blank(rest, wide) {
            0 => return rest,
            length => rest = &rest[length..],
        }
    }
}

/// Where the first word of `rest` ends.
fn word_end(rest: &[u8], wide: bool) -> usize {
    let mut end = ascii_word_end(rest);
    if wide {
        end = (0..end).find(|&at| blank(&rest[at..], wide) > 0).unwrap_or(end);
    }
    end
}

/// The same for ASCII's white space. Most lines have no other.
fn ascii_word_end(rest: &[u8]) -> usize {
    const AT_ONCE: usize = 16;
    let is_blank = |byte: &u8| matches!(byte, 9..=13 | 32);
    // Verbs, names and keys are mostly short: sixteen bytes at once would look at the words behind them as well.
    let start = &rest[..rest.len().min(AT_ONCE)];
    if let Some(end) = start.iter().position(is_blank) {
        return end;
    }
    // Values may be long. Without an early exit, so that the compiler can vectorize it.
    let has_blank = |bytes: &[u8]| bytes.iter().fold(false, |has, byte| has | is_blank(byte));
    let chunks = rest[start.len()..].chunks_exact(AT_ONCE).take_while(|bytes| !has_blank(bytes));
    let clear = start.len() + AT_ONCE * chunks.count();
    rest[clear..].iter().position(is_blank).map_or(rest.len(), |at| clear + at)
}

/// See [`Line::plain`].
pub(super) struct Plain<'a> {
    rest: &'a [u8],
    wide: bool,
}

impl<'a> Iterator for Plain<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = after_blanks(self.rest, self.wide);
        let (word, rest) = rest.split_at(word_end(rest, self.wide));
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }
}

/// What is wrong with the quotes of a line.
///
/// # Examples
///
/// ```
/// use kv_server::{Command, ParseCommandError, QuoteError};
///
/// #[track_caller]
/// fn check(line: &str, error: QuoteError) {
///     assert_eq!(line.parse::<Command>(), Err(ParseCommandError::Quote(error)));
/// }
///
/// check(r#"PUT shopping milk "two litres"#, QuoteError::Open);
/// check(r#"GET shopping "soy milk"s"#, QuoteError::TextBehind);
/// check(r#"PUT shopping milk "two \litres""#, QuoteError::Escape);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub enum QuoteError {
    /// A quote is opened and not closed.
    Open,
    /// Something follows a closing quote without white space in between.
    TextBehind,
    /// A backslash is followed by something that it has no meaning for.
    Escape,
}

impl QuoteError {
    /// What is wrong and what to do.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Open => "a quote is opened and not closed; close it, and write \\\" for a quote inside",
            Self::TextBehind => {
                "a closing quote has something behind it; put a blank there, or write \\\" for a quote inside"
            }
            Self::Escape => {
                "a backslash in quotes has to be followed by \", \\, n, r, t, or x and two digits; write \\\\ for a backslash"
            }
        }
    }
}

/// See [`Line::quoted`].
pub(super) struct Quoted<'a> {
    rest: &'a [u8],
    wide: bool,
}

impl<'a> Iterator for Quoted<'a> {
    type Item = Result<Cow<'a, [u8]>, QuoteError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = after_blanks(self.rest, self.wide);
        match rest {
            [] => None,
            [b'"', quoted @ ..] => {
                let read = unquote_start(quoted);
                self.rest = read.as_ref().map_or(&[], |(_, rest)| rest);
                let ends = self.rest.is_empty() || blank(self.rest, self.wide) > 0;
                Some(read.and_then(|(word, _)| if ends { Ok(word) } else { Err(QuoteError::TextBehind) }))
            }
            _ => {
                let (word, rest) = rest.split_at(word_end(rest, self.wide));
                self.rest = rest;
                Some(Ok(Cow::Borrowed(word)))
            }
        }
    }
}

/// Whether a word reads back as itself without quotes, anywhere in a line but at its end.
pub(crate) fn is_word(word: &[u8]) -> bool {
    !word.is_empty() && word_end(word, true) == word.len()
}

/// Writes `word` between quotes.
pub(crate) fn quote(word: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    escape(word, out);
    out.push(b'"');
}

/// Writes the escaped text between quotes.
pub(crate) fn escape(word: &[u8], out: &mut Vec<u8>) {
    for &byte in word {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..32 | 127 => out.extend([b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
            _ => out.push(byte),
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Undoes [`quote`], if the text is exactly one quoted word.
pub(crate) fn unquote(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (word, rest) = unquote_start(text.strip_prefix(b"\"")?).ok()?;
    rest.is_empty().then_some(word)
}

/// Reads up to the closing quote, and returns the word and the rest.
pub(crate) fn unquote_start(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), QuoteError> {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\');
    let first = text.iter().position(special).ok_or(QuoteError::Open)?;
    if text[first] == b'"' {
        return Ok((Cow::Borrowed(&text[..first]), &text[first + 1..]));
    }
    let mut word = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        let (before, special) = rest.split_at(rest.iter().position(special).ok_or(QuoteError::Open)?);
        word.extend(before);
        let (byte, after) = match special {
            [b'"', after @ ..] => return Ok((Cow::Owned(word), after)),
            [_, escape @ ..] if !escape.is_empty() => unescape(escape).ok_or(QuoteError::Escape)?,
            _ => return Err(QuoteError::Open),
        };
        word.push(byte);
        rest = after;
    }
}

/// The byte that an escape stands for, and the rest.
fn unescape(escape: &[u8]) -> Option<(u8, &[u8])> {
    match escape {
        [byte @ (b'"' | b'\\'), rest @ ..] => Some((*byte, rest)),
        [b'n', rest @ ..] => Some((b'\n', rest)),
        [b'r', rest @ ..] => Some((b'\r', rest)),
        [b't', rest @ ..] => Some((b'\t', rest)),
        [b'x', high, low, rest @ ..] => Some((digit(*high)? << 4 | digit(*low)?, rest)),
        _ => None,
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! Where lines break, compared with the standard library's white space.

    use super::*;

    #[track_caller]
    fn plain(line: impl AsRef<[u8]>, expected: &[&[u8]]) {
        assert_eq!(Line::new(line.as_ref()).plain().collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn quoted(line: &str, expected: &[Result<&str, QuoteError>]) {
        let words: Vec<_> = Line::new(line.as_bytes()).quoted().collect();
        let expected: Vec<_> = expected.iter().map(|word| word.map(|word| Cow::Borrowed(word.as_bytes()))).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn lines_break_at_every_white_space_of_unicode_but_the_non_breaking() {
        for character in '\0'..=char::MAX {
            let breaks = character.is_whitespace() && !matches!(character, '\u{A0}' | '\u{2007}' | '\u{202F}');
            // The letter is not ASCII, so the line counts as Unicode whatever the character.
            let words = Line::new(format!("ä{character}b").as_bytes()).plain().count();
            assert_eq!(words == 2, breaks, "{character:?}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf_8_breaks_at_the_white_space_of_ascii() {
        plain(b"a\xFF\xE3\x80\x80b \x0Bc", &[b"a\xFF\xE3\x80\x80b", b"c"]);
        plain("a\u{3000}b", &[b"a", b"b"]);
    }

    #[test]
    fn white_space_is_all_the_same() {
        plain("", &[]);
        plain(" \t\r\n", &[]);
        plain("  a \t b\r\n", &[b"a", b"b"]);
    }

    #[test]
    fn a_word_of_any_length_ends_where_white_space_begins() {
        for length in 1..70 {
            let word = "x".repeat(length);
            for line in
                [format!("{word} b"), format!("{word}\tb and more than a few bytes"), format!("{word}\u{3000}b")]
            {
                assert_eq!(Line::new(line.as_bytes()).plain().next(), Some(word.as_bytes()), "{line:?}");
            }
            plain(&word, &[word.as_bytes()]);
        }
    }

    #[test]
    fn quotes_hold_words_together() {
        quoted(r#"PUT "soy milk" two"#, &[Ok("PUT"), Ok("soy milk"), Ok("two")]);
        quoted("\"\" \"a\tb\"\r\n", &[Ok(""), Ok("a\tb")]);
        quoted(r#""\"\\\n\r\t\x41\x6a\x6A""#, &[Ok("\"\\\n\r\tAjj")]);
        quoted(r#"don"t"#, &[Ok("don\"t")]);
    }

    #[test]
    fn what_is_wrong_with_a_quote_is_said() {
        quoted(r#"a "b c"#, &[Ok("a"), Err(QuoteError::Open)]);
        quoted(r#""\"#, &[Err(QuoteError::Open)]);
        quoted(r#""a\"b"#, &[Err(QuoteError::Open)]);
        quoted(r#""b"c d"#, &[Err(QuoteError::TextBehind), Ok("c"), Ok("d")]);
        quoted(r#""\q""#, &[Err(QuoteError::Escape)]);
        quoted(r#""\x4"#, &[Err(QuoteError::Escape)]);
        quoted(r#""\xg0""#, &[Err(QuoteError::Escape)]);
    }

    #[test]
    fn every_byte_comes_back_from_its_quotes() {
        let all: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        quote(&all, &mut text);
        assert!(text.iter().all(|byte| *byte >= 32 && *byte != 127));
        assert_eq!(unquote(&text).as_deref(), Some(&all[..]));
        assert_eq!(unquote(b"\"a\" "), None);
        assert_eq!(unquote(b"a"), None);
    }
}
