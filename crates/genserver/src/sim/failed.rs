//! A check that has failed, and what is known of it.

use std::fmt;

use super::explain;
use super::failure::{Failure, Report};
use super::numbers::Seed;
use super::quiet::Quiet;
use super::recipe::Recipe;
use super::run::Run;
use super::shrink;
use super::simulation::Sim;
use super::trace::Trace;

/// A check that has failed. Shown, it is the message with which [`check`](super::check) panics.
#[derive(Clone, PartialEq, Eq)]
pub struct Failed {
    run: Option<u64>,
    recipe: Option<String>,
    steps: u64,
    unusual_choices: usize,
    faults: usize,
    message: String,
}

impl Failed {
    /// Makes a failed run small, and writes down what is known of it.
    #[track_caller]
    pub(super) fn explain(seed: Seed, failed: Run, number: Option<u64>, test: &impl AsyncFn(&Sim<'_>)) -> Self {
        let smallest = shrink::smallest(seed, failed, test);
        let recipe = Recipe::with(seed, smallest.made.clone());
        let mut trace = Trace::on();
        let run = {
            let _quiet = Quiet::begin();
            Run::traced(recipe.plan(), test, &mut trace)
        };
        // A run that passes now is not decided by its recipe; what is shown is the failure that was seen.
        let Err(failure) = &smallest.outcome else { unreachable!("only a run that fails is made small") };
        let (unusual_choices, faults) = (run.made.unusual(), run.faults);
        let passes_if = explain::passes_if(seed, &smallest, test);
        let inevitable_from = explain::inevitable_from(seed, &smallest, test);
        if let Some(it) = &passes_if {
            trace.mark(it.step(), it.short());
        }
        if let Some(step) = inevitable_from {
            trace.mark(step, "inevitable");
        }
        let report = Report {
            failure,
            number,
            steps: run.steps,
            elapsed: run.elapsed,
            unusual_choices,
            faults,
            recipe: &recipe,
            trace: &trace,
            passes_if: passes_if.map(|it| it.to_string()),
            inevitable_from,
        };
        let message = report.text();
        Self { run: number, recipe: Some(recipe.to_string()), steps: run.steps, unusual_choices, faults, message }
    }

    /// A run was to stop before its end.
    pub(super) fn stopped(failure: &Failure, recipe: &Recipe, run: &Run) -> Self {
        let (steps, elapsed) = (run.steps, run.elapsed);
        let message = format!("stopped at step {steps} of {recipe}, {elapsed:?} of its time:{}", failure.what());
        let (unusual_choices, faults) = (run.made.unusual(), run.faults);
        Self { run: None, recipe: Some(recipe.to_string()), steps, unusual_choices, faults, message }
    }

    /// Two runs with the same choices were not the same.
    pub(super) fn parted(message: String, seed: Seed, run: &Run, number: u64) -> Self {
        let (unusual_choices, faults) = (run.made.unusual(), run.faults);
        let recipe = Some(Recipe::with(seed, run.made.clone()).to_string());
        Self { run: Some(number), recipe, steps: run.steps, unusual_choices, faults, message }
    }

    /// All runs have passed, but something that has to happen did not.
    pub(super) fn missed(message: String) -> Self {
        Self { run: None, recipe: None, steps: 0, unusual_choices: 0, faults: 0, message }
    }

    /// Which run it was, from one; nothing for a replay, and if all have passed but a [`sometimes!`](super::sometimes) was never true.
    pub fn run(&self) -> Option<u64> {
        self.run
    }

    /// The recipe of the smallest run that was found, for [`replay`](super::replay); nothing if no run has failed.
    pub fn recipe(&self) -> Option<&str> {
        self.recipe.as_deref()
    }

    /// How many steps that has.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many choices of its schedule are not the usual ones.
    pub fn unusual_choices(&self) -> usize {
        self.unusual_choices
    }

    /// How many faults happen in it.
    pub fn faults(&self) -> usize {
        self.faults
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// As shown: the message is there to be read, also where a test unwraps the result.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}
