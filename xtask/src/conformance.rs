//! `cargo xtask conformance`: `docs/conformance.md` against the tests it names, both ways, and `docs/reliability.md` against the
//! scenarios it names.
//!
//! A test carries a case by its name, `gs_045_call_cancels_the_idle_timeout`, or by a line
//! `// also: GS-046, GS-047` above it. A `compile_fail` doctest carries one by a line of its own,
//! `# // GS-049`, which rustdoc hides.

// What the tables say.
mod table;
// What the tests and doctests carry.
mod cases;
// Where the two disagree.
mod compare;
// Whether the scenarios exist.
mod scenarios;

use crate::workspace::{self, File};
use crate::{Failure, Finding, Result};

/// The page with the tables.
const PAGE: &str = "docs/conformance.md";

/// The families of cases: the letters of an id, which are also the first word of a test's name.
const FAMILIES: &[&str] = &["GS", "PL", "GE", "SUP", "RAT"];

/// Cases that may wait, and for what. Every other case is kept, or has a reason for ever.
const MAY_WAIT: &[&str] = &[];

/// Fails with every row without a test and every test without a row.
pub(crate) fn run(_args: &[String]) -> Result {
    Failure::from_findings("conformance", &findings(&workspace::files()?))
}

fn findings(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pages = files.iter().filter(|file| file.path == PAGE);
    let rows: Vec<_> = pages.flat_map(|page| table::rows(page, &mut findings)).collect();
    let sources = files.iter().filter(|file| file.path.starts_with("crates/") && file.is("rs"));
    let cases: Vec<_> = sources.flat_map(|file| cases::cases(file, &mut findings)).collect();
    findings.extend(compare::compare(&rows, &cases));
    findings.extend(scenarios::missing(files, &cases));
    findings
}

/// Whether a text is the id of a case, such as `GS-045`.
fn is_id(text: &str) -> bool {
    let Some((family, number)) = text.split_once('-') else {
        return false;
    };
    FAMILIES.contains(&family) && number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit())
}

/// The id a test's name begins with: `GS-045` of `gs_045_call_cancels_the_idle_timeout`.
fn id_of_name(name: &str) -> Option<String> {
    let mut words = name.splitn(3, '_');
    let id = format!("{}-{}", words.next()?.to_uppercase(), words.next()?);
    let says_something = words.next().is_some_and(|fact| !fact.is_empty());
    (is_id(&id) && says_something).then_some(id)
}

#[cfg(test)]
mod tests {
    //! One small page and one small crate per kind of failure.

    use super::*;

    #[track_caller]
    fn check(page: &str, source: &str, expected: &[&str]) {
        let files = [File::new(PAGE, page), File::new("crates/a/tests/a.rs", source)];
        let found: Vec<String> = findings(&files).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    const TEST: &str = "#[test]\nfn gs_045_a_fact() {}\n";

    #[test]
    fn a_row_and_its_test_agree() {
        check("| GS-045 | Something | `gs_045_a_fact` |\n", TEST, &[]);
    }

    #[test]
    fn a_row_needs_a_test_or_a_reason() {
        let expected = ["docs/conformance.md:1: GS-045 has neither a test nor a reason; name a test in \
                         backticks, or say `typed: ...` or `not here: ...`"];
        check("| GS-045 | Something | |\n", "", &expected);
        check("| GS-045 | Something | it is hard |\n", "", &expected);
        check("| GS-045 | Something | typed: |\n", "", &expected);
        check("| GS-045 | Something | typed: no such value can be written |\n", "", &[]);
    }

    #[test]
    fn a_row_needs_three_cells() {
        let expected = ["docs/conformance.md:1: the row of GS-045 has 2 cells; write `| id | the case \
                         in one line | test or reason |`"];
        check("| GS-045 | `gs_045_a_fact` |\n", "", &expected);
    }

    #[test]
    fn an_id_has_one_row() {
        let page = "| GS-045 | One | `gs_045_a_fact` |\n| GS-045 | Two | `gs_045_a_fact` |\n";
        let expected = ["docs/conformance.md:2: GS-045 has a row already, at line 1; make them one"];
        check(page, TEST, &expected);
    }

    #[test]
    fn a_row_names_a_test_that_exists() {
        let expected = ["docs/conformance.md:1: GS-045 names `gs_045_a_lie`, which is not a test under \
                         crates/; write it, or correct the name"];
        check("| GS-045 | Something | `gs_045_a_lie` |\n", "", &expected);
        check("| GS-045 | Something | not here: nearest `gs_045_a_lie` |\n", "", &expected);
    }

    #[test]
    fn a_test_has_a_row_that_names_it() {
        let expected = ["crates/a/tests/a.rs:2: `gs_045_a_fact` carries GS-045, but no row of that id \
                         names it; add it to docs/conformance.md"];
        check("", TEST, &expected);
    }

    #[test]
    fn a_row_names_a_test_that_carries_it() {
        let page = "| GS-045 | One | `gs_045_a_fact` |\n| GS-046 | Two | `gs_045_a_fact` |\n";
        let expected = ["docs/conformance.md:2: GS-046 names `gs_045_a_fact`, which does not carry it; \
                         put `// also: GS-046` above the test"];
        check(page, TEST, &expected);
        check(page, &format!("// also: GS-046\n{TEST}"), &[]);
    }

    #[test]
    fn a_marker_stands_right_above_its_test() {
        let expected = ["crates/a/tests/a.rs:1: this `// also:` line has no test below it; put it right \
                         above the function"];
        check("", "// also: GS-046\n\nfn helper() {}\n", &expected);
    }

    #[test]
    fn a_marker_names_cases() {
        let expected = ["crates/a/tests/a.rs:1: `GS-46` is not the id of a case; write it like `GS-045`"];
        check("", "// also: GS-46\nfn helper() {}\n", &expected);
    }

    #[test]
    fn only_listed_cases_may_wait() {
        let expected = ["docs/conformance.md:1: GS-045 may not wait; write its test, or add it to \
                         MAY_WAIT in xtask/src/conformance.rs"];
        check("| GS-045 | Something | later: with supervisors |\n", "", &expected);
    }

    #[test]
    fn a_doctest_carries_its_case() {
        let page = "| GS-049 | Something | doctest: crates/a/tests/a.rs |\n";
        let block = "/// ```compile_fail,E0382\n/// # // GS-049\n/// x\n/// ```\nfn a() {}\n";
        check(page, block, &[]);
        let expected = ["docs/conformance.md:1: GS-049 names a doctest in crates/a/tests/a.rs, which has \
                         no `compile_fail` block with the line `# // GS-049`; add the line, or correct \
                         the path"];
        check(page, &block.replace("compile_fail,E0382", ""), &expected);
    }

    #[test]
    fn a_doctest_has_a_row_that_names_it() {
        let block = "/// ```compile_fail\n/// # // GS-049\n/// ```\n";
        let expected = ["crates/a/tests/a.rs:2: this doctest carries GS-049, but no row of that id names \
                         it; add `doctest: crates/a/tests/a.rs` to docs/conformance.md"];
        check("", block, &expected);
    }

    #[test]
    fn a_name_begins_with_family_number_and_says_something() {
        assert_eq!(id_of_name("sup_001_a_fact").as_deref(), Some("SUP-001"));
        assert_eq!(id_of_name("gs_45_a_fact"), None);
        assert_eq!(id_of_name("gs_045"), None);
        assert_eq!(id_of_name("monitors_fire_once"), None);
    }
}
