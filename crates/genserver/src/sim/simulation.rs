//! A simulation, as its test sees it.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::supervised::TestSupervisor;

use super::faults::Faults;
use super::heal;
use super::histories::Histories;
use super::world::{TEST, World};

/// A simulation, as its test sees it: a [`TestSupervisor`] that draws numbers and knows the time.
pub struct Sim<'a> {
    pub(super) test: &'a TestSupervisor,
    pub(super) world: &'a Arc<World>,
    pub(super) histories: Histories,
}

impl Sim<'_> {
    /// Draws a number of the range, which follows from the seed.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::sim;
    ///
    /// sim::check(async |sim| {
    ///     let size = sim.draw(1..10);
    ///     assert!((1..10).contains(&size));
    /// });
    /// ```
    #[must_use]
    #[track_caller]
    pub fn draw(&self, range: Range<u64>) -> u64 {
        self.world.draw(TEST, range)
    }

    /// Draws one of several values.
    ///
    /// # Panics
    ///
    /// If there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Reason, sim};
    ///
    /// sim::check(async |sim| {
    ///     let reason = sim.pick(&[Reason::Normal, Reason::Shutdown, Reason::Killed]);
    ///     // ... and end a process with that.
    /// #   drop(reason);
    /// });
    /// ```
    #[must_use]
    #[track_caller]
    pub fn pick<'a, T>(&self, values: &'a [T]) -> &'a T {
        self.world.pick(TEST, values)
    }

    /// Waits until no other task is ready and nothing is due now: everything waits for the test, or for time to pass.
    ///
    /// The time of the simulation does not pass meanwhile. It is for a test that has set something going and wants to see what has
    /// come of it, where nothing tells that it is done.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no other effect.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim;
    /// use std::time::Duration;
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     for _ in 0..3 {
    ///         counter.cast(Add(1)).unwrap();
    ///     }
    ///     sim.settle().await;
    ///     assert_eq!(counter.info().mailbox, 0);
    ///     assert_eq!(sim.elapsed(), Duration::ZERO);
    /// });
    /// ```
    pub async fn settle(&self) {
        self.world.settle().await;
    }

    /// Turns faults on, instead of those that were on before. What these hold up stays so.
    pub fn faults(&self, faults: Faults) {
        self.world.set_faults(faults);
    }

    /// Ends all faults and waits until everything has recovered: from here on nothing goes wrong by itself.
    ///
    /// What is stalled or stuck goes on, timers are on time again, and mailboxes have space. Then it waits, in the simulation's time,
    /// for a moment at which no server is in a callback or has a message to handle, no process is about to end, and nothing can go
    /// on but the test. Then every child is up, unless its supervisor has given it up; and a call has been answered or has failed,
    /// unless its server keeps it for later. Timers that are not due yet are not waited for.
    ///
    /// When a test ends, the faults end, too.
    ///
    /// # Panics
    ///
    /// If that takes longer than `within`, with a list of the processes and what each is doing. So a server whose callback awaits
    /// what may never come, such as a message on a channel, makes it fail: turn the faults off with
    /// [`faults(Faults::new())`](Self::faults) instead, which waits for nothing.
    ///
    /// # Cancel safety
    ///
    /// The faults end when it is first polled. Dropped later, it only waits no longer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::AsServer;
    /// use genserver::sim::{self, Faults};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    /// use std::time::Duration;
    ///
    /// sim::check(async |sim| {
    ///     let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    ///     let child = counter.reference();
    ///     sim.start_supervised(Supervisor::one_for_one().child(counter).start_link()).await;
    ///     sim.faults(Faults::new().kill::<Counter>().stuck::<Counter>());
    ///     for _ in 0..5 {
    ///         let _ = child.call(Call::Get).timeout(Duration::from_secs(1)).await;
    ///     }
    ///     sim.heal(Duration::from_secs(1)).await;
    ///     // Without `waiting`: it is up.
    ///     assert_eq!(child.call(Call::Get).await, Ok(7));
    /// });
    /// ```
    pub async fn heal(&self, within: Duration) {
        heal::heal(self.world, self.node(), within).await;
    }

    /// How much of the simulation's time has passed.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{sim, time};
    /// use std::time::Duration;
    ///
    /// sim::check(async |sim| {
    ///     time::sleep(Duration::from_hours(24)).await;
    ///     assert_eq!(sim.elapsed(), Duration::from_hours(24));
    /// });
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.world.elapsed()
    }
}

impl Deref for Sim<'_> {
    type Target = TestSupervisor;

    fn deref(&self) -> &TestSupervisor {
        self.test
    }
}

impl fmt::Debug for Sim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}
