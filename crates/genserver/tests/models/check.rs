//! Running a model under many schedules, and repeating one of them.

use std::env;

use shuttle::scheduler::{
    PctScheduler, RandomScheduler, ReplayScheduler, Scheduler, UncontrolledNondeterminismCheckScheduler,
};
use shuttle::{Config, MaxSteps, Runner};

use crate::exhaustive::Exhaustive;

/// How many schedules of each kind are run, unless `GENSERVER_MODELS` says otherwise.
const SCHEDULES: usize = 5_000;
/// How many preemptions a schedule of the last kind has, plus one.
const DEPTH: usize = 3;
/// Every run uses the same schedules, so that a failure comes from a change and not from bad luck. For other schedules,
/// `SHUTTLE_RANDOM_SEED` replaces this.
const SEED: u64 = 1986;
/// No execution of a model takes more steps; one that does goes round in cycles.
const STEPS_MAX: usize = 50_000;
/// How many schedules are run twice, to see that only the schedule decides.
const TWICE: usize = 20;

/// Runs a model under every schedule with few preemptions; then under random ones; then under schedules with two preemptions
/// in random places.
///
/// A schedule that fails is printed. With it in `GENSERVER_MODELS_REPLAY`, only that one is run.
pub(crate) fn check(model: fn()) {
    if let Ok(schedule) = env::var("GENSERVER_MODELS_REPLAY") {
        return run(ReplayScheduler::new_from_encoded(&schedule), model);
    }
    let schedules = match env::var("GENSERVER_MODELS") {
        Ok(number) => number.parse().expect("GENSERVER_MODELS is a number of schedules"),
        Err(_) => SCHEDULES,
    };
    let twice = RandomScheduler::new_from_seed(SEED, TWICE.min(schedules));
    run(UncontrolledNondeterminismCheckScheduler::new(twice), model);
    run(Exhaustive::new(schedules), model);
    run(RandomScheduler::new_from_seed(SEED, schedules), model);
    run(PctScheduler::new_from_seed(SEED, DEPTH, schedules), model);
}

fn run(scheduler: impl Scheduler + 'static, model: fn()) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.stack_size = 1 << 18;
    // Without this it warns that it treats every atomic as sequentially consistent.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(model);
}
