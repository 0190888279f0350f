//! All runs with few unusual choices, each once.

use crate::sim::choices::Made;
use crate::sim::run::Run;

/// The runs that are left to try.
pub(super) struct Bounded {
    /// How many choices may be unusual.
    limit: usize,
    left: Vec<Made>,
}

impl Bounded {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: limit as usize, left: vec![Made::default()] }
    }

    pub(super) fn next(&mut self) -> Option<Made> {
        self.left.pop()
    }

    /// What follows from a run that passed: each run with one more unusual choice, behind the last one of this run.
    ///
    /// A run with unusual choices in both lists is made once: those of the schedule come first.
    pub(super) fn learn(&mut self, first: &Made, run: &Run) {
        if first.unusual() + first.faults() >= self.limit {
            return;
        }
        let more = |list: &[u32], of: &[u32]| {
            let mut lists = Vec::new();
            for (place, of) in of.iter().enumerate().skip(list.len()) {
                for choice in 1..*of {
                    let mut longer = list.to_vec();
                    longer.resize(place, 0);
                    longer.push(choice);
                    lists.push(longer);
                }
            }
            lists
        };
        if first.faults.is_empty() {
            let lists = more(&first.schedule, &run.alternatives.schedule);
            self.left.extend(lists.into_iter().map(|schedule| Made { schedule, ..first.clone() }));
        }
        let lists = more(&first.faults, &run.alternatives.faults);
        self.left.extend(lists.into_iter().map(|faults| Made { faults, ..first.clone() }));
    }
}
