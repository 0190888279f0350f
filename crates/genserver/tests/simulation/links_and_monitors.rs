//! What processes learn of each other: messages in their order, exits, and one `Down` for each monitor, while servers are killed.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use genserver::sim::{self, Faults, Sim, sometimes};
use genserver::task::Task;
use genserver::{
    Caller, Cx, GenServer, Init, Letter, Never, Next, Outcome, Pid, Probe, ProbeRef, ProcessRef, Reason, ServerRef,
    StopError, spawn, start,
};

use crate::worker::{Ask, Info, Kind, Ledger, NAP, Plan, What, Worker, is_fault, steps};

/// Sends numbers to a probe and to a worker, in all ways that a server has, until it ends.
struct Sender {
    sent: Arc<AtomicU64>,
    probe: ProbeRef<u64>,
    worker: ServerRef<Worker>,
}

impl GenServer for Sender {
    type Args = (Arc<AtomicU64>, ProbeRef<u64>, ServerRef<Worker>);
    type Call = Caller<()>;
    type Cast = Never;
    type Info = ();

    async fn init((sent, probe, worker): Self::Args, cx: &mut Cx<Self>) -> Init<Self> {
        if let Err(error) = cx.link(&worker) {
            return Init::Stop(error.into());
        }
        Init::RunThen(Self { sent, probe, worker }, ())
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, ())
    }

    async fn handle_info(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        for number in 0..9 {
            self.probe.send(number)?;
            if number % 2 == 0 {
                self.worker.cast(number).map_err(|refused| Reason::term(refused.to_string()))?;
            } else {
                self.worker.send(Info::Note(number)).map_err(|refused| Reason::term(refused.to_string()))?;
            }
            self.sent.store(number + 1, Ordering::Relaxed);
            if number % 3 == 0 {
                steps(1).await;
            }
        }
        Next::stop(Reason::term("done"))
    }
}

/// How the sender has ended: cut off, or by itself.
fn assert_end(reason: &Reason, sent: u64) {
    match reason {
        // Where it awaits, and nowhere else.
        Reason::Killed => assert!([0, 1, 4, 7, 9].contains(&sent), "{sent}"),
        // Before it has sent anything, or after everything.
        fault if is_fault(fault) => assert!([0, 9].contains(&sent), "{sent}"),
        done => assert_eq!((done, sent), (&Reason::term("done"), 9)),
    }
}

/// Promises 4 and 5: messages, then the exit, then the `Down`, to a server and to a probe.
#[test]
fn what_a_process_sends_arrives_in_order_and_its_end_comes_last() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let plan = Plan::new(0, &ledger).traps().steps(1);
        let worker = sim.start_supervised(genserver::start_link::<Worker>(plan)).await;
        let mut probe = Probe::<u64>::new();
        let sent = Arc::new(AtomicU64::new(0));
        sim.faults(Faults::new().kill::<Sender>().panic::<Sender>().stall::<Worker>(NAP).at_most(2));
        let args = (Arc::clone(&sent), probe.sender(), worker.clone());
        let (sender, reference) = match start::<Sender>(args).monitored_by(&mut probe).await {
            Ok(started) => started,
            Err(_killed) => return,
        };
        let watched = sender.process_ref();
        worker.send(Info::Watch(watched.clone())).unwrap();
        worker.call(|caller| Ask(Kind::Slow, 100, caller)).await.unwrap();

        // Everything that it has sent, in order, and then the end: to the probe, ...
        let mut numbers = Vec::new();
        let down = loop {
            match probe.recv().await.unwrap() {
                Letter::Message(number) => numbers.push(number),
                Letter::Down(down) => break down,
                Letter::Exit(exit) => panic!("{exit:?}"),
            }
        };
        let sent = sent.load(Ordering::Relaxed);
        assert_eq!(numbers, (0..sent).collect::<Vec<_>>());
        assert_eq!((down.reference, down.pid), (reference, watched.pid()));
        assert_end(&down.reason, sent);
        sometimes!(sent < 9, "the sender is killed in the middle");

        // ... and to the worker, which is linked to it, and has begun to monitor it, perhaps too late.
        worker.call(|caller| Ask(Kind::Reply, 101, caller)).await.unwrap();
        let own = ledger.entries().into_iter().map(|entry| entry.what);
        let own: Vec<What> = own
            .filter(|what| match what {
                What::Began(number) => *number < 100,
                What::Exit(_) | What::Down(_) => true,
                _ => false,
            })
            .collect();
        let numbers = own.iter().filter(|what| matches!(what, What::Began(_)));
        assert!(numbers.eq(&(0..sent).map(What::Began).collect::<Vec<_>>()), "{own:?}");
        let ends: Vec<&What> = own.iter().filter(|what| !matches!(what, What::Began(_))).collect();
        let [What::Exit(exit), What::Down(told)] = &ends[..] else { panic!("{own:?}") };
        assert_eq!((exit.from, told.pid, &exit.reason), (watched.pid(), watched.pid(), &down.reason));
        assert!(told.reason == down.reason || told.reason == Reason::NoProc, "{told:?}");
        assert_eq!(probe.flush(), [], "the end is the last");
        assert!(matches!(own[..], [.., What::Exit(_), What::Down(_)]), "the end is the last: {own:?}");
    });
}

/// Promise 4, the other half: what waits behind an exit that is not trapped is not handled.
#[test]
fn what_waits_behind_an_exit_that_is_not_trapped_is_not_handled() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = start::<Worker>(Plan::new(0, &ledger).steps(sim.draw(0..3))).await.unwrap();
        let before = sim.draw(0..4);
        for number in 0..before {
            worker.cast(number).unwrap();
        }
        steps(sim.draw(0..4)).await;
        let handled = ledger.handled(worker.pid());
        worker.exit(Reason::term("out"));
        // It may still take them, if it is in the middle of a callback. It handles none.
        let _ = worker.cast(10);
        let _ = worker.send(Info::Note(11));
        assert_eq!(worker.ended().await, Reason::term("out"));
        assert_eq!(ledger.handled(worker.pid()), handled, "nothing is begun after the exit");
        assert!(handled.iter().copied().eq(0..handled.len() as u64));
        assert_eq!(ledger.find(worker.pid(), &What::Terminate(Reason::term("out"))).map(|entry| entry.pid), None);
    });
}

/// Monitors a process again and again until it has ended, takes some of the monitors back, and compares what comes.
async fn watch(watched: ProcessRef, mut me: Probe<Never>, pause: u64) {
    let (mut expected, mut taken_back) = (Vec::new(), Vec::new());
    while !watched.has_ended() {
        let reference = me.monitor(&watched);
        if expected.len() % 3 == 2 && me.demonitor(reference) {
            taken_back.push(reference);
        } else {
            // None has come yet. If one had, it could not be taken back.
            expected.push(reference);
        }
        steps(pause).await;
    }
    let last = me.monitor(&watched);
    let mut told = Vec::new();
    for letter in me.flush() {
        let Letter::Down(down) = letter else { panic!("nobody sends anything: {letter:?}") };
        assert_eq!(down.pid, watched.pid());
        let is_late = down.reference == last;
        assert_eq!(down.reason, if is_late { Reason::NoProc } else { Reason::Killed });
        told.push(down.reference);
    }
    told.sort_unstable();
    expected.push(last);
    assert_eq!(told, expected, "one for each, but for those that were taken back: {taken_back:?}");
    steps(3).await;
    assert_eq!(me.flush(), [], "no second one");
}

/// Promise 5.
#[test]
fn each_monitor_brings_one_down_with_the_reason_of_the_end() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = start::<Worker>(Plan::new(0, &ledger)).await.unwrap();
        let watchers: Vec<_> = (0..3)
            .map(|_| {
                let (watched, pause) = (worker.process_ref(), sim.draw(1..4));
                spawn(move |me: Probe<Never>| watch(watched, me, pause)).unwrap().process_ref().ended()
            })
            .collect();
        sim.faults(Faults::new().kill::<Worker>().at_most(1));
        let ended = worker.ended();
        for number in 0..sim.draw(0..6) {
            let _ = worker.call(|caller| Ask(Kind::Slow, number, caller)).await;
        }
        // If it has not been killed, it is now.
        worker.kill();
        assert_eq!(ended.await, Reason::Killed);
        for ended in watchers {
            assert_eq!(ended.await, Reason::Normal);
        }
    });
}

#[test]
fn linked_processes_end_together_and_one_that_traps_is_told_once() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let mut probe = Probe::<Never>::new();
        probe.trap_exits(true);
        let mut chain: Vec<ServerRef<Worker>> = Vec::new();
        for id in 0..4 {
            let next = start::<Worker>(Plan::new(id, &ledger)).await.unwrap();
            if let Some(before) = chain.last() {
                // Linked through a third, which ends with either.
                let mut tie = Probe::<Never>::new();
                tie.link(before).unwrap();
                tie.link(&next).unwrap();
                let tie = Task::start(async move {
                    let _ = tie.recv().await;
                });
                drop(tie);
            }
            chain.push(next);
        }
        probe.link(&chain[3]).unwrap();
        sim.faults(Faults::new().kill::<Worker>().stall::<Worker>(NAP).early_timeouts::<Worker>().at_most(2));
        for number in 0..5 {
            let place = usize::try_from(sim.draw(0..4)).unwrap();
            let _ = chain[place].call(|caller| Ask(Kind::Slow, number, caller)).await;
        }
        sim.heal(Duration::from_secs(1)).await;
        chain[0].kill();
        for worker in &chain {
            assert_eq!(worker.ended().await, Reason::Killed);
        }
        // The exit came before anything that waits for the end went on.
        let letters = probe.flush();
        let [Letter::Exit(exit)] = &letters[..] else { panic!("{letters:?}") };
        assert_eq!((exit.from, &exit.reason), (chain[3].pid(), &Reason::Killed));
    });
}

/// What a watcher finds when it learns of an end: the name free, and the state dropped.
fn assert_over(ledger: &Ledger, pid: Pid) {
    assert!(ledger.find(pid, &What::Gone).is_some(), "its state is still there");
    assert_eq!(genserver::whereis("worker"), None, "it is found by its name");
    // More than not being found: another can have it.
    Probe::<Never>::new().register("worker").expect("its name is free");
}

/// Stops a worker and says what came of it.
async fn stopper(worker: ServerRef<Worker>, ledger: Ledger, told: ProbeRef<Result<(), StopError>>) {
    let outcome = worker.stop().reason(Reason::term("over")).await;
    assert_over(&ledger, worker.pid());
    let _ = told.send(outcome);
}

pub(crate) async fn end_in_order(sim: &Sim<'_>) {
    let ledger = Ledger::default();
    let mut probe = Probe::<Result<(), StopError>>::new();
    probe.trap_exits(true);
    let plan = Plan::new(0, &ledger).traps().steps(1);
    let worker = probe.start_link::<Worker>(plan).name("worker").await.unwrap();
    let pid = worker.pid();
    probe.monitor(&worker);
    sim.faults(Faults::new().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).at_most(2));
    let calling = {
        let (worker, ledger) = (worker.clone(), ledger.clone());
        Task::spawn(async move {
            let outcome = worker.call(|caller| Ask(Kind::Slow, 1, caller)).await;
            if outcome.is_err() {
                assert_over(&ledger, worker.pid());
            }
            outcome
        })
    };
    steps(sim.draw(0..6)).await;
    let stopping = [(); 2].map(|()| Task::spawn(stopper(worker.clone(), ledger.clone(), probe.sender())));

    // The exit and the `Down` first, then what the stops say: they return after that.
    let Ok(Letter::Exit(exit)) = probe.recv().await else { panic!("the exit is the first") };
    assert_over(&ledger, pid);
    let Some(Letter::Down(down)) = probe.try_recv() else { panic!("the `Down` comes with it") };
    assert_eq!((exit.from, down.pid, &exit.reason), (pid, pid, &down.reason));
    let mut stopped = 0;
    for _ in 0..2 {
        match probe.recv().await.unwrap() {
            Letter::Message(Ok(())) => {
                assert_eq!(down.reason, Reason::term("over"));
                stopped += 1;
            }
            Letter::Message(Err(StopError::Exit { reason, .. })) => assert_eq!(reason, down.reason),
            // It had ended before this order: it was killed, or the other stop was sooner.
            Letter::Message(Err(StopError::NoProc { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
    sim.heal(Duration::from_secs(1)).await;
    assert_eq!(stopped == 0, is_fault(&down.reason), "{}", down.reason);
    for task in stopping {
        task.await.unwrap();
    }
    let _ = calling.await.unwrap();
    // Steps 2 and 3, from inside: terminate once at most, and not after a kill; then the state goes, and nothing follows.
    let own: Vec<What> = ledger.entries().into_iter().map(|entry| entry.what).collect();
    assert_eq!(own.last(), Some(&What::Gone), "{own:?}");
    let terminated = own.iter().filter(|what| matches!(what, What::Terminate(_))).count();
    let is_killed = is_fault(&down.reason);
    assert!(terminated == 1 || is_killed && terminated == 0, "{own:?}");
    if let Some(at) = own.iter().position(|what| matches!(what, What::Terminate(_))) {
        assert_eq!(own[at..].len(), 2, "nothing is handled after terminate has begun: {own:?}");
    }
    sometimes!(is_killed, "the worker is killed");
    sometimes!(!is_killed, "the worker is stopped");
}

/// Promise 6.
#[test]
fn an_end_goes_in_its_order_for_everybody_who_watches() {
    sim::check(end_in_order);
}
