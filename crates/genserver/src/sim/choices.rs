//! The choices of a run: which task goes on, whether a caller runs a server itself, which faults happen, what is drawn.
//!
//! A choice is a number, and 0 is the usual way: the task that has waited longest, a server run by its caller, no fault. So a
//! list of choices is a run, and a list of nearly nothing but zeros is a run that is easy to understand.

use std::collections::BTreeMap;
use std::ops::Range;

use super::recipe::{Recipe, Seed};

/// Of so many decisions whether a caller may run an idle server, one says no.
const QUEUED_ONE_IN: u64 = 8;

/// Of so many steps, one has a fault.
const FAULT_ONE_IN: u64 = 24;

/// Within so many steps a priority changes. Most failing runs are shorter.
const CHANGES_WITHIN: u64 = 200;

/// So many times in a row the task of the highest priority goes on while others wait. Then it is one that only looks again and
/// again whether another has got on, and has to let it.
const ROW_MAX: u32 = 50;

/// Random numbers by `SplitMix64`, which needs no state but a counter.
struct Numbers(u64);

/// One step of `SplitMix64`.
pub(super) fn mixed(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Numbers {
    fn next(&mut self) -> u64 {
        let number = mixed(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        number
    }

    /// A number less than `end`, which is not zero. All are equally likely, but for an error of `end` in 2^64.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// How the next task is chosen by a seed.
enum Order {
    /// Any of those that are ready.
    Random,
    /// The one of the highest priority. At these steps the task that was just chosen gets the lowest.
    Priorities {
        of: BTreeMap<u64, u64>,
        changes: Vec<u64>,
        lowest: u64,
        /// Who went on last, and how many times in a row.
        row: (u64, u32),
    },
}

/// Where the choices come from.
enum Source {
    Drawn(Drawn),
    /// A recipe, and zeros after its end.
    Given(Vec<u32>),
}

/// What a seed draws its choices from.
struct Drawn {
    schedule: Numbers,
    faults: Numbers,
    order: Order,
    steps: u64,
}

/// The choices of one run.
///
/// Numbers that the test draws have a stream of their own: they are the same whatever is chosen besides.
pub(super) struct Choices {
    source: Source,
    workload: Numbers,
    entropy: Numbers,
    /// What was chosen so far, where there was a choice.
    made: Vec<u32>,
}

impl Choices {
    pub(super) fn new(recipe: &Recipe) -> Self {
        let Seed(seed) = recipe.seed;
        let stream = |number: u64| Numbers(mixed(seed ^ mixed(number)));
        let source = recipe.choices.clone().map_or_else(|| drawn(stream(0), stream(3)), Source::Given);
        Self { source, workload: stream(1), entropy: stream(2), made: Vec::new() }
    }

    /// Which of these tasks goes on: a place in the list, which is not empty.
    pub(super) fn task(&mut self, ready: &[u64]) -> usize {
        self.choose(ready.len(), |drawn| {
            drawn.steps += 1;
            drawn.order.next(ready, drawn.steps, &mut drawn.schedule)
        })
    }

    /// Whether a caller may run an idle server.
    pub(super) fn runs_inline(&mut self) -> bool {
        self.choose(2, |drawn| usize::from(drawn.schedule.below(QUEUED_ONE_IN) == 0)) == 0
    }

    /// Which of so many faults happens now, if one does.
    pub(super) fn fault(&mut self, kinds: usize) -> Option<usize> {
        let chosen = self.choose(kinds + 1, |Drawn { faults, .. }| {
            let strikes = faults.below(FAULT_ONE_IN) == 0;
            if strikes { 1 + less_than(kinds, faults) } else { 0 }
        });
        chosen.checked_sub(1)
    }

    /// Which of so many things a fault happens to.
    pub(super) fn victim(&mut self, of: usize) -> usize {
        self.choose(of, |drawn| less_than(of, &mut drawn.faults))
    }

    /// Draws a choice among so many, or makes the one of the recipe; and notes it if there was a choice. One of a recipe that is no
    /// longer possible becomes the last that is.
    fn choose(&mut self, of: usize, draw: impl FnOnce(&mut Drawn) -> usize) -> usize {
        let wanted = match &mut self.source {
            Source::Drawn(drawn) => draw(drawn),
            Source::Given(choices) => choices.get(self.made.len()).map_or(0, |choice| *choice as usize),
        };
        if of < 2 {
            return 0;
        }
        let choice = wanted.min(of - 1);
        self.made.push(u32::try_from(choice).unwrap_or(u32::MAX));
        choice
    }

    /// What was chosen so far.
    pub(super) fn made(&self) -> &[u32] {
        &self.made
    }

    /// What the test draws.
    pub(super) fn draw(&mut self, range: Range<u64>) -> u64 {
        assert!(!range.is_empty(), "there is nothing to draw from an empty range");
        range.start + self.workload.below(range.end - range.start)
    }

    /// What the program draws.
    pub(super) fn entropy(&mut self) -> u64 {
        self.entropy.next()
    }
}

fn drawn(mut schedule: Numbers, faults: Numbers) -> Source {
    let order = if schedule.below(2) == 0 {
        Order::Random
    } else {
        let changes = (0..=schedule.below(3)).map(|_| schedule.below(CHANGES_WITHIN)).collect();
        Order::Priorities { of: BTreeMap::new(), changes, lowest: u64::MAX >> 1, row: (0, 0) }
    };
    Source::Drawn(Drawn { schedule, faults, order, steps: 0 })
}

#[expect(clippy::cast_possible_truncation, reason = "it is less than a length")]
fn less_than(length: usize, numbers: &mut Numbers) -> usize {
    numbers.below(length.max(1) as u64) as usize
}

impl Order {
    fn next(&mut self, ready: &[u64], step: u64, numbers: &mut Numbers) -> usize {
        match self {
            Self::Random => less_than(ready.len(), numbers),
            Self::Priorities { of, changes, lowest, row } => {
                for task in ready {
                    of.entry(*task).or_insert_with(|| (1 << 63) | numbers.next() >> 1);
                }
                let highest = (0..ready.len()).max_by_key(|place| of[&ready[*place]]).unwrap_or_default();
                let task = ready[highest];
                *row = (task, if row.0 == task && ready.len() > 1 { row.1 + 1 } else { 0 });
                if changes.contains(&step) || row.1 > ROW_MAX {
                    *lowest -= 1;
                    of.insert(task, *lowest);
                }
                highest
            }
        }
    }
}
