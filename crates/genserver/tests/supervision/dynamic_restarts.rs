//! How dynamic supervisors restart children, how often, and when they give up.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::wards::{Begin, Diary, Ping, Tell, Ward, ms, process, sleep};
use genserver::dynamic_supervisor::{DynamicSupervisor, DynamicSupervisorSpec};
use genserver::report::{Level, Report, SupervisorEvent};
use genserver::supervisor::{ChildRef, ChildSpec, ChildState, Restart, Supervisor};
use genserver::{Ack, AsServer, Node, Probe, Reason, ServerRef, start_process};

/// The states of a supervisor's children, in the order of their first start.
async fn states(supervisor: &DynamicSupervisor) -> Vec<String> {
    let shown = |state| match state {
        ChildState::Running(_) => "runs",
        ChildState::Restarting => "restarts",
        ChildState::Stopped => "stopped",
    };
    let children = supervisor.which_children().await.unwrap();
    children.into_iter().map(|child| format!("{} {}", child.info.id, shown(child.state))).collect()
}

/// Starts a ward; returns it with a reference that survives its restarts.
async fn start(supervisor: &DynamicSupervisor, spec: ChildSpec<Ward, ServerRef<Ward>>) -> ChildRef<Ward> {
    let reference = spec.reference();
    supervisor.start_child(spec).await.unwrap();
    reference
}

/// Kills a child; returns when its supervisor has been told of its end.
async fn kill(child: &ChildRef<Ward>) {
    let ward = child.current().unwrap();
    ward.kill();
    ward.ended().await;
}

fn never_gives_up() -> DynamicSupervisorSpec {
    DynamicSupervisor::new().max_restarts(u32::MAX)
}

#[tokio::test]
async fn whether_a_child_is_started_again_depends_on_its_kind_and_its_end() {
    let ends = [Reason::Normal, Reason::Shutdown, Reason::shutdown_with("later"), Reason::term("boom")];
    let cases = [
        (Restart::Permanent, [true, true, true, true]),
        (Restart::Transient, [false, false, false, true]),
        (Restart::Temporary, [false, false, false, false]),
    ];
    for (restart, expected) in cases {
        for (reason, expected) in ends.iter().zip(expected) {
            let node = Node::new();
            let mut reports = node.reports_from(Level::Error);
            let supervisor = DynamicSupervisor::new().start().on(&node).await.unwrap();
            let diary = Diary::new();
            let ward = supervisor.start_child(diary.ward("ward").restart(restart)).await.unwrap();
            ward.cast(Tell::Stop(reason.clone())).unwrap();
            assert_eq!(ward.ended().await, *reason);
            assert_eq!(
                states(&supervisor).await,
                if expected { vec!["ward runs"] } else { vec![] },
                "{restart} {reason}"
            );
            let lost = std::iter::from_fn(|| reports.try_next())
                .filter(|report| matches!(report, Report::Supervised(report) if report.event == SupervisorEvent::ChildTerminated))
                .count();
            let is_reported = restart == Restart::Permanent || *reason == Reason::term("boom");
            assert_eq!(lost, usize::from(is_reported), "{restart} {reason}");
        }
    }
}

#[tokio::test]
async fn sup_062_a_child_that_chooses_not_to_run_again_is_gone() {
    let diary = Diary::new();
    let supervisor = never_gives_up().start().await.unwrap();
    let other = start(&supervisor, diary.ward("other")).await;
    let ward = start(&supervisor, diary.ward("ward")).await;
    diary.plan("ward", [Begin::Ignore]);
    kill(&ward).await;
    assert_eq!(states(&supervisor).await, ["other runs"]);
    assert!(ward.waiting().current().await.is_err(), "it is gone for good");
    assert_eq!(other.call(Ping).await, Ok("other"));
}

#[tokio::test]
async fn sup_065_one_restart_too_many_ends_the_supervisor_and_attempts_count() {
    let node = Node::new();
    // By crashes: the fourth within five seconds, of any children.
    let diary = Diary::new();
    let supervisor = DynamicSupervisor::new().start().on(&node).await.unwrap();
    let wards = [start(&supervisor, diary.ward("a")).await, start(&supervisor, diary.ward("b")).await];
    for number in 0..3 {
        kill(&wards[number % 2]).await;
        assert_eq!(states(&supervisor).await, ["a runs", "b runs"]);
    }
    kill(&wards[1]).await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    assert!(wards.iter().all(|ward| ward.current().is_err()));

    // By attempts: the first restart fails, and so do the next ones.
    let mut reports = node.reports_from(Level::Error);
    let supervisor = DynamicSupervisor::new().max_restarts(2).start().on(&node).await.unwrap();
    let ward = start(&supervisor, diary.ward("c")).await;
    diary.read();
    diary.plan("c", std::iter::repeat_n(Begin::Stop(Reason::term("no")), 9));
    kill(&ward).await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    assert_eq!(diary.read(), ["fail c", "fail c"]);
    let events: Vec<_> = std::iter::from_fn(|| reports.try_next())
        .filter_map(|report| match report {
            Report::Supervised(report) => Some(report.event),
            _ => None,
        })
        .collect();
    let (lost, failed) = (SupervisorEvent::ChildTerminated, SupervisorEvent::StartError);
    assert_eq!(events, [lost, failed, failed, SupervisorEvent::Shutdown]);
}

#[tokio::test(start_paused = true)]
async fn restarts_that_are_far_enough_apart_never_add_up() {
    let diary = Diary::new();
    let supervisor = DynamicSupervisor::new().max_restarts(1).within(ms(1000)).start().await.unwrap();
    let ward = start(&supervisor, diary.ward("ward")).await;
    for _ in 0..20 {
        kill(&ward).await;
        ward.waiting().current().await.unwrap();
        sleep(ms(1001)).await;
    }
    assert!(supervisor.is_alive());
}

#[tokio::test]
async fn sup_066_restarts_come_to_different_things() {
    let diary = Diary::new();
    let supervisor = never_gives_up().start().await.unwrap();
    // Runs again.
    let ok = start(&supervisor, diary.ward("ok")).await;
    kill(&ok).await;
    assert_eq!(ok.waiting().call(Ping).await, Ok("ok"));
    // Yields a value at its start; later starts drop it.
    let extra = ChildSpec::start_process("extra", || {
        start_process(|mut me: Probe<()>, ack: Ack<u16>| async move {
            ack.ready(8080);
            me.recv().await.map(drop)
        })
    });
    let (extra, _) = supervisor.start_child(extra).await.unwrap();
    extra.kill();
    extra.process_ref().ended().await;
    assert_eq!(states(&supervisor).await, ["ok runs", "extra runs"]);
    // Fails, by an error or by a panic of any kind, and is tried again until it works.
    let works = start(&supervisor, diary.ward("works")).await;
    let no = || Begin::Stop(Reason::term("no"));
    diary.plan("works", [no(), Begin::Panic, Begin::FactoryPanic, Begin::Stop(Reason::Normal)]);
    kill(&works).await;
    assert_eq!(works.waiting().call(Ping).await, Ok("works"));
    assert_eq!(states(&supervisor).await, ["ok runs", "extra runs", "works runs"]);
    // Until then it exists, and does not run.
    diary.plan("works", std::iter::repeat_n(no(), 10_000));
    kill(&works).await;
    assert_eq!(states(&supervisor).await, ["ok runs", "extra runs", "works restarts"]);
    let counts = supervisor.count_children().await.unwrap();
    assert_eq!((counts.specs, counts.active, counts.workers), (3, 2, 3));
    supervisor.process_ref().kill();
}

#[tokio::test]
async fn sup_067_an_endless_restart_lets_the_supervisor_be_asked_and_stopped() {
    let diary = Diary::new();
    let supervisor = never_gives_up().start().await.unwrap();
    let endless = start(&supervisor, diary.ward("endless")).await;
    let other = start(&supervisor, diary.ward("other")).await;
    diary.plan("endless", std::iter::repeat_n(Begin::Stop(Reason::term("no")), 10_000));
    kill(&endless).await;
    for _ in 0..10 {
        assert_eq!(states(&supervisor).await, ["endless restarts", "other runs"]);
    }
    let third = start(&supervisor, diary.ward("third")).await;
    supervisor.terminate_child(&third.current().unwrap()).await.unwrap();
    assert_eq!(other.call(Ping).await, Ok("other"));
    supervisor.stop().await.unwrap();
    assert!(other.current().is_err());
}

#[tokio::test]
async fn sup_060_a_restart_that_never_works_ends_the_supervisor_and_the_processes_linked_with_it() {
    let mut shell = Probe::<()>::new();
    let supervisor = shell.scope(async { DynamicSupervisor::new().start_link().await }).await.unwrap();
    let diary = Diary::new();
    let sibling = start(&supervisor, diary.ward("sibling")).await;
    let ward = start(&supervisor, diary.ward("ward")).await;
    let sibling = sibling.current().unwrap();
    diary.plan("ward", std::iter::repeat_n(Begin::Panic, 9));
    kill(&ward).await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    assert_eq!(sibling.ended().await, Reason::Shutdown);
    assert_eq!(shell.recv().await, Err(Reason::Shutdown), "the exit came over the link");
}

#[tokio::test]
async fn sup_068_a_tree_that_is_restarted_has_lost_its_dynamic_children() {
    let diary = Diary::new();
    let rooms = ChildSpec::supervisor("rooms", || DynamicSupervisor::new().max_restarts(1).start_link());
    let rooms_now = rooms.reference();
    let top = Supervisor::one_for_all().child(diary.ward("log")).child(rooms).start().await.unwrap();
    let first: DynamicSupervisor = rooms_now.current().unwrap();
    let calm = start(&first, diary.ward("calm")).await;
    let loops = start(&first, diary.ward("loops")).await;
    let log = process(&top, "log").await;
    diary.read();

    diary.plan("loops", std::iter::repeat_n(Begin::Stop(Reason::term("no")), 9));
    kill(&loops).await;
    assert_eq!(first.process_ref().ended().await, Reason::Shutdown);
    let second: DynamicSupervisor = rooms_now.waiting().current().await.unwrap();
    assert_ne!(first, second);
    assert!(states(&second).await.is_empty());
    assert!(calm.waiting().current().await.is_err() && loops.waiting().current().await.is_err());
    assert_ne!(process(&top, "log").await, log);
    let expected = ["fail loops", "stop calm shutdown", "stop log shutdown", "start log"];
    assert_eq!(diary.read(), expected);
}
