//! The tests that `docs/redis.md` gives a reason for: rows of a table for each unit, below a heading with the unit's name.

use super::Outcome;
use crate::workspace::{self, File};
use crate::{Failure, Finding, Result};

/// The page.
const PAGE: &str = "docs/redis.md";

/// A test that need not pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    line: usize,
    name: String,
}

/// The rows of these units.
pub(super) fn rows(units: &[&str]) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(workspace::root().join(PAGE));
    let text = text.map_err(|error| Failure::new(format!("cannot read {PAGE}: {error}")))?;
    Ok(read(&File::new(PAGE, text), units))
}

fn read(page: &File, units: &[&str]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut is_asked = false;
    for (line, text) in page.lines() {
        if let Some(heading) = text.strip_prefix('#') {
            is_asked = units.iter().any(|unit| heading.ends_with(&format!(" `{unit}`")));
        }
        // A row without a reason is not one.
        let cells = text.strip_prefix("| `").and_then(|text| text.strip_suffix(" |")?.split_once("` | "));
        if let Some((name, _)) = cells
            && is_asked
        {
            rows.push(Row { line, name: name.to_owned() });
        }
    }
    rows
}

/// The tests that fail and have no row, and the rows whose tests pass, or are not there any more.
pub(super) fn judge(rows: &[Row], outcomes: &[Outcome]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Outcome { name, failure } in outcomes {
        if let Some(failure) = failure
            && rows.iter().all(|row| row.name != *name)
        {
            let message = format!("`{name}` fails and has no row: {failure}");
            findings.push(Finding::new(PAGE, 1, message));
        }
    }
    for Row { line, name } in rows {
        let its: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.name == *name).collect();
        let message = if its.is_empty() {
            format!("`{name}` was not run; is that its name?")
        } else if its.iter().all(|outcome| outcome.failure.is_none()) {
            format!("`{name}` passes; remove its row")
        } else {
            continue;
        };
        findings.push(Finding::new(PAGE, *line, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    //! A page in small.

    use super::*;

    const TEXT: &str = "# Redis\n\n| `x` | y |\n\n### Of `unit/a`\n\n| test | why not |\n|---|---|\n| `A b` | no |\n| `C` |\n\n\
         ### Of `unit/b`\n\n| `D` | no |\n";

    #[track_caller]
    fn check(units: &[&str], outcomes: &[(&str, Option<&str>)], expected: &[&str]) {
        let outcome = |(name, failure): &(&str, Option<&str>)| Outcome {
            name: (*name).to_owned(),
            failure: failure.map(str::to_owned),
        };
        let outcomes: Vec<Outcome> = outcomes.iter().map(outcome).collect();
        let findings = judge(&read(&File::new(PAGE, TEXT), units), &outcomes);
        assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_test_fails_if_and_only_if_it_has_a_row() {
        check(&["unit/a"], &[("A b", Some("e")), ("E", None)], &[]);
        check(&["unit/a"], &[("A b", None)], &["docs/redis.md:9: `A b` passes; remove its row"]);
        check(
            &["unit/a", "unit/b"],
            &[("A b", Some("e")), ("C", Some("no c"))],
            &[
                "docs/redis.md:1: `C` fails and has no row: no c",
                "docs/redis.md:14: `D` was not run; is that its name?",
            ],
        );
    }
}
