//! Monitors and what they bring: rules 6 to 9.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use crate::node::record::Arrival;
use crate::{MonitorRef, Pid};

/// A monitor: the process that is watched, the node of the watcher, and the reference, which is unique there.
type Key = (Pid, u32, MonitorRef);

/// Those that no other comes before or after.
const FIRST: MonitorRef = MonitorRef(NonZeroU64::MIN);
const LAST: MonitorRef = MonitorRef(NonZeroU64::MAX);

#[derive(Default)]
pub(super) struct Monitors {
    /// Those that have not brought their `Down`.
    set: BTreeMap<Key, Monitor>,
    /// Those of processes that had ended before. They are due in this step.
    refused: Vec<Key>,
    /// The `Down`s that are in mailboxes, and how many messages have come to the same mailbox since.
    queued: BTreeMap<(Pid, MonitorRef), usize>,
    /// Those of them that a server has to handle.
    at_servers: Vec<(Pid, MonitorRef)>,
}

#[derive(Clone, Copy)]
struct Monitor {
    by: Pid,
    is_refused: bool,
}

impl Monitors {
    pub(super) fn set(&mut self, pid: Pid, by: Pid, reference: MonitorRef, is_refused: bool) {
        let key = (pid, by.node(), reference);
        self.set.insert(key, Monitor { by, is_refused });
        if is_refused {
            self.refused.push(key);
        }
    }

    pub(super) fn taken_back(&mut self, pid: Pid, by_node: u32, reference: MonitorRef) {
        self.set.remove(&(pid, by_node, reference));
    }

    /// A `Down` comes to `at`.
    pub(super) fn down(
        &mut self,
        at: Pid,
        from: Pid,
        reference: MonitorRef,
        has_ended: bool,
        is_queued: bool,
    ) -> Option<String> {
        if is_queued {
            self.queued.insert((at, reference), 0);
            self.at_servers.push((at, reference));
        }
        match self.set.remove(&(from, at.node(), reference)) {
            None => Some(format!("process {at} gets a `Down` of process {from} although none is due")),
            Some(Monitor { is_refused: false, .. }) if !has_ended => {
                Some(format!("process {at} gets the `Down` of process {from} before its end"))
            }
            Some(_) => None,
        }
    }

    /// Something comes to a process. Signals are not among what is behind a `Down` that is taken.
    pub(super) fn arrived(&mut self, at: Pid, what: Arrival) {
        let is_message =
            matches!(what, Arrival::Call | Arrival::Cast | Arrival::Info | Arrival::Lazy | Arrival::Letter);
        if is_message && !self.queued.is_empty() {
            for (_, since) in self.queued.range_mut((at, FIRST)..=(at, LAST)) {
                *since += 1;
            }
        }
    }

    /// A `Down` is taken out of a mailbox, in which so many messages are behind it.
    pub(super) fn taken(&mut self, at: Pid, reference: MonitorRef, behind: usize) -> Option<String> {
        let since = self.queued.remove(&(at, reference))?;
        let overtaken = behind.checked_sub(since).filter(|overtaken| *overtaken > 0)?;
        Some(format!("process {at} handles a `Down` before {overtaken} of the messages that came before it"))
    }

    /// This process has ended, and its mailbox is gone.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.queued.retain(|(at, _), _| *at != pid);
    }

    /// The step is over, in which these processes have ended.
    pub(super) fn end_step(&mut self, ended: &[Pid], is_idle: &impl Fn(Pid) -> Option<bool>) -> Option<String> {
        // As in nearly every step.
        if ended.is_empty() && self.refused.is_empty() && self.at_servers.is_empty() {
            return None;
        }
        let mut refused = std::mem::take(&mut self.refused).into_iter();
        let missing = refused.find_map(|key| Some((key.0, self.set.get(&key)?.by)));
        let missing = missing.or_else(|| ended.iter().find_map(|pid| Some((*pid, self.watcher(*pid)?))));
        if let Some((pid, by)) = missing {
            return Some(format!("process {by} monitors process {pid}, which has ended, and gets no `Down`"));
        }
        let Self { queued, at_servers, .. } = self;
        let mut lost = None;
        at_servers.retain(|key| {
            let is_idle = if queued.contains_key(key) { is_idle(key.0) } else { None };
            if is_idle == Some(true) {
                lost = Some(key.0);
            }
            is_idle == Some(false)
        });
        lost.map(|at| format!("process {at} has nothing to do, and has not handled a `Down` that came to it"))
    }

    /// A process that monitors this one.
    fn watcher(&self, pid: Pid) -> Option<Pid> {
        self.set.range((pid, 0, FIRST)..=(pid, u32::MAX, LAST)).next().map(|(_, monitor)| monitor.by)
    }
}

#[cfg(test)]
mod tests {
    //! Each of them with events that break it.

    use super::super::tests::{arrived, broken, broken_when, ended, pid};
    use super::*;
    use crate::node::record::Event;

    /// Process 2 monitors process 1.
    fn set(is_refused: bool) -> Event {
        Event::Monitored { pid: pid(1), by: pid(2), reference: FIRST, is_refused }
    }

    fn down(is_queued: bool) -> Event {
        Event::DownCame { at: pid(2), from: pid(1), reference: FIRST, is_queued }
    }

    fn taken(behind: usize) -> Event {
        Event::DownTaken { at: pid(2), reference: FIRST, behind }
    }

    #[test]
    fn a_monitor_brings_one_down() {
        let not_due = "process <2> gets a `Down` of process <1> although none is due";
        assert_eq!(broken(&[&[set(false)], &[ended(1), down(true), taken(0)]]), None);
        assert_eq!(broken(&[&[set(false)], &[ended(1), down(true), down(false)]]).as_deref(), Some(not_due));
        let taken_back = Event::Demonitored { pid: pid(1), by_node: 1, reference: FIRST };
        assert_eq!(broken(&[&[set(false), taken_back], &[ended(1), down(true)]]).as_deref(), Some(not_due));
    }

    #[test]
    fn a_down_comes_when_the_process_ends() {
        let missing = "process <2> monitors process <1>, which has ended, and gets no `Down`";
        assert_eq!(broken(&[&[set(false)], &[ended(1)]]).as_deref(), Some(missing));
        assert_eq!(broken(&[&[ended(1)], &[set(true)]]).as_deref(), Some(missing));
        assert_eq!(broken(&[&[ended(1)], &[set(true), down(true)]]), None);
        let early = "process <2> gets the `Down` of process <1> before its end";
        assert_eq!(broken(&[&[set(false), down(true), ended(1)]]).as_deref(), Some(early));
        // A function that is never polled again has not ended yet, and is not monitored any more.
        assert_eq!(broken(&[&[set(true), down(true)], &[ended(1)]]), None);
    }

    #[test]
    fn a_down_is_handled_after_what_came_before_it() {
        let came = || arrived(2, 3, Arrival::Cast);
        let ends = |events: &[Event]| broken(&[&[set(false), came(), ended(1), down(true)], events]);
        assert_eq!(ends(&[taken(0)]), None);
        assert_eq!(ends(&[came(), taken(1)]), None);
        let overtakes = "process <2> handles a `Down` before 1 of the messages that came before it";
        assert_eq!(ends(&[taken(1)]).as_deref(), Some(overtakes));
        assert_eq!(ends(&[came(), taken(2)]).as_deref(), Some(overtakes));
    }

    #[test]
    fn a_server_with_nothing_to_do_has_handled_each_down() {
        let steps: [&[Event]; 2] = [&[set(false), ended(1), down(true)], &[]];
        let lost = "process <2> has nothing to do, and has not handled a `Down` that came to it";
        assert_eq!(broken_when(Some(true), &steps).as_deref(), Some(lost));
        assert_eq!(broken_when(Some(false), &steps), None);
        assert_eq!(broken_when(None, &steps), None, "a process without a server takes what it likes");
        assert_eq!(broken_when(Some(true), &[&[set(false), ended(1), down(true), taken(0)]]), None);
        assert_eq!(broken_when(Some(true), &[&[set(false), ended(1), down(true), ended(2)]]), None);
    }
}
