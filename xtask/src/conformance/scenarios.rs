//! The scenarios that `docs/reliability.md` names, as `file::name` in backticks: each is a function of that file.

use super::cases::{Case, Kind};
use crate::Finding;
use crate::workspace::File;

/// The page with the promises.
const PAGE: &str = "docs/reliability.md";

/// The names without a function, and the promises without a name.
pub(super) fn missing(files: &[File], cases: &[Case]) -> Vec<Finding> {
    let pages = files.iter().filter(|file| file.path == PAGE);
    pages.flat_map(|page| page.lines().flat_map(|(line, text)| check(page, line, text, cases))).collect()
}

fn check(page: &File, line: usize, text: &str, cases: &[Case]) -> Vec<Finding> {
    let names: Vec<(&str, &str)> = names(text).collect();
    if is_promise(text) && names.is_empty() {
        let message = "this promise has no scenario; name one in backticks, as `file.rs::name`";
        return vec![Finding::new(&page.path, line, message)];
    }
    let lost = names.into_iter().filter(|(file, name)| !cases.iter().any(|case| is_scenario(case, file, name)));
    let message = |(file, name)| {
        format!(
            "`{file}::{name}` is not a function of a file called {file} under crates/; write it, or correct the name"
        )
    };
    lost.map(|name| Finding::new(&page.path, line, message(name))).collect()
}

/// The texts in backticks that are a file and a name.
fn names(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|it| it.split_once("::")).filter(|(file, _)| file.contains(".rs"))
}

/// Whether a line is a row of a table whose id is a capital letter and a number.
fn is_promise(text: &str) -> bool {
    let id = text.strip_prefix('|').and_then(|row| row.split('|').next()).unwrap_or_default().trim();
    let number = id.strip_prefix(|letter: char| letter.is_ascii_uppercase()).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_scenario(case: &Case, file: &str, name: &str) -> bool {
    matches!(&case.kind, Kind::Test(it) if it == name) && case.path.rsplit('/').next() == Some(file)
}

#[cfg(test)]
mod tests {
    //! A small page and a small crate.

    use super::*;
    use crate::conformance::cases;

    #[track_caller]
    fn check(page: &str, expected: &[&str]) {
        let source = File::new("crates/a/tests/a.rs", "#[test]\nfn nothing_is_lost() {}\n");
        let cases = cases::cases(&source, &mut Vec::new());
        let found: Vec<String> = missing(&[File::new(PAGE, page)], &cases).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_promise_names_scenarios_that_exist() {
        check("| M3 | Nothing is lost. | `a.rs::nothing_is_lost` |\n", &[]);
        let expected = "docs/reliability.md:1: `b.rs::nothing_is_lost` is not a function of a file called b.rs under \
                        crates/; write it, or correct the name";
        check("| M3 | Nothing is lost. | `a.rs::nothing_is_lost`, `b.rs::nothing_is_lost` |\n", &[expected]);
    }

    #[test]
    fn a_promise_has_a_scenario() {
        let expected = "docs/reliability.md:1: this promise has no scenario; name one in backticks, as `file.rs::name`";
        check("| M3 | Nothing is lost. | |\n", &[expected]);
        check("| id | promise | scenarios |\n|---|---|---|\nText with `genserver::sim`.\n", &[]);
    }
}
