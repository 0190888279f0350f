//! A table of times: every row that is wanted, measured and printed.

use crate::measure::{self, Column, Record, Row};
use crate::options::Options;
use crate::report;
use crate::subjects::World;

/// Measures every row that is wanted, and prints them as a table of their own. The `columns` of a row are those who take part in it.
pub fn compare<'a, R>(
    world: World,
    options: &Options,
    rows: impl IntoIterator<Item = (R, Row)>,
    columns: impl Fn(R, Row) -> Vec<Column<'a>>,
) -> Vec<Record> {
    let mut records = Vec::new();
    for (what, mut row) in rows.into_iter().filter(|(_, row)| options.wants(row.workload)) {
        let columns = columns(what, row);
        if records.is_empty() {
            report::times_heading(world, &columns.iter().map(|column| column.subject).collect::<Vec<_>>());
        }
        if options.quick {
            row.ops = row.share(row.ops / 4);
        }
        let measured = measure::interleave(world, row, options.rounds(), columns);
        report::times(&measured);
        records.extend(measured);
    }
    records
}
