//! One child as its supervisor handles it: its start, its end, and the references to it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "clients are plain tasks of the runtime")]

use std::future::pending;
use std::sync::Arc;

use crate::puppet::{Ask, Begin, Heard, Plan, Puppet, Tell, ms, now, sleep};
use genserver::supervisor::{Child, ChildError, ChildKind, ChildRef, ChildSpec, ChildState, Restart, Shutdown};
use genserver::{
    Ack, AsServer, CallError, Letter, Probe, ProbeRef, ProcessRef, Reason, ServerRef, StartError, Subject, call_all,
    cast_all, spawn, start, start_link, start_process, sys,
};

/// A process that supervises one child by hand.
fn supervisor() -> Probe<()> {
    let mut supervisor = Probe::new();
    supervisor.trap_exits(true);
    supervisor
}

fn puppet() -> ChildSpec<Puppet, ServerRef<Puppet>> {
    ChildSpec::server("puppet", || start_link(Plan::new(Begin::Run)))
}

/// A child that traps exits, and ignores the order to stop.
fn stubborn() -> ChildSpec {
    ChildSpec::process("stubborn", |mut me: Probe<()>| async move {
        me.trap_exits(true);
        pending::<()>().await;
    })
    .untyped()
}

async fn started(supervisor: &Probe<()>, spec: ChildSpec) -> (Child, ProcessRef) {
    let mut child = Child::new(spec);
    let process = supervisor.scope(async { child.start().await }).await.unwrap();
    (child, process)
}

#[tokio::test]
async fn a_child_is_linked_with_its_supervisor_however_its_start_is_written() {
    let supervisor = supervisor();
    let mut specs = vec![
        ChildSpec::server("start", || start::<Puppet>(Plan::new(Begin::Run))).untyped(),
        ChildSpec::server("start_link", || start_link::<Puppet>(Plan::new(Begin::Run))).untyped(),
        ChildSpec::process("process", |_me: Probe<()>| pending::<()>()).untyped(),
    ];
    specs.push(
        ChildSpec::start_process("start_process", || {
            start_process(|_me: Probe<()>, ack: Ack<()>| async {
                ack.ready(());
                pending::<()>().await;
            })
        })
        .untyped(),
    );
    for spec in specs {
        let (_child, process) = started(&supervisor, spec).await;
        assert_eq!(process.info().links, [supervisor.pid()]);
        assert_eq!(process.info().parent, Some(supervisor.pid()));
    }
}

#[tokio::test]
async fn a_panic_of_what_makes_the_start_is_a_failed_start() {
    let supervisor = supervisor();
    let spec = ChildSpec::server("puppet", || -> genserver::Start<Puppet> { panic!("no puppet today") });
    let mut child = Child::new(spec.untyped());
    let error = supervisor.scope(async { child.start().await }).await.unwrap_err();
    assert!(matches!(&error, StartError::Panicked { reason } if reason.to_string() == "panicked: no puppet today"));
    assert_eq!(
        error.to_string(),
        "there is nothing to start, because the function that makes the start panicked: no puppet today"
    );
    assert_eq!(child.state(), &ChildState::Stopped);
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_with_the_supervisor() {
    let mut supervisor = supervisor();
    let spec = ChildSpec::server("puppet", || start_link::<Puppet>(Plan::new(Begin::Stop(Reason::term("no")))));
    let mut child = Child::new(spec.untyped());
    let error = supervisor.scope(async { child.start().await }).await.unwrap_err();
    assert!(matches!(error, StartError::Failed { reason, .. } if reason == Reason::term("no")));
    assert!(supervisor.flush().is_empty());
    assert!(supervisor.process_ref().info().links.is_empty());
}

#[tokio::test]
async fn what_a_temporary_child_is_started_from_goes_when_it_runs() {
    let supervisor = supervisor();
    for (restart, copies) in [(Restart::Permanent, 2), (Restart::Transient, 2), (Restart::Temporary, 1)] {
        let large = Arc::new([0_u8; 1000]);
        let taken = Arc::clone(&large);
        let spec = ChildSpec::server("puppet", move || {
            start_link::<Puppet>(Plan::new(if taken.is_empty() { Begin::Ignore } else { Begin::Run }))
        });
        let (_child, _) = started(&supervisor, spec.restart(restart).untyped()).await;
        assert_eq!(Arc::strong_count(&large), copies, "{restart}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_is_shut_down_the_way_its_spec_says() {
    let supervisor = supervisor();
    let obedient = || puppet().untyped();
    let killed = Some(Reason::Killed);
    let cases = [
        (obedient(), Shutdown::default(), Reason::Shutdown, None, 0),
        (obedient(), Shutdown::Infinity, Reason::Shutdown, None, 0),
        (obedient(), Shutdown::BrutalKill, Reason::Killed, None, 0),
        (stubborn(), Shutdown::BrutalKill, Reason::Killed, None, 0),
        (stubborn(), Shutdown::After(ms(1500)), Reason::Killed, killed.clone(), 1500),
        (stubborn(), Shutdown::default(), Reason::Killed, killed, 5000),
    ];
    for (spec, shutdown, ends_with, unexpected, after) in cases {
        let (mut child, process) = started(&supervisor, spec.shutdown(shutdown)).await;
        tokio::task::yield_now().await;
        let begun = now();
        assert_eq!(supervisor.scope(async { child.shut_down().await }).await, unexpected, "{shutdown}");
        assert_eq!(begun.elapsed().as_millis(), after, "{shutdown}");
        assert_eq!(process.ended().await, ends_with, "{shutdown}");
        assert_eq!(child.state(), &ChildState::Stopped);
    }
}

#[tokio::test]
async fn the_exit_of_its_supervisor_is_an_order_to_a_child_that_traps_exits() {
    let supervisor = supervisor();
    let mut shell = Probe::new();
    let teller = shell.sender();
    let spec = ChildSpec::server("puppet", move || start::<Puppet>(Plan::new(Begin::Run).traps().told(teller.clone())));
    let (mut child, _) = started(&supervisor, spec.untyped()).await;
    assert_eq!(supervisor.scope(async { child.shut_down().await }).await, None);
    let heard: Vec<Letter<Heard>> = shell.flush();
    assert!(heard.contains(&Letter::Message(Heard::Terminate(Reason::Shutdown))), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_took_its_link_away_is_shut_down_all_the_same() {
    let supervisor = supervisor();
    let parent = supervisor.process_ref();
    let spec = ChildSpec::process("loner", move |mut me: Probe<()>| {
        let parent = parent.clone();
        async move {
            me.unlink(&parent);
            pending::<()>().await;
        }
    });
    let (mut child, process) = started(&supervisor, spec.untyped()).await;
    sleep(ms(1)).await;
    assert!(process.info().links.is_empty());
    assert_eq!(supervisor.scope(async { child.shut_down().await }).await, None);
    assert!(!process.is_alive());
}

#[tokio::test]
async fn a_child_that_ended_before_it_was_shut_down_shows_its_own_reason() {
    let supervisor = supervisor();
    let (mut child, process) = started(&supervisor, puppet().untyped()).await;
    process.stop().reason(Reason::term("boom")).await.unwrap();
    let unexpected = supervisor.scope(async { child.shut_down().await }).await;
    assert_eq!(unexpected, Some(Reason::term("boom")));
}

#[tokio::test]
async fn what_a_start_yields_comes_out_of_the_spec() {
    let supervisor = supervisor();
    let (spec, handle) = puppet().split();
    let (_child, process) = started(&supervisor, spec).await;
    let puppet: ServerRef<Puppet> = handle(process);
    assert_eq!(puppet.call(Ask::Ping).await, Ok("pong"));

    let (spec, handle) =
        ChildSpec::process("reader", |mut me: Probe<u8>| async move { me.recv().await.map(drop) }).split();
    let (_child, process) = started(&supervisor, spec).await;
    let reader: ProbeRef<u8> = handle(process);
    reader.send(1).unwrap();

    let (spec, handle) = ChildSpec::start_process("port", || {
        start_process(|_me: Probe<()>, ack: Ack<u16>| async {
            ack.ready(8080);
            pending::<()>().await;
        })
    })
    .split();
    let (_child, process) = started(&supervisor, spec).await;
    let (_port, number) = handle(process);
    assert_eq!(number, 8080);
}

/// What an operation on the puppet fails with while it does not run.
fn not_there() -> CallError {
    CallError::NoProc { server: Subject::nobody("puppet") }
}

/// Checks what a reference to the puppet says about it.
#[track_caller]
fn check(reference: &ChildRef<Puppet>, expected: &Result<ServerRef<Puppet>, ChildError>) {
    assert_eq!(&reference.current(), expected);
    let cast = reference.cast(Tell::Text(0));
    assert_eq!(cast.is_ok(), expected.is_ok());
    assert_eq!(
        reference.as_server().map_err(|nobody| CallError::from(nobody) == not_there()),
        expected.clone().map_err(|_expected| true)
    );
}

#[tokio::test]
async fn a_reference_says_what_has_become_of_the_child() {
    let supervisor = supervisor();
    let id = || "puppet".to_owned();
    let spec = puppet();
    let reference = spec.reference();
    check(&reference, &Err(ChildError::NotStarted { id: id() }));

    let (mut child, process) = started(&supervisor, spec.untyped()).await;
    check(&reference, &Ok(process.downcast().unwrap()));
    process.kill();
    check(&reference, &Err(ChildError::Restarting { id: id() }));
    child.restarting();
    check(&reference, &Err(ChildError::Restarting { id: id() }));

    let process = supervisor.scope(async { child.start().await }).await.unwrap();
    check(&reference, &Ok(process.downcast().unwrap()));
    supervisor.scope(async { child.shut_down().await }).await;
    check(&reference, &Err(ChildError::Stopped { id: id() }));
    drop(child);
    check(&reference, &Err(ChildError::Gone { id: id() }));
    assert_eq!(reference.call(Ask::Ping).await, Err(not_there()));
}

#[tokio::test]
async fn a_child_is_a_server_to_everything_that_takes_one() {
    let supervisor = supervisor();
    let spec = puppet();
    let reference = spec.reference();
    assert!(sys::with_state(&reference, |_| ()).await.is_err(), "it is not started yet");
    assert_eq!(call_all([&reference], Ask::Ping, ms(1000)).await.answered, []);
    assert_eq!(cast_all([&reference], |_| Tell::Text(1)).len(), 1);

    let (_child, process) = started(&supervisor, spec.untyped()).await;
    sys::with_state(&reference, |_| ()).await.unwrap();
    assert_eq!(call_all([&reference], Ask::Ping, ms(1000)).await.answered, [(process.pid(), "pong")]);
    assert!(cast_all([&reference], |_| Tell::Text(1)).is_empty());
}

#[tokio::test]
async fn a_temporary_child_that_ended_is_gone_at_once() {
    let supervisor = supervisor();
    let spec = puppet().restart(Restart::Temporary);
    let reference = spec.reference();
    let (_child, process) = started(&supervisor, spec.untyped()).await;
    process.kill();
    check(&reference, &Err(ChildError::Gone { id: "puppet".to_owned() }));
}

#[tokio::test]
async fn a_spec_that_nobody_uses_leaves_a_child_that_is_gone() {
    let reference = puppet().reference();
    check(&reference, &Err(ChildError::Gone { id: "puppet".to_owned() }));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_waits_for_the_restart() {
    let supervisor = supervisor();
    let spec = puppet();
    let waiting = spec.reference().waiting();
    let early = tokio::spawn({
        let waiting = waiting.clone();
        async move { waiting.call(Ask::Ping).await }
    });
    sleep(ms(4000)).await;
    let (mut child, process) = started(&supervisor, spec.untyped()).await;
    assert_eq!(early.await.unwrap(), Ok("pong"));

    process.kill();
    child.restarting();
    let called = tokio::spawn({
        let waiting = waiting.clone();
        async move { waiting.call(Ask::Ping).timeout(ms(1000)).await }
    });
    let begun = now();
    let late = waiting.call(Ask::Ping).timeout(ms(300)).await;
    assert_eq!(late, Err(not_there()));
    assert_eq!(begun.elapsed().as_millis(), 300);
    supervisor.scope(async { child.start().await }).await.unwrap();
    assert_eq!(called.await.unwrap(), Ok("pong"));

    supervisor.scope(async { child.shut_down().await }).await;
    let begun = now();
    assert_eq!(waiting.call(Ask::Ping).await, Err(not_there()));
    assert_eq!(begun.elapsed().as_millis(), 0, "a child that is stopped is not waited for");
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_a_child_go_on_when_it_is_back() {
    let supervisor = supervisor();
    let spec = puppet();
    let waiting = spec.reference().waiting();
    let (mut child, process) = started(&supervisor, spec.untyped()).await;
    process.kill();
    child.restarting();
    let begun = now();
    let calls = [(); 3].map(|()| {
        let waiting = waiting.clone();
        tokio::spawn(async move { waiting.call(Ask::Ping).timeout(ms(1000)).await })
    });
    tokio::task::yield_now().await;
    supervisor.scope(async { child.start().await }).await.unwrap();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok("pong"));
    }
    assert_eq!(begun.elapsed().as_millis(), 0, "none was woken by its timeout");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_child_fails_when_the_child_is_gone() {
    let supervisor = supervisor();
    let spec = puppet();
    let waiting = spec.reference().waiting();
    let (mut child, _) = started(&supervisor, spec.untyped()).await;
    child.restarting();
    let mut shell = Probe::new();
    let teller = shell.sender();
    let waiter = spawn(move |_me: Probe<()>| async move {
        let gone = waiting.current().await.map(drop);
        let _ = teller.send(gone);
    })
    .unwrap();
    tokio::task::yield_now().await;
    drop(child);
    let told = shell.expect(|letter| matches!(letter, Letter::Message(_))).await;
    assert_eq!(told, Letter::Message(Err(ChildError::Gone { id: "puppet".to_owned() })));
    waiter.process_ref().ended().await;
}

#[test]
fn gs_038_a_child_spec_has_defaults_that_can_be_replaced() {
    let info = puppet().info().clone();
    assert_eq!(info.id, "puppet");
    assert!(info.runs.ends_with("Puppet"));
    assert_eq!(info.restart, Restart::Permanent);
    assert_eq!(info.shutdown, Shutdown::After(ms(5000)));
    assert_eq!(info.kind, ChildKind::Worker);
    assert!(!info.significant);

    let spec = puppet().restart(Restart::Temporary).shutdown(Shutdown::BrutalKill).significant(true);
    let info = spec.kind(ChildKind::Supervisor).info().clone();
    assert_eq!((info.restart, info.shutdown), (Restart::Temporary, Shutdown::BrutalKill));
    assert_eq!((info.kind, info.significant), (ChildKind::Supervisor, true));
}
