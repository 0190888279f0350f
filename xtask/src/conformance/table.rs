//! The rows of `docs/conformance.md`: an id, the case in one line, and what keeps it.

use super::{id_of_name, is_id};
use crate::Finding;
use crate::workspace::File;

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// The id of the case.
    pub(super) id: String,
    /// Where the row stands.
    pub(super) path: String,
    /// The line of the row.
    pub(super) line: usize,
    /// The tests it names.
    pub(super) tests: Vec<String>,
    /// The files whose doctest it names.
    pub(super) doctests: Vec<String>,
    /// Why there is no test, or only a near one.
    pub(super) reason: Option<Reason>,
}

/// Why a case has no test of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The compiler rules it out.
    Typed,
    /// There is no such thing in Rust, or here.
    NotHere,
    /// It comes with a later issue.
    Later,
}

/// The rows of a page. A line that is not the row of a case is text, and is skipped.
pub(super) fn rows(page: &File, findings: &mut Vec<Finding>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (line, text) in page.lines() {
        let Some(cells) = cells(text) else { continue };
        match cells[..] {
            [id, case, kept_by] if !case.is_empty() => rows.push(row(page, line, id, kept_by)),
            _ => findings.push(malformed(page, line, &cells)),
        }
    }
    rows
}

/// The cells of a table row whose first cell is an id.
fn cells(text: &str) -> Option<Vec<&str>> {
    let inner = text.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    is_id(cells[0]).then_some(cells)
}

fn malformed(page: &File, line: usize, cells: &[&str]) -> Finding {
    let (id, count) = (cells[0], cells.len());
    let advice = "write `| id | the case in one line | test or reason |`";
    Finding::new(&page.path, line, format!("the row of {id} has {count} cells; {advice}"))
}

fn row(page: &File, line: usize, id: &str, kept_by: &str) -> Row {
    let reason = reason(kept_by);
    let names = kept_by.split('`').skip(1).step_by(2);
    // Beside a reason, other things than tests may stand in backticks.
    let tests = names.filter(|name| id_of_name(name).is_some() || reason.is_none() && is_name(name));
    Row {
        id: id.to_owned(),
        path: page.path.clone(),
        line,
        tests: tests.map(str::to_owned).collect(),
        doctests: doctests(kept_by),
        reason,
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The reason a cell begins with, if words follow.
fn reason(kept_by: &str) -> Option<Reason> {
    let (kind, words) = kept_by.split_once(':')?;
    let kind = match kind {
        "typed" => Reason::Typed,
        "not here" => Reason::NotHere,
        "later" => Reason::Later,
        _ => return None,
    };
    (!words.trim().is_empty()).then_some(kind)
}

/// The paths after each `doctest:`.
fn doctests(kept_by: &str) -> Vec<String> {
    let paths = kept_by.split("doctest:").skip(1).filter_map(|rest| rest.split_whitespace().next());
    paths.map(|path| path.trim_matches(['`', ',', ';', '.']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    //! Facts about cells.

    use super::*;

    #[track_caller]
    fn check(kept_by: &str, tests: &[&str], doctests: &[&str], reason: Option<Reason>) {
        let row = row(&File::new("a.md", ""), 1, "GS-001", kept_by);
        assert_eq!(row.tests, tests);
        assert_eq!(row.doctests, doctests);
        assert_eq!(row.reason, reason);
    }

    #[test]
    fn a_cell_names_tests_doctests_and_reasons() {
        check("`gs_001_a`, `simple_queue`", &["gs_001_a", "simple_queue"], &[], None);
        check("doctest: `crates/a/src/b.rs`", &[], &["crates/a/src/b.rs"], None);
        let near = "not here: no `throw`; nearest `gs_002_b`";
        check(near, &["gs_002_b"], &[], Some(Reason::NotHere));
        check("typed: it moved; doctest: a.rs", &[], &["a.rs"], Some(Reason::Typed));
    }
}
