//! One run: the test and its tasks, step by step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Node;
use crate::supervised::supervised_on;

use super::Sim;
use super::choices::mixed;
use super::failure::Failure;
use super::recipe::Recipe;
use super::trace::Trace;
use super::world::{TEST, World};

/// A run that has not ended by then will not end.
const STEPS_MAX: u64 = 1_000_000;

/// A run that is over.
pub(super) struct Run {
    pub(super) outcome: Result<(), Failure>,
    pub(super) steps: u64,
    pub(super) elapsed: Duration,
    /// What was chosen, where there was a choice.
    pub(super) choices: Vec<u32>,
    /// How many choices there were before the last step.
    first_choice: usize,
    /// A number for what happened up to each step. Those of two runs are equal as long as the runs are.
    digests: Vec<u64>,
}

impl Run {
    /// Runs the test.
    #[track_caller]
    pub(super) fn of(recipe: &Recipe, test: &impl AsyncFn(&Sim<'_>)) -> Self {
        Self::traced(recipe, test, &mut Trace::off())
    }

    /// Runs the test, and writes down who did what.
    #[track_caller]
    pub(super) fn traced(recipe: &Recipe, test: &impl AsyncFn(&Sim<'_>), trace: &mut Trace) -> Self {
        let world = World::new(recipe);
        let entered = world.enter();
        let (elapsed, choices) = (Duration::ZERO, Vec::new());
        let mut run = Self { outcome: Ok(()), steps: 0, elapsed, choices, first_choice: 0, digests: Vec::new() };
        // A panic leaves nothing behind: the world ends with the run.
        let ended = catch_unwind(AssertUnwindSafe(|| run.drive(&world, test, trace)));
        run.outcome = ended.unwrap_or_else(|payload| {
            trace.end_early(run.steps, &world, run.first_choice);
            Err(Failure::panicked(&*payload))
        });
        run.elapsed = world.elapsed();
        run.choices = world.made_since(0);
        world.clear();
        drop(entered);
        run
    }

    fn drive(&mut self, world: &Arc<World>, test: &impl AsyncFn(&Sim<'_>), trace: &mut Trace) -> Result<(), Failure> {
        let node = Node::with_runtime(Arc::clone(world) as _);
        let mut body =
            pin!(supervised_on(node.clone(), async |supervisor| test(&Sim { test: supervisor, world }).await));
        let waker = world.waker(TEST);
        while self.steps < STEPS_MAX {
            if let Some(victim) = world.strike(&node) {
                trace.kill(&victim);
            }
            self.first_choice = world.choices_made();
            let Some(task) = world.next() else { return Err(Failure::stuck(&node)) };
            self.steps += 1;
            let before = self.digests.last().copied().unwrap_or_default();
            trace.begin();
            if task == TEST {
                let polled = body.as_mut().poll(&mut Context::from_waker(&waker));
                trace.end(self.steps, world, &node, self.first_choice);
                if polled == Poll::Ready(()) {
                    return Ok(());
                }
            } else {
                world.poll(task);
                trace.end(self.steps, world, &node, self.first_choice);
            }
            let seen = (world.ready() as u64) << 32 | task;
            self.digests.push(mixed(before ^ mixed(seen)));
        }
        Err(Failure::endless(&node))
    }

    /// Whether both failed, in the same way.
    pub(super) fn fails_like(&self, other: &Self) -> bool {
        match (&self.outcome, &other.outcome) {
            (Err(failure), Err(other)) => failure.is_like(other),
            _ => false,
        }
    }

    /// Two runs of one seed are the same.
    ///
    /// # Panics
    ///
    /// If they differ.
    #[track_caller]
    pub(super) fn assert_same(&self, again: &Self, recipe: &Recipe) {
        let pairs = self.digests.iter().zip(&again.digests);
        let parted = pairs.take_while(|(first, second)| first == second).count();
        let is_same = parted == self.digests.len() && parted == again.digests.len() && again.outcome.is_ok();
        assert!(
            is_same,
            "the simulation is not decided by its seed: two runs of {recipe} part at step {}. The test depends on \
             something else, such as the order of a `HashMap`, the time of the machine, a thread, or what an earlier run \
             has left",
            parted + 1
        );
    }
}
