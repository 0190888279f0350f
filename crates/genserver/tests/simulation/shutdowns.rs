//! Supervisors that are stopped: children that do not end, a stop at any moment, and a panic on the way.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::{Duration, Instant};

use genserver::report::{Report, Reports, SupervisorEvent};
use genserver::sim::{self, Client, Faults, Sim, sometimes};
use genserver::supervisor::{ChildRef, ChildSpec, Shutdown, Supervisor};
use genserver::task::Task;
use genserver::{
    AsServer, CallError, Cx, Exit, GenServer, Init, Never, Next, Outcome, Pid, ProcessRef, Reason, ServerRef, time,
};

use crate::worker::{Ask, Kind, Ledger, NAP, Plan, What, Worker, is_fault, steps};

/// What is left of the node: the test and its probes do not count.
fn left(sim: &Sim<'_>) -> usize {
    sim.node().process_list().iter().filter(|process| process.server != "genserver::Probe").count()
}

/// A server that traps exits and takes its time: in a cast, or in terminate.
struct Slow {
    takes: Duration,
    in_terminate: bool,
}

impl GenServer for Slow {
    type Args = (Duration, bool);
    type Call = Never;
    type Cast = ();
    type Info = Exit;

    async fn init((takes, in_terminate): Self::Args, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|exit| exit);
        Init::Run(Self { takes, in_terminate })
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.in_terminate {
            time::sleep(self.takes).await;
        }
        Next::wait()
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        if self.in_terminate {
            time::sleep(self.takes).await;
        }
    }
}

/// Notes when and why a process ends.
fn watch(process: ProcessRef) -> Task<(Instant, Reason)> {
    Task::spawn(async move {
        let reason = process.ended().await;
        (time::now(), reason)
    })
}

/// The child that was ordered to stop at `ordered` ends when it is done, or is killed at its deadline, whichever comes first.
fn assert_in_time((takes, in_terminate, limit): (u64, bool, u64), begun: u64, ended: u64, reason: &Reason) {
    let done = if in_terminate { begun + takes } else { begun.max(takes) };
    let deadline = begun + limit;
    assert_eq!(ended, done.min(deadline), "it takes {takes} ms (in terminate: {in_terminate}), and has {limit} ms");
    // At the very deadline either may come first.
    assert!(done >= deadline || *reason == Reason::Shutdown, "{reason}");
    assert!(done <= deadline || *reason == Reason::Killed, "{reason}");
}

async fn killed_at_their_deadlines(sim: &Sim<'_>) {
    let plans = [(); 3].map(|()| (sim.draw(0..12), sim.draw(0..2) == 0, sim.draw(1..10)));
    let mut children: Vec<ChildRef<Slow>> = Vec::new();
    let mut spec = Supervisor::one_for_one();
    for (number, (takes, in_terminate, limit)) in plans.into_iter().enumerate() {
        let args = (Duration::from_millis(takes), in_terminate);
        let child = ChildSpec::server(format!("slow {number}"), move || genserver::start_link::<Slow>(args));
        let child = child.shutdown(Shutdown::After(Duration::from_millis(limit)));
        children.push(child.reference());
        spec = spec.child(child);
    }
    let supervisor = spec.start().await.unwrap();
    let mut reports = sim.node().reports();
    let watches: Vec<_> = children.iter().map(|child| watch(child.current().unwrap().process_ref().clone())).collect();
    for child in &children {
        child.cast(()).unwrap();
    }
    // Those that take their time in a cast are in it.
    sim.settle().await;
    let began = time::now();
    supervisor.stop().await.unwrap();
    let millis = |at: Instant| u64::try_from(at.duration_since(began).as_millis()).unwrap();

    // The last first; each has all of its time, from when the one after it has ended.
    let (mut ordered, mut killed) = (0, 0);
    for (plan, watch) in plans.into_iter().zip(watches).rev() {
        let (at, reason) = watch.await.unwrap();
        assert_in_time(plan, ordered, millis(at), &reason);
        ordered = millis(at);
        killed += usize::from(reason == Reason::Killed);
    }
    assert_eq!(millis(time::now()), ordered, "the stop returns with the end of the first child");
    sometimes!(killed == 0, "every child ends in time");
    sometimes!(killed == 3, "no child ends in time");
    assert_eq!(shutdown_errors(&mut reports), vec![Reason::Killed; killed], "each kill is reported, once");
    assert_eq!(left(sim), 0);
}

/// Why children ended that did not end as they should when they were ordered to.
fn shutdown_errors(reports: &mut Reports) -> Vec<Reason> {
    let all = std::iter::from_fn(|| reports.try_next());
    let errors = all.filter_map(|report| match report {
        Report::Supervised(report) if report.event == SupervisorEvent::ShutdownError => report.reason,
        _ => None,
    });
    errors.collect()
}

#[test]
fn a_child_that_does_not_end_is_killed_at_its_deadline() {
    sim::check(killed_at_their_deadlines);
}

fn worker(ledger: &Ledger, id: u64) -> (ChildSpec<Worker, ServerRef<Worker>>, ChildRef<Worker>) {
    let plan = Plan::new(id, ledger).traps().steps(1);
    let child = ChildSpec::server(format!("worker {id}"), move || genserver::start_link::<Worker>(plan.begin()));
    let reference = child.reference();
    (child, reference)
}

/// Calls until the tree has ended. No call waits for longer than the stalls of the workers.
async fn calls_until_the_end(client: &Client, child: &ChildRef<Worker>) {
    for number in 0..1000 {
        let began = time::now();
        let found = child.waiting().current().await;
        let outcome = match &found {
            Ok(server) => server.call(|caller| Ask(Kind::Slow, number, caller)).await,
            Err(error) => Err(error.clone().into()),
        };
        let took = time::now().duration_since(began);
        assert!(took <= STALLS, "client {} waits for {took:?}: {outcome:?}", client.number());
        match outcome {
            Err(CallError::Exit { reason, .. }) => {
                sometimes!(reason == Reason::Shutdown, "a call is cut off by the stop");
                assert!(reason == Reason::Shutdown || is_fault(&reason), "{reason}");
            }
            Err(CallError::NoProc { .. }) if found.is_err() => return,
            // It ended between two steps.
            Ok(_) | Err(CallError::NoProc { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        // A client that never waits may go first all the time, and then the stop never comes.
        time::sleep(Duration::from_millis(number % 2)).await;
    }
    panic!("client {} never hears of the end", client.number());
}

/// As long as all faults of a run together may stall anybody.
const STALLS: Duration = Duration::from_millis(200);

/// A tree of supervisors, stopped at a step that is drawn, while its workers are called, killed and stalled, and panic.
pub(crate) async fn stopped_at_any_moment(sim: &Sim<'_>) {
    let ledger = Ledger::default();
    let (first, first_ref) = worker(&ledger, 0);
    let (second, second_ref) = worker(&ledger, 1);
    let (third, third_ref) = worker(&ledger, 2);
    let mut inner = Some(Supervisor::rest_for_one().max_restarts(1000).child(second).child(third));
    let inner = ChildSpec::supervisor("inner", move || inner.take().expect("nothing ends it before").start_link());
    let whole = Supervisor::one_for_one().max_restarts(1000).child(first).child(inner).start().await.unwrap();
    let workers = [first_ref, second_ref, third_ref];
    sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).at_most(4));
    sim.clients(4, async |client| {
        if let Some(child) = workers.get(client.number()) {
            return calls_until_the_end(&client, child).await;
        }
        time::sleep(Duration::from_millis(client.draw(0..4))).await;
        steps(client.draw(0..20)).await;
        whole.stop().await.unwrap();
        assert_eq!(left(sim), 0, "something is left when the stop returns");
        let began = time::now();
        for child in &workers {
            let error = child.waiting().call(|caller| Ask(Kind::Reply, 0, caller)).await.unwrap_err();
            assert!(matches!(error, CallError::NoProc { .. }), "{error}");
        }
        assert_eq!(time::now(), began, "a new call fails at once");
    })
    .await;
    let ends = ledger.entries().iter().filter(|entry| entry.what == What::Over).count();
    let starts = ledger.entries().iter().filter(|entry| entry.what == What::Start).count();
    assert_eq!(ends, starts, "each that was started has ended");
    sometimes!(starts > 3, "a worker is restarted before the stop");
}

#[test]
fn a_tree_that_is_stopped_at_any_moment_leaves_nobody_waiting() {
    sim::check(stopped_at_any_moment);
}

/// Three workers are stopped, and one of them panics in terminate.
async fn one_panics_while_it_stops(sim: &Sim<'_>) {
    let ledger = Ledger::default();
    let mut spec = Supervisor::one_for_one();
    let mut workers = Vec::new();
    for id in 0..3 {
        let (child, reference) = worker(&ledger, id);
        workers.push(reference);
        spec = spec.child(child);
    }
    let supervisor = spec.start().await.unwrap();
    let pids: Vec<Pid> = workers.iter().map(|child| child.current().unwrap().pid()).collect();
    let mut reports = sim.node().reports();
    // Nothing but terminate is called from here on, the last worker's first.
    let number = sim.draw(1..4);
    sim.faults(Faults::new().panic_at::<Worker>(number).stall::<Worker>(NAP));
    supervisor.stop().await.unwrap();

    let panics = 3 - number;
    let entries = ledger.entries();
    for id in 0..3 {
        let own: Vec<&What> = entries.iter().filter(|entry| entry.id == id).map(|entry| &entry.what).collect();
        let terminated = own.contains(&&What::Terminate(Reason::Shutdown));
        assert_eq!(terminated, id != panics, "worker {id} of which {panics} panics: {own:?}");
        assert!(own.ends_with(&[&What::Gone, &What::Over]), "{own:?}");
    }
    let ends: Vec<u64> = entries.iter().filter(|entry| entry.what == What::Over).map(|entry| entry.id).collect();
    assert_eq!(ends, [2, 1, 0], "the last first");
    assert_eq!(left(sim), 0);
    // One of each kind, as for any panic; and its supervisor says that it did not end as it was told.
    let all: Vec<Report> = std::iter::from_fn(|| reports.try_next()).collect();
    let [Report::Terminated(terminated), Report::Crashed(crashed), Report::Supervised(supervised)] = &all[..] else {
        panic!("{all:?}")
    };
    let pid = pids[usize::try_from(panics).unwrap()];
    assert_eq!((terminated.process.pid, crashed.process.pid, supervised.child.pid), (pid, pid, Some(pid)));
    assert_eq!(supervised.event, SupervisorEvent::ShutdownError);
    assert!(all.iter().all(|report| report.reason().is_some_and(is_fault)), "{all:?}");
}

#[test]
fn a_panic_while_stopping_keeps_no_other_child_from_being_stopped() {
    sim::check(one_panics_while_it_stops);
}
