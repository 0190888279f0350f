//! Clients of a test: their place in the order of steps, their processes, their numbers, and how they end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use genserver::sim::{self, Client, Sim};
use genserver::task::Task;
use genserver::{Never, Probe, Reason, current_pid, time, yield_now};

use crate::worker::{Ask, Kind, Ledger, Plan, Worker};
use crate::{Account, Call, check_256, failure};

#[test]
fn clients_go_on_in_any_order_and_in_one_order_by_a_recipe() {
    let orders = RefCell::new(BTreeSet::new());
    let body = async |sim: &Sim<'_>| {
        let order = RefCell::new(Vec::new());
        sim.clients(4, async |client| order.borrow_mut().push(client.number())).await;
        orders.borrow_mut().insert(order.take());
    };
    check_256(body);
    assert_eq!(orders.take().len(), 24, "256 seeds meet each order of four");
    sim::replay("0/", body);
    assert_eq!(orders.take(), BTreeSet::from([vec![0, 1, 2, 3]]));
}

/// The race of the module's page, with clients that borrow the account.
#[test]
fn a_race_of_two_clients_is_found() {
    let message = failure(|| {
        sim::check(async |sim| {
            let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
            sim.clients(2, async |client| {
                let balance = account.call(Call::Balance).await.unwrap();
                let more = client.number() as u64 + 1;
                account.call(|caller| Call::Set(balance + more, caller)).await.unwrap();
            })
            .await;
            assert_eq!(account.call(Call::Balance).await, Ok(3));
        });
    });
    assert!(message.contains("left: Ok(2)") || message.contains("left: Ok(1)"), "{message}");
    assert!(message.contains("client 1"), "the steps name the clients: {message}");
}

#[test]
fn each_client_is_a_process_of_its_own() {
    sim::check(async |sim| {
        let test = current_pid();
        let pids = sim
            .clients(3, async |_client| {
                let first = current_pid();
                yield_now().await;
                assert_eq!(current_pid(), first);
                first
            })
            .await;
        assert_eq!(current_pid(), test);
        let all: BTreeSet<_> = pids.iter().chain([&test]).collect();
        assert_eq!(all.len(), 4, "{pids:?}");
        assert!(pids.iter().all(|pid| sim.node().info(pid.unwrap()).is_none()), "they have ended");
    });
}

/// A server is run by its caller: the depth of what runs inside what begins anew with each client.
#[test]
fn a_client_runs_an_idle_server_itself() {
    sim::replay("0/", async |sim| {
        let worker = sim.start_supervised(genserver::start_link::<Worker>(Plan::new(0, &Ledger::default()))).await;
        sim.clients(2, async |client| {
            let number = client.number() as u64;
            let call = worker.call(|caller| Ask(Kind::Reply, number, caller));
            assert_eq!(futures::FutureExt::now_or_never(call.into_future()), Some(Ok((worker.pid(), number))));
        })
        .await;
    });
}

#[test]
fn what_a_client_draws_does_not_depend_on_the_others() {
    let draws = |others: u64| {
        let all = RefCell::new(Vec::new());
        sim::replay("7", async |sim| {
            let drawn = sim
                .clients(3, async |client| {
                    let count = if client.number() == 1 { 5 } else { others };
                    let mut drawn = Vec::new();
                    for _ in 0..count {
                        drawn.push(client.draw(0..1_000_000));
                        yield_now().await;
                    }
                    drawn
                })
                .await;
            // Those of a later group are others, and so are the test's.
            let later = sim.clients(2, async |client| client.draw(0..1_000_000)).await;
            all.replace(vec![drawn[1].clone(), later, vec![sim.draw(0..1_000_000)]]);
        });
        all.take()
    };
    let alone = draws(0);
    assert_eq!(draws(9), alone);
    let numbers: BTreeSet<u64> = alone.into_iter().flatten().collect();
    assert_eq!(numbers.len(), 8);
}

#[test]
fn what_clients_return_comes_in_the_order_of_their_numbers() {
    sim::check(async |sim| {
        let returned = sim.clients(5, async |client: Client| client.number()).await;
        assert_eq!(returned, [0, 1, 2, 3, 4]);
        assert_eq!(sim.clients(0, async |client| client.number()).await, []);
    });
}

#[test]
fn a_panic_of_a_client_is_the_panic_of_the_test() {
    let message = failure(|| {
        sim::check(async |sim| {
            sim.clients(3, async |client| {
                yield_now().await;
                assert_ne!(client.number(), 1, "the second fails");
            })
            .await;
        });
    });
    assert!(message.contains("the second fails"), "{message}");
}

#[test]
fn a_client_that_is_linked_to_a_process_that_fails_fails_the_test() {
    let message = failure(|| {
        sim::check(async |sim| {
            sim.clients(2, async |client| {
                let worker = genserver::start_link::<Worker>(Plan::new(0, &Ledger::default())).await.unwrap();
                if client.number() == 1 {
                    let _ = worker.call(|caller| Ask(Kind::Fail, 0, caller)).await;
                    time::sleep(Duration::from_secs(1)).await;
                }
            })
            .await;
        });
    });
    assert!(message.contains("client 1 was ended by an exit: failed"), "{message}");
}

#[test]
fn clients_that_are_given_up_are_dropped_and_their_processes_end() {
    sim::check(async |sim| {
        let begun = Cell::new(0);
        let clients = sim.clients(3, async |_client| {
            begun.set(begun.get() + 1);
            time::sleep(Duration::from_secs(2)).await;
            unreachable!("they are dropped before");
        });
        assert!(time::timeout(Duration::from_secs(1), clients).await.is_err());
        assert_eq!(begun.get(), 3);
        assert!(!sim.node().process_list().iter().any(|process| process.label.is_some()));
        time::sleep(Duration::from_secs(5)).await;
    });
}

/// Such a future polls only what was woken.
#[test]
fn clients_may_run_beside_other_clients_and_inside_futures_that_are_polled_when_woken() {
    sim::check(async |sim| {
        let count = Cell::new(0);
        let mut groups: FuturesUnordered<_> = (0..2)
            .map(|_| {
                sim.clients(2, async |_client| {
                    for _ in 0..3 {
                        yield_now().await;
                        count.set(count.get() + 1);
                    }
                })
            })
            .collect();
        while groups.next().await.is_some() {}
        assert_eq!(count.get(), 12);
    });
}

#[test]
fn a_run_settles_when_everything_waits_for_the_test_or_for_time() {
    sim::check(async |sim| {
        let mut probe = Probe::<u64>::new();
        let told = probe.sender();
        let task = Task::start(async move {
            for number in 0..5 {
                yield_now().await;
                told.send(number).unwrap();
            }
            time::sleep(Duration::from_millis(1)).await;
            told.send(100).unwrap();
        });
        sim.settle().await;
        assert_eq!(probe.flush().len(), 5);
        sim.settle().await;
        assert_eq!((probe.flush().len(), sim.elapsed()), (0, Duration::ZERO));
        time::sleep(Duration::from_millis(1)).await;
        sim.settle().await;
        assert_eq!(probe.flush().len(), 1);
        drop(task);
    });
}

#[test]
fn several_clients_may_wait_until_the_run_has_settled() {
    sim::check(async |sim| {
        let worker =
            sim.start_supervised(genserver::start_link::<Worker>(Plan::new(0, &Ledger::default()).steps(2))).await;
        sim.clients(3, async |client| {
            worker.cast(client.number() as u64).unwrap();
            sim.settle().await;
            assert_eq!(worker.info().mailbox, 0);
        })
        .await;
    });
}

#[test]
fn at_a_point_others_go_on_in_some_runs_and_in_the_usual_order_none_does() {
    let met = RefCell::new(BTreeSet::new());
    let body = async |sim: &Sim<'_>| {
        let steps = RefCell::new(Vec::new());
        sim.clients(2, async |client| {
            steps.borrow_mut().push(client.number());
            sim::point("in the middle").await;
            steps.borrow_mut().push(client.number());
        })
        .await;
        met.borrow_mut().insert(steps.take());
    };
    check_256(body);
    assert_eq!(met.take().len(), 6, "each order of two times two steps");
    sim::replay("0/", body);
    assert_eq!(met.take(), BTreeSet::from([vec![0, 0, 1, 1]]));
    let outside = futures::FutureExt::now_or_never(sim::point("outside a simulation"));
    assert_eq!(outside, Some(()));
}

#[test]
fn a_killed_process_ends_where_it_lets_others_go_on() {
    sim::check(async |_sim| {
        let process = genserver::spawn(|me: Probe<Never>| async move {
            me.process_ref().kill();
            yield_now().await;
            me.process_ref().exit(Reason::term("it goes on"));
        });
        assert_eq!(process.unwrap().process_ref().ended().await, Reason::Killed);
    });
}
