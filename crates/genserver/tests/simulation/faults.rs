//! What each kind of fault does, and what still holds under it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use genserver::agent::{Agent, AgentServer};
use genserver::sim::{self, Faults, Sim};
use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
use genserver::sys::Message;
use genserver::task::Task;
use genserver::{AsServer, CallError, Never, Pid, Probe, Reason, StartError, StopError, spawn, start, time};

use crate::failure;
use crate::worker::{Ask, Kind, Ledger, NAP, Plan, What, Worker, steps};

const SECOND: Duration = Duration::from_secs(1);

/// A worker that is started again whenever it ends.
async fn supervised(sim: &Sim<'_>, plan: Plan) -> ChildRef<Worker> {
    let child = ChildSpec::server("worker", move || genserver::start_link::<Worker>(plan.begin()));
    let worker = child.reference();
    sim.start_supervised(Supervisor::one_for_one().max_restarts(1000).child(child).start_link()).await;
    worker
}

/// Whether the simulation made a callback of a process panic, at this time.
fn is_fault(reason: &Reason, when: &str, callback: &str, pid: Pid) -> bool {
    reason.to_string()
        == format!("panicked: a fault of the simulation {when} {callback} of simulation::worker::Worker {pid}")
}

#[test]
fn a_callback_panics_before_its_work_or_after_it_and_its_caller_gets_the_reason() {
    let (before, after) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = supervised(sim, Plan::new(0, &ledger)).await;
        sim.faults(Faults::new().panic::<Worker>());
        for number in 0..20 {
            let Ok(server) = worker.waiting().current().await else { panic!("its supervisor restarts it") };
            let pid = server.pid();
            // Kept, so it is not answered before it panics.
            let outcome = server.call(|caller| Ask(Kind::Keep, number, caller)).timeout(SECOND).await;
            let was_handled = ledger.handled(pid).contains(&number);
            match outcome {
                Err(CallError::Exit { reason, .. }) if is_fault(&reason, "before", "handle_call", pid) => {
                    assert!(!was_handled, "it does nothing before it begins");
                    before.set(before.get() + 1);
                }
                Err(CallError::Exit { reason, .. }) if is_fault(&reason, "after", "handle_call", pid) => {
                    assert!(was_handled);
                    after.set(after.get() + 1);
                }
                // Terminate after the panic may panic in turn, and then its reason is the last.
                Err(CallError::Exit { reason, .. }) => assert!(reason.to_string().contains("terminate"), "{reason}"),
                Err(CallError::Timeout { .. }) => assert!(was_handled),
                other => panic!("{other:?}"),
            }
        }
        sim.heal(SECOND).await;
        assert!(worker.call(|caller| Ask(Kind::Reply, 100, caller)).await.is_ok());
    });
    assert!(before.get() > 50 && after.get() > 50, "{before:?} and {after:?}");
}

#[test]
fn a_panic_in_init_fails_the_start_and_one_in_terminate_is_the_reason_of_the_end() {
    let (init, terminate) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        let ledger = Ledger::default();
        sim.faults(Faults::new().panic::<Worker>().at_most(1));
        for id in 0..10 {
            let worker = match start::<Worker>(Plan::new(id, &ledger)).await {
                Ok(worker) => worker,
                Err(StartError::Failed { reason, .. }) => {
                    let last = ledger.entries().pop();
                    let is_after = last.is_some_and(|entry| entry.id == id && entry.what == What::Gone);
                    let when = if is_after { "after" } else { "before" };
                    let shown = reason.to_string();
                    assert!(shown.contains(&format!("simulation {when} init of")), "{shown}");
                    init.set(init.get() + 1);
                    continue;
                }
                Err(other) => panic!("{other}"),
            };
            match worker.stop().await {
                Ok(()) => {}
                Err(StopError::Exit { reason, .. }) => {
                    let is_of = |when| is_fault(&reason, when, "terminate", worker.pid());
                    assert!(is_of("before") || is_of("after"), "{reason}");
                    let was_run = ledger.find(worker.pid(), &What::Terminate(Reason::Normal)).is_some();
                    assert_eq!(was_run, is_of("after"));
                    terminate.set(terminate.get() + 1);
                }
                Err(other) => panic!("{other}"),
            }
            assert!(ledger.find(worker.pid(), &What::Gone).is_some(), "its state is dropped");
        }
    });
    assert!(init.get() > 20 && terminate.get() > 20, "{init:?} and {terminate:?}");
}

#[test]
fn the_callback_that_panics_can_be_chosen_by_its_number_over_all_incarnations() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = supervised(sim, Plan::new(0, &ledger)).await;
        // Two calls, the panic, terminate, and init of the next; then its call.
        sim.faults(Faults::new().panic_at::<Worker>(3).panic_at::<Worker>(6));
        for number in 0..6 {
            let server = worker.waiting().current().await.unwrap();
            let outcome = server.call(|caller| Ask(Kind::Reply, number, caller)).await;
            assert_eq!(outcome.is_err(), number == 2 || number == 3, "call {number}: {outcome:?}");
        }
    });
}

#[test]
fn a_message_that_a_server_cannot_survive_ends_each_incarnation_that_gets_it() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = supervised(sim, Plan::new(0, &ledger)).await;
        let is_poison = |message: Message<'_, Worker>| match message {
            Message::Call(Ask(_, number, _)) | Message::Cast(number) => *number == 13,
            Message::Info(_) => false,
        };
        sim.faults(Faults::new().panic_on::<Worker>(is_poison).at_most(0));
        for number in [1, 13, 2, 13, 13, 3] {
            let server = worker.waiting().current().await.unwrap();
            let outcome = server.call(|caller| Ask(Kind::Slow, number, caller)).await;
            assert_eq!(outcome.is_err(), number == 13, "{outcome:?}");
        }
        let server = worker.waiting().current().await.unwrap();
        server.cast(13).unwrap();
        let reason = server.ended().await;
        assert!(is_fault(&reason, "before", "handle_cast", server.pid()), "{reason}");
        sim.heal(SECOND).await;
        assert!(worker.call(|caller| Ask(Kind::Reply, 13, caller)).await.is_ok());
    });
}

#[test]
fn a_server_that_stalls_does_everything_later_and_nothing_else() {
    let stalled = Cell::new(0);
    sim::check(async |sim| {
        let ledger = Ledger::default();
        sim.faults(Faults::new().stall::<Worker>(NAP));
        let worker = start::<Worker>(Plan::new(0, &ledger)).await.unwrap();
        for number in 0..10 {
            worker.cast(number).unwrap();
            if number % 2 == 0 {
                assert!(worker.call(|caller| Ask(Kind::Reply, 100, caller)).await.is_ok());
            }
        }
        assert_eq!(worker.stop().await, Ok(()));
        let casts: Vec<u64> = ledger.handled(worker.pid()).into_iter().filter(|number| *number < 100).collect();
        assert_eq!(casts, (0..10).collect::<Vec<_>>());
        assert!(sim.elapsed() <= 3 * NAP);
        stalled.set(stalled.get() + u32::from(!sim.elapsed().is_zero()));
    });
    assert!(stalled.get() > 50, "{stalled:?}");
}

#[test]
fn callers_of_a_stuck_server_time_out_when_they_said_and_it_can_be_killed() {
    let (stuck, healed) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = supervised(sim, Plan::new(0, &ledger)).await;
        sim.faults(Faults::new().stuck::<Worker>().at_most(2));
        let client = async |number: u64| {
            // It may be stuck in its init.
            let Ok(current) = time::timeout(SECOND, worker.waiting().current()).await else { return };
            let server = current.unwrap();
            let began = time::now();
            let outcome = server.call(|caller| Ask(Kind::Reply, number, caller)).timeout(SECOND).await;
            match outcome {
                Ok(answer) => assert_eq!(answer, (server.pid(), number)),
                Err(CallError::Timeout { .. }) => {
                    assert_eq!(time::now() - began, SECOND, "not earlier, and not later");
                    stuck.set(stuck.get() + 1);
                    if sim.draw(0..2) == 0 {
                        server.kill();
                        assert_eq!(server.ended().await, Reason::Killed);
                        assert!(!ledger.handled(server.pid()).contains(&number));
                    }
                }
                // It was killed.
                Err(CallError::NoProc { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        };
        for number in 0..10 {
            client(number).await;
        }
        sim.heal(SECOND).await;
        // Whatever was queued when it was stuck has been handled by now, in order.
        let server = worker.current().unwrap();
        let handled = ledger.handled(server.pid());
        assert!(handled.is_sorted(), "{handled:?}");
        healed.set(healed.get() + u32::from(handled.contains(&9)));
        assert_eq!(server.call(|caller| Ask(Kind::Reply, 100, caller)).await, Ok((server.pid(), 100)));
    });
    assert!(stuck.get() > 100 && healed.get() > 200, "{stuck:?} and {healed:?}");
}

#[test]
fn a_call_that_times_out_early_is_carried_out_once_at_most_and_its_answer_goes_nowhere() {
    let (early, handled_all_the_same) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = start::<Worker>(Plan::new(0, &ledger)).await.unwrap();
        sim.faults(Faults::new().early_timeouts::<Worker>().at_most(10));
        let clients = [0, 1].map(|client| {
            let worker = worker.clone();
            let kinds = [(); 10].map(|()| if sim.draw(0..2) == 0 { Kind::Slow } else { Kind::Nap });
            Task::spawn(async move {
                let mut outcomes = Vec::new();
                for (number, kind) in (client * 100..).zip(kinds) {
                    let outcome = worker.call(|caller| Ask(kind, number, caller)).timeout(SECOND).await;
                    outcomes.push((number, outcome));
                }
                outcomes
            })
        });
        let patient = worker.call(|caller| Ask(Kind::Nap, 1000, caller)).no_timeout().await;
        assert_eq!(patient, Ok((worker.pid(), 1000)), "without a timeout there is none that comes early");
        let mut timed_out = Vec::new();
        for client in clients {
            for (number, outcome) in client.await.unwrap() {
                match outcome {
                    Ok(answer) => assert_eq!(answer, (worker.pid(), number), "the answer to another request"),
                    Err(CallError::Timeout { after, .. }) => {
                        assert_eq!(after, SECOND);
                        timed_out.push(number);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
        sim.heal(SECOND).await;
        let mut handled = ledger.handled(worker.pid());
        handled.sort_unstable();
        assert_eq!(handled, BTreeSet::from_iter(handled.clone()).into_iter().collect::<Vec<_>>(), "each once");
        early.set(early.get() + timed_out.len());
        handled_all_the_same
            .set(handled_all_the_same.get() + timed_out.iter().filter(|number| handled.contains(number)).count());
    });
    assert!(early.get() > 50 && handled_all_the_same.get() > 50, "{early:?} and {handled_all_the_same:?}");
}

#[test]
fn a_full_mailbox_gives_casts_back_and_lets_others_wait_and_nothing_is_lost() {
    let (refused, waited) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = start::<Worker>(Plan::new(0, &ledger).steps(2)).await.unwrap();
        sim.faults(Faults::new().full_mailboxes::<Worker>().at_most(10));
        let casters = [0, 1].map(|caster| {
            let worker = worker.clone();
            Task::spawn(async move {
                let (mut taken, mut full) = (Vec::new(), 0);
                for number in caster * 100..caster * 100 + 10 {
                    match worker.cast(number) {
                        Ok(()) => taken.push(number),
                        Err(error) => {
                            assert!(error.is_full());
                            full += 1;
                            // The number comes back, and is not lost.
                            worker.cast_wait(error.into_inner()).await.unwrap();
                            taken.push(number);
                        }
                    }
                    steps(1).await;
                }
                (taken, full)
            })
        });
        for number in 1000..1005 {
            let call = worker.call(|caller| Ask(Kind::Reply, number, caller)).await;
            assert_eq!(call, Ok((worker.pid(), number)));
        }
        let mut expected = Vec::new();
        for caster in casters {
            let (taken, full) = caster.await.unwrap();
            expected.extend(taken);
            refused.set(refused.get() + full);
        }
        sim.heal(SECOND).await;
        let handled: Vec<u64> = ledger.handled(worker.pid()).into_iter().filter(|number| *number < 1000).collect();
        for caster in 0..2 {
            assert!(handled.iter().filter(|number| **number / 100 == caster).is_sorted(), "{handled:?}");
        }
        waited.set(waited.get() + usize::from(worker.info().refused > 0));
        let mut sorted = handled;
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert_eq!(sim.elapsed(), Duration::ZERO, "space comes as soon as a message has been taken");
    });
    assert!(refused.get() > 100 && waited.get() > 50, "{refused:?} and {waited:?}");
}

#[test]
fn any_process_can_be_killed_by_its_name_and_an_agent_by_its_type() {
    let (function, agents) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        sim.faults(Faults::new().kill_named("function").kill::<AgentServer<u64>>().at_most(2));
        let other = spawn(|mut me: Probe<Never>| async move { me.recv().await.map(drop) }).unwrap();
        let named = spawn(|mut me: Probe<Never>| async move {
            me.register("function")?;
            me.recv().await.map(drop)
        });
        let agent = Agent::start(|| 7_u64).await;
        steps(30).await;
        sim.faults(Faults::new());
        function.set(function.get() + u32::from(!named.unwrap().process_ref().is_alive()));
        let is_agent_alive = agent.is_ok_and(|agent| agent.server().is_alive());
        agents.set(agents.get() + u32::from(!is_agent_alive));
        assert!(other.process_ref().is_alive());
    });
    assert!(function.get() > 50 && agents.get() > 50, "{function:?} and {agents:?}");
}

#[test]
fn an_exit_is_a_message_to_a_server_that_traps_and_the_end_of_any_other() {
    let (trapped, ended) = (Cell::new(0), Cell::new(0));
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let trapping = start::<Worker>(Plan::new(0, &ledger).traps()).await.unwrap();
        let other = start::<Worker>(Plan::new(1, &ledger)).await.unwrap();
        let reason = Reason::term("out of memory");
        sim.faults(Faults::new().exit::<Worker>(reason.clone()));
        steps(20).await;
        sim.heal(SECOND).await;
        assert!(trapping.is_alive());
        for entry in ledger.entries() {
            if let What::Exit(exit) = entry.what {
                assert_eq!((entry.pid, exit.from, exit.reason), (trapping.pid(), Pid::NOBODY, reason.clone()));
                trapped.set(trapped.get() + 1);
            }
        }
        if !other.is_alive() {
            assert_eq!(other.ended().await, reason);
            ended.set(ended.get() + 1);
        }
    });
    assert!(trapped.get() > 50 && ended.get() > 50, "{trapped:?} and {ended:?}");
}

#[test]
fn a_swarm_leaves_some_kinds_out() {
    let met = RefCell::new(BTreeSet::new());
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = supervised(sim, Plan::new(0, &ledger)).await;
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).at_most(100));
        let mut kinds = BTreeSet::new();
        for number in 0..100 {
            let before = sim.elapsed();
            let outcome = worker.waiting().call(|caller| Ask(Kind::Slow, number, caller)).await;
            match outcome {
                Err(CallError::Exit { reason: Reason::Killed, .. }) => kinds.insert("kill"),
                Err(CallError::Exit { .. }) => kinds.insert("panic"),
                _ => sim.elapsed() > before && kinds.insert("stall"),
            };
        }
        sim.heal(SECOND).await;
        met.borrow_mut().insert(kinds);
    });
    assert_eq!(met.borrow().len(), 8, "each set of kinds in some run: {met:?}");
}

#[test]
fn heal_waits_for_what_goes_on_and_fails_with_a_list_if_that_takes_too_long() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = start::<Worker>(Plan::new(0, &ledger)).await.unwrap();
        let nap = worker.send_request(|caller| Ask(Kind::Nap, 1, caller));
        sim.heal(NAP).await;
        assert_eq!(sim.elapsed(), NAP);
        drop(nap);
    });
    let message = failure(|| {
        sim::check(async |sim| {
            let ledger = Ledger::default();
            let worker = start::<Worker>(Plan::new(0, &ledger)).label("sleepy").await.unwrap();
            let _nap = worker.send_request(|caller| Ask(Kind::Nap, 1, caller));
            sim.heal(NAP / 2).await;
        });
    });
    assert!(message.contains("not everything has recovered within 25ms"), "{message}");
    assert!(message.contains("sleepy") && message.contains("awaiting in handle_call"), "{message}");
}

#[test]
fn timers_are_in_time_again_after_heal() {
    sim::check(async |sim| {
        sim.faults(Faults::new().late_timers(SECOND));
        let sleeps = [(); 10].map(|()| Task::spawn(time::sleep(SECOND / 10)));
        steps(1).await;
        sim.heal(SECOND).await;
        for sleep in sleeps {
            sleep.await.unwrap();
        }
        assert_eq!(sim.elapsed(), SECOND / 10);
    });
}

#[test]
fn a_failure_that_needs_a_fault_in_a_callback_is_shown_with_that_fault_alone() {
    for (faults, shown) in [
        (Faults::new().panic::<Worker>(), "panics before handle_call"),
        (Faults::new().stuck::<Worker>(), "is stuck in handle_call"),
        (Faults::new().stall::<Worker>(5 * SECOND), "stalls in handle_call for"),
    ] {
        let message = failure(|| {
            sim::check(async |sim| {
                let ledger = Ledger::default();
                let worker = start::<Worker>(Plan::new(0, &ledger)).label("worker").await.unwrap();
                steps(1).await;
                sim.faults(faults.clone());
                for number in 0..20 {
                    let call = worker.call(|caller| Ask(Kind::Reply, number, caller)).timeout(SECOND / 10);
                    assert!(call.await.is_ok(), "it fails");
                }
            });
        });
        let lines: Vec<&str> = message.lines().filter(|line| line.contains(shown)).collect();
        assert_eq!(lines.len(), 1, "{message}");
    }
}
