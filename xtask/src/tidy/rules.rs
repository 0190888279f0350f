//! The numbered rules of a module's page: a comment that cites one must find it there.

use crate::Finding;
use crate::workspace::File;

/// In this folder, the page of one file has the rules of all.
const SHARED: &[(&str, &str)] = &[("crates/genserver/src/process/", "crates/genserver/src/process/mail.rs")];

/// Citations of rules that no page has.
pub(super) fn exist(files: &[File]) -> Vec<Finding> {
    let sources = files.iter().filter(|file| file.path.starts_with("crates/") && file.path.contains("/src/"));
    sources.flat_map(|file| exist_for(file, files)).collect()
}

fn exist_for(file: &File, files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in file.lines() {
        for Citation { number, module } in citations(text) {
            let is_there = match module {
                Some(module) => files.iter().any(|other| is_module(other, file, module) && has_rule(other, number)),
                None => pages(file, files).any(|page| has_rule(page, number)),
            };
            if !is_there {
                let page = module.map_or("no page here".to_owned(), |module| format!("not the page of `{module}`"));
                let message = format!("rule {number} is cited, but {page} has it; cite the one that is meant");
                findings.push(Finding::new(&file.path, line, message));
            }
        }
    }
    findings
}

struct Citation<'a> {
    number: u32,
    /// Of which module it is, if that is said.
    module: Option<&'a str>,
}

/// The citations in a comment: `rule 3`, or ``rule 2 of `reply` ``.
fn citations(line: &str) -> Vec<Citation<'_>> {
    let Some(comment) = line.trim_start().strip_prefix("//") else { return Vec::new() };
    let starts = comment.match_indices("ule ").filter(|(at, _)| {
        let before = &comment[..*at];
        before.ends_with(['r', 'R']) && !before[..before.len() - 1].ends_with(char::is_alphanumeric)
    });
    starts
        .filter_map(|(at, word)| {
            let rest = &comment[at + word.len()..];
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let number = rest[..digits].parse().ok()?;
            let module = rest[digits..].strip_prefix(" of `").and_then(|name| name.split('`').next());
            Some(Citation { number, module })
        })
        .collect()
}

/// The page of the file itself, those of the folders that it lies in, and the one that its folder shares.
fn pages<'a>(file: &'a File, files: &'a [File]) -> impl Iterator<Item = &'a File> {
    let shared = SHARED.iter().find(|(folder, _)| file.path.starts_with(folder)).map(|(_, page)| *page);
    files.iter().filter(move |page| {
        let folder = page.path.strip_suffix(".rs").map(|stem| format!("{stem}/"));
        page.path == file.path
            || Some(page.path.as_str()) == shared
            || folder.is_some_and(|folder| file.path.starts_with(&folder))
    })
}

/// Whether `other` is the module of that name in the crate of `file`.
fn is_module(other: &File, file: &File, module: &str) -> bool {
    let (Some((krate, _)), Some(stem)) = (file.path.split_once("/src/"), other.path.strip_suffix(".rs")) else {
        return false;
    };
    let module = module.replace("::", "/");
    stem.starts_with(krate) && stem.strip_suffix(module.as_str()).is_some_and(|before| before.ends_with('/'))
}

fn has_rule(page: &File, number: u32) -> bool {
    page.lines().any(|(_, line)| line.starts_with(&format!("//! {number}. ")))
}

#[cfg(test)]
mod tests {
    //! Pages with rules, and comments that cite them.

    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<File> = files.iter().map(|(path, text)| File::new(*path, *text)).collect();
        let found: Vec<String> = exist(&files).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    const PAGE: &str = "//! How it works.\n//!\n//! 1. First.\n//! 2. Then.\n";

    #[test]
    fn a_rule_is_found_on_the_own_page_and_on_those_above() {
        check(
            &[("crates/a/src/b.rs", &format!("{PAGE}// Rule 2.\n")), ("crates/a/src/b/c.rs", "// See rule 1.\n")],
            &[],
        );
    }

    #[test]
    fn a_rule_is_found_in_the_module_that_is_named() {
        let cites = "// It is rule 2 of `b`, which holds.\n";
        check(&[("crates/a/src/b.rs", PAGE), ("crates/a/src/d.rs", cites)], &[]);
    }

    #[test]
    fn a_rule_that_is_not_there_is_reported() {
        check(
            &[
                ("crates/a/src/b.rs", &format!("{PAGE}// Rule 3.\n")),
                ("crates/a/src/d.rs", "// (rule 7 of `b`)\n// rule 1\n"),
            ],
            &[
                "crates/a/src/b.rs:5: rule 3 is cited, but no page here has it; cite the one that is meant",
                "crates/a/src/d.rs:1: rule 7 is cited, but not the page of `b` has it; cite the one that is meant",
                "crates/a/src/d.rs:2: rule 1 is cited, but no page here has it; cite the one that is meant",
            ],
        );
    }

    #[test]
    fn other_words_are_not_citations() {
        check(&[("crates/a/src/b.rs", "// a ferrule 3 long, a rule, rules 4\nlet rule = 5; // none\n")], &[]);
    }
}
