//! The simulator: what it finds, what it controls, what it says, and what it refuses; and, in the folder, the promises of
//! docs/ARCHITECTURE.md in many orders of events.
#![cfg(feature = "sim")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use genserver::sim::{Faults, sometimes};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::task::Task;
use genserver::{AsServer, Caller, Cx, GenServer, Init, Never, Next, Outcome, Probe, ServerRef, sim, time};

// What has to happen in some run.
mod coverage;
// Clients of a test, ...
mod clients;
// ... and what they saw, compared with a model.
mod histories;
// The same run in other processes and other builds.
mod digests;
// A server for the scenarios, ...
mod worker;
// ... and those.
mod calls;
mod faults;
mod links_and_monitors;
mod names;
mod oracles;
mod pictures;
mod plain_processes;
mod queues;
mod registry;
mod searches;
mod shutdowns;
mod steps;
mod stuck;
mod supervisors;

/// An account whose client reads the balance and then writes it.
struct Account(u64);

enum Call {
    Balance(Caller<u64>),
    Set(u64, Caller<()>),
    Forget(Caller<()>),
}

impl GenServer for Account {
    type Args = u64;
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Account(first))
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Balance(caller) => Next::reply(caller, self.0),
            Call::Set(balance, caller) => {
                self.0 = balance;
                Next::reply(caller, ())
            }
            Call::Forget(caller) => {
                std::mem::forget(caller);
                Next::wait()
            }
        }
    }
}

/// Loses a deposit if another client comes in between.
async fn deposit(account: ServerRef<Account>, amount: u64) {
    let balance = account.call(Call::Balance).await.unwrap();
    account.call(|caller| Call::Set(balance + amount, caller)).await.unwrap();
}

async fn two_clients(sim: &sim::Sim<'_>) {
    let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
    let clients = [1, 2].map(|amount| Task::spawn(deposit(account.clone(), amount)));
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(account.call(Call::Balance).await, Ok(3));
}

/// A check of 256 runs, also if the environment says another number: for what is known of so many.
#[track_caller]
fn check_256(test: impl AsyncFn(&sim::Sim<'_>)) {
    let check = sim::Check::new().runs(256);
    check.run(test).unwrap_or_else(|failed| panic!("{failed}"));
}

/// What a check says that fails.
fn failure(check: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(check)).expect_err("it fails");
    payload.downcast_ref::<String>().expect("its message is formatted").clone()
}

/// The recipe that a message names.
fn recipe(message: &str) -> String {
    let (_, from) = message.split_once("sim::replay(\"").expect("the message names a recipe");
    from.split_once('"').expect("the recipe ends").0.to_owned()
}

#[test]
fn a_race_of_two_clients_is_found_and_its_recipe_runs_it_again() {
    let message = failure(|| check_256(two_clients));
    assert!(message.contains("assertion `left == right` failed"), "{message}");
    let recipe = recipe(&message);
    for _ in 0..2 {
        let again = failure(|| sim::replay(&recipe, two_clients));
        assert_eq!(again.lines().skip(1).collect::<Vec<_>>(), message.lines().skip(1).collect::<Vec<_>>());
    }
}

#[test]
fn a_failing_run_is_made_as_small_as_it_can_be_and_shown_step_by_step() {
    let message = failure(|| check_256(two_clients));
    assert!(message.contains("one unusual choice"), "{message}");
    assert!(message.lines().count() <= 20, "{message}");
    // Both clients have read the balance before either writes it.
    let read = message.lines().filter(|line| line.contains("o Call#1")).count();
    assert_eq!(read, 2, "{message}");
}

#[test]
fn a_test_that_passes_in_the_usual_order_fails_only_in_others() {
    sim::replay("0/", two_clients);
}

/// Counts its starts in a place that outlives it.
async fn a_supervised_account(sim: &sim::Sim<'_>, faults: Option<Faults>) -> usize {
    let starts = Arc::new(AtomicUsize::new(0));
    let child = ChildSpec::server("account", {
        let starts = Arc::clone(&starts);
        move || {
            starts.fetch_add(1, Ordering::Relaxed);
            genserver::start_link::<Account>(7)
        }
    });
    let account = child.reference();
    let supervisor = Supervisor::one_for_one().max_restarts(100).child(child);
    sim.start_supervised(supervisor.start_link()).await;
    if let Some(faults) = faults {
        sim.faults(faults);
    }
    for _ in 0..20 {
        // It may be killed while it answers.
        let _ = account.waiting().call(Call::Balance).await;
        time::sleep(Duration::from_millis(1)).await;
    }
    sim.heal(Duration::from_secs(1)).await;
    assert_eq!(account.waiting().call(Call::Balance).await, Ok(7));
    starts.load(Ordering::Relaxed)
}

#[test]
fn a_killed_server_is_started_again_and_answers_when_the_faults_are_over() {
    sim::check(async |sim| {
        let starts = a_supervised_account(sim, Some(Faults::new().kill::<Account>().at_most(5))).await;
        assert!((1..=6).contains(&starts));
        sometimes!(starts > 3, "it is killed several times");
    });
    sim::check(async |sim| assert_eq!(a_supervised_account(sim, None).await, 1));
}

#[test]
fn a_failure_that_needs_one_fault_is_shown_with_that_fault_alone() {
    let message = failure(|| {
        sim::check(async |sim| {
            let starts = a_supervised_account(sim, Some(Faults::new().kill::<Account>().at_most(5))).await;
            assert_eq!(starts, 1);
        });
    });
    let kills = message.lines().filter(|line| line.contains("x killed")).count();
    assert_eq!(kills, 1, "{message}");
}

/// The message of a test says what else went wrong, and a smaller run has less of that. It is the same failure all the same.
#[test]
fn a_failing_run_is_made_small_although_other_things_went_wrong_in_it() {
    let is_found = Cell::new(false);
    let message = failure(|| {
        check_256(async |sim| {
            let starts = a_supervised_account(sim, Some(Faults::new().kill::<Account>().at_most(5))).await;
            // From the first run on that loses several children.
            is_found.set(is_found.get() || starts > 3);
            assert!(!is_found.get(), "it fails");
        });
    });
    assert!(message.contains("in the usual order"), "{message}");
}

#[test]
fn timers_are_late_and_never_early() {
    sim::check(async |sim| {
        sim.faults(Faults::new().late_timers(Duration::from_millis(10)));
        for number in 1..=10 {
            time::sleep(Duration::from_millis(100)).await;
            assert!(sim.elapsed() >= number * Duration::from_millis(100));
        }
        assert!(sim.elapsed() <= Duration::from_millis(1100));
        sometimes!(sim.elapsed() > Duration::from_secs(1), "a timer is late");
        sometimes!(sim.elapsed() == Duration::from_secs(1), "no timer is late");
    });
}

#[test]
fn time_is_virtual_and_a_day_passes_at_once() {
    sim::check(async |sim| {
        time::sleep(Duration::from_hours(24)).await;
        assert_eq!(sim.elapsed(), Duration::from_hours(24));
    });
}

#[test]
fn a_timeout_is_in_the_time_of_the_simulation() {
    sim::check(async |sim| {
        let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
        assert_eq!(sim.elapsed(), Duration::ZERO);
        assert!(account.call(Call::Forget).await.is_err());
        assert_eq!(sim.elapsed(), Duration::from_secs(5));
    });
}

#[test]
fn a_test_that_waits_for_what_cannot_come_fails_and_lists_the_processes() {
    let message = failure(|| {
        sim::check(async |sim| {
            let account = sim.start_supervised(genserver::start_link::<Account>(0).name("account")).await;
            account.call(Call::Forget).no_timeout().await.unwrap();
        });
    });
    assert!(message.contains("waits for something that cannot come"), "{message}");
    assert!(message.contains("account"), "{message}");
}

#[test]
fn seeds_meet_different_orders_and_one_seed_always_the_same() {
    let order = RefCell::new(Vec::new());
    let orders = RefCell::new(BTreeSet::new());
    let body = async |sim: &sim::Sim<'_>| {
        order.take();
        let mut probe = Probe::<u8>::new();
        for number in 0..4 {
            let sender = probe.sender();
            Task::start(async move { sender.send(number).unwrap() }).unwrap();
        }
        for _ in 0..4 {
            let number = probe.expect_message().await;
            order.borrow_mut().push(number);
        }
        assert_eq!(sim.elapsed(), Duration::ZERO);
        orders.borrow_mut().insert(order.borrow().clone());
    };
    check_256(body);
    assert_eq!(orders.borrow().len(), 24, "256 seeds meet each order of four");

    orders.take();
    for _ in 0..10 {
        sim::replay("7", body);
    }
    assert_eq!(orders.borrow().len(), 1);
}

#[test]
fn a_test_that_depends_on_something_else_is_found_out() {
    let runs = Cell::new(0);
    let message = failure(|| {
        sim::check(async |_sim| {
            runs.set(runs.get() + 1);
            for _ in 0..runs.get() {
                time::sleep(Duration::from_secs(1)).await;
            }
        });
    });
    assert!(message.contains("is not decided by its seed"), "{message}");
}

#[test]
fn it_refuses_to_run_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let message = runtime.block_on(async { catch_unwind(|| sim::check(async |_sim| {})) }).unwrap_err();
    assert!(message.downcast_ref::<&str>().unwrap().contains("write `#[test]`"));
}

#[test]
fn two_simulations_on_two_threads_do_not_notice_each_other() {
    let run = || {
        let steps = Cell::new(0);
        sim::check(async |sim| {
            two_clients_one_after_the_other(sim).await;
            steps.set(steps.get() + sim.draw(0..1000));
        });
        steps.get()
    };
    let alone = run();
    let together = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(run));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(together, [alone; 2]);
}

async fn two_clients_one_after_the_other(sim: &sim::Sim<'_>) {
    let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
    deposit(account.clone(), 1).await;
    deposit(account.clone(), 2).await;
    assert_eq!(account.call(Call::Balance).await, Ok(3));
}
