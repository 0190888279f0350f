//! Makes a failing run smaller: as many choices as possible become zero, as long as the run fails in the same way.

use super::Sim;
use super::quiet::Quiet;
use super::recipe::Recipe;
use super::run::Run;

/// So many runs are tried. A smaller run is a convenience, and nobody waits long for it.
const TRIES_MAX: usize = 1_000;

/// The smallest run found, and its recipe.
pub(super) fn smallest(recipe: &Recipe, failed: Run, test: &impl AsyncFn(&Sim<'_>)) -> (Recipe, Run) {
    let _quiet = Quiet::begin();
    let mut best = Recipe::with(recipe.seed, &failed.choices);
    let mut best_run = failed;
    let mut tries = 0;
    // First large parts of the list, then smaller ones. A round that has found something is followed by one of the same size:
    // a choice that could not go may be able to when another has gone.
    let mut size = best_run.choices.len();
    while size > 0 && tries < TRIES_MAX {
        let mut has_found = false;
        let mut from = 0;
        while from < best_run.choices.len() && tries < TRIES_MAX {
            let to = (from + size).min(best_run.choices.len());
            if best_run.choices[from..to].iter().any(|choice| *choice != 0) {
                let mut choices = best_run.choices.clone();
                choices[from..to].fill(0);
                let smaller = Recipe::with(recipe.seed, &choices);
                let run = Run::of(&smaller, test);
                tries += 1;
                if run.fails_like(&best_run) {
                    (best, best_run, has_found) = (smaller, run, true);
                }
            }
            from = to;
        }
        if !has_found {
            size /= 2;
        }
    }
    // What a run has really chosen, which may be less than it was told.
    best = Recipe::with(best.seed, &best_run.choices);
    (best, best_run)
}
