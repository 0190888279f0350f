//! A page of the table: searched and sorted here, so that a reader gets few rows of many.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::kind;
use super::sample::{Row, Sample};
use super::tree;
use crate::data::{PAGE_MAX, ProcessPage, ProcessQuery, Sort};

/// The rows that a query asks for.
pub(super) fn page(sample: &Sample, query: &ProcessQuery) -> ProcessPage {
    let search = query.search.to_lowercase();
    let mut types = Types::new();
    let mut found: Vec<&Row> =
        sample.rows.iter().filter(|row| matches(row, sample, query, &search, &mut types)).collect();
    let now = sample.moment;
    let count = found.len();
    let end = query.offset.saturating_add(query.limit.min(PAGE_MAX)).min(count);
    let by = |a: &Row, b: &Row| match query.sort {
        Sort::Pid => Ordering::Equal,
        Sort::Name => title(a).cmp(&title(b)),
        Sort::Server => a.info.server.cmp(b.info.server),
        // Most do the same, and then there is no text to make.
        Sort::State if a.info.status == b.info.status => Ordering::Equal,
        Sort::State => a.info.status.to_string().cmp(&b.info.status.to_string()),
        Sort::Busy => a.busy(now).cmp(&b.busy(now)),
        Sort::Mailbox => a.info.mailbox.cmp(&b.info.mailbox),
        Sort::Rate => a.rate.total_cmp(&b.rate),
        Sort::Handled => a.info.handled.cmp(&b.info.handled),
        Sort::Refused => (a.info.refused + a.info.dropped).cmp(&(b.info.refused + b.info.dropped)),
        Sort::Restarts => a.info.restarts.cmp(&b.info.restarts),
    };
    // Equal ones are in the order of their pids, in both directions.
    let by_all = |a: &&Row, b: &&Row| {
        let order = if query.descending { by(b, a) } else { by(a, b) };
        order.then_with(|| a.info.pid.number().cmp(&b.info.pid.number()))
    };
    if query.sort != Sort::Pid {
        // The rows after the page need no order among themselves: a hundred thousand are not sorted for fifty.
        if end < count {
            found.select_nth_unstable_by(end, by_all);
        }
        found[..end].sort_unstable_by(by_all);
    } else if query.descending {
        found.reverse();
    }
    ProcessPage {
        at: now.date,
        total: sample.rows.len(),
        found: count,
        offset: query.offset,
        rows: found[query.offset.min(end)..end].iter().map(|row| row.show(now)).collect(),
    }
}

/// What a process is sorted by in the column of names: those with neither name nor label come last.
fn title(row: &Row) -> (bool, Option<&String>) {
    let title = row.info.name.as_ref().or(row.info.label.as_ref());
    (title.is_none(), title)
}

fn matches(row: &Row, sample: &Sample, query: &ProcessQuery, search: &str, types: &mut Types) -> bool {
    let info = &row.info;
    let is_child = query.parent.is_none_or(|parent| tree::parent_of(row, sample) == parent);
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
