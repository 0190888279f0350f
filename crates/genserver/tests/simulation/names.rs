//! Names: each belongs to one living process, and is free when anybody learns of its end.

use std::time::Duration;

use genserver::sim::{self, Faults, sometimes};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::task::Task;
use genserver::{AsServer, Named, Probe, Reason, StartError, StopError, start, whereis};

use crate::worker::{Ask, Kind, Ledger, NAP, Plan, What, Worker, is_fault, steps};

/// Promise 7: several want one name, again and again.
#[test]
fn a_name_belongs_to_one_living_process() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).at_most(5));
        sim.clients(3, async |client| {
            let pause = client.draw(0..4);
            for _ in 0..4 {
                let plan = Plan::new(client.number() as u64, &ledger).steps(pause);
                let before = ledger.entries();
                let started = start::<Worker>(plan).name("worker").await;
                sometimes!(started.is_ok(), "the name is free");
                match started {
                    Ok(worker) => {
                        steps(pause).await;
                        // While it lives, the name is its own.
                        if worker.is_alive() {
                            assert_eq!(whereis("worker").unwrap().pid(), worker.pid());
                        }
                        let _ = worker.stop().await;
                    }
                    Err(StartError::AlreadyStarted { pid, .. }) => {
                        sometimes!(true, "the name is taken");
                        let is_gone = before.iter().any(|entry| entry.pid == pid && entry.what == What::Gone);
                        assert!(!is_gone, "the name belongs to {pid}, which had ended");
                    }
                    Err(StartError::Failed { reason, .. }) => assert!(is_fault(&reason), "{reason}"),
                    Err(other) => panic!("{other}"),
                }
                steps(1).await;
            }
        })
        .await;
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
}

#[test]
fn a_name_is_free_when_stop_has_returned() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP));
        for round in 0..4 {
            let plan = Plan::new(round, &ledger).steps(sim.draw(0..3));
            let worker = match start::<Worker>(plan).name("worker").await {
                Ok(worker) => worker,
                Err(StartError::Failed { reason, .. }) if is_fault(&reason) => continue,
                Err(other) => panic!("nobody else wants the name: {other}"),
            };
            let client = Task::spawn(async move {
                Named::<Worker>::new("worker").call(|caller| Ask(Kind::Slow, round, caller)).await
            });
            steps(sim.draw(0..4)).await;
            let stopped = worker.stop().await;
            sometimes!(matches!(stopped, Err(StopError::NoProc { .. })), "it is killed before the stop");
            match stopped {
                Ok(()) | Err(StopError::NoProc { .. }) => {}
                Err(StopError::Exit { reason, .. }) => assert!(is_fault(&reason), "{reason}"),
                Err(other) => panic!("{other}"),
            }
            assert_eq!(whereis("worker"), None);
            let _ = client.await.unwrap();
        }
    });
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
            sim.faults(Faults::new().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).at_most(2));
            let _ = worker.cast(1);
            steps(sim.draw(0..3)).await;
            sim.heal(Duration::from_secs(1)).await;
            let expected = sim.pick(&[Reason::Killed, Reason::Shutdown, Reason::Normal]);
            match expected {
                Reason::Killed => worker.kill(),
                Reason::Shutdown => worker.exit(Reason::Shutdown),
                _ => drop(worker.call(|caller| Ask(Kind::Stop, 2, caller)).await),
            }
            let down = probe.expect_down(reference).await;
            assert!(down.reason == *expected || is_fault(&down.reason), "{}", down.reason);
            assert_eq!(whereis("worker"), None);
        }
    });
}

/// A child that a supervisor starts again has its name at the first attempt: no start is wasted on a name that is still taken.
#[test]
fn a_supervised_child_has_its_name_again_at_once() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let plan = Plan::new(0, &ledger);
        let child = ChildSpec::server("child", move || genserver::start_link::<Worker>(plan.begin()).name("worker"));
        let worker = child.reference();
        sim.start_supervised(Supervisor::one_for_one().max_restarts(1000).child(child).start_link()).await;
        let mut reports = sim.node().reports();
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP));
        for number in 0..6 {
            let _ = worker.waiting().call(|caller| Ask(Kind::Slow, number, caller)).await;
        }
        sim.heal(Duration::from_secs(1)).await;
        assert!(worker.waiting().call(|caller| Ask(Kind::Reply, 9, caller)).await.is_ok());
        while let Some(report) = reports.try_next() {
            let text = report.to_string();
            assert!(!text.contains("belongs to process"), "{text}");
        }
        let is_restarted = ledger.entries().iter().any(|entry| entry.what == What::Over);
        sometimes!(is_restarted, "the child is restarted");
    });
}
