//! How one search does with one bug: after how many runs it finds it, from many bases, and what is left of the failing run.

use std::time::{Duration, Instant};

use genserver::sim::{Check, Failed, Search};
use zoo::{Bug, Version};

use crate::options::Options;

/// The searches that are compared, and what they are called in the table.
pub(crate) const SEARCHES: &[(&str, Search)] = &[
    ("portfolio", Search::Portfolio),
    ("random walk", Search::RandomWalk),
    ("priorities", Search::Priorities),
    ("uniform walk", Search::UniformWalk),
    ("reversals", Search::Reversals),
    ("few unusual", Search::FewUnusual),
];

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    /// In which run each base has found the bug, in order, ...
    pub(crate) found: Vec<u64>,
    /// ... and how many bases there are: those that are left over have not found it.
    pub(crate) bases: u64,
    /// The smallest runs: their faults and unusual choices, ...
    pub(crate) sizes: Vec<(usize, usize)>,
    /// ... and how long it took to make them small and explain them.
    pub(crate) shrinking: Vec<Duration>,
}

impl Cell {
    /// The run in which so many hundredths of the bases have found it.
    pub(crate) fn percentile(&self, hundredths: u64) -> Option<u64> {
        self.found.get(usize::try_from(place(self.bases, hundredths)).ok()?).copied()
    }
}

/// The element of a sorted list that so many hundredths do not exceed.
pub(crate) fn at<T>(sorted: &[T], hundredths: u64) -> Option<&T> {
    sorted.get(usize::try_from(place(sorted.len() as u64, hundredths)).ok()?)
}

/// The place of that element among so many.
fn place(length: u64, hundredths: u64) -> u64 {
    (length * hundredths).div_ceil(100).saturating_sub(1)
}

/// Searches for a bug from every base.
pub(crate) fn measured(bug: &Bug, search: Search, options: &Options) -> Cell {
    let mut cell = Cell { bases: options.bases, ..Cell::default() };
    let mut missed = 0;
    for base in 0..options.bases {
        let (outcome, whole) = timed(|| check(bug, search, base, options.runs));
        let Err(failed) = outcome else {
            missed += 1;
            // Then neither figure can be had any more, and a search that finds nothing takes the longest.
            if missed * 2 > options.bases {
                break;
            }
            continue;
        };
        let number = failed.run().unwrap_or(1);
        // The same runs but the last: what they take is not spent on making it small.
        let (_, before) = timed(|| check(bug, search, base, number - 1));
        cell.found.push(number);
        cell.sizes.push((failed.faults(), failed.unusual_choices()));
        cell.shrinking.push(whole.saturating_sub(before));
    }
    cell.found.sort_unstable();
    cell.sizes.sort_by_key(|(faults, choices)| (faults + choices, *faults));
    cell.shrinking.sort();
    cell
}

fn check(bug: &Bug, search: Search, base: u64, runs: u64) -> Result<(), Box<Failed>> {
    let scenario = bug.scenario;
    let check = Check::new().search(search).base(base).runs(runs);
    check.run(async |sim| scenario(sim, Version::Broken).await).map(drop).map_err(Box::new)
}

#[expect(clippy::disallowed_methods, reason = "tells a person how long it takes")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed())
}

#[cfg(test)]
mod tests {
    //! What is made of the numbers.

    use super::*;

    #[test]
    fn a_percentile_is_the_element_that_so_many_do_not_exceed() {
        let twenty: Vec<u64> = (1..=20).collect();
        assert_eq!((at(&twenty, 50), at(&twenty, 95), at(&twenty, 100)), (Some(&10), Some(&19), Some(&20)));
        assert_eq!((at(&[7], 50), at(&[7], 95)), (Some(&7), Some(&7)));
        assert_eq!(at::<u64>(&[], 50), None);
    }

    #[test]
    fn bases_that_have_not_found_it_are_later_than_all_that_have() {
        let cell = Cell { bases: 20, found: vec![3; 18], ..Cell::default() };
        assert_eq!((cell.percentile(50), cell.percentile(95)), (Some(3), None));
    }
}
