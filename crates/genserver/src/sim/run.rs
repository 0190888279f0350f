//! One run: the test and its tasks, step by step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::node::Node;
use crate::supervised::supervised_on;

use super::Sim;
use super::choices::mixed;
use super::failure::Failure;
use super::seeds::Seed;
use super::world::{TEST, World};

/// A run that has not ended by then goes round in a circle.
const STEPS_MAX: u64 = 1_000_000;

/// A run that is over.
pub(super) struct Run {
    pub(super) outcome: Result<(), Failure>,
    pub(super) steps: u64,
    pub(super) elapsed: Duration,
    /// A number for what happened up to each step. Those of two runs are equal as long as the runs are.
    digests: Vec<u64>,
}

impl Run {
    /// Runs the test under this seed.
    #[track_caller]
    pub(super) fn of(seed: Seed, test: &impl AsyncFn(&Sim<'_>)) -> Self {
        let world = World::new(seed);
        let entered = world.enter();
        let mut run = Self { outcome: Ok(()), steps: 0, elapsed: Duration::ZERO, digests: Vec::new() };
        // A panic leaves nothing behind: the world ends with the run.
        let ended = catch_unwind(AssertUnwindSafe(|| run.drive(&world, test)));
        run.outcome = ended.unwrap_or_else(|payload| Err(Failure::Panicked(payload)));
        run.elapsed = world.elapsed();
        world.clear();
        drop(entered);
        run
    }

    fn drive(&mut self, world: &Arc<World>, test: &impl AsyncFn(&Sim<'_>)) -> Result<(), Failure> {
        let node = Node::with_runtime(Arc::clone(world) as _);
        let mut body =
            pin!(supervised_on(node.clone(), async |supervisor| test(&Sim { test: supervisor, world }).await));
        let waker = world.waker(TEST);
        while self.steps < STEPS_MAX {
            let Some(task) = world.choose() else { return Err(Failure::stuck(&node)) };
            self.steps += 1;
            let before = self.digests.last().copied().unwrap_or_default();
            if task == TEST {
                if let Poll::Ready(()) = body.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Ok(());
                }
            } else {
                world.poll(task);
            }
            let seen = (world.ready() as u64) << 32 | task;
            self.digests.push(mixed(before ^ mixed(seen)));
        }
        Err(Failure::endless(&node))
    }

    /// Two runs of one seed are the same.
    ///
    /// # Panics
    ///
    /// If they differ.
    #[track_caller]
    pub(super) fn assert_same(&self, again: &Self, seed: Seed) {
        let pairs = self.digests.iter().zip(&again.digests);
        let parted = pairs.take_while(|(first, second)| first == second).count();
        let is_same = parted == self.digests.len() && parted == again.digests.len() && again.outcome.is_ok();
        assert!(
            is_same,
            "the simulation is not decided by its seed: two runs of {seed} part at step {}. The test depends on something \
             else, such as the order of a `HashMap`, the time of the machine, a thread, or what an earlier run has left",
            parted + 1
        );
    }
}
