//! How the runs of a check choose what goes on, and what they find.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use genserver::sim::{self, Check, Faults, Search, Sim};
use genserver::task::Task;
use genserver::{Probe, time};

use crate::{Account, Call, two_clients};

#[test]
fn every_search_finds_the_lost_deposit() {
    for search in [
        Search::Portfolio,
        Search::RandomWalk,
        Search::Priorities,
        Search::UniformWalk,
        Search::Reversals,
        Search::FewUnusual,
        Search::Bounded(1),
    ] {
        let failed = Check::new().runs(1000).search(search).run(two_clients).expect_err("a deposit is lost");
        assert!(failed.to_string().contains("assertion `left == right` failed"), "{search:?}: {failed}");
        assert_eq!((failed.unusual_choices(), failed.faults()), (1, 0), "{search:?}: {failed}");
        assert!(failed.steps() < 20 && failed.run().is_some());
        let again = std::panic::catch_unwind(|| sim::replay(failed.recipe().unwrap(), two_clients));
        assert!(again.is_err(), "{search:?}: its recipe fails, too");
    }
}

/// Three tasks send a message each; `seen` gets their orders.
async fn three_messages(orders: &RefCell<BTreeSet<Vec<u8>>>) {
    let mut probe = Probe::<u8>::new();
    for number in 0..3 {
        let sender = probe.sender();
        Task::start(async move { sender.send(number).unwrap() }).unwrap();
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(probe.expect_message().await);
    }
    orders.borrow_mut().insert(order);
}

#[test]
fn a_bounded_search_tries_each_order_and_ends() {
    let orders = |limit| {
        let orders = RefCell::default();
        let runs = Cell::new(0);
        sim::bounded(limit, async |_sim| {
            runs.set(runs.get() + 1);
            three_messages(&orders).await;
        });
        (orders.into_inner().len(), runs.get())
    };
    let (none, runs) = orders(0);
    assert_eq!((none, runs), (1, 2), "the usual order, and once more to see that it is the same");
    assert!(orders(1).0 > 1);
    assert_eq!(orders(3).0, 6);
}

#[test]
fn a_check_of_a_test_without_messages_has_the_usual_runs() {
    let passed = Check::new().run(async |_sim| {}).expect("nothing goes wrong");
    // More or fewer if the environment says so.
    if std::env::vars().all(|(name, _)| !name.starts_with("GENSERVER_SIM_")) {
        assert_eq!(passed.runs(), 256);
    }
}

/// What two bases have tried is not the same.
#[test]
fn a_base_decides_what_is_drawn() {
    let draws = |base| {
        let drawn = RefCell::new(Vec::new());
        let check = Check::new().runs(8).base(base);
        check.run(async |sim: &Sim<'_>| drawn.borrow_mut().push(sim.draw(0..1_000_000))).expect("nothing goes wrong");
        drawn.into_inner()
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
}

#[test]
fn a_smaller_number_is_drawn_if_the_run_fails_with_it_too() {
    let failed = Check::new().runs(100).run(async |sim| {
        let _unused = sim.draw(0..1000);
        assert!(sim.draw(0..1000) < 500, "it is large");
    });
    let failed = failed.expect_err("half of the runs fail");
    assert!(failed.recipe().unwrap().ends_with("/d0.0/d1.500"), "{failed}");
}

#[test]
fn a_failing_run_is_made_small_whatever_its_message_says() {
    let failed = Check::new().run(async |sim| {
        let mut drawn = Vec::new();
        for _ in 0..sim.draw(0..9) {
            drawn.push(sim.draw(0..100));
            time::sleep(Duration::from_millis(1)).await;
        }
        assert!(drawn.is_empty(), "{drawn:?}, of which many are large: {}", drawn.iter().sum::<u64>() > 100);
    });
    let failed = failed.expect_err("most runs fail").to_string();
    assert!(failed.contains("\n  [0], of which many are large: false\n"), "{failed}");
}

#[test]
fn a_failure_is_not_taken_for_one_at_another_place_with_the_same_message() {
    let is_found = Cell::new(false);
    let failed = Check::new().runs(100).run(async |sim| {
        let number = sim.draw(0..1000);
        is_found.set(is_found.get() || number >= 900);
        assert!(number < 900, "it is large");
        assert!(!is_found.get() || number < 10, "it is large");
    });
    let failed = failed.expect_err("a run in ten fails");
    assert!(failed.recipe().unwrap().ends_with("/d0.900"), "{failed}");
}

#[test]
fn a_failure_names_the_nearest_run_that_passes_and_the_step_of_no_return() {
    let failed = Check::new().run(two_clients).expect_err("a deposit is lost").to_string();
    let line =
        |of: &str| failed.lines().find(|line| line.starts_with(of)).unwrap_or_else(|| panic!("{failed}")).to_owned();
    assert_eq!(line("passes if"), "passes if step 3 comes after step 4");
    assert_eq!(line("inevitable"), "inevitable from step 4");
}

/// Asks once, when some time has passed.
async fn asks_once(sim: &Sim<'_>) {
    let account = sim.start_supervised(genserver::start_link::<Account>(7)).await;
    sim.faults(Faults::new().kill::<Account>());
    for _ in 0..5 {
        time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(account.call(Call::Balance).await, Ok(7));
    for _ in 0..5 {
        time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_failure_by_a_fault_passes_when_the_fault_comes_later() {
    let failed = Check::new().run(asks_once).expect_err("the account is killed").to_string();
    assert!(failed.contains("\npasses if the fault of step 3 comes after step 7\n"), "{failed}");
    assert!(failed.contains("\ninevitable from step 3\n"), "{failed}");
}
