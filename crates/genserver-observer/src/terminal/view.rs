//! What is known and chosen: all that the screen shows, without the screen.

use std::collections::VecDeque;

use super::client::AskError;
use super::round::{Question, Round};
use crate::data::{ProcessDetail, ProcessPage, ProcessQuery, ProcessRow, ReportRow, Sort, Summary};

/// How many reports are kept.
const REPORTS_MAX: usize = 200;

/// What the table can be sorted by, in the order of the keys.
const SORTS: [Sort; 10] = [
    Sort::Mailbox,
    Sort::Rate,
    Sort::Handled,
    Sort::Busy,
    Sort::Refused,
    Sort::Restarts,
    Sort::Name,
    Sort::State,
    Sort::Server,
    Sort::Pid,
];

/// What is below the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Pane {
    #[default]
    Closed,
    /// A process, whether it is in the table at the moment or not.
    Process(u64),
    Reports,
}

/// Whether the rows of the page are those that were asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rows {
    There,
    /// The chosen process is the one that will be in the chosen row, and not the one that is.
    Asked,
    /// The same, and it is to be inspected.
    AskedToInspect,
}

/// What is on the screen.
pub(super) struct View {
    /// The address of the observer.
    pub(super) observer: String,
    pub(super) query: ProcessQuery,
    /// Whether what is typed is searched for.
    pub(super) is_searching: bool,
    pub(super) summary: Summary,
    pub(super) page: ProcessPage,
    /// Which row of the page is chosen.
    pub(super) cursor: usize,
    rows: Rows,
    pub(super) pane: Pane,
    /// How many lines of the pane are above it.
    pub(super) scroll: usize,
    /// The process in the pane; `None` until it has answered, and when it has ended.
    pub(super) detail: Option<ProcessDetail>,
    /// Whether the observer was asked for that.
    pub(super) was_asked: bool,
    /// Newest last.
    pub(super) reports: VecDeque<ReportRow>,
    /// Why the last round brought nothing.
    pub(super) failure: Option<String>,
}

impl View {
    pub(super) fn new(observer: &str) -> Self {
        Self {
            observer: observer.to_owned(),
            query: ProcessQuery { sort: Sort::Mailbox, descending: true, ..ProcessQuery::default() },
            is_searching: false,
            summary: Summary::default(),
            page: ProcessPage::default(),
            cursor: 0,
            rows: Rows::Asked,
            pane: Pane::default(),
            scroll: 0,
            detail: None,
            was_asked: false,
            reports: VecDeque::new(),
            failure: None,
        }
    }

    /// What the next round has to ask.
    pub(super) fn question(&self) -> Question {
        let inspected = if let Pane::Process(pid) = self.pane { Some(pid) } else { None };
        // After a failure, it may be another program that answers. Its reports have numbers of their own.
        let last = self.reports.back().filter(|_| self.failure.is_none());
        let reports_after = last.map_or(0, |report| report.number);
        Question { query: self.query.clone(), inspected, reports_after }
    }

    /// Takes what a round has brought. Returns whether it still is what was asked for.
    pub(super) fn take(&mut self, question: &Question, answer: Result<Round, AskError>) -> bool {
        let round = match answer {
            Ok(round) => round,
            Err(error) => {
                self.failure = Some(error.to_string());
                return true;
            }
        };
        self.failure = None;
        self.summary = round.summary;
        if question.reports_after == 0 {
            self.reports.clear();
        }
        self.take_reports(round.reports);
        let now = self.question();
        if now.inspected.is_some() && now.inspected == question.inspected {
            self.detail = round.detail;
            self.was_asked = true;
        }
        if now.query == question.query {
            self.take_page(round.page);
        }
        let now = self.question();
        (now.query, now.inspected) == (question.query.clone(), question.inspected)
    }

    /// The chosen process stays chosen if it is still in the page.
    fn take_page(&mut self, page: ProcessPage) {
        let before = std::mem::replace(&mut self.rows, Rows::There);
        let chosen = self.chosen().map(|row| row.pid).filter(|_| before == Rows::There);
        self.page = page;
        let found = self.page.rows.iter().position(|row| Some(row.pid) == chosen);
        self.cursor = found.unwrap_or(self.cursor).min(self.page.rows.len().saturating_sub(1));
        if self.page.rows.is_empty() && self.query.offset > 0 {
            // There are fewer processes than there were.
            self.query.offset = 0;
        }
        if before == Rows::AskedToInspect {
            self.inspect();
        }
    }

    fn take_reports(&mut self, reports: Vec<ReportRow>) {
        self.reports.extend(reports);
        let excess = self.reports.len().saturating_sub(REPORTS_MAX);
        self.reports.drain(..excess);
    }

    /// Whether the rows of the page are those of the query.
    pub(super) fn is_answered(&self) -> bool {
        self.rows == Rows::There
    }

    /// The row that is chosen.
    pub(super) fn chosen(&self) -> Option<&ProcessRow> {
        self.page.rows.get(self.cursor)
    }

    /// Sets how many rows the table has space for. Returns whether that is news.
    pub(super) fn set_rows(&mut self, rows: usize) -> bool {
        let rows = rows.max(1);
        self.cursor = self.cursor.min(rows - 1);
        std::mem::replace(&mut self.query.limit, rows) != rows
    }

    /// Chooses the process that is so many rows further on, or back. Returns whether other rows are needed.
    pub(super) fn step(&mut self, rows: isize) -> bool {
        let last = self.page.found.saturating_sub(1);
        let place = (self.query.offset + self.cursor).saturating_add_signed(rows).min(last);
        let before = self.query.offset;
        if place < self.query.offset {
            self.query.offset = place;
        } else if place >= self.query.offset + self.query.limit {
            self.query.offset = place + 1 - self.query.limit;
        }
        self.cursor = place - self.query.offset;
        let is_elsewhere = self.query.offset != before;
        if is_elsewhere {
            self.rows = Rows::Asked;
        }
        is_elsewhere
    }

    /// Sorts by the column that is so many further on.
    pub(super) fn sort_by_next(&mut self, columns: isize) {
        let at = SORTS.iter().position(|sort| *sort == self.query.sort).unwrap_or(0);
        let count = SORTS.len().cast_signed();
        let next = (at.cast_signed() + columns).rem_euclid(count).cast_unsigned();
        self.query.sort = SORTS[next];
        // The largest numbers, and the first words.
        let is_words = matches!(self.query.sort, Sort::Name | Sort::State | Sort::Server | Sort::Pid);
        self.query.descending = !is_words;
        self.begin();
    }

    /// Goes to the first row.
    pub(super) fn begin(&mut self) {
        self.query.offset = 0;
        self.cursor = 0;
        self.rows = Rows::Asked;
    }

    /// Shows the chosen process in the pane, at once or when it is there. Returns whether it has to be asked for.
    pub(super) fn inspect(&mut self) -> bool {
        if self.rows != Rows::There {
            self.rows = Rows::AskedToInspect;
            return false;
        }
        let Some(pid) = self.chosen().map(|row| row.pid) else { return false };
        self.open(Pane::Process(pid));
        true
    }

    /// Shows something else in the pane.
    pub(super) fn open(&mut self, pane: Pane) {
        self.pane = pane;
        self.scroll = 0;
        self.detail = None;
        self.was_asked = false;
    }
}
