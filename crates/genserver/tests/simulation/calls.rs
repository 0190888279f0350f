//! A server and its calls: one callback at a time, panics, and outcomes, while servers are killed and timers are late.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::{Duration, Instant};

use genserver::sim::{self, Client, Faults, Sim, sometimes};
use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
use genserver::task::Task;
use genserver::{AsServer, CallError, Pid, Probe, Reason, Requests, ServerRef, time};

use crate::worker::{Answer, Ask, FAILED, Info, Kind, Ledger, NAP, Plan, What, Worker, is_fault, steps};

const TIMEOUT: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_millis(100);

/// A worker that is started again whenever it ends.
async fn supervised_worker(sim: &Sim<'_>, ledger: &Ledger) -> ChildRef<Worker> {
    // Terminate awaits, so calls come while the server ends.
    let plan = Plan::new(0, ledger).steps(1);
    let child = ChildSpec::server("worker", move || genserver::start_link::<Worker>(plan.clone()));
    let worker = child.reference();
    sim.start_supervised(Supervisor::one_for_one().max_restarts(1000).child(child).start_link()).await;
    worker
}

/// A call that has ended.
struct Called {
    kind: Kind,
    number: u64,
    server: Pid,
    outcome: Result<Answer, CallError>,
    began: Instant,
    ended: Instant,
}

/// Calls the present incarnation, again and again, in ways that are drawn.
async fn five_calls(client: Client, worker: &ChildRef<Worker>, kinds: &[Kind]) -> Vec<Called> {
    let mut called = Vec::new();
    for number in 0..5 {
        let (number, kind) = (client.number() as u64 * 100 + number, *client.pick(kinds));
        let server: ServerRef<Worker> = worker.waiting().current().await.unwrap();
        // Meanwhile it may end.
        steps(1).await;
        let began = time::now();
        let outcome = server.call(|caller| Ask(kind, number, caller)).timeout(TIMEOUT).await;
        called.push(Called { kind, number, server: server.pid(), outcome, began, ended: time::now() });
    }
    called
}

/// Calls of all these kinds, drawn, by three clients; all that came of them.
async fn calls(sim: &Sim<'_>, ledger: &Ledger, kinds: &[Kind], faults: Faults) -> Vec<Called> {
    let worker = supervised_worker(sim, ledger).await;
    sim.faults(faults);
    let called = sim.clients(3, async |client| five_calls(client, &worker, kinds).await).await;
    sim.heal(Duration::from_secs(1)).await;
    called.into_iter().flatten().collect()
}

/// What the faults allow a call besides.
#[derive(Default)]
struct Slack {
    /// How late a timer may be, ...
    late: Duration,
    /// ... and how long callbacks may stall.
    stalled: Duration,
    times_out_early: bool,
}

/// The outcome of a call is one that its request and the end of its server allow, and came as soon as it could.
fn assert_allowed(called: &Called, ledger: &Ledger, Slack { late, stalled, times_out_early }: &Slack) {
    let Called { kind, number, server, outcome, began, ended } = called;
    let at = ended.duration_since(*began);
    let was_handled = ledger.handled(*server).contains(number);
    let gone = ledger.find(*server, &What::Gone).map(|gone| gone.at);
    match outcome {
        Ok(answer) => {
            assert_eq!(*answer, (*server, *number), "the answer to another request, or from another incarnation");
            assert!(!matches!(kind, Kind::Forget | Kind::Lose | Kind::Fail | Kind::Panic), "{kind:?} is not answered");
            assert!(was_handled);
        }
        Err(CallError::NoProc { .. }) => {
            assert!(!was_handled, "{kind:?} was carried out, and its caller told that it was not");
            assert_eq!(at, Duration::ZERO);
        }
        Err(CallError::NoReply { .. }) => {
            assert_eq!(*kind, Kind::Forget, "only that is never answered while its server lives");
            assert!(was_handled);
        }
        Err(CallError::Exit { reason, .. }) => {
            assert_eq!(gone, Some(*ended), "it is told when the server ends");
            let handled = ledger.entries().into_iter().filter(|entry| entry.pid == *server).map(|entry| entry.what);
            let last = handled.filter(|what| matches!(what, What::Terminate(_))).last();
            // Nothing but a kill ends a worker without terminate.
            let expected = if let Some(What::Terminate(reason)) = last { reason } else { Reason::Killed };
            // A fault may cut terminate off.
            assert!(*reason == expected || is_fault(reason), "{reason} instead of {expected}");
        }
        Err(CallError::Timeout { .. }) => {
            assert!(*times_out_early || matches!(kind, Kind::Keep | Kind::Lose), "{kind:?} may not wait so long");
            assert!(*times_out_early || at >= TIMEOUT, "after {at:?}");
            assert!(at <= TIMEOUT + *late, "after {at:?}");
            assert!(gone.is_none_or(|gone| gone >= *ended), "its server was gone, and it waited on");
        }
        Err(CallError::Overloaded { .. }) if *times_out_early => {
            assert!(!was_handled, "{kind:?} was carried out, and its caller told that there was no space for it");
        }
        Err(other) => panic!("{kind:?}: {other}"),
    }
    if !matches!(kind, Kind::Keep | Kind::Lose) {
        // Three clients have at most three naps in front of a call, each with a timer.
        assert!(at <= 3 * (NAP + *late) + *stalled, "{kind:?} took {at:?}");
    }
}

fn is_exit(called: &Called, with: &Reason) -> bool {
    matches!(&called.outcome, Err(CallError::Exit { reason, .. }) if reason == with)
}

/// Promise 1.
#[test]
fn a_server_runs_one_callback_at_a_time() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = supervised_worker(sim, &ledger).await;
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).early_timeouts::<Worker>());
        sim.clients(3, async |client| {
            if client.number() > 0 {
                five_calls(client, &worker, &[Kind::Slow, Kind::Nap]).await;
                return;
            }
            for number in 10..15 {
                let server: ServerRef<Worker> = worker.waiting().current().await.unwrap();
                // One of them may find that its server has just ended.
                let _ = server.cast(number);
                let _ = server.send(Info::Note(number));
                time::sleep(Duration::from_millis(client.draw(0..20))).await;
            }
        })
        .await;
        // The state of an incarnation is gone before the next begins, and what runs in it has ended before.
        let (mut alive, mut running) = (None, None);
        for entry in ledger.entries() {
            match entry.what {
                What::Init => assert_eq!(alive.replace(entry.pid), None, "two incarnations at once"),
                What::Gone => assert_eq!((alive.take(), running), (Some(entry.pid), None)),
                What::Began(number) => assert_eq!(running.replace((entry.pid, number)), None, "two callbacks at once"),
                What::Left(number) => assert_eq!(running.take(), Some((entry.pid, number))),
                _ => {}
            }
        }
    });
}

/// Promise 2.
#[test]
fn a_panic_ends_its_server_alone_and_is_the_reason_that_callers_get() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let kinds = [Kind::Reply, Kind::Slow, Kind::Panic];
        let panicked = Reason::caught(Box::new(FAILED));
        let faults = Faults::new().kill::<Worker>().at_most(1);
        for called in calls(sim, &ledger, &kinds, faults).await {
            sometimes!(called.outcome.is_ok(), "a call is answered");
            sometimes!(is_exit(&called, &Reason::Killed), "a caller hears that its server was killed");
            sometimes!(is_exit(&called, &panicked), "a caller hears that its server panicked");
            assert_allowed(&called, &ledger, &Slack::default());
            if let Err(CallError::Exit { reason, .. }) = &called.outcome
                && *reason != Reason::Killed
            {
                assert_eq!(*reason, panicked);
            }
            if called.kind == Kind::Panic && ledger.handled(called.server).contains(&called.number) {
                // The callback does not await. Terminate does, so a kill may still take the place of the panic.
                let Err(CallError::Exit { reason, .. }) = &called.outcome else { panic!("{:?}", called.outcome) };
                assert!(*reason == panicked || *reason == Reason::Killed, "{reason}");
                assert!(ledger.find(called.server, &What::Terminate(panicked.clone())).is_some());
            }
        }
    });
}

/// Promise 3.
#[test]
fn every_call_ends_with_one_outcome_that_its_server_allows() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let faults = Faults::new().kill::<Worker>();
        for called in calls(sim, &ledger, &Kind::ALL, faults).await {
            sometimes!(called.outcome.is_ok(), "a call is answered");
            sometimes!(is_exit(&called, &Reason::Normal), "a caller hears that its server stopped");
            sometimes!(is_exit(&called, &Reason::term(FAILED)), "a caller hears that its server failed");
            sometimes!(is_exit(&called, &Reason::Killed), "a caller hears that its server was killed");
            sometimes!(matches!(called.outcome, Err(CallError::NoProc { .. })), "a server has ended before the call");
            sometimes!(matches!(called.outcome, Err(CallError::NoReply { .. })), "a server forgets its caller");
            sometimes!(matches!(called.outcome, Err(CallError::Timeout { .. })), "a call times out");
            assert_allowed(&called, &ledger, &Slack::default());
        }
    });
}

/// Promise 3.
async fn calls_with_faults_of_all_kinds(sim: &Sim<'_>) {
    let ledger = Ledger::default();
    let faults = Faults::swarm().kill::<Worker>().panic::<Worker>().early_timeouts::<Worker>();
    let faults = faults.stall::<Worker>(NAP).full_mailboxes::<Worker>().at_most(4);
    let slack = Slack { late: Duration::ZERO, stalled: 4 * NAP, times_out_early: true };
    for called in calls(sim, &ledger, &Kind::ALL, faults).await {
        assert_allowed(&called, &ledger, &slack);
    }
}

#[test]
fn every_call_ends_with_one_outcome_whatever_goes_wrong() {
    sim::check(calls_with_faults_of_all_kinds);
}

/// The 84,897th run of the one above: it took a call for open that its server had refused.
#[test]
fn a_call_is_over_whose_server_was_killed_as_there_was_space_for_it() {
    let recipe = "6cb3c0fd46781bf1/2.1/4.2/5.1/7.2/9.1/14.2/20.3/27.2/29.2/35.1/38.1/42.1/f0.1/f2.1/f4.1/f11.1/f26.1/\
                  f44.1/f54.1/d1:0.6/d1:3.0/d1:4.0/d2:0.0/d3:0.0/d3:1.6";
    sim::replay(recipe, calls_with_faults_of_all_kinds);
}

#[test]
fn a_late_timer_makes_a_timeout_late_and_nothing_else() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let faults = Faults::new().kill::<Worker>().late_timers(LATE);
        for called in calls(sim, &ledger, &Kind::ALL, faults).await {
            sometimes!(called.outcome.is_ok(), "a call is answered");
            sometimes!(is_exit(&called, &Reason::Killed), "a caller hears that its server was killed");
            let is_late = called.ended.duration_since(called.began) > TIMEOUT;
            sometimes!(is_late, "a call times out late");
            assert_allowed(&called, &ledger, &Slack { late: LATE, ..Slack::default() });
        }
    });
}

#[test]
fn no_request_is_carried_out_twice_and_none_by_two_incarnations() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let worker = supervised_worker(sim, &ledger).await;
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().full_mailboxes::<Worker>());
        let callers: Vec<_> = (0..8)
            .map(|number| {
                let worker = worker.clone();
                // A waiting reference goes on to the next incarnation only with a request that nobody has taken.
                Task::spawn(async move { worker.waiting().call(|caller| Ask(Kind::Slow, number, caller)).await })
            })
            .collect();
        for (number, caller) in callers.into_iter().enumerate() {
            let number = number as u64;
            let outcome = caller.await.unwrap();
            let began: Vec<Pid> = ledger
                .entries()
                .into_iter()
                .filter(|entry| entry.what == What::Began(number))
                .map(|entry| entry.pid)
                .collect();
            match outcome {
                Ok(answer) => assert_eq!(began.iter().map(|pid| (*pid, number)).collect::<Vec<_>>(), [answer]),
                Err(CallError::Exit { reason, .. }) => {
                    assert!(is_fault(&reason), "{reason}");
                    assert!(began.len() < 2, "{began:?}");
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(sim.elapsed(), Duration::ZERO, "nobody waits for a timeout");
    });
}

#[test]
fn each_request_of_a_collection_has_one_response() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let server = genserver::start::<Worker>(Plan::new(0, &ledger)).await.unwrap();
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>());
        let mut requests = Requests::new();
        for number in 0..10 {
            let kind = if number % 2 == 0 { Kind::Slow } else { Kind::Reply };
            requests.add(number, server.send_request(move |caller| Ask(kind, number, caller)));
            steps(sim.draw(0..2)).await;
        }
        let mut labels = Vec::new();
        let mut has_ended = false;
        while !requests.is_empty() {
            let (label, result) = requests.wait(TIMEOUT).await.expect("each comes at once");
            labels.push(label);
            match result {
                Ok(answer) => {
                    assert_eq!(answer, (server.pid(), label));
                    assert!(!has_ended, "an answer after the news of the end");
                }
                Err(CallError::Exit { reason, .. }) if is_fault(&reason) => has_ended = true,
                Err(CallError::NoProc { .. }) => has_ended = true,
                Err(other) => panic!("{other}"),
            }
        }
        labels.sort_unstable();
        assert_eq!(labels, (0..10).collect::<Vec<_>>());
        assert_eq!(sim.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_call_that_is_given_up_leaves_the_next_one_its_own_answer() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let server = sim.start_supervised(genserver::start_link::<Worker>(Plan::new(0, &ledger))).await;
        let mut probe = Probe::<Answer>::new();
        for number in 0..4 {
            let (server, told) = (server.clone(), probe.sender());
            let caller = Task::start(async move {
                let answer = server.call(|caller| Ask(Kind::Slow, number, caller)).await;
                let _ = told.send(answer.unwrap());
            });
            steps(sim.draw(0..5)).await;
            if number % 2 == 0 {
                caller.unwrap().kill();
            }
        }
        for _ in 0..2 {
            let mut answer = probe.expect_message().await;
            // One that is given up may have been answered before.
            while answer.1 % 2 == 0 {
                assert_eq!(answer.0, server.pid());
                answer = probe.expect_message().await;
            }
            assert_eq!(answer.0, server.pid());
        }
        assert_eq!(server.call(|caller| Ask(Kind::Reply, 9, caller)).await, Ok((server.pid(), 9)));
    });
}
