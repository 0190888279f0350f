//! The choices of a run: which task goes on, whether a caller runs a server itself, which faults happen, what is drawn.
//!
//! A choice is a number, and 0 is the usual way: the task that has waited longest, a server run by its caller, no fault. So a
//! list of choices is a run, and a list of nearly nothing but zeros is a run that is easy to understand.
//!
//! There are three lists: the schedule, the faults, and what the test draws. So a fault that is taken out of a run leaves the places
//! of the schedule as they were.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::numbers::{Numbers, Seed, by_number};
use super::search::order::Order;

/// The choices of a run that were made, or are to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) schedule: Vec<u32>,
    pub(super) faults: Vec<u32>,
    /// What these draws are, above the beginnings of their ranges. Of the others the seed says it.
    pub(super) draws: BTreeMap<Draw, u64>,
}

impl Made {
    /// The same, without the usual choices at the ends of the lists.
    pub(super) fn trimmed(mut self) -> Self {
        for list in [&mut self.schedule, &mut self.faults] {
            list.truncate(list.iter().rposition(|choice| *choice != 0).map_or(0, |last| last + 1));
        }
        self
    }

    /// How many choices of the schedule are not the usual ones.
    pub(super) fn unusual(&self) -> usize {
        self.schedule.iter().filter(|choice| **choice != 0).count()
    }

    /// How many faults happen.
    pub(super) fn faults(&self) -> usize {
        self.faults.iter().filter(|choice| **choice != 0).count()
    }
}

/// A number that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Draw {
    /// Who draws it: zero for the test, and another number for each client and for each `Draws`.
    pub(super) by: u64,
    /// How many it has drawn before.
    pub(super) number: usize,
}

/// Where a run's choices come from.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) seed: Seed,
    /// The first choices of each list, ...
    pub(super) first: Made,
    /// ... how the schedule goes on after them, ...
    pub(super) order: Order,
    /// ... and whether faults do.
    pub(super) has_faults: bool,
    /// Tells schedules of one seed apart. What is drawn is the same.
    pub(super) walk: u64,
}

/// A place in the lists of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) schedule: usize,
    pub(super) faults: usize,
}

/// A list of choices that grows.
#[derive(Default)]
struct List {
    made: Vec<u32>,
    /// Among how many each was made.
    of: Vec<u32>,
}

impl List {
    /// Notes a choice, if there was one to make. One of a recipe that is not possible becomes the last that is.
    fn make(&mut self, of: usize, wanted: usize) -> usize {
        if of < 2 {
            return 0;
        }
        let choice = wanted.min(of - 1);
        self.made.push(u32::try_from(choice).unwrap_or(u32::MAX));
        self.of.push(u32::try_from(of).unwrap_or(u32::MAX));
        choice
    }
}

/// The choices of one run.
///
/// Numbers that the test draws have a stream of their own: they are the same whatever is chosen besides.
pub(super) struct Choices {
    plan: Plan,
    schedule: List,
    faults: List,
    /// What was drawn, above the beginning of its range.
    drawn: Vec<(Draw, u64)>,
    schedule_numbers: Numbers,
    fault_numbers: Numbers,
    /// For each that draws: the test, which is the first, its clients and each `Draws`. And how many it has drawn.
    workload: Vec<(Numbers, usize)>,
    entropy: Numbers,
}

impl Choices {
    pub(super) fn new(plan: Plan) -> Self {
        let (Seed(seed), walk) = (plan.seed, plan.walk);
        let stream = |number| Numbers::stream(seed, number);
        Self {
            plan,
            schedule: List::default(),
            faults: List::default(),
            drawn: Vec::new(),
            schedule_numbers: stream(walk << 8),
            fault_numbers: stream(walk << 8 | 3),
            workload: Vec::new(),
            entropy: stream(2),
        }
    }

    /// Which of these tasks goes on: a place in the list, which is not empty.
    pub(super) fn task(&mut self, ready: &[u64]) -> usize {
        let place = self.schedule.made.len();
        let wanted = match self.plan.first.schedule.get(place) {
            Some(choice) => *choice as usize,
            None => self.plan.order.task(ready, place, &mut self.schedule_numbers),
        };
        self.schedule.make(ready.len(), wanted)
    }

    /// Whether a caller may run an idle server.
    pub(super) fn runs_inline(&mut self) -> bool {
        !self.binary(Order::is_queued)
    }

    /// Whether something is not as usual.
    fn binary(&mut self, decide: fn(&mut Order, usize, &mut Numbers) -> bool) -> bool {
        let place = self.schedule.made.len();
        let wanted = match self.plan.first.schedule.get(place) {
            Some(choice) => *choice as usize,
            None => usize::from(decide(&mut self.plan.order, place, &mut self.schedule_numbers)),
        };
        self.schedule.make(2, wanted) == 1
    }

    /// Whether a task lets others go on at a point.
    pub(super) fn gives_way(&mut self) -> bool {
        self.binary(Order::gives_way)
    }

    /// Which of some faults happens now, and in which of its ways, if one does: one choice. Each fault has so many ways, and once
    /// in so many times one happens.
    pub(super) fn fault(&mut self, ways: &[usize], once_in: u64) -> Option<(usize, usize)> {
        let all: usize = ways.iter().sum();
        let chosen = self.choose_fault(all + 1, |numbers| {
            if !numbers.once_in(once_in) {
                return 0;
            }
            let fault = numbers.place(ways.len());
            1 + ways[..fault].iter().sum::<usize>() + numbers.place(ways[fault])
        });
        let mut way = chosen.checked_sub(1)?;
        for (fault, ways) in ways.iter().enumerate() {
            if way < *ways {
                return Some((fault, way));
            }
            way -= ways;
        }
        None
    }

    /// One of so many things about the faults: which process one happens to, or whether there are faults of some kind.
    pub(super) fn of_faults(&mut self, of: usize) -> usize {
        self.choose_fault(of, |numbers| numbers.place(of))
    }

    fn choose_fault(&mut self, of: usize, draw: impl FnOnce(&mut Numbers) -> usize) -> usize {
        let wanted = match self.plan.first.faults.get(self.faults.made.len()) {
            Some(choice) => *choice as usize,
            None if self.plan.has_faults => draw(&mut self.fault_numbers),
            None => 0,
        };
        self.faults.make(of, wanted)
    }

    /// What the test draws, or one of its clients: the numbers of one do not depend on how many another has drawn.
    #[track_caller]
    pub(super) fn draw(&mut self, by: u64, range: Range<u64>) -> u64 {
        assert!(!range.is_empty(), "there is nothing to draw from an empty range");
        let width = range.end - range.start;
        let Seed(seed) = self.plan.seed;
        while self.workload.len() as u64 <= by {
            let stream = 1 + ((self.workload.len() as u64) << 8);
            self.workload.push((Numbers::stream(seed, stream), 0));
        }
        let (numbers, count) = &mut self.workload[by_number(by)];
        let draw = Draw { by, number: *count };
        *count += 1;
        // The seed's number is taken in any case, so that one draw that is given leaves the others as they are.
        let number = numbers.below(width);
        let given = self.plan.first.draws.get(&draw);
        let number = given.map_or(number, |given| (*given).min(width - 1));
        self.drawn.push((draw, number));
        range.start + number
    }

    /// What the program draws.
    pub(super) fn entropy(&mut self) -> u64 {
        self.entropy.next()
    }

    /// How many choices were made so far.
    pub(super) fn place(&self) -> Place {
        Place { schedule: self.schedule.made.len(), faults: self.faults.made.len() }
    }

    /// The unusual choices from a place on, each as it stands in a recipe.
    pub(super) fn unusual_since(&self, first: Place) -> Vec<Unusual> {
        let unusual = |list: &List, from: usize, list_is: fn(usize, u32) -> Unusual| {
            let choices = list.made.iter().enumerate().skip(from).filter(|(_, choice)| **choice != 0);
            choices.map(|(place, choice)| list_is(place, *choice)).collect::<Vec<_>>()
        };
        let mut all = unusual(&self.schedule, first.schedule, Unusual::Schedule);
        all.extend(unusual(&self.faults, first.faults, Unusual::Fault));
        all
    }

    /// A step of this task has sent to the processes with these numbers.
    pub(super) fn note_step(&mut self, task: u64, sent_to: impl Iterator<Item = u64>) {
        self.plan.order.note_step(task, sent_to);
    }

    /// All that was chosen, and what else could have been.
    pub(super) fn take(&mut self) -> (Made, Alternatives) {
        let (schedule, faults) = (std::mem::take(&mut self.schedule), std::mem::take(&mut self.faults));
        let draws = std::mem::take(&mut self.plan.first.draws);
        let drawn = std::mem::take(&mut self.drawn);
        let made = Made { schedule: schedule.made, faults: faults.made, draws };
        (made, Alternatives { schedule: schedule.of, faults: faults.of, drawn })
    }
}

/// What else a run could have chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternatives {
    /// Among how many each choice was made.
    pub(super) schedule: Vec<u32>,
    pub(super) faults: Vec<u32>,
    /// What was drawn, above the beginning of its range, in the order in which that happened.
    pub(super) drawn: Vec<(Draw, u64)>,
}

/// An unusual choice: its place and what was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusual {
    Schedule(usize, u32),
    Fault(usize, u32),
}

/// As in a recipe.
impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule(place, choice) => write!(f, "/{place}.{choice}"),
            Self::Fault(place, choice) => write!(f, "/f{place}.{choice}"),
        }
    }
}
