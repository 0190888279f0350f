//! Which runs a check tries, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::choices::{Made, Plan};
use super::numbers::{Numbers, Seed, mixed};
use super::run::Run;

// How a run chooses the task that goes on.
pub(super) mod order;
// Which messages could have come in the other order.
pub(super) mod races;
// All runs with few unusual choices.
mod bounded;

use bounded::Bounded;
use order::{Held, Order};
use races::{Race, StepSeen, races};

/// How the runs of a [`Check`](super::Check) choose what goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Search {
    /// All of those below in turn, but the last: each finds something that the others find late.
    #[default]
    Portfolio,
    /// At each step any task that is ready.
    RandomWalk,
    /// Each task has a priority, and the running one gets the lowest at one to three steps.
    Priorities,
    /// As the random walk, but a task that has more to do goes on more often.
    UniformWalk,
    /// The run before that passed, but with two of its messages in the other order.
    Reversals,
    /// The usual order, but for one or two choices.
    FewUnusual,
    /// All orders and faults with so many unusual choices or fewer, each once. For small worlds: there may be very many.
    Bounded(u32),
}

impl Search {
    /// What the run of this number does.
    fn at(self, number: u64) -> Self {
        // Half of them have priorities: those find alone what needs a task to be late for long, and seldom at once.
        const TURNS: [Search; 8] = [
            Search::RandomWalk,
            Search::Priorities,
            Search::Reversals,
            Search::Priorities,
            Search::FewUnusual,
            Search::Priorities,
            Search::UniformWalk,
            Search::Priorities,
        ];
        match self {
            // No remainder of a number that is less than eight is out of the list.
            Self::Portfolio => TURNS[(number % 8) as usize],
            other => other,
        }
    }
}

/// Plans one run after the other, and learns from those that passed.
pub(super) struct Planner {
    search: Search,
    base: u64,
    number: u64,
    bounded: Option<Bounded>,
    /// The last run that passed.
    last: Option<Passed>,
    /// The races that were reversed, by their kinds.
    reversed: BTreeSet<u64>,
    /// Which kinds of messages have met at a process, ...
    met: BTreeSet<u64>,
    /// ... and in which run a new pair did last.
    met_in: u64,
}

/// What is kept of a run that passed.
struct Passed {
    seed: Seed,
    made: Made,
    steps: Vec<StepSeen>,
}

impl Planner {
    pub(super) fn new(search: Search, base: u64) -> Self {
        let bounded = if let Search::Bounded(choices) = search { Some(Bounded::new(choices)) } else { None };
        let (reversed, met) = (BTreeSet::new(), BTreeSet::new());
        Self { search, base, number: 0, bounded, last: None, reversed, met, met_in: 0 }
    }

    /// How many runs were planned.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many of the last runs have met nothing new.
    pub(super) fn nothing_new_since(&self) -> u64 {
        self.number - self.met_in
    }

    /// The next run; nothing if all have been tried.
    pub(super) fn next(&mut self) -> Option<Plan> {
        // Mixed, so that no two bases have a seed in common.
        let seed = Seed(mixed(mixed(self.base).wrapping_add(self.number)));
        let search = self.search.at(self.number);
        self.number += 1;
        let mut numbers = Numbers::stream(seed.0, 5);
        let order = match (search, &self.last) {
            (Search::Bounded(_), _) => {
                let first = self.bounded.as_mut()?.next()?;
                return Some(Plan {
                    seed: Seed(mixed(self.base)),
                    first,
                    order: Order::Usual,
                    has_faults: false,
                    walk: 0,
                });
            }
            (Search::Priorities, _) => Order::priorities(&mut numbers),
            (Search::Reversals, Some(_)) => {
                if let Some(plan) = self.reversal(&mut numbers) {
                    return Some(plan);
                }
                Order::Random
            }
            (Search::FewUnusual, last) => {
                let choices = last.as_ref().map_or(0, |last| last.made.schedule.len());
                Order::few(choices, &mut numbers)
            }
            (Search::UniformWalk, Some(last)) => {
                let mut left = BTreeMap::<u64, u64>::new();
                last.steps.iter().for_each(|step| *left.entry(step.task).or_default() += 1);
                Order::Weighted(left)
            }
            _ => Order::Random,
        };
        Some(Plan { seed, first: Made::default(), order, has_faults: true, walk: 0 })
    }

    /// The last run that passed, up to a race, and that the other way round.
    fn reversal(&mut self, numbers: &mut Numbers) -> Option<Plan> {
        let last = self.last.as_ref()?;
        let races = races(&last.steps);
        if races.is_empty() {
            return None;
        }
        let known = |race: &Race| mixed(race.kinds[0] ^ mixed(race.kinds[1]));
        let new: Vec<&Race> = races.iter().filter(|race| !self.reversed.contains(&known(race))).collect();
        let race = if new.is_empty() { &races[numbers.place(races.len())] } else { new[numbers.place(new.len())] };
        let plan = reversed(last.seed, &last.made, &last.steps, race);
        self.reversed.insert(known(race));
        Some(plan)
    }

    /// Learns from a run that passed.
    pub(super) fn learn(&mut self, plan: &Plan, run: &mut Run) {
        if let Some(bounded) = &mut self.bounded {
            return bounded.learn(&plan.first, run);
        }
        for pair in pairs(&run.seen) {
            if self.met.insert(pair) {
                self.met_in = self.number;
            }
        }
        self.last = Some(Passed { seed: plan.seed, made: run.made.clone(), steps: std::mem::take(&mut run.seen) });
    }
}

/// A run up to a race, and then its second message before its first.
pub(super) fn reversed(seed: Seed, made: &Made, steps: &[StepSeen], race: &Race) -> Plan {
    let (first, second) = (&steps[race.first], &steps[race.second]);
    let mut schedule = made.schedule.clone();
    if let Some(split) = race.split {
        // The call before the first message is queued, so its caller waits in front of that message.
        schedule.truncate(split);
        schedule.push(1);
    } else {
        schedule.truncate(first.place.schedule);
    }
    let first_choices = Made { schedule, ..made.clone() };
    let order = Order::Held(Held::new(first.task, (second.task, race.to)));
    Plan { seed, first: first_choices, order, has_faults: false, walk: 0 }
}

/// Which kinds of messages came to a process one after the other, from two tasks.
fn pairs(steps: &[StepSeen]) -> BTreeSet<u64> {
    let mut last: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut pairs = BTreeSet::new();
    for step in steps {
        for sent in &step.sent {
            let before = last.insert(sent.to, (step.task, sent.kind));
            if let Some((_, kind)) = before.filter(|(task, _)| *task != step.task) {
                pairs.insert(mixed(kind ^ mixed(sent.kind)));
            }
        }
    }
    pairs
}
