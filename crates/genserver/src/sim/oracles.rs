//! What holds in every run of every program, and is checked without a word of the test's.
//!
//! Processes (`lives`):
//!
//! 1. A process ends once.
//! 2. It terminates once at most.
//! 3. No callback of it begins after its end.
//! 4. Nothing that it sends arrives after its end.
//! 5. When the node is shut down, no process is left.
//!
//! Monitors (`monitors`):
//!
//! 6. A monitor brings one `Down`, and none once it was taken back.
//! 7. The `Down` comes when the process ends: not before it, and in the same step.
//! 8. It is handled after every message that came before it, which with 4 and 7 is every message of the process that has ended.
//! 9. It is handled: no server that has nothing to do has one in its mailbox.
//!
//! Calls (`calls`):
//!
//! 10. A call ends once: with an answer, at its timeout, with the end of its server, refused, or given up.
//! 11. When a server ends, so do all calls to it, in the same step.
//! 12. A call whose `Caller` is dropped ends when the server has nothing more to do.
//! 13. An answer ends the call that it is the answer to, and no other: so none comes from another incarnation than was asked.
//!
//! Some of 10 is left to the compiler, and there is nothing to check: [`reply`](crate::Caller::reply) consumes its `Caller`, which
//! cannot be cloned, so a server does not answer twice; and a call is a future with one output, so a caller does not see two ends.
//! What is checked is that of a reply, a timeout, an end and a caller who gives up only the first counts.
//!
//! Supervisors (`restarts`):
//!
//! 14. A supervisor restarts children as often as its limit allows within its time, and then it gives up.

use std::time::Duration;

use crate::node::record::Event;
use crate::{Node, Pid, node};

use super::failure;

// How processes end.
mod lives;
// Monitors and what they bring.
mod monitors;
// Calls and how they end.
mod calls;
// How often supervisors restart.
mod restarts;

use calls::Calls;
use lives::Lives;
use monitors::Monitors;
use restarts::Restarts;

/// What the events so far say of each process.
#[derive(Default)]
pub(super) struct Oracles {
    lives: Lives,
    monitors: Monitors,
    calls: Calls,
    restarts: Restarts,
    broken: Option<String>,
}

impl Oracles {
    /// Looks at the events of a step, at this time.
    pub(super) fn see(&mut self, events: &[Event], now: Duration) {
        self.see_with(events, now, |pid| node::find(pid)?.is_idle());
    }

    /// What does not hold, if something does not.
    pub(super) fn broken(&mut self) -> Option<String> {
        self.broken.take()
    }

    /// `is_idle` says whether a server has nothing to do; `None` if there is no such server.
    fn see_with(&mut self, events: &[Event], now: Duration, is_idle: impl Fn(Pid) -> Option<bool>) {
        for event in events {
            if let Some(broken) = self.look(event, now) {
                self.broken.get_or_insert(broken);
            }
        }
        let ended = self.lives.ended_just_now();
        let broken = self.monitors.end_step(&ended, &is_idle).or_else(|| self.calls.end_step(&ended, &is_idle));
        if let Some(broken) = broken {
            self.broken.get_or_insert(broken);
        }
    }

    fn look(&mut self, event: &Event, now: Duration) -> Option<String> {
        match event {
            Event::Arrived { at, from, what, call, .. } => {
                self.monitors.arrived(*at, *what);
                self.calls.arrived(*at, *from, *what, *call);
                self.lives.arrived(*at, *from, *what)
            }
            Event::Refused { at, .. } => {
                self.calls.refused(*at);
                None
            }
            Event::Began { pid, callback, .. } => self.lives.began(*pid, *callback),
            Event::Replied { from, to, call, answered, .. } => self.calls.replied(*from, *to, *call, *answered),
            Event::Abandoned { call } => {
                self.calls.abandoned(*call);
                None
            }
            Event::Unanswered { call, pid } => {
                self.calls.unanswered(*call, *pid);
                None
            }
            Event::Monitored { pid, by, reference, is_refused } => {
                self.monitors.set(*pid, *by, *reference, *is_refused);
                None
            }
            Event::Demonitored { pid, by_node, reference } => {
                self.monitors.taken_back(*pid, *by_node, *reference);
                None
            }
            Event::DownCame { at, from, reference, is_queued } => {
                let has_ended = self.lives.has_ended(*from);
                self.monitors.down(*at, *from, *reference, has_ended, *is_queued)
            }
            Event::DownTaken { at, reference, behind } => self.monitors.taken(*at, *reference, *behind),
            Event::Restarts { pid, limit, gives_up } => self.restarts.attempt(*pid, *limit, now, *gives_up),
            Event::Ended { pid, .. } => {
                self.monitors.forget(*pid);
                self.lives.ended(*pid)
            }
            _ => None,
        }
    }
}

/// What a node that is shut down has left behind, if it has.
pub(super) fn left(node: &Node) -> Option<String> {
    let is_empty = node.process_list().is_empty();
    let text = || format!("the test has ended, and these processes are left{}", failure::processes(node));
    (!is_empty).then(text)
}

#[cfg(test)]
mod tests {
    //! What the tests of each kind have in common.

    use super::*;
    use crate::node::record::{Arrival, CallId};

    pub(super) fn pid(serial: u64) -> Pid {
        Pid::new(1, 0, serial)
    }

    pub(super) fn ended(serial: u64) -> Event {
        Event::Ended { pid: pid(serial), reason: None }
    }

    /// Something other than a call comes to a process.
    pub(super) fn arrived(at: u64, from: u64, what: Arrival) -> Event {
        Event::Arrived { at: pid(at), from: pid(from), what, kind: 0, call: CallId::NONE, text: None }
    }

    /// What these steps break, each a millisecond after the one before.
    pub(super) fn broken(steps: &[&[Event]]) -> Option<String> {
        broken_when(None, steps)
    }

    /// The same when every server has nothing to do at the end of each step, or is in the middle of something.
    pub(super) fn broken_when(is_idle: Option<bool>, steps: &[&[Event]]) -> Option<String> {
        let mut oracles = Oracles::default();
        for (number, events) in (0..).zip(steps) {
            oracles.see_with(events, Duration::from_millis(number), |_| is_idle);
        }
        oracles.broken()
    }
}
