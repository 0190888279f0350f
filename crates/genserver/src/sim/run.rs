//! One run: the test and its tasks, step by step.
//!
//! 1. The digests of two runs are equal as long as the runs are, in every process and every build. So no pointer, no number of a type
//!    and no name of one goes into a digest, nor what a program has done before the run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use crate::Node;
use crate::node::record::{self, Event, Level};
use crate::supervised::supervised_on;

use super::choices::{Alternatives, Made, Place, Plan};
use super::failure::Failure;
use super::histories::Histories;
use super::numbers::mixed;
use super::oracles::{self, Oracles};
use super::quiet;
use super::search::races::StepSeen;
use super::simulation::Sim;
use super::trace::Trace;
use super::until;
use super::world::{TEST, World};

/// A run that has not ended by then will not end.
const STEPS_MAX: u64 = 1_000_000;

/// Of so many steps it is kept what they did to others. Races of a longer run are looked for in its beginning.
const SEEN_MAX: usize = 4_096;

/// A run that is over.
pub(super) struct Run {
    pub(super) outcome: Result<(), Failure>,
    pub(super) steps: u64,
    pub(super) elapsed: Duration,
    /// How many faults have happened.
    pub(super) faults: usize,
    /// What was chosen, where there was a choice, ...
    pub(super) made: Made,
    /// ... and what else could have been.
    pub(super) alternatives: Alternatives,
    /// What each step did to others.
    pub(super) seen: Vec<StepSeen>,
    /// The present step: whose it is, and where its first choice stands.
    step: (u64, Place),
    /// A number for what happened up to each step: rule 1.
    digests: Vec<u64>,
    oracles: Oracles,
    /// Those of the present step.
    events: Vec<Event>,
    /// The step at which it is to stop.
    until: Option<u64>,
}

/// Ends all faults when it is dropped, and says that the body of the test is over.
struct HealedAtEnd<'a>(&'a World);

impl Drop for HealedAtEnd<'_> {
    fn drop(&mut self) {
        record::note(|| Event::BodyOver);
        self.0.heal();
    }
}

impl Run {
    /// Runs the test.
    #[track_caller]
    pub(super) fn of(plan: Plan, test: &impl AsyncFn(&Sim<'_>)) -> Self {
        Self::traced(plan, test, &mut Trace::off())
    }

    /// Runs the test, and writes down who did what.
    #[track_caller]
    pub(super) fn traced(plan: Plan, test: &impl AsyncFn(&Sim<'_>), trace: &mut Trace) -> Self {
        Self::begin(plan, test, trace, None)
    }

    /// Runs the test up to this step. The outcome shows what every process is then.
    #[track_caller]
    pub(super) fn until(plan: Plan, test: &impl AsyncFn(&Sim<'_>), step: u64) -> Self {
        Self::begin(plan, test, &mut Trace::off(), Some(step))
    }

    #[track_caller]
    fn begin(plan: Plan, test: &impl AsyncFn(&Sim<'_>), trace: &mut Trace, until: Option<u64>) -> Self {
        quiet::begin_run();
        let world = World::new(plan);
        let entered = world.enter();
        let recording = record::begin(trace.level().max(Level::Races));
        let mut run = Self {
            outcome: Ok(()),
            steps: 0,
            elapsed: Duration::ZERO,
            faults: 0,
            made: Made::default(),
            alternatives: Alternatives::default(),
            seen: Vec::new(),
            step: (TEST, Place::default()),
            digests: Vec::new(),
            oracles: Oracles::default(),
            events: Vec::new(),
            until,
        };
        let node = Node::with_runtime(Arc::clone(&world) as _);
        // A panic leaves nothing behind: the world ends with the run.
        let ended = catch_unwind(AssertUnwindSafe(|| run.drive(&world, &node, test, trace)));
        run.outcome = ended.unwrap_or_else(|payload| {
            run.end_step(&world, &node, trace);
            Err(Failure::panicked(&*payload))
        });
        run.elapsed = world.elapsed();
        run.faults = world.struck();
        (run.made, run.alternatives) = world.take_choices();
        drop(recording);
        world.clear();
        drop(entered);
        run
    }

    fn drive(
        &mut self,
        world: &Arc<World>,
        node: &Node,
        test: &impl AsyncFn(&Sim<'_>),
        trace: &mut Trace,
    ) -> Result<(), Failure> {
        let mut body = pin!(supervised_on(node.clone(), async |supervisor| {
            // What the test leaves is stopped without faults, also if it fails: a server that is stuck could not be.
            let _healed = HealedAtEnd(world);
            let sim = Sim { test: supervisor, world, histories: Histories::default() };
            test(&sim).await;
            sim.histories.assert_explained();
        }));
        let waker = world.waker(TEST);
        while self.steps < STEPS_MAX {
            if self.until == Some(self.steps) {
                return Err(Failure::Stopped(until::processes(world, node)));
            }
            let place = world.place();
            world.strike(node);
            let Some(task) = world.next() else { return Err(Failure::stuck(node)) };
            self.steps += 1;
            self.step = (task, place);
            let mut is_over = false;
            if task == TEST || world.has_turn(task) {
                is_over = body.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
            } else {
                world.poll(task);
            }
            self.end_step(world, node, trace);
            if let Some(broken) = self.oracles.broken() {
                return Err(Failure::Broken(broken));
            }
            if is_over {
                return oracles::left(node).map_or(Ok(()), |left| Err(Failure::Left(left)));
            }
        }
        Err(Failure::endless(node))
    }

    /// A step has ended, maybe in a panic.
    fn end_step(&mut self, world: &World, node: &Node, trace: &mut Trace) {
        let (task, place) = self.step;
        record::take_into(&mut self.events);
        self.oracles.see(&self.events, world.elapsed());
        let step = world.seen(task, place, &self.events);
        let (ready, elapsed) = world.ready_and_elapsed();
        let mut digest = mixed(self.digest() ^ mixed((ready as u64) << 32 | task));
        digest = mixed(
            digest ^ mixed(elapsed.as_secs() << 30 ^ u64::from(elapsed.subsec_nanos())) ^ self.events.len() as u64,
        );
        for sent in &step.sent {
            digest = mixed(digest ^ mixed(sent.to ^ record::variant(sent.kind).rotate_left(32)));
        }
        self.digests.push(digest);
        if self.seen.len() < SEEN_MAX {
            self.seen.push(step);
        }
        trace.end(self.steps, world, node, &mut self.events);
    }

    /// A number for all that has happened: rule 1.
    pub(super) fn digest(&self) -> u64 {
        self.digests.last().copied().unwrap_or_default()
    }

    /// Whether both failed, in the same way.
    pub(super) fn fails_like(&self, other: &Self) -> bool {
        match (&self.outcome, &other.outcome) {
            (Err(failure), Err(other)) => failure.is_like(other),
            _ => false,
        }
    }

    /// Two runs with the same choices are the same.
    ///
    /// # Errors
    ///
    /// If they differ: what to say about it.
    pub(super) fn is_same(&self, again: &Self) -> Result<(), String> {
        let pairs = self.digests.iter().zip(&again.digests);
        let parted = pairs.take_while(|(first, second)| first == second).count();
        if parted == self.digests.len() && parted == again.digests.len() && again.outcome.is_ok() {
            return Ok(());
        }
        Err(format!(
            "the simulation is not decided by its seed: two runs with the same choices part at step {}. The test depends on \
             something else, such as the order of a `HashMap`, the time of the machine, a thread, or what an earlier run \
             has left",
            parted + 1
        ))
    }
}
