//! Names: each belongs to one living process, and is free when anybody learns of its end.

use std::cell::Cell;

use genserver::sim::{self, Faults};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::task::Task;
use genserver::{AsServer, Named, Probe, Reason, StartError, StopError, start, whereis};

use crate::worker::{Ask, Kind, Ledger, Plan, What, Worker, steps};

/// Promise 7: several want one name, again and again.
#[test]
fn a_name_belongs_to_one_living_process() {
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        let ledger = Ledger::default();
        sim.faults(Faults::new().kill::<Worker>());
        let contenders: Vec<_> = (0..3)
            .map(|id| {
                let (ledger, pause) = (ledger.clone(), sim.draw(0..4));
                Task::spawn(async move {
                    let mut outcomes = Vec::new();
                    for _ in 0..4 {
                        let plan = Plan::new(id, &ledger).steps(pause);
                        let before = ledger.entries();
                        let started = start::<Worker>(plan).name("worker").await;
                        if let Err(StartError::AlreadyStarted { pid, .. }) = &started {
                            let is_gone = before.iter().any(|entry| entry.pid == *pid && entry.what == What::Gone);
                            assert!(!is_gone, "the name belongs to {pid}, which had ended");
                        }
                        outcomes.push(started.as_ref().map(|_| ()).map_err(Clone::clone));
                        if let Ok(worker) = started {
                            steps(pause).await;
                            // While it lives, the name is its own.
                            if worker.is_alive() {
                                assert_eq!(whereis("worker").unwrap().pid(), worker.pid());
                            }
                            let _ = worker.stop().await;
                        }
                        steps(1).await;
                    }
                    outcomes
                })
            })
            .collect();
        for contender in contenders {
            for outcome in contender.await.unwrap() {
                match outcome {
                    Ok(()) => taken.set(taken.get() + 1),
                    Err(StartError::AlreadyStarted { .. }) => refused.set(refused.get() + 1),
                    Err(StartError::Failed { reason, .. }) => assert_eq!(reason, Reason::Killed),
                    Err(other) => panic!("{other}"),
                }
            }
        }
        let mut alive = None;
        for entry in ledger.entries() {
            match entry.what {
                What::Init => assert_eq!(alive.replace(entry.pid), None, "two have the name"),
                What::Gone => assert_eq!(alive.take(), Some(entry.pid)),
                _ => {}
            }
        }
        assert_eq!((alive, whereis("worker")), (None, None));
    });
    assert!(taken.get() > 500 && refused.get() > 100, "{} and {}", taken.get(), refused.get());
}

#[test]
fn a_name_is_free_when_stop_has_returned() {
    let killed = Cell::new(0);
    sim::check(async |sim| {
        let ledger = Ledger::default();
        sim.faults(Faults::new().kill::<Worker>());
        for round in 0..4 {
            let plan = Plan::new(round, &ledger).steps(sim.draw(0..3));
            let worker = match start::<Worker>(plan).name("worker").await {
                Ok(worker) => worker,
                Err(StartError::Failed { reason: Reason::Killed, .. }) => continue,
                Err(other) => panic!("nobody else wants the name: {other}"),
            };
            let client = Task::spawn(async move {
                Named::<Worker>::new("worker").call(|caller| Ask(Kind::Slow, round, caller)).await
            });
            steps(sim.draw(0..4)).await;
            match worker.stop().await {
                Ok(()) => {}
                Err(StopError::Exit { reason, .. }) => assert_eq!(reason, Reason::Killed),
                Err(StopError::NoProc { .. }) => killed.set(killed.get() + 1),
                Err(other) => panic!("{other}"),
            }
            assert_eq!(whereis("worker"), None);
            let _ = client.await.unwrap();
        }
    });
    assert!(killed.get() > 10, "{}", killed.get());
}

#[test]
fn a_name_is_free_when_a_watcher_learns_of_the_end() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let mut probe = Probe::<u8>::new();
        for round in 0..3 {
            let plan = Plan::new(round, &ledger);
            let start = start::<Worker>(plan).name("worker").monitored_by(&mut probe);
            let (worker, reference) = start.await.unwrap();
            sim.faults(Faults::new().kill::<Worker>().at_most(1));
            let _ = worker.cast(1);
            steps(sim.draw(0..3)).await;
            sim.heal();
            let end = sim.draw(0..3);
            match end {
                0 => worker.kill(),
                1 => worker.exit(Reason::Shutdown),
                _ => drop(worker.call(|caller| Ask(Kind::Stop, 2, caller)).await),
            }
            let down = probe.expect_down(reference).await;
            let expected = [Reason::Killed, Reason::Shutdown, Reason::Normal];
            let expected = &expected[usize::try_from(end).unwrap()];
            assert!(down.reason == *expected || down.reason == Reason::Killed, "{}", down.reason);
            assert_eq!(whereis("worker"), None);
        }
    });
}

/// A child that a supervisor starts again has its name at the first attempt: no start is wasted on a name that is still taken.
#[test]
fn a_supervised_child_has_its_name_again_at_once() {
    let restarts = Cell::new(0);
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let plan = Plan::new(0, &ledger);
        let child = ChildSpec::server("child", move || genserver::start_link::<Worker>(plan.begin()).name("worker"));
        let worker = child.reference();
        sim.start_supervised(Supervisor::one_for_one().max_restarts(1000).child(child).start_link()).await;
        let mut reports = sim.node().reports();
        sim.faults(Faults::new().kill::<Worker>());
        for number in 0..6 {
            let _ = worker.waiting().call(|caller| Ask(Kind::Slow, number, caller)).await;
        }
        sim.heal();
        assert!(worker.waiting().call(|caller| Ask(Kind::Reply, 9, caller)).await.is_ok());
        while let Some(report) = reports.try_next() {
            let text = report.to_string();
            assert!(!text.contains("belongs to process"), "{text}");
        }
        restarts.set(restarts.get() + ledger.entries().iter().filter(|entry| entry.what == What::Over).count());
    });
    assert!(restarts.get() > 100, "{}", restarts.get());
}
