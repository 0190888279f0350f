//! What a seed decides: which task goes on, whether a caller runs a server itself, and what is drawn.

use std::collections::BTreeMap;
use std::ops::Range;

use super::seeds::Seed;

/// Of so many decisions whether a caller may run an idle server, one says no.
const QUEUED_ONE_IN: u64 = 8;

/// Within so many steps a priority changes. Most failing runs are shorter.
const CHANGES_WITHIN: u64 = 200;

/// Random numbers by SplitMix64, which needs no state but a counter.
struct Numbers(u64);

/// One step of SplitMix64.
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

/// How the next task is chosen.
enum Order {
    /// Any of those that are ready.
    Random,
    /// The one of the highest priority. At these steps the task that was just chosen gets the lowest.
    Priorities { of: BTreeMap<u64, u64>, changes: Vec<u64>, lowest: u64 },
}

/// The choices of one run. Order and numbers are drawn from streams of their own: a test that draws one number more meets the
/// same order of tasks.
pub(super) struct Choices {
    schedule: Numbers,
    workload: Numbers,
    entropy: Numbers,
    order: Order,
    steps: u64,
}

impl Choices {
    pub(super) fn new(Seed(seed): Seed) -> Self {
        let mut schedule = Numbers(mixed(seed));
        let order = if schedule.below(2) == 0 {
            Order::Random
        } else {
            let changes = (0..=schedule.below(3)).map(|_| schedule.below(CHANGES_WITHIN)).collect();
            Order::Priorities { of: BTreeMap::new(), changes, lowest: u64::MAX >> 1 }
        };
        let stream = |number: u64| Numbers(mixed(seed ^ mixed(number)));
        Self { schedule, workload: stream(1), entropy: stream(2), order, steps: 0 }
    }

    /// Which of these tasks goes on: a place in the list, which is not empty.
    pub(super) fn task(&mut self, ready: &[u64]) -> usize {
        self.steps += 1;
        let numbers = &mut self.schedule;
        match &mut self.order {
            // Nothing is drawn where there is no choice.
            Order::Random if ready.len() == 1 => 0,
            #[expect(clippy::cast_possible_truncation, reason = "it is less than the length of the list")]
            Order::Random => numbers.below(ready.len() as u64) as usize,
            Order::Priorities { of, changes, lowest } => {
                for task in ready {
                    of.entry(*task).or_insert_with(|| (1 << 63) | numbers.next() >> 1);
                }
                let highest = (0..ready.len()).max_by_key(|place| of[&ready[*place]]).unwrap_or_default();
                if changes.contains(&self.steps) {
                    *lowest -= 1;
                    of.insert(ready[highest], *lowest);
                }
                highest
            }
        }
    }

    /// Whether a caller may run an idle server itself.
    pub(super) fn runs_inline(&mut self) -> bool {
        self.schedule.below(QUEUED_ONE_IN) != 0
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
