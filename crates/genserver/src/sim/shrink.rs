//! Makes a failing run smaller: fewer faults, fewer unusual choices, smaller numbers drawn, as long as it fails in the same way.

use super::choices::{Draw, Made};
use super::numbers::Seed;
use super::quiet::Quiet;
use super::recipe::Recipe;
use super::run::Run;
use super::simulation::Sim;

/// So many runs are tried. A smaller run is a convenience, and nobody waits long for it.
const TRIES_MAX: usize = 1_000;

/// So many of the numbers that are drawn are made smaller.
const DRAWS_MAX: usize = 64;

/// The smallest run found.
pub(super) fn smallest(seed: Seed, failed: Run, test: &impl AsyncFn(&Sim<'_>)) -> Run {
    let _quiet = Quiet::begin();
    // The first one was printed. If the run is repeated, it is known where it failed.
    let again = Run::of(Recipe::with(seed, failed.made.clone()).plan(), test);
    let best = if again.fails_like(&failed) { again } else { failed };
    let mut shrink = Shrink { seed, best, tries: 0, test };
    // A fault that is gone makes other choices needless, and the other way round.
    loop {
        let mut has_found = shrink.list(|made| &mut made.faults);
        has_found |= shrink.list(|made| &mut made.schedule);
        has_found |= shrink.numbers(|made| &mut made.faults);
        has_found |= shrink.numbers(|made| &mut made.schedule);
        has_found |= shrink.draws();
        if !has_found && !shrink.single() {
            return shrink.best;
        }
    }
}

struct Shrink<'a, T> {
    seed: Seed,
    best: Run,
    tries: usize,
    test: &'a T,
}

impl<T: AsyncFn(&Sim<'_>)> Shrink<'_, T> {
    /// Keeps these choices if the run still fails with them.
    fn try_with(&mut self, choices: Made) -> bool {
        if self.tries >= TRIES_MAX {
            return false;
        }
        self.tries += 1;
        let run = Run::of(Recipe::with(self.seed, choices).plan(), self.test);
        let is_as_bad = run.fails_like(&self.best);
        if is_as_bad {
            // What a run has really chosen, which may be less than it was told.
            self.best = run;
        }
        is_as_bad
    }

    /// Makes parts of a list the usual choices: first large parts, then smaller ones. A round that has found something is followed by
    /// one of the same size: a choice that could not go may be able to when another has gone.
    fn list(&mut self, list: impl Fn(&mut Made) -> &mut Vec<u32>) -> bool {
        let mut has_found = false;
        let length = |run: &mut Run| list(&mut run.made).len();
        let mut size = length(&mut self.best);
        while size > 0 && self.tries < TRIES_MAX {
            let mut has_found_now = false;
            let mut from = 0;
            while from < length(&mut self.best) {
                let mut choices = self.best.made.clone();
                let part = list(&mut choices);
                let to = (from + size).min(part.len());
                if part[from..to].iter().any(|choice| *choice != 0) {
                    part[from..to].fill(0);
                    has_found_now |= self.try_with(choices);
                }
                from = to;
            }
            has_found |= has_found_now;
            if !has_found_now {
                size /= 2;
            }
        }
        has_found
    }

    /// Makes the unusual choices of a list smaller, which makes a fault smaller, and lets a task go on that has waited longer.
    fn numbers(&mut self, list: impl Fn(&mut Made) -> &mut Vec<u32>) -> bool {
        let mut has_found = false;
        let mut place = 0;
        while place < list(&mut self.best.made).len() {
            let choice = list(&mut self.best.made)[place];
            for smaller in [1, choice / 2, choice.saturating_sub(1)] {
                if smaller > 0 && smaller < choice {
                    let mut choices = self.best.made.clone();
                    list(&mut choices)[place] = smaller;
                    if self.try_with(choices) {
                        has_found = true;
                        break;
                    }
                }
            }
            place += 1;
        }
        has_found
    }

    /// Looks for one unusual choice of the schedule that does what several do: none of them can go alone.
    fn single(&mut self) -> bool {
        if self.best.made.unusual() < 2 {
            return false;
        }
        let usual = Made { schedule: Vec::new(), ..self.best.made.clone() };
        let run = Run::of(Recipe::with(self.seed, usual.clone()).plan(), self.test);
        for (place, of) in run.alternatives.schedule.iter().enumerate() {
            for choice in 1..*of {
                let mut schedule = vec![0; place];
                schedule.push(choice);
                if self.try_with(Made { schedule, ..usual.clone() }) {
                    return true;
                }
            }
        }
        false
    }

    /// Makes numbers that the test draws smaller.
    fn draws(&mut self) -> bool {
        let mut has_found = false;
        let mut drawn: Vec<Draw> = self.best.alternatives.drawn.iter().map(|(draw, _)| *draw).collect();
        drawn.sort_unstable();
        for draw in drawn.into_iter().take(DRAWS_MAX) {
            // A smaller run may draw less.
            let number = self.best.alternatives.drawn.iter().find(|(known, _)| *known == draw);
            let Some(number) = number.map(|(_, number)| *number) else { continue };
            for smaller in [0, number / 2, number.saturating_sub(1)] {
                if smaller < number {
                    let mut choices = self.best.made.clone();
                    choices.draws.insert(draw, smaller);
                    if self.try_with(choices) {
                        has_found = true;
                        break;
                    }
                }
            }
        }
        has_found
    }
}
