//! What is stuck, slow or broken, and since when.
//!
//! A callback that awaits is in trouble only if somebody waits for it: a session that awaits its socket for hours is not. A
//! callback that runs without awaiting is in trouble by itself, because it keeps a thread that others need.

use std::time::Duration;

use genserver::{Pid, Status};

use super::clock::Moment;
use super::reports::Reports;
use super::sample::{Row, Sample};
use crate::data::{Kind, Trouble, TroubleKind};

/// From when on a callback that runs is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// From when on a callback that awaits keeps others waiting.
const WAITED_AFTER: Duration = Duration::from_millis(500);

/// From how many restarts a minute on a supervisor restarts too often.
const RESTARTS_FROM: u64 = 3;

/// For how long a cycle is shown after it was closed last.
const CYCLE_SHOWN_FOR: Duration = Duration::from_mins(5);

/// How many troubles are shown: the worst.
const SHOWN: usize = 50;

/// All troubles, worst first.
pub(super) fn find(sample: &Sample, reports: &Reports) -> Vec<Trouble> {
    let now = sample.moment;
    let mut troubles: Vec<Trouble> = cycles(sample, reports).collect();
    for row in &sample.rows {
        troubles.extend(of_callback(row, sample, reports));
        troubles.extend(of_mailbox(row, now));
    }
    troubles.extend(restarts(sample, reports));
    troubles.sort_by(|a, b| (a.kind, b.count, a.pid).cmp(&(b.kind, a.count, b.pid)));
    troubles.truncate(SHOWN);
    troubles
}

fn cycles(sample: &Sample, reports: &Reports) -> impl Iterator<Item = Trouble> {
    let now = sample.moment;
    let lately = reports.cycles_seen().filter(move |seen| now.since(seen.last) <= CYCLE_SHOWN_FOR);
    lately.filter_map(|seen| {
        let pid = *seen.pids.first()?;
        let text = format!("called around in a cycle, and its call was refused: {}", seen.text);
        let title = sample.title(pid);
        Some(Trouble { kind: TroubleKind::Cycle, pid: pid.number(), title, text, since: seen.first, count: seen.times })
    })
}

fn of_callback(row: &Row, sample: &Sample, reports: &Reports) -> Option<Trouble> {
    let now = sample.moment;
    let since = row.busy_since()?;
    let busy = now.since(since);
    let (waiters, mailbox) = (sample.waiters(row.info.pid), row.info.mailbox);
    let waiting = waiters.max(mailbox);
    let (kind, since, text) = match row.info.status {
        Status::Running(callback) if busy >= STUCK_AFTER => {
            let text = format!("runs {callback} without awaiting, and keeps a thread of its runtime");
            (TroubleKind::Stuck, since, text)
        }
        Status::Awaiting(callback) if busy >= WAITED_AFTER && waiting > 0 => {
            let slow = reports.slow_handler(row.info.pid, since).filter(|_| row.kind == Kind::EventManager);
            if let Some(slow) = slow {
                (TroubleKind::Handler, slow.since(), format!("waits for its handler {}", slow.handler))
            } else {
                let text = format!("awaits in {callback}{}", for_others(row.info.pid, sample));
                (TroubleKind::Waited, since, text)
            }
        }
        _ => return None,
    };
    let text = match (waiters, mailbox) {
        (0, 0) => text,
        (0, messages) => format!("{text}; {messages} in its mailbox"),
        (processes, 0) => format!("{text}; {processes} processes wait for it"),
        (processes, messages) => format!("{text}; {processes} processes wait for it, {messages} in its mailbox"),
    };
    Some(trouble(row, kind, text, now.date_of(since), waiting))
}

/// What a process waits for, as the end of a sentence.
fn for_others(pid: Pid, sample: &Sample) -> String {
    let Some(waits_for) = sample.waits_for.get(&pid) else { return String::new() };
    let titles: Vec<String> = waits_for.iter().take(3).map(|other| sample.title(*other)).collect();
    format!(" for {}", titles.join(" and "))
}

fn of_mailbox(row: &Row, now: Moment) -> Option<Trouble> {
    let mailbox = row.info.mailbox;
    if let Some(since) = row.refusing_since() {
        let lost = row.info.refused + row.info.dropped;
        let text = format!("has no space in its mailbox: {mailbox} wait, {lost} were refused or dropped");
        return Some(trouble(row, TroubleKind::Refusing, text, now.date_of(since), mailbox));
    }
    let since = row.filling_since?;
    let text = format!("has {mailbox} messages in its mailbox");
    Some(trouble(row, TroubleKind::Mailbox, text, now.date_of(since), mailbox))
}

fn restarts(sample: &Sample, reports: &Reports) -> impl Iterator<Item = Trouble> {
    let now = sample.moment;
    let loops = reports.restarts_in_a_minute(now).into_iter().filter(|(_, told)| told.times >= RESTARTS_FROM);
    loops.map(move |(pid, told)| Trouble {
        kind: TroubleKind::Restarting,
        pid: pid.number(),
        title: sample.title(pid),
        text: format!(
            "restarted its children {} times within a minute, {} last: {}",
            told.times, told.child, told.reason
        ),
        since: now.date_of(told.since),
        count: told.times,
    })
}

fn trouble(row: &Row, kind: TroubleKind, text: String, since: u64, count: usize) -> Trouble {
    Trouble { kind, pid: row.info.pid.number(), title: row.title(), text, since, count: count as u64 }
}
