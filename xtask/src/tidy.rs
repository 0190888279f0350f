//! `cargo xtask tidy`: the rules of `docs/STYLE.md` that a machine can see, also run as a test.
//!
//! A rule is one function from a file to what is wrong in it, and a row of [`RULES`]. Each message
//! says what to do instead.

// Which of our crates, and of their folders, may name which.
mod layers;
// What the text of a file must look like.
mod text;
// What a source file may say.
mod source;
// How the examples of pages look.
mod examples;
// Which version the snippets of pages name.
mod snippets;
// Whether the rules that comments cite exist.
mod rules;
// What stands on the public API alone.
mod public_api;

use crate::workspace::{self, File};
use crate::{Failure, Finding, Result};

/// A rule about one file.
type Rule = fn(&File) -> Vec<Finding>;

/// Every rule about files. To add one, write the function, its test, and a row here.
const RULES: &[Rule] = &[
    text::ends_with_newline,
    text::no_trailing_whitespace,
    text::no_unfinished_work,
    text::no_outside_paths,
    text::speaks_plainly,
    source::starts_with_its_purpose,
    source::fits_in_one_sitting,
    source::is_not_mod_rs,
    source::keeps_tokio_at_the_seam,
    examples::fit_their_column,
    public_api::hides_nothing,
    layers::keeps_to_its_floor,
];

/// These files must spell out what they ban.
const SPELLS_IT_OUT: &str = "xtask/src/tidy/";

/// Fails with all that is untidy.
pub(crate) fn run(_args: &[String]) -> Result {
    Failure::from_findings("tidy", &findings()?)
}

fn findings() -> Result<Vec<Finding>> {
    let files = workspace::files()?;
    let mut findings = layers::check(&workspace::packages()?);
    findings.extend(public_api::is_compiled_apart(&files));
    findings.extend(rules::exist(&files));
    findings.extend(snippets::name_this_version(&files));
    findings.extend(files.iter().flat_map(|file| RULES.iter().flat_map(|rule| rule(file))));
    Ok(findings)
}

/// A finding at each line of `file` that `complain` complains about.
fn each_line(file: &File, complain: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let complaints = file.lines().filter_map(|(line, text)| Some((line, complain(text)?)));
    complaints.map(|(line, message)| Finding::new(&file.path, line, message)).collect()
}

/// Whether `word` stands in `line` with no letter, digit or underscore on either side.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !before.ends_with(part_of_word) && !after.starts_with(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    //! The workspace itself is tidy; and how each rule's test checks it.

    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        run(&[]).unwrap_or_else(|failure| panic!("{failure}"));
    }

    #[test]
    fn a_word_is_not_a_part_of_a_word() {
        assert!(has_word("(spawn)", "spawn"));
        assert!(!has_word("spawned respawn spawn_link", "spawn"));
    }

    /// Asserts what a rule says about a text, a line per finding.
    #[track_caller]
    pub(super) fn check(rule: Rule, path: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> = rule(&File::new(path, text)).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }
}
