//! A page of the table: searched and sorted here, so that a reader gets few rows of many.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use genserver::Pid;

use super::kind;
use super::sample::{Row, Sample};
use crate::data::{PAGE_MAX, ProcessPage, ProcessQuery, Sort};

/// The rows that a query asks for.
pub(super) fn page(sample: &Sample, query: &ProcessQuery) -> ProcessPage {
    let search = query.search.to_lowercase();
    let mut types = Types::new();
    let mut found: Vec<&Row> = sample.rows.iter().filter(|row| matches(row, query, &search, &mut types)).collect();
    let now = sample.moment;
    let by = |a: &Row, b: &Row| match query.sort {
        Sort::Pid => Ordering::Equal,
        Sort::Name => title(a).cmp(&title(b)),
        Sort::Server => a.info.server.cmp(b.info.server),
        Sort::State => a.info.status.to_string().cmp(&b.info.status.to_string()),
        Sort::Busy => a.busy(now).cmp(&b.busy(now)),
        Sort::Mailbox => a.info.mailbox.cmp(&b.info.mailbox),
        Sort::Rate => a.rate.total_cmp(&b.rate),
        Sort::Handled => a.info.handled.cmp(&b.info.handled),
        Sort::Refused => (a.info.refused + a.info.dropped).cmp(&(b.info.refused + b.info.dropped)),
        Sort::Restarts => a.info.restarts.cmp(&b.info.restarts),
    };
    // They are in the order of their pids, and the sort keeps it among equal ones.
    if query.sort != Sort::Pid {
        found.sort_by(|a, b| if query.descending { by(b, a) } else { by(a, b) });
    } else if query.descending {
        found.reverse();
    }
    let rows = found.iter().skip(query.offset).take(query.limit.min(PAGE_MAX));
    ProcessPage {
        at: now.date,
        total: sample.rows.len(),
        found: found.len(),
        offset: query.offset,
        rows: rows.map(|row| row.show(now)).collect(),
    }
}

/// What a process is sorted by in the column of names: those with neither name nor label come last.
fn title(row: &Row) -> (bool, Option<&String>) {
    let title = row.info.name.as_ref().or(row.info.label.as_ref());
    (title.is_none(), title)
}

fn matches(row: &Row, query: &ProcessQuery, search: &str, types: &mut Types) -> bool {
    let info = &row.info;
    let is_child = query.parent.is_none_or(|parent| info.parent.map(Pid::number) == Some(parent));
    let is_kind = query.kind.is_none_or(|kind| row.kind == kind);
    if !is_child || !is_kind || (query.named && info.name.is_none()) {
        return false;
    }
    if search.is_empty() {
        return true;
    }
    let has = |text: &str| text.to_lowercase().contains(search);
    info.name.as_deref().is_some_and(has)
        || info.label.as_deref().is_some_and(has)
        || *types.entry(info.server).or_insert_with(|| has(info.server) || has(&kind::short(info.server)))
        || has(&info.status.to_string())
        || has(&info.pid.to_string())
}

/// Whether a type has the text: there are far fewer types than processes.
type Types = BTreeMap<&'static str, bool>;
