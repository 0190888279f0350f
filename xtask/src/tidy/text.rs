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
const STILTED: [(&str, &str); 5] = [
    ("whoever", "name the one that does it: the caller, the sender, the task"),
    ("whomever", "name the one that it is done to"),
    ("whom", "name the one that it is done to"),
    ("for so long", "say for how long"),
    ("that are no", "say that they are not"),
];

/// A reader must not have to read a sentence twice.
pub(super) fn speaks_plainly(file: &File) -> Vec<Finding> {
    if !(file.is("rs") || file.is("md")) || file.path.starts_with(SPELLS_IT_OUT) || file.path == "docs/STYLE.md" {
        return Vec::new();
    }
    each_line(file, |line| {
        // Names of tests are read as sentences.
        let spoken = line.replace('_', " ").to_lowercase().replace("that are no longer", "");
        let (words, advice) = STILTED.into_iter().find(|(words, _)| has_word(&spoken, words))?;
        Some(format!("`{words}` makes a sentence hard to read; {advice}"))
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
            "a.rs:2: `that are no` makes a sentence hard to read; say that they are not",
            "a.rs:3: `whoever` makes a sentence hard to read; name the one that does it: the caller, the sender, the task",
        ];
        let text = "//! Whoever calls.\n// Bytes that are no text.\nfn whoever_calls_waits() {}\n// Those that are no longer there.\n";
        check(speaks_plainly, "a.rs", text, &expected);
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
