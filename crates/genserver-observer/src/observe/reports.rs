//! The reports that are kept, and what is counted of them.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use genserver::Pid;
use genserver::report::{CustomReport, Level, Limits, Report, SupervisorEvent};

use super::clock::Moment;
use crate::data::{ReportLevel, ReportRow};

/// How many reports are kept: the last ones.
const KEPT: usize = 500;

/// How many restarts are kept to count those of the last minute.
const RESTARTS_KEPT: usize = 10_000;

/// How many supervisors are counted apart. Those that begin to restart after that are counted in the last minute alone.
const SUPERVISORS_KEPT: usize = 10_000;

/// How many cycles and slow handlers are kept.
const FINDINGS_KEPT: usize = 100;

/// What is printed of a value in a report.
const LIMITS: Limits = Limits { chars: Some(2000), lines: Some(40), depth: None, single_line: false };

/// How long a report of a slow handler may be made before the manager awaits it again.
const REPORTED_BEFORE: Duration = Duration::from_millis(100);

/// A manager reports a handler that it has waited for as long as this.
const SLOW_AFTER: Duration = Duration::from_secs(1);

/// "A minute" in "restarts a minute".
const MINUTE: Duration = Duration::from_mins(1);

/// The last reports, and what is counted of all.
#[derive(Default)]
pub(super) struct Reports {
    rows: VecDeque<ReportRow>,
    last: u64,
    restarts: VecDeque<Restart>,
    restarts_by: BTreeMap<Pid, u64>,
    pub(super) cycles: u64,
    /// How many were lost because they came faster than they were kept.
    pub(super) dropped: u64,
    cycles_seen: VecDeque<CycleSeen>,
    slow_handlers: VecDeque<SlowHandler>,
}

/// A child that ended, and was to be restarted.
struct Restart {
    at: Instant,
    supervisor: Pid,
    child: String,
    reason: String,
}

/// A cycle that calls would have closed, and how often.
pub(super) struct CycleSeen {
    pub(super) pids: Vec<Pid>,
    /// As it is printed: from the first to itself again.
    pub(super) text: String,
    pub(super) first: u64,
    pub(super) last: Instant,
    pub(super) times: u64,
}

/// A handler that a manager has waited for.
pub(super) struct SlowHandler {
    pub(super) manager: Pid,
    pub(super) handler: String,
    at: Instant,
}

impl SlowHandler {
    /// Since when the manager has waited for it.
    pub(super) fn since(&self) -> Instant {
        self.at.checked_sub(SLOW_AFTER).unwrap_or(self.at)
    }
}

/// How often a supervisor has restarted a child within the last minute.
pub(super) struct RestartLoop {
    pub(super) times: u64,
    pub(super) child: String,
    pub(super) reason: String,
    pub(super) since: Instant,
}

impl Reports {
    /// Keeps a report.
    pub(super) fn keep(&mut self, report: &Report) {
        let now = Moment::now();
        self.count(report, now);
        self.last += 1;
        let text = report.render(&LIMITS);
        let row = ReportRow {
            number: self.last,
            at: now.date,
            level: match report.level() {
                Level::Error => ReportLevel::Error,
                Level::Warning => ReportLevel::Warning,
                Level::Info | Level::Debug => ReportLevel::Info,
            },
            pid: report.process().pid.number(),
            title: text.lines().next().unwrap_or_default().to_owned(),
            reason: text.rsplit_once("\n  reason: ").map(|(_, reason)| reason.lines().next().unwrap_or("").to_owned()),
            text,
        };
        push(&mut self.rows, row, KEPT);
    }

    fn count(&mut self, report: &Report, now: Moment) {
        match report {
            Report::Supervised(told) if told.event == SupervisorEvent::ChildTerminated => {
                // A child that is never restarted is only lost.
                if told.child.restart == "temporary" {
                    return;
                }
                let (supervisor, child) = (told.process.pid, told.child.id.clone());
                if self.restarts_by.len() < SUPERVISORS_KEPT || self.restarts_by.contains_key(&supervisor) {
                    *self.restarts_by.entry(supervisor).or_default() += 1;
                }
                let reason = told.reason.as_ref().map(ToString::to_string).unwrap_or_default();
                push(&mut self.restarts, Restart { at: now.instant, supervisor, child, reason }, RESTARTS_KEPT);
            }
            Report::CycleRefused(told) => {
                self.cycles += 1;
                let pids: Vec<Pid> = told.cycle.iter().map(|who| who.pid).collect();
                // The same cycle may be closed by any of its calls.
                let same = |seen: &&mut CycleSeen| {
                    seen.pids.len() == pids.len() && seen.pids.iter().all(|pid| pids.contains(pid))
                };
                if let Some(seen) = self.cycles_seen.iter_mut().find(same) {
                    seen.times += 1;
                    seen.last = now.instant;
                    return;
                }
                let back = told.cycle.iter().chain(told.cycle.first()).map(ToString::to_string);
                let text = back.collect::<Vec<_>>().join(" → ");
                let seen = CycleSeen { pids, text, first: now.date, last: now.instant, times: 1 };
                push(&mut self.cycles_seen, seen, FINDINGS_KEPT);
            }
            Report::Custom(told) => self.count_custom(told, now),
            _ => {}
        }
    }

    /// An event manager says which handler it waits for.
    fn count_custom(&mut self, told: &CustomReport, now: Moment) {
        let (Some(handler), Some(_)) = (told.detail("handler"), told.detail("waits")) else { return };
        let slow = SlowHandler { manager: told.process.pid, handler: handler.to_owned(), at: now.instant };
        push(&mut self.slow_handlers, slow, FINDINGS_KEPT);
    }

    /// The reports with a greater number than this, oldest first.
    pub(super) fn after(&self, number: u64) -> Vec<ReportRow> {
        let first = self.rows.partition_point(|row| row.number <= number);
        self.rows.range(first..).cloned().collect()
    }

    /// The number of the last one.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// How often this supervisor has restarted its children.
    pub(super) fn restarts_by(&self, supervisor: Pid) -> u64 {
        self.restarts_by.get(&supervisor).copied().unwrap_or_default()
    }

    /// Who has restarted children in the last minute, how often, and which one last.
    pub(super) fn restarts_in_a_minute(&self, now: Moment) -> BTreeMap<Pid, RestartLoop> {
        let mut loops = BTreeMap::new();
        let recent = self.restarts.iter().filter(|restart| now.since(restart.at) <= MINUTE);
        for Restart { at, supervisor, child, reason } in recent {
            let known = loops.entry(*supervisor).or_insert_with(|| RestartLoop {
                times: 0,
                child: String::new(),
                reason: String::new(),
                since: *at,
            });
            known.times += 1;
            known.child.clone_from(child);
            known.reason.clone_from(reason);
        }
        loops
    }

    /// The cycles that were closed lately.
    pub(super) fn cycles_seen(&self) -> impl Iterator<Item = &CycleSeen> {
        self.cycles_seen.iter()
    }

    /// The handler for which this manager has been awaiting since a moment. The poll that reports the handler goes on to await
    /// it, so the report may be a little older.
    pub(super) fn slow_handler(&self, manager: Pid, since: Instant) -> Option<&SlowHandler> {
        self.slow_handlers.iter().rev().find(|slow| slow.manager == manager && slow.at + REPORTED_BEFORE >= since)
    }
}

/// Adds a value, in place of the oldest if there are `kept` already.
fn push<T>(queue: &mut VecDeque<T>, value: T, kept: usize) {
    if queue.len() == kept {
        queue.pop_front();
    }
    queue.push_back(value);
}
