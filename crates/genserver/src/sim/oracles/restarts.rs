//! How often supervisors restart: rule 14.
//!
//! The attempts are counted here once more, by the time of the simulation.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::Pid;

#[derive(Default)]
pub(super) struct Restarts {
    /// When each supervisor has restarted a child, as far back as that counts.
    attempts: BTreeMap<Pid, VecDeque<Duration>>,
}

impl Restarts {
    /// A supervisor restarts a child now, or gives up.
    pub(super) fn attempt(
        &mut self,
        pid: Pid,
        (max, within): (u32, Duration),
        now: Duration,
        gives_up: bool,
    ) -> Option<String> {
        let attempts = self.attempts.entry(pid).or_default();
        // An attempt counts as long as the time is not over, to its very end.
        while attempts.front().is_some_and(|then| now.saturating_sub(*then) > within) {
            attempts.pop_front();
        }
        let before = attempts.len();
        attempts.push_back(now);
        let has_space = before < max as usize;
        let limit = format!("{max} restarts within {within:?} are its limit");
        match (has_space, gives_up) {
            (true, true) => Some(format!("supervisor {pid} gives up after {before} restarts, and {limit}")),
            (false, false) => Some(format!("supervisor {pid} restarts once more after {before} restarts, and {limit}")),
            (true, false) | (false, true) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    //! Attempts that are too many, and ends that come too early.

    use super::super::tests::{broken, pid};
    use crate::node::record::Event;
    use std::time::Duration;

    fn restarts(supervisor: u64, gives_up: bool) -> Event {
        Event::Restarts { pid: pid(supervisor), limit: (2, Duration::from_millis(2)), gives_up }
    }

    #[test]
    fn a_supervisor_restarts_as_often_as_it_may() {
        let again = [restarts(1, false)];
        assert_eq!(broken(&[&again, &[], &again, &again]), None, "the third comes after the time of the first");
        let more = "supervisor <1> restarts once more after 2 restarts, and 2 restarts within 2ms are its limit";
        assert_eq!(broken(&[&again, &again, &again]).as_deref(), Some(more));
        assert_eq!(broken(&[&again, &again, &[restarts(2, false)]]), None, "each has a limit of its own");
    }

    #[test]
    fn a_supervisor_gives_up_when_it_has_restarted_so_often_and_not_before() {
        let (again, end) = ([restarts(1, false)], [restarts(1, true)]);
        assert_eq!(broken(&[&again, &again, &end]), None, "the time includes its end");
        let early = "supervisor <1> gives up after 1 restarts, and 2 restarts within 2ms are its limit";
        assert_eq!(broken(&[&again, &end]).as_deref(), Some(early));
        assert_eq!(broken(&[&again, &[], &again, &end]).as_deref(), Some(early), "the first counts no more");
    }
}
