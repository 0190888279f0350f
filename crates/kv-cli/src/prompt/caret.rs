//! What is said of a line that is not a command: the line again, and a caret under what is wrong.

use kv_server::Answer;
use kv_server::prompt::{Mistake, is_secret, mistake, visible};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns of a line are shown before what is wrong, and as many from there on.
const SHOWN_MAX: usize = 30;

/// What to say of a line besides its answer. `None` if the line was understood.
pub(super) fn advice(line: &str, answer: &Answer) -> Option<String> {
    match answer {
        Answer::UnknownCommand => Some(said(line)),
        // A newer server may know a command that this program does not, and refuse it for another reason. So only what is wrong
        // behind a command that is known to both is said.
        Answer::Error(_) => {
            mistake(line).filter(|mistake| !line[..mistake.at.start].trim().is_empty()).map(|_| said(line))
        }
        _ => None,
    }
}

fn said(line: &str) -> String {
    match mistake(line) {
        // A password is shown once, while it is typed.
        Some(Mistake { text, .. }) if is_secret(line) => text,
        Some(Mistake { at, text, .. }) => pointed(&line[..at.start], &line[at.start..], at.len(), &text),
        None => "the server does not know this command; it may be an older one than this kv".to_owned(),
    }
}

/// Two lines: what stands before and behind the place, and below it the caret and the text.
fn pointed(before: &str, behind: &str, length: usize, text: &str) -> String {
    /// As wide as what stands before each message.
    const INDENT: &str = "    ";
    let shown = |text: &str| visible(text.as_bytes()).replace('\t', " ");
    let (before, wrong) = (last_columns(&shown(before)), first_columns(&shown(&behind[..length])));
    // What is missing stands behind a blank.
    let column = before.width() + usize::from(wrong.is_empty());
    let carets = "^".repeat(wrong.width().max(1));
    format!("{before}{}\n{INDENT}{:column$}{carets} {text}", first_columns(&shown(behind)), "")
}

/// As many characters as fit.
fn fitting(characters: impl Iterator<Item = char>) -> Vec<char> {
    let mut columns = 0;
    let fits = |character: &char| {
        columns += character.width().unwrap_or_default();
        columns <= SHOWN_MAX
    };
    characters.take_while(fits).collect()
}

fn first_columns(text: &str) -> String {
    let kept: String = fitting(text.chars()).into_iter().collect();
    if kept.len() < text.len() { kept + "..." } else { kept }
}

fn last_columns(text: &str) -> String {
    let kept: String = fitting(text.chars().rev()).into_iter().rev().collect();
    if kept.len() < text.len() { format!("...{kept}") } else { kept }
}

#[cfg(test)]
mod tests {
    //! Where the caret stands.

    use super::*;

    #[test]
    fn the_caret_stands_under_what_is_wrong() {
        assert_eq!(said("ping"), "ping\n    ^^^^ commands are in capitals: PING");
        assert_eq!(said("GET shopping"), "GET shopping\n                 ^ expected key, as in GET bucket key");
        assert_eq!(
            said("GET 牛乳 a b"),
            "GET 牛乳 a b\n               ^ expected nothing more, as in GET bucket key; a word with blanks goes in quotes"
        );
        assert_eq!(said("\tBUY"), " BUY\n     ^^^ there is no such command; HELP lists them");
    }

    #[test]
    fn of_a_long_line_the_place_is_shown() {
        let (long, cut) = ("x".repeat(500), "x".repeat(30));
        assert_eq!(
            said(&long),
            format!("{cut}...\n    {}^^^ there is no such command; HELP lists them", "^".repeat(30))
        );
        let missing = said(&format!("PUT {long} k"));
        let (shown, caret) = missing.split_once('\n').unwrap_or_default();
        assert_eq!(shown, format!("...{} k", &cut[..28]));
        assert_eq!(caret, format!("    {}^ expected value, as in PUT bucket key value", " ".repeat(34)));
    }

    #[test]
    fn a_password_is_not_shown_again_and_no_escape_is_obeyed() {
        assert_eq!(said("auth sesame"), "commands are in capitals: AUTH");
        assert_eq!(said("AUTH open sesame").find("sesame"), None);
        assert_eq!(said("AUHT sesame"), "there is no such command; is it AUTH? HELP lists them");
        assert_eq!(said("BUY\u{1b}[2J"), "BUY\\x1b[2J\n    ^^^^^^^^^^ there is no such command; HELP lists them");
    }

    #[test]
    fn a_command_that_a_server_does_not_know_has_no_mistake_in_it() {
        assert!(said("COUNT a").contains("it may be an older one"));
    }

    #[test]
    fn of_an_error_is_said_what_this_program_is_sure_of() {
        let error = Answer::Error("no".into());
        assert_eq!(advice("GET a k", &error), None);
        assert_eq!(advice("BUY milk", &error), None);
        assert!(advice("GET a \"k l", &error).is_some());
        assert_eq!(advice("GET a \"k l", &Answer::Done), None);
        assert!(advice("BUY milk", &Answer::UnknownCommand).is_some());
    }
}
