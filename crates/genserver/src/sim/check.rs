//! A check: many runs of one test, until one fails.

use super::failed::Failed;
use super::failure::Failure;
use super::numbers::mixed;
use super::recipe::Recipe;
use super::run::Run;
use super::runs::{RUNS, Runs, Settings};
use super::search::{Planner, Search};
use super::simulation::Sim;
use super::sometimes::Coverage;
use super::until;

/// Runs a test under 256 seeds, and under up to 2,048 while kinds of messages meet that have not met before.
///
/// It is [`Check::new`]`().run(test)`, for use in a test.
///
/// # Panics
///
/// If a run fails: when the test panics, when it waits for what cannot come, or when it takes a million steps. The message shows
/// the smallest run that fails in the same way, and how to repeat it. Also if two runs with the same choices differ, and inside a
/// runtime or another simulation.
#[track_caller]
pub fn check(test: impl AsyncFn(&Sim<'_>)) {
    Check::new().run(test).unwrap_or_else(|failed| panic!("{failed}"));
}

/// Runs a test in every order with so many unusual choices or fewer, each once: [`Search::Bounded`].
///
/// # Panics
///
/// As [`check`]; also if there are more than a million such runs.
///
/// # Examples
///
/// A proof that two clients of a counter cannot disturb each other, for all orders in which up to two choices are not the usual:
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::sim;
/// use genserver::task::Task;
///
/// sim::bounded(2, async |sim| {
///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
///     let clients = [1, 2].map(|more| {
///         let counter = counter.clone();
///         Task::spawn(async move { counter.cast(Add(more)).unwrap() })
///     });
///     for client in clients {
///         client.await.unwrap();
///     }
///     assert_eq!(counter.call(Call::Get).await, Ok(3));
/// });
/// ```
#[track_caller]
pub fn bounded(unusual_choices: u32, test: impl AsyncFn(&Sim<'_>)) {
    let check = Check::new().runs(BOUNDED_MAX).search(Search::Bounded(unusual_choices));
    let passed = check.run(test).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(
        passed.runs() < BOUNDED_MAX,
        "there are more than a million runs with {unusual_choices} unusual choices: allow fewer, or make the test smaller"
    );
}

/// More runs than this are not a small world.
const BOUNDED_MAX: u64 = 1_000_000;

/// Runs a test once, by the recipe that the message of a failed [`check`] names.
///
/// # Panics
///
/// As [`check`], and if the text is not a recipe.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a test is written in the call")]
pub fn replay(recipe: &str, test: impl AsyncFn(&Sim<'_>)) {
    let recipe: Recipe = recipe.parse().unwrap_or_else(|error| panic!("{error}"));
    replayed(&recipe, &test).unwrap_or_else(|failed| panic!("{failed}"));
}

/// A check with settings of its own: how many runs, which ones, and how they choose what goes on.
///
/// # Examples
///
/// ```
/// use genserver::sim::{Check, Search};
/// use genserver::time;
/// use std::time::Duration;
///
/// let check = Check::new().runs(100).search(Search::Priorities);
/// let passed = check.run(async |sim| {
///     time::sleep(Duration::from_secs(1)).await;
///     assert_eq!(sim.elapsed(), Duration::from_secs(1));
/// });
/// assert_eq!(passed.unwrap().runs(), 100);
/// ```
#[derive(Clone, Debug)]
#[must_use = "`run` runs it"]
pub struct Check {
    settings: Settings,
    search: Search,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

impl Check {
    /// The usual runs, or those that the environment asks for: see [Settings](super#settings).
    ///
    /// # Panics
    ///
    /// If a variable of the environment is set to something that it cannot mean.
    #[track_caller]
    pub fn new() -> Self {
        Self { settings: Settings::from_env(), search: Search::Portfolio }
    }

    /// Runs so many seeds, unless the environment asks for a recipe.
    pub fn runs(mut self, runs: u64) -> Self {
        if !matches!(self.settings.runs, Runs::Alone(_)) {
            self.settings.runs = Runs::Many(runs);
        }
        self
    }

    /// Takes other seeds: those of this number. No two numbers have a seed in common.
    pub fn base(mut self, base: u64) -> Self {
        self.settings.base = base;
        self
    }

    /// How the runs choose what goes on (default: [`Search::Portfolio`]).
    pub fn search(mut self, search: Search) -> Self {
        self.search = search;
        self
    }

    /// Runs the test.
    ///
    /// # Errors
    ///
    /// If a run fails, if two runs with the same choices differ, or if a [`sometimes!`](super::sometimes) was never true: see
    /// [`check`](super::check).
    ///
    /// # Panics
    ///
    /// Inside a runtime or another simulation.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a test is written in the call")]
    pub fn run(self, test: impl AsyncFn(&Sim<'_>)) -> Result<Passed, Failed> {
        let Self { settings, search } = self;
        if let Runs::Alone(recipe) = &settings.runs {
            return replayed(recipe, &test);
        }
        let coverage = Coverage::default();
        let _noting = coverage.note();
        let mut planner = Planner::new(search, settings.base);
        let (mut steps, mut digest) = (0, 0);
        while settings.runs.goes_on(planner.number(), planner.nothing_new_since()) {
            let number = planner.number();
            let Some(plan) = planner.next() else { break };
            let mut run = Run::of(plan.clone(), &test);
            if run.outcome.is_err() {
                return Err(Failed::explain(plan.seed, run, Some(number + 1), &test));
            }
            // One in a hundred is enough to notice a test that depends on something else, and costs next to nothing.
            if number.is_multiple_of(100) || settings.audits_all {
                let again = Run::of(Recipe::with(plan.seed, run.made.clone()).plan(), &test);
                run.is_same(&again).map_err(|message| Failed::parted(message, plan.seed, &run, number + 1))?;
            }
            steps += run.steps;
            digest = mixed(digest ^ run.digest());
            planner.learn(&plan, &mut run);
        }
        let runs = planner.number();
        // What happens in none of fewer runs need not be what never happens.
        let missed = if runs < RUNS { None } else { coverage.missed(runs) };
        missed.map_or(Ok(Passed { runs, steps, digest }), |message| Err(Failed::missed(message)))
    }
}

/// Runs a recipe.
#[track_caller]
pub(super) fn replayed(recipe: &Recipe, test: &impl AsyncFn(&Sim<'_>)) -> Result<Passed, Failed> {
    if let Some(step) = until::from_env() {
        let run = Run::until(recipe.plan(), test, step);
        // A run that is over before that is shown as any other.
        if let Err(failure @ Failure::Stopped(_)) = &run.outcome {
            return Err(Failed::stopped(failure, recipe, &run));
        }
    }
    let run = Run::of(recipe.plan(), test);
    match run.outcome {
        Ok(()) => Ok(Passed { runs: 1, steps: run.steps, digest: run.digest() }),
        Err(_) => Err(Failed::explain(recipe.seed, run, None, test)),
    }
}

/// A check that has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    runs: u64,
    steps: u64,
    digest: u64,
}

impl Passed {
    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// How many steps all of them had together.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A number for everything that happened in them. The same check has the same digest in every process and every build of a
    /// program. If it differs, something decides the runs that the simulator does not control.
    pub fn digest(&self) -> u64 {
        self.digest
    }
}
