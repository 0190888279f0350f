//! The simulator: runs a test many times, in other orders of events, in virtual time, on one thread.
//!
//! A test of concurrent code usually meets one order of events, and fails once in a thousand runs, elsewhere. [`check`] runs a
//! test under 256 seeds. A seed decides everything that is otherwise left to the machine: which task goes on when several could,
//! whether a caller runs an idle server itself, and what the test draws at random. If a run fails, its seed is in the message,
//! and [`replay`] runs that very run again, as often as one needs to understand it.
//!
//! ```
//! use genserver::task::Task;
//! use genserver::{Caller, Cx, GenServer, Init, Next, Never, Outcome, ServerRef, sim};
//! # struct Account(u64);
//! # enum Call { Balance(Caller<u64>), Set(u64, Caller<()>) }
//! # impl GenServer for Account {
//! #     type Args = u64;
//! #     type Call = Call;
//! #     type Cast = Never;
//! #     type Info = Never;
//! #     async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Account(first)) }
//! #     async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
//! #         match call {
//! #             Call::Balance(caller) => Next::reply(caller, self.0),
//! #             Call::Set(balance, caller) => { self.0 = balance; Next::reply(caller, ()) }
//! #         }
//! #     }
//! # }
//!
//! /// Wrong: another client may change the balance between the two calls.
//! async fn deposit(account: ServerRef<Account>, amount: u64) {
//!     let balance = account.call(Call::Balance).await.unwrap();
//!     account.call(|caller| Call::Set(balance + amount, caller)).await.unwrap();
//! }
//!
//! # let found = std::panic::catch_unwind(|| {
//! // #[test]
//! // fn no_deposit_is_lost() {
//! sim::check(async |sim| {
//!     let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
//!     let clients = [1, 2].map(|amount| Task::spawn(deposit(account.clone(), amount)));
//!     for client in clients {
//!         client.await.unwrap();
//!     }
//!     assert_eq!(account.call(Call::Balance).await, Ok(3));
//! });
//! // }
//! # });
//! # let said = found.unwrap_err();
//! # let said = said.downcast_ref::<String>().unwrap();
//! # assert!(said.contains("sim::replay(\""), "{said}");
//! ```
//!
//! ```text
//! the simulation failed in run 81 of 256:
//!   assertion `left == right` failed
//!     left: Ok(2)
//!    right: Ok(3)
//! the smallest run found: 9 steps, 0ns of its time, one unusual choice
//!      1           the test > process <1> > Account <3>
//!      2           (no process)
//!      3           process <4>  <- /3.1
//!      4           process <5>
//!      5           Account <3>
//!      6           (no process)
//!      7           process <4> > Account <3> > process <4>
//!      8           process <5> > Account <3> > process <5>
//!      9           the test > Account <3> > process <1> > Account <3>
//! this run again, alone:
//!   sim::replay("3fed9f4247aa0fc6/3.1", ..)
//! ```
//!
//! A line is a step: the time if it has changed, who went on, and which processes it ran inside itself. A step without a process
//! is one of the task that keeps all timeouts. An arrow points at an unusual choice, as it stands in the recipe.
//! Here the first client's call was queued instead of run by itself, so both clients read the balance before either wrote it.
//!
//! # What a test may do
//!
//! A test is written as for [`supervised`](fn@crate::supervised), and [`Sim`] has all methods of its
//! [`TestSupervisor`]. Whatever it starts runs in the simulation: servers, supervisors, agents, tasks, event managers.
//!
//! - Time is virtual. When every task waits, the clock goes to the next thing that is due: a timeout, a timer, a
//!   [`sleep`](crate::time::sleep). A test of a day takes milliseconds.
//! - Use a plain `#[test]`. The simulation is itself the runtime, and refuses to run inside another one.
//! - What belongs to another runtime does not work in it: `tokio::time::sleep` panics, because there is no Tokio. Channels of
//!   any crate work, because they only wake.
//! - A test that waits for what cannot come fails at once, with a list of the processes and what each is doing.
//!
//! A run must depend on its seed alone. [`check`] runs some seeds twice and compares the runs step by step. If they part, it says
//! where: the test then depends on something that the simulation does not control, such as the order of a `HashMap`, the time of
//! the machine, or a thread.
//!
//! # How orders are chosen
//!
//! Half of the seeds choose the next task at random at each step. The others give each task a priority, run the task of the highest
//! one that is ready, and lower the priority of the running task at one to three random steps: most races need few such changes,
//! and are found sooner that way.
//!
//! A choice is a number, and 0 is the usual way: the task that has waited longest goes on, a caller runs an idle server itself,
//! nothing goes wrong. A failing run is made smaller by making its choices 0, as many as possible. So what is left in its recipe,
//! behind the seed, is what the failure needs: `/3.1` means that the choice at place 3 is the second possible one. A recipe can be
//! changed by hand.
//!
//! # Faults
//!
//! [`Faults`] kills servers of given types and lets timers be late, until [`Sim::heal`]. Messages are never lost, doubled or
//! reordered: that cannot happen within one program.
//!
//! # Histories
//!
//! Often it is not known what a client must see, because it depends on what others did before. Let the clients
//! [record](History::record) what they do and see; the [`History`] then says whether some order of their operations explains it.
//!
//! # Settings
//!
//! | variable | what it does |
//! |---|---|
//! | `GENSERVER_SIM_RUNS=10000` | runs so many seeds instead of 256 |
//! | `GENSERVER_SIM_BASE=7` | takes other seeds: those of this number instead of 0 |
//! | `GENSERVER_SIM_RECIPE=1f0c2a97d3b8e645/3.1` | runs this recipe alone |
//!
//! # What is still to come
//!
//! Servers that stall or panic, calls that are given up, and full mailboxes; a picture of a failing run, and the nearest run that
//! passes.

// Which runs a check consists of, ...
mod runs;
// ... and how each is written down.
mod recipe;
// One run: its steps, ...
mod run;
// ... in a runtime with a clock of its own, ...
mod world;
// ... by choices that follow from a seed, ...
mod choices;
// ... also of what goes wrong.
mod faults;
// What clients saw, compared with a model.
mod history;
// A failing run made small, ...
mod shrink;
// ... without a word about each try, ...
mod quiet;
// ... shown step by step, ...
mod trace;
// ... and the message about it.
mod failure;

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::supervised::TestSupervisor;

use choices::Choices;
use failure::Report;
pub use faults::Faults;
pub use history::History;
use quiet::Quiet;
use recipe::Recipe;
use run::Run;
use runs::Runs;
use trace::Trace;
use world::World;

/// Runs a test under 256 seeds, or as many as `GENSERVER_SIM_RUNS` says.
///
/// # Panics
///
/// If a run fails: when the test panics, when it waits for what cannot come, or when it takes a million steps. The message shows
/// the smallest run that fails in the same way, and how to repeat it. Also if two runs of one seed differ, and inside a runtime or
/// another simulation.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a test is written in the call")]
pub fn check(test: impl AsyncFn(&Sim<'_>)) {
    let runs = Runs::from_env();
    for (number, recipe) in runs.iter().enumerate() {
        let run = Run::of(&recipe, &test);
        if run.outcome.is_err() {
            explain(&recipe, run, Some((number + 1, runs.count())), &test);
            continue;
        }
        // One in a hundred is enough to notice a test that depends on something else, and costs next to nothing.
        if number % 100 == 0 {
            run.assert_same(&Run::of(&recipe, &test), &recipe);
        }
    }
}

/// Runs a test once, by the recipe that the message of a failed [`check`] names.
///
/// # Panics
///
/// As [`check`], and if the text is not a recipe.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a test is written in the call")]
pub fn replay(recipe: &str, test: impl AsyncFn(&Sim<'_>)) {
    let recipe: Recipe = recipe.parse().unwrap_or_else(|error| panic!("{error}"));
    let run = Run::of(&recipe, &test);
    if run.outcome.is_err() {
        explain(&recipe, run, None, &test);
    }
}

/// Panics with what is known of a failed run.
#[track_caller]
fn explain(recipe: &Recipe, failed: Run, run_of: Option<(usize, u64)>, test: &impl AsyncFn(&Sim<'_>)) {
    let (recipe, smallest) = shrink::smallest(recipe, failed, test);
    let mut trace = Trace::on();
    let run = {
        let _quiet = Quiet::begin();
        Run::traced(&recipe, test, &mut trace)
    };
    // A run that passes now is not decided by its recipe; what is shown is the failure that was seen.
    if let Err(failure) = &smallest.outcome {
        let choices = run.choices.iter().filter(|choice| **choice != 0).count();
        let (steps, elapsed) = (run.steps, run.elapsed);
        let report = Report { failure, run_of, steps, elapsed, choices, recipe: &recipe, trace: trace.text() };
        panic!("{}", report.text());
    }
}

/// A simulation, as its test sees it: a [`TestSupervisor`] that draws numbers and knows the time.
pub struct Sim<'a> {
    test: &'a TestSupervisor,
    world: &'a Arc<World>,
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
    pub fn draw(&self, range: Range<u64>) -> u64 {
        self.world.choose(|choices: &mut Choices| choices.draw(range))
    }

    /// Turns faults on, instead of those that were on before.
    pub fn faults(&self, faults: Faults) {
        self.world.set_faults(Some(faults));
    }

    /// Turns all faults off: from here on nothing goes wrong by itself.
    pub fn heal(&self) {
        self.world.set_faults(None);
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
