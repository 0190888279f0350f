//! What would have had to be otherwise for a failing run to pass, and from when on its failure could not be avoided.

use std::fmt;

use super::choices::{Made, Plan};
use super::numbers::Seed;
use super::quiet::Quiet;
use super::recipe::Recipe;
use super::run::Run;
use super::search::order::Order;
use super::search::races::races;
use super::search::reversed;
use super::simulation::Sim;

/// So many races are turned round, and a fault is put off so many times: nobody waits long for an explanation.
const TRIES_MAX: usize = 64;

/// So many futures of a step are tried. If all of them fail, it is taken for lost.
const FUTURES: u64 = 24;

/// The nearest run that passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PassesIf {
    /// What happens in a step happens after another one.
    After { step: u64, other: u64 },
    /// The fault of a step comes after another step, ...
    FaultAfter { step: u64, other: u64 },
    /// ... or not at all.
    Without { step: u64 },
}

impl PassesIf {
    /// The step that it is about.
    pub(super) fn step(&self) -> u64 {
        match self {
            Self::After { step, .. } | Self::FaultAfter { step, .. } | Self::Without { step } => *step,
        }
    }

    /// What stands beside that step.
    pub(super) fn short(&self) -> String {
        match self {
            Self::After { other, .. } | Self::FaultAfter { other, .. } => format!("passes if after {other}"),
            Self::Without { .. } => "passes without".to_owned(),
        }
    }
}

impl fmt::Display for PassesIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After { step, other } => write!(f, "passes if step {step} comes after step {other}"),
            Self::FaultAfter { step, other } => {
                write!(f, "passes if the fault of step {step} comes after step {other}")
            }
            Self::Without { step } => write!(f, "passes without the fault of step {step}"),
        }
    }
}

/// Looks for the nearest run that passes.
pub(super) fn passes_if(seed: Seed, failed: &Run, test: &impl AsyncFn(&Sim<'_>)) -> Option<PassesIf> {
    let _quiet = Quiet::begin();
    fault_after(seed, failed, test).or_else(|| after(seed, failed, test))
}

/// The last fault comes later, or does not come.
fn fault_after(seed: Seed, failed: &Run, test: &impl AsyncFn(&Sim<'_>)) -> Option<PassesIf> {
    let Made { faults, .. } = &failed.made;
    let mut place = faults.iter().rposition(|choice| *choice != 0)?;
    // Which process it happens to is a choice behind it.
    while place > 0 && faults[place - 1] != 0 {
        place -= 1;
    }
    // Which step it belongs to: the last that begins with it, or before it.
    let step_of = |run: &Run, place: usize| run.seen.partition_point(|step| step.place.faults <= place) as u64;
    let step = step_of(failed, place);
    for later in 1..=TRIES_MAX {
        let mut put_off = faults[..place].to_vec();
        put_off.resize(place + later, 0);
        put_off.extend(&faults[place..]);
        let made = Made { faults: put_off, ..failed.made.clone() };
        let run = Run::of(Recipe::with(seed, made).plan(), test);
        if run.outcome.is_ok() {
            let struck = run.made.faults.iter().rposition(|choice| *choice != 0);
            return Some(match struck {
                // The step before has happened.
                Some(place) => PassesIf::FaultAfter { step, other: step_of(&run, place).saturating_sub(1) },
                None => PassesIf::Without { step },
            });
        }
    }
    None
}

/// Two messages come in the other order: the last race for which that helps.
fn after(seed: Seed, failed: &Run, test: &impl AsyncFn(&Sim<'_>)) -> Option<PassesIf> {
    let mut races = races(&failed.seen);
    races.sort_by_key(|race| (std::cmp::Reverse(race.second), std::cmp::Reverse(race.first)));
    let passes = |race: &&_| {
        let plan = reversed(seed, &failed.made, &failed.seen, race);
        Run::of(plan, test).outcome.is_ok()
    };
    let race = races.iter().take(TRIES_MAX).find(passes)?;
    Some(PassesIf::After { step: race.first as u64 + 1, other: race.second as u64 + 1 })
}

/// The first step after which every future that is tried fails, if the failure could be avoided before.
pub(super) fn inevitable_from(seed: Seed, failed: &Run, test: &impl AsyncFn(&Sim<'_>)) -> Option<u64> {
    let _quiet = Quiet::begin();
    let is_lost =
        |steps: usize| (0..FUTURES).all(|future| future_of(seed, failed, steps, future, test).fails_like(failed));
    // The whole run fails. A run of which nothing is given fails mostly not.
    let (mut open, mut lost) = (0, failed.seen.len());
    if lost == 0 || is_lost(0) {
        return None;
    }
    while lost - open > 1 {
        let middle = usize::midpoint(open, lost);
        *if is_lost(middle) { &mut lost } else { &mut open } = middle;
    }
    // Its last step is where every failing run fails.
    (lost < failed.seen.len()).then_some(lost as u64)
}

/// The run up to a step, and then at random.
fn future_of(seed: Seed, failed: &Run, steps: usize, future: u64, test: &impl AsyncFn(&Sim<'_>)) -> Run {
    let mut first = failed.made.clone();
    if let Some(next) = failed.seen.get(steps) {
        first.schedule.truncate(next.place.schedule);
        first.faults.truncate(next.place.faults);
    }
    // The first of them goes on in the usual way.
    let order = if future == 0 { Order::Usual } else { Order::Random };
    Run::of(Plan { seed, first, order, has_faults: false, walk: future }, test)
}
