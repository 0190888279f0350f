//! The simulator: runs a test many times, in other orders of events, in virtual time, on one thread.
//!
//! A test of concurrent code usually meets one order of events, and fails once in a thousand runs, elsewhere. [`check`] runs a
//! test 256 times or more. In each run it chooses what is otherwise left to the machine: which task goes on when several could,
//! whether a caller runs an idle server itself, what goes wrong, and what the test draws at random. If a run fails, its choices are
//! in the message, as a recipe, and [`replay`] runs that very run again, as often as one needs to understand it.
//!
//! # A test
//!
//! A registry maps names to buckets. It monitors each bucket, and forgets it when it has ended. In this test the simulator may kill a
//! bucket. Afterwards the registry must know the bucket that it returned if that is alive, and only then.
//!
//! ```
//! # use std::collections::BTreeMap;
//! # use std::time::Duration;
//! #
//! # use genserver::agent::Agent;
//! # use genserver::sim::{self, Faults};
//! # use genserver::sys::Message;
//! # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Pid};
//! # /*
//! #[test]
//! # */
//! fn the_registry_forgets_dead_buckets() {
//!     sim::check(async |sim| {
//!         let registry = sim.start_supervised(genserver::start_link::<Registry>(())).await;
//!         registry.call(|caller| Call::Create("milk", caller)).await.unwrap();
//!
//!         // From now on, a bucket may be killed between any two steps.
//!         sim.faults(Faults::new().kill_named("bucket").at_most(1));
//!         let bucket = registry.call(|caller| Call::Create("milk", caller)).await.unwrap();
//!         sim.heal(Duration::from_secs(1)).await;
//!
//!         let found = registry.call(|caller| Call::Lookup("milk", caller)).await.unwrap();
//!         assert_eq!(found.is_some(), bucket.is_alive(), "a bucket is found while it lives");
//!     });
//! }
//!
//! /// The bucket of each name.
//! #[derive(Default)]
//! struct Registry(BTreeMap<&'static str, Bucket>);
//!
//! type Bucket = Agent<Vec<String>>;
//!
//! #[derive(Debug)]
//! enum Call {
//!     Create(&'static str, Caller<Bucket>),
//!     Lookup(&'static str, Caller<Option<Bucket>>),
//! }
//!
//! /// The bucket of this name has ended.
//! #[derive(Debug)]
//! struct Gone {
//!     name: &'static str,
//!     pid: Pid,
//! }
//!
//! impl GenServer for Registry {
//!     type Args = ();
//!     type Call = Call;
//!     type Cast = Never;
//!     type Info = Gone;
//!
//!     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
//!         Init::Run(Self::default())
//!     }
//!
//!     async fn handle_call(&mut self, call: Call, cx: &mut Cx<Self>) -> Outcome<Self> {
//!         match call {
//!             Call::Create(name, caller) => {
//!                 if let Some(bucket) = self.0.get(name).filter(|bucket| bucket.is_alive()) {
//!                     return Next::reply(caller, bucket.clone());
//!                 }
//!                 let bucket = Agent::start(Vec::new).label("bucket").await?;
//!                 cx.monitor(&bucket, move |down| Gone { name, pid: down.pid });
//!                 self.0.insert(name, bucket.clone());
//!                 Next::reply(caller, bucket)
//!             }
//!             Call::Lookup(name, caller) => Next::reply(caller, self.0.get(name).cloned()),
//!         }
//!     }
//!
//!     async fn handle_info(&mut self, gone: Gone, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         self.0.remove(gone.name);
//!         Next::wait()
//!     }
//!
//!     fn format_message(message: Message<'_, Self>) -> Option<String> {
//!         Some(format!("{message:?}"))
//!     }
//! }
//!
//! # let found = std::panic::catch_unwind(the_registry_forgets_dead_buckets).unwrap_err();
//! # assert!(found.downcast_ref::<String>().unwrap().contains("sim::replay(\""));
//! ```
//!
//! The registry looks right, and usually is. But one of the runs fails.
//!
//! # What is printed
//!
//! ```text
//! the simulation failed in run 117:
//!   assertion `left == right` failed: a bucket is found while it lives
//!     left: false
//!    right: true
//! the smallest run found: 5 steps, 0ns of its time, one unusual choice, one fault
//!   the test <2>             Registry <3>          bucket <4>  bucket <5>    step
//!         |---- Create("milk") --->|                                            1
//!         |                        |                    |                          <- /3.1
//!         |                        |------ starts ----->|
//!         |<- - - - - - - - - - - -|                    |
//!         |---- Create("milk") --->|                    |
//!         |                        |                    x killed                2
//!         |                        |                    |      <- /f0.1, passes if after 3, inevitable
//!         |                        |<-- down: killed ---|
//!         |                        o Create("milk")                             3
//!         |                        |------------ starts ----------->|
//!         |<- - - - - - - - - - - -|                                |
//!         |                        o down: killed                   |
//!         |<- - Lookup("milk") --->|                                |           5
//!         x fails                  |                                |
//! passes if the fault of step 2 comes after step 3
//! inevitable from step 2
//! this run again, alone:
//!   sim::replay("3fbc6b3f34e15d18/3.1/f0.1", ..)
//! ```
//!
//! This is the smallest run that was found. Read it from the top:
//!
//! 1. The registry was idle when the test called `Create` again, but did not run at once: the call waited in its mailbox. That is the
//!    unusual choice, `/3.1`.
//! 2. Meanwhile the bucket was killed. That is the fault, `/f0.1`. Its `Down` came to the mailbox behind the call.
//! 3. The registry handled the call first. It saw that bucket 4 was dead, and started bucket 5. Then it handled the `Down`, and removed
//!    the name, which belonged to bucket 5 by then.
//!
//! # The fix
//!
//! Only the bucket that has ended may be removed:
//!
//! ```
//! # use std::collections::BTreeMap;
//! # use std::time::Duration;
//! #
//! # use genserver::agent::Agent;
//! # use genserver::sim::{self, Faults};
//! # use genserver::sys::Message;
//! # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Pid};
//! # /// The bucket of each name.
//! # #[derive(Default)]
//! # struct Registry(BTreeMap<&'static str, Bucket>);
//! #
//! # type Bucket = Agent<Vec<String>>;
//! #
//! # #[derive(Debug)]
//! # enum Call {
//! #     Create(&'static str, Caller<Bucket>),
//! #     Lookup(&'static str, Caller<Option<Bucket>>),
//! # }
//! #
//! # /// The bucket of this name has ended.
//! # #[derive(Debug)]
//! # struct Gone {
//! #     name: &'static str,
//! #     pid: Pid,
//! # }
//! #
//! # impl GenServer for Registry {
//! #     type Args = ();
//! #     type Call = Call;
//! #     type Cast = Never;
//! #     type Info = Gone;
//! #
//! #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
//! #         Init::Run(Self::default())
//! #     }
//! #
//! #     async fn handle_call(&mut self, call: Call, cx: &mut Cx<Self>) -> Outcome<Self> {
//! #         match call {
//! #             Call::Create(name, caller) => {
//! #                 if let Some(bucket) = self.0.get(name).filter(|bucket| bucket.is_alive()) {
//! #                     return Next::reply(caller, bucket.clone());
//! #                 }
//! #                 let bucket = Agent::start(Vec::new).label("bucket").await?;
//! #                 cx.monitor(&bucket, move |down| Gone { name, pid: down.pid });
//! #                 self.0.insert(name, bucket.clone());
//! #                 Next::reply(caller, bucket)
//! #             }
//! #             Call::Lookup(name, caller) => Next::reply(caller, self.0.get(name).cloned()),
//! #         }
//! #     }
//! #
//!     async fn handle_info(&mut self, gone: Gone, _cx: &mut Cx<Self>) -> Outcome<Self> {
//!         if self.0.get(gone.name).is_some_and(|bucket| bucket.pid() == gone.pid) {
//!             self.0.remove(gone.name);
//!         }
//!         Next::wait()
//!     }
//! #     fn format_message(message: Message<'_, Self>) -> Option<String> {
//! #         Some(format!("{message:?}"))
//! #     }
//! # }
//! #
//! # sim::check(async |sim| {
//! #     let registry = sim.start_supervised(genserver::start_link::<Registry>(())).await;
//! #     registry.call(|caller| Call::Create("milk", caller)).await.unwrap();
//! #
//! #     // From now on, a bucket may be killed between any two steps.
//! #     sim.faults(Faults::new().kill_named("bucket").at_most(1));
//! #     let bucket = registry.call(|caller| Call::Create("milk", caller)).await.unwrap();
//! #     sim.heal(Duration::from_secs(1)).await;
//! #
//! #     let found = registry.call(|caller| Call::Lookup("milk", caller)).await.unwrap();
//! #     assert_eq!(found.is_some(), bucket.is_alive(), "a bucket is found while it lives");
//! # });
//! ```
//!
//! Now all runs pass. While you look for a fix, `GENSERVER_SIM_RECIPE=3fbc6b3f34e15d18/3.1/f0.1` makes the test run the failing run
//! alone. When you have it, `sim::replay("3fbc6b3f34e15d18/3.1/f0.1", ..)` keeps that run as a test.
//!
//! # The picture of a run
//!
//! A column is a process, and time goes down. At the right are the steps, the time if it has changed, and what is to be said of a
//! step: its unusual choices, as they stand in the recipe; and what would have made the run pass.
//!
//! | sign | meaning |
//! |---|---|
//! | `\|--- Create -->\|` | a message, or a signal |
//! | `\|<- - - - - - -\|` | the answer to a call |
//! | `\|<- - Create ->\|` | a call and its answer, with nothing in between; the broken half is at the caller |
//! | `\|--- Create --x\|` | a message that was refused: the process has ended, or its mailbox is full |
//! | `o Create` | a message that has waited is handled now |
//! | `x killed` | the process has ended |
//! | `! stalls ..` | a fault |
//!
//! What cannot have had an effect on the failure is left out, and so is what the test started before anything else happened. Of a
//! long run, the end is shown; steps that are the same are one line, `20-23`. A run of many processes is shown as a list: who went
//! on, and which processes it ran inside itself.
//!
//! A message is shown as [`format_message`](crate::GenServer::format_message) formats it. For messages that are `Debug`, that is
//! one line: `Some(format!("{message:?}"))`. Otherwise its type is shown, and the number of its variant: `Call#2`.
//!
//! With `GENSERVER_SIM_HTML=target/sim`, the whole run is also written to a page for a browser, with every process and every
//! step, in that directory. The message says where it is.
//!
//! # What a test may do
//!
//! A test is written as for [`supervised`](fn@crate::supervised), and [`Sim`] has all methods of its
//! [`TestSupervisor`](crate::supervised::TestSupervisor). Whatever it starts runs in the simulation: servers, supervisors, agents,
//! tasks, event managers.
//!
//! - Time is virtual. When every task waits, the clock goes to the next thing that is due: a timeout, a timer, a
//!   [`sleep`](crate::time::sleep). A test of a day takes milliseconds. While tasks only look again and again whether time has
//!   passed, it goes on every 10,000 steps.
//! - Use a plain `#[test]`. The simulation is itself the runtime, and refuses to run inside another one.
//! - What belongs to another runtime does not work in it: `tokio::time::sleep` panics, because there is no Tokio. Channels of
//!   any crate work, because they only wake.
//! - A test that waits for what cannot come fails at once, with a list of the processes and what each is doing.
//!
//! A run must depend on its choices alone. [`check`] makes some runs twice and compares the two step by step. If they part, it says
//! where: the test then depends on something that the simulation does not control, such as the order of a `HashMap`, the time of
//! the machine, or a thread.
//!
//! # How orders are chosen
//!
//! No way to choose finds every race soon, so the runs of a check take several in turn:
//!
//! | [`Search`] | how it goes on | finds soon |
//! |---|---|---|
//! | `RandomWalk` | any task that is ready | what many orders show |
//! | `Priorities` | the task of the highest priority; the running one gets the lowest at one to three random steps | one task that is late all the time |
//! | `UniformWalk` | any task, but one with more left to do is likelier | races at the end of a long task |
//! | `Reversals` | as a run that passed, but two messages of two tasks to one process come in the other order | races that need the rest of the run as it was |
//! | `FewUnusual` | the usual order, but for one or two choices | what one delay shows |
//!
//! [`bounded`] is none of them: it tries every order with a few unusual choices, so it proves something of a small test.
//!
//! A choice is a number, and 0 is the usual way: the task that has waited longest goes on, a caller runs an idle server itself,
//! nothing goes wrong. A failing run is made smaller by making its choices 0, as many as possible, and the numbers that it draws
//! small. So what is left in its recipe, behind the seed, is what the failure needs:
//!
//! | part | meaning |
//! |---|---|
//! | `/3.1` | of the choices which task goes on, and whether a caller runs its server, the one at place 3 is 1 |
//! | `/f12.2` | of the choices which fault happens, the one at place 12 is 2 |
//! | `/d0.5` | the first number that the test [draws](Sim::draw) is 5 above the beginning of its range |
//!
//! A recipe can be changed by hand. A choice that is not possible becomes the last that is.
//!
//! # Faults
//!
//! A test says what may go wrong: [`Sim::faults`] turns [`Faults`] on, and [`Sim::heal`] ends them and waits until everything has
//! recovered. What happens in a run is drawn, and so it is in the recipe and goes when a failing run is made smaller.
//!
//! | in production | in a simulation |
//! |---|---|
//! | a process is killed, at any await | [`kill`](Faults::kill) servers of a type, [`kill_named`](Faults::kill_named) any process with a name or label |
//! | somebody sends an exit signal | [`exit`](Faults::exit), which a server that traps exits sees as a message |
//! | a callback panics | [`panic`](Faults::panic) in any callback, before or after its work; [`panic_at`](Faults::panic_at) in the n-th; [`panic_on`](Faults::panic_on) a message |
//! | a callback takes long | [`stall`](Faults::stall), up to some time |
//! | a callback never returns | [`stuck`](Faults::stuck), until the faults are over |
//! | a call times out while it is queued, handled or answered | [`early_timeouts`](Faults::early_timeouts) |
//! | a mailbox is full | [`full_mailboxes`](Faults::full_mailboxes) |
//! | a timer is late, because the machine is busy | [`late_timers`](Faults::late_timers) |
//! | init fails, or takes too long | a panic, a kill or a stall of init, which is a callback, too |
//!
//! Some things do not go wrong, because they cannot:
//!
//! - Within one program, messages are never lost, doubled or reordered. If a server is slow to take its messages, it is stalled.
//! - A start is never refused for want of something. There is no limit of processes, and each error of a start is about its init,
//!   about the name, or about a caller that is outside every runtime or process.
//! - A future that drops its call in the middle, as a `select!` does, is code of the test: write it there, or kill the process that
//!   calls.
//! - The runtime is not shut down: the test runs on it.
//!
//! With [`Faults::new`] all kinds that are named are on in every run, and with [`Faults::swarm`] some of them are. At most three
//! faults happen, or as many as [`at_most`](Faults::at_most) says. When the test ends, the faults do, too.
//!
//! # Histories
//!
//! Often it is not known what a client must see, because it depends on what others did before. [`Sim::history`] begins a [`History`]
//! with a model. Let the clients [record](History::record) what they do and see; when the test has ended, some order of their
//! operations must explain it. [`Sim::history_by_key`] is for a store: each key is explained alone.
//!
//! # Clients
//!
//! [`Sim::clients`] runs several clients at once. Each is a process with its own place in the order of steps, and may borrow from the
//! test. What a [`Client`] draws does not depend on what the others draw.
//!
//! A model of something outside of the program, such as a database, draws from [`Draws`] what it does and when.
//!
//! Steps end where code awaits. Where it awaits nothing, a [`point`] lets others go on, if that is drawn.
//! [`Sim::settle`] waits until everything waits for the test or for time to pass.
//!
//! # What has to happen in some run
//!
//! A test of faults proves nothing if no fault ever hit what it looks at. [`sometimes!`](sometimes) names what has to happen, and a
//! check of 256 runs fails if it never did.
//!
//! # What is checked in every run
//!
//! A run that breaks one of these fails, whatever its test says:
//!
//! - A process ends once, and terminates once at most. After its end none of its callbacks begins, and nothing that it sends arrives.
//! - A monitor brings one `Down`: when the process ends and not before, and after every message that this has sent to the watcher. A
//!   server that watches handles it.
//! - A call ends once: with its answer, at its timeout, with the end of its server, refused, or given up. It ends when its server
//!   ends, and when its [`Caller`](crate::Caller) is dropped. It gets no answer to another call, and so none from another incarnation
//!   of the server than it was sent to.
//! - A supervisor restarts its children as often as its limit allows, and then gives up.
//! - When the test has ended and its node was shut down, no process is left.
//!
//! # Settings
//!
//! | variable | what it does |
//! |---|---|
//! | `GENSERVER_SIM_RUNS=10000` | makes so many runs instead of 256 to 2,048 |
//! | `GENSERVER_SIM_BASE=7` | takes other seeds: those of this number instead of 0 |
//! | `GENSERVER_SIM_RECIPE=1f0c2a97d3b8e645/3.1` | runs this recipe alone |
//! | `GENSERVER_SIM_CHECK=1` | makes every run twice, and compares the two |
//! | `GENSERVER_SIM_UNTIL=147` | stops the run of a recipe behind this step, and shows every process and its state |
//! | `GENSERVER_SIM_HTML=target/sim` | writes a failing run to a page in this directory, seen from that of the test's package |
//!
//! Without optimisation, most of the time of a run is spent in this crate. It is compiled once and your tests often, so have it
//! optimised, in the manifest of your workspace. A check then takes less than half the time:
//!
//! ```toml
//! [profile.dev.package.genserver]
//! opt-level = 2
//! ```

// A simulation, as its test sees it.
mod simulation;
// Many runs of one test, ...
mod check;
// ... how many, ...
mod runs;
// ... which orders they try, ...
mod search;
// ... and how each is written down.
mod recipe;
// One run: its steps, ...
mod run;
// ... in a runtime with a clock of its own, ...
mod world;
// ... by choices ...
mod choices;
// ... that follow from a seed, ...
mod numbers;
// ... also of what goes wrong, ...
mod faults;
// ... until it does no more.
mod heal;
// A place where a task may let others go on.
mod point;
// Numbers for what a test stands on.
mod draws;
// Clients of a test, ...
mod clients;
// ... when each has its turn, ...
mod turns;
// ... and what they saw, compared with a model.
mod history;
// ... when the test has ended.
mod histories;
// What has to happen in some run, ...
mod sometimes;
// ... and what in every run.
mod oracles;
// A run that stops at a step.
mod until;
// A failing run made small, ...
mod shrink;
// ... without a word about each try, ...
mod quiet;
// ... shown step by step, ...
mod trace;
// ... also in a browser, ...
mod pages;
// ... explained by runs that pass, ...
mod explain;
// ... and the message about it, ...
mod failure;
// ... with the processes that wait for others, ...
mod waits;
// ... which a check returns.
mod failed;

#[doc(inline)]
pub use crate::__sometimes as sometimes;
pub use check::{Check, Passed, bounded, check, replay};
pub use clients::Client;
pub use draws::Draws;
pub use failed::Failed;
pub use faults::Faults;
pub use history::History;
pub use point::point;
pub use search::Search;
pub use simulation::Sim;
#[doc(hidden)]
pub use sometimes::{note_what_happens, notes_what_happens};
