//! How processes end: rules 1 to 4.

use std::collections::BTreeSet;

use crate::node::record::Arrival;
use crate::{Callback, Pid};

/// Which processes have ended.
#[derive(Default)]
pub(super) struct Lives {
    ended: BTreeSet<Pid>,
    terminated: BTreeSet<Pid>,
    /// Those that have ended in this step.
    just_now: Vec<Pid>,
}

impl Lives {
    pub(super) fn has_ended(&self, pid: Pid) -> bool {
        self.ended.contains(&pid)
    }

    /// The processes that have ended since the last time.
    pub(super) fn ended_just_now(&mut self) -> Vec<Pid> {
        std::mem::take(&mut self.just_now)
    }

    pub(super) fn ended(&mut self, pid: Pid) -> Option<String> {
        if !self.ended.insert(pid) {
            return Some(format!("process {pid} has ended twice"));
        }
        self.just_now.push(pid);
        None
    }

    pub(super) fn began(&mut self, pid: Pid, callback: Callback) -> Option<String> {
        if self.ended.contains(&pid) {
            return Some(format!("a callback of process {pid} begins after its end"));
        }
        let is_second = callback == Callback::Terminate && !self.terminated.insert(pid);
        is_second.then(|| format!("process {pid} has terminated twice"))
    }

    pub(super) fn arrived(&self, at: Pid, from: Pid, what: Arrival) -> Option<String> {
        let is_message = matches!(what, Arrival::Call | Arrival::Cast | Arrival::Letter);
        let is_late = is_message && self.ended.contains(&from);
        is_late.then(|| format!("process {at} gets a message that process {from} sent after its end"))
    }
}

#[cfg(test)]
mod tests {
    //! Each of them with events that break it.

    use super::super::tests::{arrived, broken, ended, pid};
    use super::*;
    use crate::node::record::Event;

    fn began(serial: u64, callback: Callback) -> Event {
        Event::Began { pid: pid(serial), callback, text: None }
    }

    #[test]
    fn a_process_ends_once_and_terminates_once() {
        assert_eq!(broken(&[&[began(1, Callback::Terminate), ended(1), ended(2)]]), None);
        assert_eq!(broken(&[&[ended(1)], &[ended(1)]]).as_deref(), Some("process <1> has ended twice"));
        let twice = [began(1, Callback::Terminate), began(1, Callback::Terminate)];
        assert_eq!(broken(&[&twice]).as_deref(), Some("process <1> has terminated twice"));
    }

    #[test]
    fn nothing_comes_of_a_process_after_its_end() {
        assert!(broken(&[&[ended(1), began(1, Callback::Call)]]).is_some());
        assert!(broken(&[&[ended(1), arrived(2, 1, Arrival::Cast)]]).is_some());
        assert!(broken(&[&[arrived(2, 1, Arrival::Cast), ended(1)]]).is_none());
    }
}
