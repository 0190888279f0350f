//! A scheduler that tries all schedules: first those without a preemption, then those with one, and so on.
//!
//! A *preemption* stops a thread that could go on. Where a thread cannot go on, each other thread is tried, which counts as
//! none. Most faults of this kind need one preemption or two.

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// Tries all schedules with a number of preemptions, then with one more, until its limit is reached.
#[derive(Debug)]
pub(crate) struct Exhaustive {
    left: usize,
    preemptions: usize,
    /// What was chosen at each step of the current schedule, out of how many.
    chosen: Vec<(usize, usize)>,
    step: usize,
    preempted: usize,
    begun: bool,
}

impl Exhaustive {
    /// Tries at most this many schedules.
    pub(crate) fn new(schedules: usize) -> Self {
        Self { left: schedules, preemptions: 0, chosen: Vec::new(), step: 0, preempted: 0, begun: false }
    }

    /// Changes the last choice that has an alternative; false if there is none.
    fn advance(&mut self) -> bool {
        while self.chosen.pop_if(|(choice, of)| *choice + 1 == *of).is_some() {}
        let Some((choice, _)) = self.chosen.last_mut() else { return false };
        *choice += 1;
        true
    }
}

impl Scheduler for Exhaustive {
    #[expect(clippy::print_stderr, reason = "tells a person how far it came; the test runner shows it when asked")]
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.begun && !self.advance() {
            eprintln!("every schedule with {} preemptions or less was tried", self.preemptions);
            self.preemptions += 1;
        }
        self.begun = true;
        (self.step, self.preempted) = (0, 0);
        self.left = self.left.checked_sub(1)?;
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let goes_on = current.filter(|current| !is_yielding && runnable.iter().any(|task| task.id() == *current));
        let others = runnable.iter().map(|task| task.id()).filter(|id| Some(*id) != goes_on);
        let choices: Vec<TaskId> = match goes_on {
            Some(current) if self.preempted == self.preemptions => vec![current],
            Some(current) => std::iter::once(current).chain(others).collect(),
            None => others.collect(),
        };
        if self.step == self.chosen.len() {
            self.chosen.push((0, choices.len()));
        }
        let (choice, of) = self.chosen[self.step];
        assert_eq!(of, choices.len(), "something besides the schedule decides");
        self.step += 1;
        self.preempted += usize::from(goes_on.is_some() && choice > 0);
        Some(choices[choice])
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("a model draws nothing")
    }
}
