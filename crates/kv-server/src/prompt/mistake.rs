//! What is wrong with a line, and where.

use std::ops::Range;

use super::typed::{self, Quote, TypedWord};
use super::{find, optional, usages};
use crate::command::auth;
use crate::{Command, CommandUsage};

/// What is wrong with a line, and where: see [`mistake`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Mistake {
    /// The bytes of the line that are wrong. Empty at the end of the line if something is missing there.
    pub at: Range<usize>,
    /// What was expected.
    pub text: String,
}

/// Returns what is wrong with a line that is not a command. `None` for a command or a login, and for a line without words.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::mistake;
///
/// let mistake = mistake("GET shopping").ok_or("a key is missing")?;
/// assert_eq!(mistake.at, 12..12);
/// assert_eq!(mistake.text, "expected key, as in GET bucket key");
/// # Ok::<(), &str>(())
/// ```
pub fn mistake(line: &str) -> Option<Mistake> {
    if line.parse::<Command>().is_ok() || matches!(auth::read(line.as_bytes()), Some(Ok(_))) {
        return None;
    }
    let words = typed::words(line);
    let (command, given) = words.split_first()?;
    let word = command.text();
    let Some(usage) = word.as_deref().and_then(find) else {
        return Some(broken(command).unwrap_or_else(|| unknown(command, word.as_deref().unwrap_or_default())));
    };
    let expected = usage.arguments;
    let capitals = [&line[..command.span.start], usage.word, &line[command.span.end..]].concat();
    if word.as_deref() != Some(usage.word.as_bytes()) && capitals.parse::<Command>().is_ok() {
        let text = format!("commands are in capitals: {}", capitals.trim_matches(typed::is_blank));
        return Some(Mistake { at: command.span.clone(), text });
    }
    if let Some(mistake) = words.iter().find_map(broken) {
        return Some(mistake);
    }
    let end = words.last()?.span.end;
    Some(match (expected.get(given.len()), given.get(expected.len() + usage.optional.len())) {
        (Some(missing), _) => Mistake { at: end..end, text: format!("expected {missing}, as in {}", whole(usage)) },
        (None, Some(surplus)) => {
            let blanks = if expected.is_empty() { "" } else { "; a word with blanks goes in quotes" };
            let text = format!("expected nothing more, as in {}{blanks}", whole(usage));
            Mistake { at: surplus.span.start..end, text }
        }
        // The number of words is right, so only the command's own word can be wrong.
        (None, None) => Mistake { at: command.span.clone(), text: format!("commands are in capitals: {}", usage.word) },
    })
}

/// The command as it is written.
fn whole(usage: &CommandUsage) -> String {
    let mut words = [&[usage.word], usage.arguments].concat();
    let optional = optional(usage, 0);
    words.extend((!optional.is_empty()).then_some(&*optional));
    words.join(" ")
}

/// What is wrong with a word that stands for nothing.
fn broken(word: &TypedWord<'_>) -> Option<Mistake> {
    let text = match word.quote {
        Quote::None | Quote::Whole => return None,
        Quote::Open => "expected another \" at the end of the word; within, \\\" is a quote",
        Quote::Behind => "expected a blank behind the quote; within a word, \\\" is a quote",
        Quote::Escape => r#"expected one of \" \\ \n \r \t, or \x and two digits, as in \x1b"#,
    };
    Some(Mistake { at: word.span.clone(), text: text.to_owned() })
}

fn unknown(command: &TypedWord<'_>, word: &[u8]) -> Mistake {
    let similar = usages().find(|usage| is_slip(word, usage.word.as_bytes()));
    let text = match similar {
        Some(usage) => format!("there is no such command; is it {}? HELP lists them", usage.word),
        None => "there is no such command; HELP lists them".to_owned(),
    };
    Mistake { at: command.span.clone(), text }
}

/// Whether the words have the same letters, or one of them has one letter more, or one letter is another.
pub(super) fn is_slip(one: &[u8], other: &[u8]) -> bool {
    // A line may have a word of any length.
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let (mut one, mut other) = (one.to_ascii_uppercase(), other.to_ascii_uppercase());
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let begin = one.iter().zip(&other).take_while(same).count();
    let end = one[begin..].iter().rev().zip(other[begin..].iter().rev()).take_while(same).count();
    if one.len().max(other.len()) - begin - end <= 1 {
        return true;
    }
    one.sort_unstable();
    other.sort_unstable();
    one == other
}

#[cfg(test)]
mod tests {
    //! What is said of each kind of mistake.

    use super::*;

    #[track_caller]
    fn check(line: &str, at: &str, text: &str) {
        let mistake = mistake(line).expect("it is not a command");
        assert_eq!((&line[mistake.at], &*mistake.text), (at, text), "{line:?}");
    }

    #[test]
    fn a_mistake_says_where_it_is_and_what_would_have_worked() {
        check("BUY milk", "BUY", "there is no such command; HELP lists them");
        check("GTE a b", "GTE", "there is no such command; is it GET? HELP lists them");
        check("subscrib", "subscrib", "there is no such command; is it SUBSCRIBE? HELP lists them");
        check("PONG", "PONG", "there is no such command; is it PING? HELP lists them");
        check("  ping", "ping", "commands are in capitals: PING");
        check("get shopping milk", "get", "commands are in capitals: GET shopping milk");
        check("get shopping", "", "expected key, as in GET bucket key");
        check("PING now", "now", "expected nothing more, as in PING");
        check(
            "put s k two litres",
            "litres",
            "expected nothing more, as in PUT bucket key value; a word with blanks goes in quotes",
        );
        check(
            r#"GET s "soy milk now"#,
            r#""soy milk now"#,
            r#"expected another " at the end of the word; within, \" is a quote"#,
        );
        check(r#"GET s "a b"c"#, r#""a b"c"#, r#"expected a blank behind the quote; within a word, \" is a quote"#);
        check(
            r#"GET s "a \q b""#,
            r#""a \q b""#,
            r#"expected one of \" \\ \n \r \t, or \x and two digits, as in \x1b"#,
        );
        check(r#""get" s "soy milk""#, r#""get""#, "commands are in capitals: GET s \"soy milk\"");
        check("AUTH", "", "expected password, as in AUTH password");
        check(
            "AUTH open sesame",
            "sesame",
            "expected nothing more, as in AUTH password; a word with blanks goes in quotes",
        );
        // What is said has no password in it.
        check("auth sesame", "auth", "commands are in capitals: AUTH");
        check("AUHT sesame", "AUHT", "there is no such command; is it AUTH? HELP lists them");
        check(&"x".repeat(100_000), &"x".repeat(100_000), "there is no such command; HELP lists them");
    }

    #[test]
    fn a_command_has_no_mistake_in_it() {
        assert_eq!(mistake("GET shopping milk"), None);
        assert_eq!(mistake(r#"GET shopping "soy milk""#), None);
        assert_eq!(mistake(r#"AUTH "open sesame""#), None);
        assert_eq!(mistake(" "), None);
    }

    #[test]
    fn what_is_missing_stands_behind_the_last_word() {
        assert_eq!(mistake("PUT a  ").map(|mistake| mistake.at), Some(5..5));
    }
}
