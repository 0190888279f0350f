//! How a run chooses the task that goes on.

use std::collections::BTreeMap;

use crate::sim::numbers::{Numbers, Seed, by_number};

/// Of so many decisions whether a caller may run an idle server, one says no.
const QUEUED_ONE_IN: u64 = 8;

/// Within so many steps a priority changes. Most failing runs are shorter.
const CHANGES_WITHIN: u64 = 200;

/// So many times in a row the task of the highest priority goes on while others wait. Then it is one that only looks again and
/// again whether another has got on, and has to let it.
const ROW_MAX: u32 = 50;

/// How the next task is chosen.
#[derive(Clone)]
pub(in crate::sim) enum Order {
    /// The one that has waited longest.
    Usual,
    /// Any of those that are ready.
    Random,
    /// The one of the highest priority.
    Priorities(Priorities),
    /// Any, but one that had twice as much to do in an earlier run is twice as likely. So each order of all steps is about equally
    /// likely, while in a random walk a long task is always late.
    Weighted(BTreeMap<u64, u64>),
    /// The usual way but for the choices at these places.
    Few(Vec<usize>),
    /// A task is held back until another has done what it was about to do.
    Held(Held),
}

/// Each task has a priority. At some steps the task that was just chosen gets the lowest.
#[derive(Clone)]
pub(in crate::sim) struct Priorities {
    /// By the numbers of the tasks; zero for one that has none yet.
    of: Vec<u64>,
    changes: Vec<u64>,
    step: u64,
    lowest: u64,
    /// Who went on last, and how many times in a row.
    row: (u64, u32),
}

/// The second message of a race is to come first.
#[derive(Clone)]
pub(in crate::sim) struct Held {
    /// The task that sent the first one, ...
    task: u64,
    /// ... and the one that sends the second, and the number of the process it goes to.
    until: (u64, u64),
    is_over: bool,
}

impl Held {
    pub(super) fn new(task: u64, until: (u64, u64)) -> Self {
        Self { task, until, is_over: false }
    }
}

impl Order {
    /// That of a seed for which nothing else is said: half of them walk at random, the others have priorities.
    pub(in crate::sim) fn of_seed(Seed(seed): Seed) -> Self {
        let mut numbers = Numbers::stream(seed, 4);
        if numbers.once_in(2) { Self::Random } else { Self::priorities(&mut numbers) }
    }

    /// Priorities that change at one to three steps.
    pub(super) fn priorities(numbers: &mut Numbers) -> Self {
        let changes = (0..=numbers.below(3)).map(|_| numbers.below(CHANGES_WITHIN)).collect();
        Self::Priorities(Priorities { of: Vec::new(), changes, step: 0, lowest: u64::MAX >> 1, row: (0, 0) })
    }

    /// One or two unusual choices in a run with so many.
    pub(super) fn few(choices: usize, numbers: &mut Numbers) -> Self {
        Self::Few((0..=numbers.below(2)).map(|_| numbers.place(choices)).collect())
    }

    /// Which of these tasks goes on at this place of the schedule: a place in the list.
    pub(in crate::sim) fn task(&mut self, ready: &[u64], place: usize, numbers: &mut Numbers) -> usize {
        match self {
            Self::Random => numbers.place(ready.len()),
            Self::Priorities(priorities) => priorities.next(ready, numbers),
            Self::Weighted(left) => weighted(left, ready, numbers),
            Self::Few(places) if places.contains(&place) && ready.len() > 1 => 1 + numbers.place(ready.len() - 1),
            Self::Usual | Self::Few(_) => 0,
            Self::Held(held) => held.next(ready),
        }
    }

    /// Whether a caller may not run an idle server, at this place of the schedule.
    pub(in crate::sim) fn is_queued(&mut self, place: usize, numbers: &mut Numbers) -> bool {
        self.is_unusual(place, QUEUED_ONE_IN, numbers)
    }

    /// Whether a task lets others go on at a point.
    pub(in crate::sim) fn gives_way(&mut self, place: usize, numbers: &mut Numbers) -> bool {
        self.is_unusual(place, 2, numbers)
    }

    /// Whether what is decided at this place is not as usual, where it is drawn once in so many times.
    fn is_unusual(&mut self, place: usize, once_in: u64, numbers: &mut Numbers) -> bool {
        match self {
            Self::Usual | Self::Held(_) => false,
            Self::Few(places) => places.contains(&place),
            Self::Random | Self::Priorities(_) | Self::Weighted(_) => numbers.once_in(once_in),
        }
    }

    /// A step of this task has sent to these mailboxes.
    pub(in crate::sim) fn note_step(&mut self, task: u64, mut sent_to: impl Iterator<Item = u64>) {
        match self {
            Self::Held(held) if task == held.until.0 => {
                held.is_over |= sent_to.any(|mailbox| mailbox == held.until.1);
            }
            Self::Weighted(left) => {
                if let Some(left) = left.get_mut(&task) {
                    *left = left.saturating_sub(1).max(1);
                }
            }
            _ => {}
        }
    }
}

impl Priorities {
    fn next(&mut self, ready: &[u64], numbers: &mut Numbers) -> usize {
        let Self { of, changes, step, lowest, row } = self;
        *step += 1;
        for task in ready {
            let place = by_number(*task);
            if of.len() <= place {
                of.resize(place + 1, 0);
            }
            if of[place] == 0 {
                of[place] = (1 << 63) | numbers.next() >> 1;
            }
        }
        let highest = (0..ready.len()).max_by_key(|place| of[by_number(ready[*place])]).unwrap_or_default();
        let task = ready[highest];
        *row = (task, if row.0 == task && ready.len() > 1 { row.1 + 1 } else { 0 });
        if changes.contains(step) || row.1 > ROW_MAX {
            *lowest -= 1;
            of[by_number(task)] = *lowest;
        }
        highest
    }
}

/// A place in the list, drawn by what each task has left to do. One that is not known has a single step.
fn weighted(left: &BTreeMap<u64, u64>, ready: &[u64], numbers: &mut Numbers) -> usize {
    let weight = |task: &u64| left.get(task).copied().unwrap_or(1);
    let mut drawn = numbers.below(ready.iter().map(weight).sum());
    for (place, task) in ready.iter().enumerate() {
        match drawn.checked_sub(weight(task)) {
            Some(rest) => drawn = rest,
            None => return place,
        }
    }
    0
}

impl Held {
    fn next(&mut self, ready: &[u64]) -> usize {
        if self.is_over {
            return 0;
        }
        let other = ready.iter().position(|task| *task != self.task);
        // Nobody else is left to do it: then the order of the two is not free.
        self.is_over = other.is_none();
        other.unwrap_or_default()
    }
}
