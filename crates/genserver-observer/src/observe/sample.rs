//! All processes at one moment, and what has changed since the moment before.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use genserver::{Node, Pid, ProcessInfo, Status};

use super::clock::{Moment, millis};
use super::kind;
use crate::data::{Kind, ProcessRow};

/// A mailbox with fewer messages is not filling, whatever it does.
const FILLING_FROM: usize = 100;

/// A mailbox with so many messages is in trouble even if it does not grow.
const FULL_FROM: usize = 1000;

/// For how long a process that has refused a message is shown as refusing.
const REFUSING_FOR: Duration = Duration::from_secs(10);

/// All processes of a node at one moment, in the order of their pids.
pub(super) struct Sample {
    pub(super) moment: Moment,
    pub(super) took: Duration,
    pub(super) rows: Vec<Row>,
    /// By process: those that wait for it.
    pub(super) waited_for_by: BTreeMap<Pid, Vec<Pid>>,
    /// By process: those that it waits for.
    pub(super) waits_for: BTreeMap<Pid, Vec<Pid>>,
}

/// One process in a sample.
pub(super) struct Row {
    pub(super) info: ProcessInfo,
    pub(super) kind: Kind,
    /// How many messages it handled in a second since the sample before.
    pub(super) rate: f64,
    /// Since when the same callback runs without awaiting, as far as samples tell.
    running_since: Option<Instant>,
    /// Since when its mailbox has been filling, as far as samples tell.
    pub(super) filling_since: Option<Instant>,
    /// Since when it has refused or dropped messages, and when it did so last.
    refusing: Option<(Instant, Instant)>,
}

impl Sample {
    /// Looks at all processes.
    pub(super) fn take(node: &Node, before: Option<&Self>) -> Self {
        let moment = Moment::now();
        let mut infos: Vec<ProcessInfo> = node.processes().map(|process| process.info()).collect();
        infos.sort_unstable_by_key(|info| info.pid.number());
        let mut earlier = before.map_or(&[][..], |before| &before.rows).iter().peekable();
        let passed = before.map(|before| moment.since(before.moment.instant));
        let rows = infos.into_iter().map(|info| {
            // Both are in the order of pids, so one walk finds each process in the sample before.
            while earlier.next_if(|row| row.info.pid.number() < info.pid.number()).is_some() {}
            let before = earlier.next_if(|row| row.info.pid == info.pid);
            Row::new(info, before, passed, moment.instant)
        });
        let rows = rows.collect();
        let (mut waited_for_by, mut waits_for) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for wait in node.waits() {
            waited_for_by.entry(wait.waits_for).or_default().push(wait.process);
            waits_for.entry(wait.process).or_default().push(wait.waits_for);
        }
        let took = Moment::now().since(moment.instant);
        Self { moment, took, rows, waited_for_by, waits_for }
    }

    /// The process with this number.
    pub(super) fn find(&self, number: u64) -> Option<&Row> {
        let place = self.rows.binary_search_by_key(&number, |row| row.info.pid.number()).ok()?;
        self.rows.get(place)
    }

    /// How many processes wait for this one.
    pub(super) fn waiters(&self, pid: Pid) -> usize {
        self.waited_for_by.get(&pid).map_or(0, Vec::len)
    }

    /// A process as text, even if it has ended.
    pub(super) fn title(&self, pid: Pid) -> String {
        self.find(pid.number()).filter(|row| row.info.pid == pid).map_or_else(|| pid.to_string(), Row::title)
    }
}

impl Row {
    fn new(info: ProcessInfo, before: Option<&Self>, passed: Option<Duration>, now: Instant) -> Self {
        let change = before.map(|before| info.handled.saturating_sub(before.info.handled));
        let seconds = passed.unwrap_or_default().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate is shown with few digits")]
        let rate = change.filter(|_| seconds > 0.0).map_or(0.0, |change| change as f64 / seconds);
        let goes_on = |before: &Self| before.info.status == info.status && change == Some(0);
        let running_since = matches!(info.status, Status::Running(_))
            .then(|| before.filter(|before| goes_on(before)).and_then(|before| before.running_since).unwrap_or(now));
        let has_grown = before.is_some_and(|before| info.mailbox > before.info.mailbox);
        let is_filling = info.mailbox >= FULL_FROM || (info.mailbox >= FILLING_FROM && has_grown);
        let filling_since = is_filling.then(|| before.and_then(|before| before.filling_since).unwrap_or(now));
        let lost = |info: &ProcessInfo| info.refused + info.dropped;
        let has_refused = before.is_some_and(|before| lost(&info) > lost(&before.info));
        let was_refusing = before.and_then(|before| before.refusing);
        let refusing = match was_refusing {
            Some((since, _)) if has_refused => Some((since, now)),
            None if has_refused => Some((now, now)),
            Some((_, last)) if now.saturating_duration_since(last) > REFUSING_FOR => None,
            refusing => refusing,
        };
        Self { kind: kind::of(info.server), info, rate, running_since, filling_since, refusing }
    }

    /// The process as text.
    pub(super) fn title(&self) -> String {
        match self.info.name.as_ref().or(self.info.label.as_ref()) {
            Some(title) => format!("{title} {}", self.info.pid),
            None => self.info.pid.to_string(),
        }
    }

    /// The same without the pid.
    pub(super) fn short_title(&self) -> String {
        let title = self.info.name.as_ref().or(self.info.label.as_ref());
        title.cloned().unwrap_or_else(|| kind::title(self.kind, self.info.server))
    }

    /// Since when it has been in its callback, as far as that is known.
    pub(super) fn busy_since(&self) -> Option<Instant> {
        self.info.awaiting_since.or(self.running_since)
    }

    pub(super) fn refusing_since(&self) -> Option<Instant> {
        self.refusing.map(|(since, _)| since)
    }

    pub(super) fn busy(&self, now: Moment) -> Option<Duration> {
        self.busy_since().map(|since| now.since(since))
    }

    /// The row as it is shown.
    pub(super) fn show(&self, now: Moment) -> ProcessRow {
        let info = &self.info;
        ProcessRow {
            pid: info.pid.number(),
            name: info.name.clone(),
            label: info.label.clone(),
            server: info.server.to_owned(),
            kind: self.kind,
            parent: info.parent.map(Pid::number),
            state: info.status.to_string(),
            busy_ms: self.busy(now).map(millis).filter(|busy| *busy > 0),
            mailbox: info.mailbox,
            handled: info.handled,
            rate: self.rate,
            mailbox_max: info.mailbox_peak.max(info.mailbox),
            refused: info.refused,
            dropped: info.dropped,
            links: info.links.len(),
            monitors: info.monitors,
            restarts: info.restarts,
        }
    }
}
