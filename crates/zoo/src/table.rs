//! The table that is printed, as Markdown: a row for each bug, a column for each search.

use std::fmt::Write as _;

use zoo::Bug;

use crate::measure::{Cell, SEARCHES, at};

/// The names of the columns.
pub(crate) fn head() -> String {
    let searches = SEARCHES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" | ");
    let lines = "---:|".repeat(SEARCHES.len() + 4);
    format!("| bug | {searches} | smallest | middle | least | to shrink |\n|---|{lines}\n")
}

/// The row of a bug. What is left of its failing runs is that of the first search.
pub(crate) fn row(bug: &Bug, cells: &[Cell]) -> String {
    let mut row = format!("| `{}` |", bug.name);
    for cell in cells {
        // Writing to a string does not fail.
        let _ = write!(row, " {} / {} |", run(cell.percentile(50)), run(cell.percentile(95)));
    }
    let first = cells.first();
    let size = |hundredths| first.and_then(|cell| at(&cell.sizes, hundredths)).map_or("–".to_owned(), |it| sum(*it));
    let shrinking = first.and_then(|cell| at(&cell.shrinking, 50)).map(|time| format!("{} ms", time.as_millis()));
    let least = sum((bug.minimum.faults as usize, bug.minimum.choices as usize));
    let shrinking = shrinking.unwrap_or("–".to_owned());
    let _ = writeln!(row, " {} | {} | {least} | {shrinking} |", size(1), size(50));
    row
}

fn run(number: Option<u64>) -> String {
    number.map_or("–".to_owned(), |number| number.to_string())
}

/// Faults and unusual choices.
fn sum((faults, choices): (usize, usize)) -> String {
    format!("{faults} + {choices}")
}
