//! Rules about the text of any file: whitespace, unfinished work, paths that lead outside.

use super::{SPELLS_IT_OUT, each_line, has_word};
use crate::Finding;
use crate::workspace::File;

/// The last line ends like every other, so that adding one changes one.
pub(super) fn ends_with_newline(file: &File) -> Vec<Finding> {
    if !is_written_by_us(file) || file.text.is_empty() || file.text.ends_with('\n') {
        return Vec::new();
    }
    let message = "the last line has no newline; end the file with one";
    vec![Finding::new(&file.path, file.lines().count(), message)]
}

/// Blanks at the end of a line are seen by nobody but the diff.
pub(super) fn no_trailing_whitespace(file: &File) -> Vec<Finding> {
    if !is_written_by_us(file) {
        return Vec::new();
    }
    each_line(file, |line| {
        let message = "trailing whitespace is not allowed here; remove it";
        line.ends_with(char::is_whitespace).then(|| message.to_owned())
    })
}

/// Work that is left for later is an issue, where somebody sees it.
pub(super) fn no_unfinished_work(file: &File) -> Vec<Finding> {
    if !(file.is("rs") || file.is("md")) || file.path.starts_with(SPELLS_IT_OUT) {
        return Vec::new();
    }
    each_line(file, |line| {
        let word = ["FIXME", "TODO", "XXX"].into_iter().find(|word| has_word(line, word));
        let found = word.or_else(|| line.contains("todo!").then_some("todo!"))?;
        Some(format!("`{found}` is not allowed here; do it now, or open an issue and leave no mark"))
    })
}

/// Words that are correct and that no native writer of documentation uses, and what to write instead: rule 27 of docs/STYLE.md.
const STILTED: [(&str, &str); 6] = [
    ("whoever", "name the one that does it: the caller, the sender, the task"),
    ("whomever", "name the one that it is done to"),
    ("whom", "name the one that it is done to"),
    ("for so long", "say for how long"),
    ("circle", "the word is cycle"),
    ("circles", "the word is cycles"),
];

/// Words for what has another word here, and that word.
const SYNONYMS: [(&str, &str); 7] = [
    ("time-out", "timeout"),
    ("time-outs", "timeouts"),
    ("look-up", "lookup"),
    ("look-ups", "lookups"),
    ("no room", "no space"),
    ("for room", "for space"),
    ("room for", "space for"),
];

/// A noun that is denied by `no`, as in "a line that is no number".
const DENIALS: [&str; 4] = ["is no ", "are no ", "was no ", "were no "];

/// A reader must not have to read a sentence twice.
pub(super) fn speaks_plainly(file: &File) -> Vec<Finding> {
    if !(file.is("rs") || file.is("md")) || file.path.starts_with(SPELLS_IT_OUT) || file.path == "docs/STYLE.md" {
        return Vec::new();
    }
    each_line(file, |line| {
        // Names of tests are read as sentences.
        let spaced = line.replace('_', " ");
        let spoken = spaced.to_lowercase();
        // As it is written, for `Room` may be somebody's type.
        let synonym = SYNONYMS.into_iter().find(|(words, _)| has_word(&spaced, words));
        if let Some((words, word)) = synonym {
            return Some(format!("`{words}` is `{word}` everywhere else; one thing has one word"));
        }
        let stilted = STILTED.into_iter().find(|(words, _)| has_word(&spoken, words));
        let denial = || DENIALS.into_iter().find(|words| denies_a_noun(&spoken, words));
        let denied = || denial().map(|words| (words.trim_end(), "say that it is not one"));
        let (words, advice) = stilted.or_else(denied)?;
        Some(format!("`{words}` makes a sentence hard to read; {advice}"))
    })
}

/// Whether these words deny a noun. "There is no such process", "it is no longer there" and "it is no wider than that" do not.
fn denies_a_noun(spoken: &str, words: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric();
    spoken.match_indices(words).any(|(at, _)| {
        let before = &spoken[..at];
        // What begins a line may go on with the "there" of the line above.
        let begins = !before.contains(is_letter);
        let is_part = before.ends_with(is_letter);
        let is_there = before.trim_end().ends_with("there");
        let after = &spoken[at + words.len()..];
        let next = &after[..after.find(|c| !is_letter(c)).unwrap_or(after.len())];
        let compares = ["longer", "more", "less", "worse", "better"].contains(&next) || after.contains(" than ");
        !(begins || is_part || is_there || compares)
    })
}

/// Paths that lead out of the repository, written in two halves so that this file names none.
const OUTSIDE: [&str; 2] = [concat!("../", "shared"), concat!("/wo", "rk/")];

/// What is not in the repository is not on the reader's machine.
pub(super) fn no_outside_paths(file: &File) -> Vec<Finding> {
    each_line(file, |line| {
        let found = OUTSIDE.into_iter().find(|path| line.contains(path))?;
        let advice = "say it in the repository's own words, or link to a file in it";
        Some(format!("`{found}` is not allowed here; {advice}"))
    })
}

fn is_written_by_us(file: &File) -> bool {
    ["rs", "md", "toml", "yml"].iter().any(|extension| file.is(extension))
}

#[cfg(test)]
mod tests {
    //! For each rule a bad text and what is said about it.

    use super::super::tests::check;
    use super::*;

    #[test]
    fn a_file_ends_with_a_newline() {
        let expected = ["a.md:2: the last line has no newline; end the file with one"];
        check(ends_with_newline, "a.md", "# A\nb", &expected);
        check(ends_with_newline, "a.md", "# A\nb\n", &[]);
    }

    #[test]
    fn a_line_ends_with_what_one_sees() {
        let expected = ["a.rs:2: trailing whitespace is not allowed here; remove it"];
        check(no_trailing_whitespace, "a.rs", "//! A.\nfn a() {} \n", &expected);
    }

    #[test]
    fn unfinished_work_is_an_issue() {
        let expected = [
            "a.rs:1: `TODO` is not allowed here; do it now, or open an issue and leave no mark",
            "a.rs:2: `todo!` is not allowed here; do it now, or open an issue and leave no mark",
        ];
        check(no_unfinished_work, "a.rs", "// TODO: b\ntodo!()\n", &expected);
        check(no_unfinished_work, "a.rs", "// a to-do list, and MAXXXL\n", &[]);
    }

    #[test]
    fn sentences_are_plain() {
        let expected = [
            "a.rs:1: `whoever` makes a sentence hard to read; name the one that does it: the caller, the sender, the task",
            "a.rs:2: `are no` makes a sentence hard to read; say that it is not one",
            "a.rs:3: `whoever` makes a sentence hard to read; name the one that does it: the caller, the sender, the task",
            "a.rs:4: `circle` makes a sentence hard to read; the word is cycle",
            "a.rs:5: `is no` makes a sentence hard to read; say that it is not one",
            "a.rs:6: `for room` is `for space` everywhere else; one thing has one word",
            "a.rs:7: `time-outs` is `timeouts` everywhere else; one thing has one word",
        ];
        let text = "//! Whoever calls.\n// Bytes that are no text.\nfn whoever_calls_waits() {}\n// A circle of calls.\n\
                    fn what_is_no_number_is_refused() {}\nfn wait_for_room() {}\n// Rooms have time-outs.\n";
        check(speaks_plainly, "a.rs", text, &expected);
    }

    #[test]
    fn no_denies_a_noun_or_says_that_there_is_none() {
        for good in [
            "// There is no such process, and there are no others.",
            "// Those that are no longer there.",
            "// It is no wider than that.",
            "// is no such process.",
            "// This no longer holds.",
        ] {
            check(speaks_plainly, "a.rs", good, &[]);
        }
    }

    #[test]
    fn nothing_leads_outside() {
        let [outside, _] = OUTSIDE;
        let expected = format!(
            "a.toml:1: `{outside}` is not allowed here; say it in the repository's own words, or \
             link to a file in it"
        );
        let text = format!("path = \"{outside}/x\"\n");
        check(no_outside_paths, "a.toml", &text, &[&expected]);
    }
}
