//! One look at the observer, as text or as JSON.

use std::fmt;

use serde::Serialize;

use super::client::{AskError, Client};
use super::fit::{number, rate, time, visible};
use super::round::Question;
use crate::data::{PAGE_MAX, ProcessPage, ProcessQuery, ReportRow, Sort, Tiles, Trouble};

/// How many reports the text has.
const REPORTS_SHOWN: usize = 20;

/// What was seen in one look: the numbers, what is wrong, the 500 processes with the fullest mailboxes, and the reports.
///
/// `Display` prints it as text, and it serialises.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The numbers of all processes.
    pub tiles: Tiles,
    /// What is stuck, slow or broken.
    pub troubles: Vec<Trouble>,
    /// The processes.
    pub processes: ProcessPage,
    /// The reports that the observer keeps, oldest first.
    pub reports: Vec<ReportRow>,
}

impl Snapshot {
    pub(super) async fn take(client: &mut Client) -> Result<Self, AskError> {
        let query = ProcessQuery { sort: Sort::Mailbox, descending: true, limit: PAGE_MAX, ..ProcessQuery::default() };
        let question = Question { query, inspected: None, reports_after: 0 };
        let round = question.ask_with(client).await?;
        let (tiles, troubles) = (round.summary.tiles, round.summary.troubles);
        Ok(Self { tiles, troubles, processes: round.page, reports: round.reports })
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tiles = &self.tiles;
        writeln!(
            f,
            "processes {}  messages/s {}  queued {}  refused {}  restarts/min {}  cycles {}",
            tiles.processes,
            rate(tiles.rate),
            tiles.queued,
            tiles.refused,
            tiles.restarts,
            tiles.cycles
        )?;
        for trouble in &self.troubles {
            writeln!(f, "! {}", one_line(&format!("{} {}", trouble.title, trouble.text)))?;
        }
        let rows = self.processes.rows.iter().map(|row| {
            let busy = row.busy_ms.map(|ms| format!(" {}", time(ms))).unwrap_or_default();
            let name = row.name.as_ref().or(row.label.as_ref()).map_or("-", String::as_str);
            let numbers = [number(row.mailbox as u64), rate(row.rate), number(row.handled), number(row.restarts)];
            let [mailbox, rate, handled, restarts] = numbers;
            [
                row.pid.to_string(),
                one_line(name),
                row.state.clone() + &busy,
                mailbox,
                rate,
                handled,
                restarts,
                one_line(&row.server),
            ]
        });
        let header = ["pid", "name", "state", "mailbox", "msg/s", "handled", "restarts", "type"].map(str::to_owned);
        write_table(f, &[header].into_iter().chain(rows).collect::<Vec<_>>())?;
        let more = self.processes.found.saturating_sub(self.processes.rows.len());
        if more > 0 {
            writeln!(f, "and {more} more")?;
        }
        for report in self.reports.iter().rev().take(REPORTS_SHOWN) {
            let ago = time(tiles.at.saturating_sub(report.at));
            let reason = report.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            writeln!(f, "{ago} ago: {}", one_line(&format!("{}{reason}", report.title)))?;
        }
        Ok(())
    }
}

/// Columns as wide as what is in them.
fn write_table<const N: usize>(f: &mut fmt::Formatter<'_>, rows: &[[String; N]]) -> fmt::Result {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(f, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    visible(text).replace('\n', " ")
}
