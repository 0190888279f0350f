//! What goes wrong in a simulation because the test asked for it.

use std::any::type_name;
use std::time::Duration;

use crate::{AsProcess, GenServer, Node, ProcessInfo};

use super::choices::Choices;
use super::world::World;

/// Which faults may happen. Each run draws which of them do, when, and to which process.
///
/// # Examples
///
/// A server that is killed now and then, and the supervisor that has to cope with it:
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::AsServer;
/// use genserver::sim::{self, Faults};
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// sim::check(async |sim| {
///     let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
///     let child = counter.reference();
///     let supervisor = Supervisor::one_for_one().max_restarts(10).child(counter);
///     sim.start_supervised(supervisor.start_link()).await;
///
///     sim.faults(Faults::new().kill::<Counter>().at_most(5));
///     for _ in 0..10 {
///         let _ = child.waiting().call(Call::Get).await;
///     }
///     sim.heal();
///
///     // Whatever has happened: there is a counter, and it answers.
///     assert_eq!(child.waiting().call(Call::Get).await, Ok(0));
/// });
/// ```
#[derive(Clone, Debug)]
#[must_use = "`Sim::faults` turns them on"]
pub struct Faults {
    /// The types of the servers that may be killed.
    kills: Vec<&'static str>,
    late: Duration,
    left: u32,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Faults {
    /// No faults yet, and at most three in a run.
    pub fn new() -> Self {
        Self { kills: Vec::new(), late: Duration::ZERO, left: 3 }
    }

    /// Kills servers of this type, between two steps: where they wait, or await something.
    pub fn kill<S: GenServer>(mut self) -> Self {
        self.kills.push(type_name::<S>());
        self
    }

    /// Lets timers and timeouts be late, by up to this time. They are never early.
    pub fn late_timers(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }

    /// At most so many kills happen in a run (default: three).
    pub fn at_most(mut self, kills: u32) -> Self {
        self.left = kills;
        self
    }

    /// By how much a timer is late that is set now.
    pub(super) fn lateness(&self, choices: &mut Choices) -> Duration {
        // In tenths: a smaller number is a smaller fault.
        let tenths = if self.late.is_zero() { 0 } else { choices.fault(10).map_or(0, |tenths| tenths + 1) };
        self.late / 10 * u32::try_from(tenths).unwrap_or_default()
    }

    /// Kills a server, if that is drawn. Returns which one.
    pub(super) fn strike(&mut self, node: &Node, world: &World) -> Option<ProcessInfo> {
        if self.left == 0 || self.kills.is_empty() {
            return None;
        }
        let kind = world.choose(|choices| choices.fault(self.kills.len()))?;
        let mut victims = node.process_list();
        victims.retain(|process| process.server == self.kills[kind]);
        if victims.is_empty() {
            return None;
        }
        let victim = victims.swap_remove(world.choose(|choices| choices.victim(victims.len())));
        self.left -= 1;
        if let Some(process) = victim.pid.as_process() {
            process.kill();
        }
        Some(victim)
    }
}
