//! What is still to be typed.

use std::fmt::Write;

use super::typed::{self, Quote};
use super::{find, optional};
use crate::command::auth::AUTH;

/// The arguments still missing from a line, to show behind the cursor.
///
/// # Examples
///
/// ```
/// use kv_server::prompt::hint;
///
/// assert_eq!(hint("PUT shopping "), Some("key value".to_owned()));
/// assert_eq!(hint("PUT"), Some(" bucket key value".to_owned()));
/// assert_eq!(hint("\"PUT\" shopping \"soy milk\" "), Some("value".to_owned()));
/// assert_eq!(hint("get "), Some("bucket key   (commands are in capitals: GET)".to_owned()));
/// assert_eq!(hint("GET shopping milk"), None);
/// assert_eq!(hint("LIST shopping "), Some("[prefix [limit [after]]]".to_owned()));
/// ```
///
/// A line that is a command without regard to quotes is that command. That is rarely what was meant, so the hint says it:
///
/// ```
/// # use kv_server::prompt::hint;
/// assert_eq!(
///     hint("PUT shopping milk \"1\""),
///     Some("   (the quotes are taken as they are, unless it begins with \"PUT\")".to_owned())
/// );
/// ```
pub fn hint(line: &str) -> Option<String> {
    let words = typed::words(line);
    let (command, given) = words.split_first()?;
    let word = command.text()?;
    let usage = find(&word)?;
    let is_between = typed::is_between_words(line, &words);
    let mut hint = String::new();
    // The word being typed counts as given.
    let optional = optional(usage, given.len());
    let optional = (!optional.is_empty()).then_some(&*optional);
    for argument in usage.arguments.iter().copied().skip(given.len()).chain(optional) {
        let blank = if hint.is_empty() && is_between { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(hint, "{blank}{argument}");
    }
    let has_quotes = given.iter().any(|word| word.quote != Quote::None);
    if *word != *usage.word.as_bytes() {
        let _ = write!(hint, "   (commands are in capitals: {})", usage.word);
    } else if *usage != AUTH
        && command.quote == Quote::None
        && has_quotes
        && typed::plain_count(line) == 1 + usage.arguments.len()
    {
        let _ = write!(hint, "   (the quotes are taken as they are, unless it begins with \"{}\")", usage.word);
    }
    (!hint.is_empty()).then_some(hint)
}

#[cfg(test)]
mod tests {
    //! What each line leaves to be typed.

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        assert_eq!(hint(line).as_deref(), expected, "{line:?}");
    }

    #[test]
    fn a_hint_shrinks_with_each_word() {
        check("PUT ", Some("bucket key value"));
        check("PUT s", Some(" key value"));
        check("PUT s k", Some(" value"));
        check("PUT s k v", None);
        check("PUT s k v w", None);
        check("PING", None);
        check("ping", Some("   (commands are in capitals: PING)"));
        check("PU", None);
        check("AUTH ", Some("password"));
        check(r#"AUTH "open sesame""#, None);
        check("", None);
    }

    #[test]
    fn a_quoted_word_is_one_word() {
        check(r#"GET s "soy milk""#, None);
        check(r#""PUT" s "soy milk" "#, Some("value"));
        check(r#""GET" "my shop"#, Some(" key"));
    }

    #[test]
    fn quotes_that_do_not_count_yet_are_said_not_to() {
        check(r#"GET "my shop" "#, Some(r#"key   (the quotes are taken as they are, unless it begins with "GET")"#));
        check(r#"GET "my shop" k"#, None);
        check(r#"PUT s k "1""#, Some(r#"   (the quotes are taken as they are, unless it begins with "PUT")"#));
    }
}
