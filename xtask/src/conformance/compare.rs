//! Where the tables and the tests disagree.

use std::collections::HashMap;

use super::cases::{Case, Kind};
use super::table::{Reason, Row};
use super::{MAY_WAIT, PAGE};
use crate::Finding;

/// Every disagreement: rows first, in their order, then tests.
pub(super) fn compare(rows: &[Row], cases: &[Case]) -> Vec<Finding> {
    let mut findings = doubled(rows);
    findings.extend(rows.iter().flat_map(|row| check_row(row, cases)));
    findings.extend(cases.iter().flat_map(|case| check_case(case, rows)));
    findings
}

fn doubled(rows: &[Row]) -> Vec<Finding> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut findings = Vec::new();
    for row in rows {
        let line = *first.entry(&row.id).or_insert(row.line);
        if line != row.line {
            let message = format!("{} has a row already, at line {line}; make them one", row.id);
            findings.push(Finding::new(&row.path, row.line, message));
        }
    }
    findings
}

fn check_row(row: &Row, cases: &[Case]) -> Vec<Finding> {
    let unkept = unkept(row).into_iter();
    let tests = row.tests.iter().filter_map(|name| check_test(row, name, cases));
    let doctests = row.doctests.iter().filter_map(|path| check_doctest(row, path, cases));
    let messages = unkept.chain(tests).chain(doctests);
    messages.map(|message| Finding::new(&row.path, row.line, message)).collect()
}

/// What is wrong with a row that nothing keeps.
fn unkept(row: &Row) -> Option<String> {
    let id = &row.id;
    match row.reason {
        Some(Reason::Later) if !MAY_WAIT.contains(&id.as_str()) => {
            Some(format!("{id} may not wait; write its test, or add it to MAY_WAIT in xtask/src/conformance.rs"))
        }
        None if row.tests.is_empty() && row.doctests.is_empty() => Some(format!(
            "{id} has neither a test nor a reason; name a test in backticks, or say `typed: ...` or \
             `not here: ...`"
        )),
        _ => None,
    }
}

/// What is wrong with the name of a test in a row.
fn check_test(row: &Row, name: &str, cases: &[Case]) -> Option<String> {
    let id = &row.id;
    let mut found = cases.iter().filter(|case| is_test(case, name)).peekable();
    if found.peek().is_none() {
        let advice = "write it, or correct the name";
        return Some(format!("{id} names `{name}`, which is not a test under crates/; {advice}"));
    }
    // Beside a reason stands the nearest test, which may belong to another case.
    if row.reason.is_some() || found.any(|case| case.ids.contains(id)) {
        return None;
    }
    Some(format!("{id} names `{name}`, which does not carry it; put `// also: {id}` above the test"))
}

/// What is wrong with a doctest in a row.
fn check_doctest(row: &Row, path: &str, cases: &[Case]) -> Option<String> {
    let id = &row.id;
    let carries = |case: &Case| case.kind == Kind::Doctest && case.path == path && case.ids.contains(id);
    let missing = format!(
        "{id} names a doctest in {path}, which has no `compile_fail` block with the line `# // {id}`; \
         add the line, or correct the path"
    );
    (!cases.iter().any(carries)).then_some(missing)
}

/// What is wrong with the cases a test or doctest carries.
fn check_case(case: &Case, rows: &[Row]) -> Vec<Finding> {
    let unnamed = case.ids.iter().filter(|id| !rows.iter().any(|row| row.id == **id && names(row, case)));
    unnamed.map(|id| Finding::new(&case.path, case.line, without_row(case, id))).collect()
}

fn without_row(case: &Case, id: &str) -> String {
    match &case.kind {
        Kind::Test(name) => {
            format!("`{name}` carries {id}, but no row of that id names it; add it to {PAGE}")
        }
        Kind::Doctest => {
            let advice = format!("add `doctest: {}` to {PAGE}", case.path);
            format!("this doctest carries {id}, but no row of that id names it; {advice}")
        }
    }
}

fn names(row: &Row, case: &Case) -> bool {
    match &case.kind {
        Kind::Test(name) => row.tests.contains(name),
        Kind::Doctest => row.doctests.contains(&case.path),
    }
}

fn is_test(case: &Case, name: &str) -> bool {
    matches!(&case.kind, Kind::Test(it) if it == name)
}
