//! What a person reads: the table beside what it has to reach, a profile, and the section of the book.
#![expect(clippy::print_stdout, reason = "a tool at a terminal talks to its user")]

use std::fmt::Write as _;

use super::table::Table;
use super::{Figure, OURS, RAW, Row, valgrind};
use crate::{Failure, Result, workspace};

/// The page that has the table for readers, between these two lines.
const BOOK: &str = "docs/PERFORMANCE.md";
const BEGIN: &str = "<!-- written by `cargo xtask bench --instructions --update` -->\n";
const END: &str = "<!-- until here -->\n";

/// A profile shows what executes at least this part of the whole.
const SHOWN: f64 = 0.005;

/// A line outside every table.
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// Everything that was counted, a line for each row.
pub(super) fn figures(rows: &[Row], figures: &[Figure], table: &Table) {
    println!("instructions and allocations per operation, on one thread; {}", valgrind::processor());
    let heads = ["raw", "genserver", "ratio", "table", "bar", "goal", "", "allocs raw", "genserver"];
    println!("{}", in_columns("", &heads.map(str::to_owned)));
    for row in rows {
        let find = |subject: &str| figures.iter().find(|figure| figure.row == row.name && figure.subject == subject);
        let (raw, ours) = (find(RAW), find(OURS));
        let ratio = raw.zip(ours).map(|(raw, ours)| format!("{:.2}", ours.instructions / raw.instructions));
        let cells = [
            cell(raw, instructions),
            cell(ours, instructions),
            ratio.unwrap_or_else(|| "-".to_owned()),
            cell(table.find(&row.name, OURS), instructions),
            format!("{:.0}", row.bar),
            format!("{:.0}", row.goal),
            ours.map(|ours| verdict(row, ours)).unwrap_or_default().to_owned(),
            cell(raw, allocations),
            cell(ours, allocations),
        ];
        println!("{}", in_columns(&row.name, &cells));
    }
}

/// In a word, what has been reached.
fn verdict(row: &Row, ours: &Figure) -> &'static str {
    match ours.instructions {
        is if is <= row.goal => "goal",
        is if is <= row.bar => "bar",
        _ => "MISSED",
    }
}

/// Where the instructions of each figure go.
pub(super) fn profiles(figures: &[Figure]) {
    for figure in figures {
        let Figure { instructions, allocations, .. } = figure;
        println!("\n{}: {instructions:.1} instructions, {allocations:.2} allocations", figure.name());
        for (name, cost) in figure.functions.iter().filter(|(_, cost)| *cost >= SHOWN * instructions) {
            println!("{cost:9.1} {:5.1} %  {name}", cost / instructions * 100.0);
        }
    }
}

/// Writes the table into the page that readers have.
pub(super) fn update_book(table: &Table) -> Result {
    let path = workspace::root().join(BOOK);
    let failure = |what: String| Failure::new(format!("{BOOK}: {what}"));
    let text = std::fs::read_to_string(&path).map_err(|error| failure(error.to_string()))?;
    let (before, old, after) = parts(&text).ok_or_else(|| failure(format!("has no `{}`", BEGIN.trim_end())))?;
    if old != section(table) {
        let text = format!("{before}{BEGIN}{}{END}{after}", section(table));
        std::fs::write(&path, text).map_err(|error| failure(error.to_string()))?;
    }
    Ok(())
}

/// The page: what stands before the table, the table, and what stands after it.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (table, after) = rest.split_once(END)?;
    Some((before, table, after))
}

/// The operation as the book writes it: the name of a function as code.
fn operation(row: &str) -> String {
    if row.contains('_') { format!("`{row}`") } else { row.to_owned() }
}

/// The table as it stands in the book.
fn section(table: &Table) -> String {
    let [with, day, processor] = &table.counted;
    let mut text = format!("Counted on {day} with {with}, on this processor: {processor}.\n\n");
    text +=
        "| operation | raw | **genserver** | allocations, raw | allocations, **genserver** |\n|---|---|---|---|---|\n";
    for ours in table.figures.iter().filter(|figure| figure.subject == OURS) {
        let raw = table.find(&ours.row, RAW);
        let [raw_instructions, ours_instructions] = [raw, Some(ours)].map(|figure| cell(figure, instructions));
        let [raw_allocations, ours_allocations] = [raw, Some(ours)].map(|figure| cell(figure, allocations));
        let _ = writeln!(
            text,
            "| {} | {raw_instructions} | **{ours_instructions}** | {raw_allocations} | **{ours_allocations}** |",
            operation(&ours.row)
        );
    }
    text
}

fn cell(figure: Option<&Figure>, show: fn(&Figure) -> String) -> String {
    figure.map_or_else(|| "-".to_owned(), show)
}

fn instructions(figure: &Figure) -> String {
    let digits = format!("{:.0}", figure.instructions);
    match digits.len() {
        4.. => format!("{},{}", &digits[..digits.len() - 3], &digits[digits.len() - 3..]),
        _ => digits,
    }
}

/// Nothing is written as nothing: a buffer that has grown once does not count as an allocation of each operation.
fn allocations(figure: &Figure) -> String {
    if figure.allocations < 0.005 { "0".to_owned() } else { format!("{:.2}", figure.allocations) }
}

fn in_columns(first: &str, cells: &[String]) -> String {
    let line = cells.iter().fold(format!("{first:26}"), |line, cell| line + &format!("{cell:>11}"));
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    //! The book has the committed table.

    use super::*;

    #[test]
    fn the_book_has_the_committed_table() {
        let text = std::fs::read_to_string(workspace::root().join(BOOK)).unwrap();
        let (_, written, _) = parts(&text).expect("the page has a place for it");
        assert_eq!(written, section(&Table::read().unwrap()), "run `cargo xtask bench --instructions --update`");
    }

    #[test]
    fn thousands_are_told_apart() {
        let figure = |instructions| Figure {
            row: String::new(),
            subject: String::new(),
            instructions,
            allocations: 0.0,
            functions: Vec::new(),
        };
        assert_eq!(instructions(&figure(999.4)), "999");
        assert_eq!(instructions(&figure(1_302.6)), "1,303");
    }
}
