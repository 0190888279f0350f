//! Dynamic supervisors: their functions, and the possible results of starting a child.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::time::Duration;

use crate::wards::{self, Begin, Diary, Ping, Tell, ms, process};
use genserver::dynamic_supervisor::{DynamicSupervisor, FindChildError, StartChildError, TerminateChildError};
use genserver::supervisor::{ChildCounts, ChildKind, ChildSpec, ChildState, Restart, Shutdown, SpecError, Supervisor};
use genserver::{Ack, AsServer, Named, Node, Probe, ProcessRef, Reason, StartError, start_process};

async fn supervisor() -> DynamicSupervisor {
    DynamicSupervisor::new().start().await.unwrap()
}

/// How many children there are, and how many of them run.
async fn counts(supervisor: &DynamicSupervisor) -> (usize, usize) {
    let ChildCounts { specs, active, workers, supervisors, .. } = supervisor.count_children().await.unwrap();
    assert_eq!(specs, workers + supervisors);
    (specs, active)
}

/// A temporary child that does nothing.
fn idler() -> ChildSpec {
    ChildSpec::process("idler", |mut me: Probe<()>| async move { me.recv().await.map(drop) })
        .restart(Restart::Temporary)
        .untyped()
}

#[tokio::test]
async fn sup_006_a_child_that_chooses_not_to_run_is_not_kept() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    diary.plan("ward", [Begin::Ignore, Begin::Ignore]);
    for restart in [Restart::Temporary, Restart::Permanent] {
        let ignored = supervisor.start_child(diary.ward("ward").restart(restart)).await.unwrap_err();
        assert_eq!(ignored, StartChildError::Ignored { id: "ward".to_owned() });
        assert_eq!(counts(&supervisor).await, (0, 0));
    }
    supervisor.start_child(diary.ward("ward")).await.unwrap();
    supervisor.stop().await.unwrap();
    assert_eq!(diary.read(), ["ignore ward", "ignore ward", "start ward", "stop ward shutdown"]);
}

#[tokio::test]
async fn sup_011_a_child_that_fails_to_start_is_an_error_and_is_not_kept() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    diary.plan("ward", [Begin::Stop(Reason::term("no disk"))]);
    let failed = supervisor.start_child(diary.ward("ward")).await.unwrap_err();
    let StartChildError::Failed { id, error: StartError::Failed { reason, .. } } = &failed else { panic!("{failed}") };
    assert_eq!((id.as_str(), reason), ("ward", &Reason::term("no disk")));
    assert_eq!(counts(&supervisor).await, (0, 0));
    assert!(supervisor.is_alive());
}

#[tokio::test(start_paused = true)]
async fn sup_013_the_spec_of_a_child_is_found_by_its_process() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    let spec = diary.ward("ward").restart(Restart::Transient).shutdown(Shutdown::After(ms(7)));
    let expected = spec.info().clone();
    let ward = supervisor.start_child(spec).await.unwrap();
    let entry = supervisor.child_entry(&ward).await.unwrap();
    assert_eq!(entry.info, expected);
    assert_eq!(entry.state, ChildState::Running(ward.process_ref()));

    let stranger = Probe::<()>::new();
    let nobody = supervisor.child_entry(&stranger).await.unwrap_err();
    assert_eq!(nobody, FindChildError::NotFound { id: stranger.pid() });
}

#[tokio::test]
async fn sup_041_children_go_by_their_processes() {
    let supervisor = supervisor().await;
    let child: ProcessRef = supervisor.start_child(idler()).await.unwrap();
    supervisor.terminate_child(&child.pid()).await.unwrap();
    assert_eq!(child.ended().await, Reason::Shutdown);

    let dead: ProcessRef = supervisor.start_child(idler()).await.unwrap();
    dead.kill();
    dead.ended().await;
    let stranger = Probe::<()>::new();
    for process in [child, dead, stranger.process_ref()] {
        let refused = supervisor.terminate_child(&process).await.unwrap_err();
        assert_eq!(refused, TerminateChildError::NotFound { id: process.pid() });
    }
    assert!(stranger.is_alive());
}

#[tokio::test]
async fn sup_044_thousands_of_children_are_counted_exactly() {
    let supervisor = supervisor().await;
    let mut children: Vec<ProcessRef> = Vec::new();
    for expected in [1000, 2000] {
        while children.len() < expected {
            children.push(supervisor.start_child(idler()).await.unwrap());
        }
        assert_eq!(counts(&supervisor).await, (expected, expected));
    }
    let nested = ChildSpec::supervisor("nested", || Supervisor::one_for_one().start_link()).restart(Restart::Temporary);
    let nested = supervisor.start_child(nested).await.unwrap();
    let counted = supervisor.count_children().await.unwrap();
    assert_eq!((counted.workers, counted.supervisors), (2000, 1));
    children.push(nested.process_ref());
    for child in &children {
        child.kill();
    }
    for child in &children {
        child.ended().await;
    }
    assert_eq!(counts(&supervisor).await, (0, 0));
}

#[tokio::test]
async fn sup_046_a_child_whose_name_is_taken_is_an_error_that_names_the_holder() {
    let node = Node::new();
    let shell = Probe::<()>::on(&node);
    shell.register("taken").unwrap();
    let supervisor = DynamicSupervisor::new().start().on(&node).await.unwrap();
    let diary = Diary::new();
    let started = diary.clone();
    let spec = ChildSpec::server("ward", move || {
        genserver::start_link::<wards::Ward>(("ward", started.clone())).name("taken")
    });
    let refused = supervisor.start_child(spec).await.unwrap_err();
    assert_eq!(refused, StartChildError::AlreadyStarted { id: "ward".to_owned(), pid: shell.pid() });
    assert_eq!(counts(&supervisor).await, (0, 0));
    assert!(shell.is_alive());
}

#[tokio::test]
async fn sup_047_what_a_start_comes_to_is_told_apart() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    let ward = supervisor.start_child(diary.ward("ward")).await.unwrap();
    assert_eq!(ward.call(Ping).await, Ok("ward"));

    let with_more = ChildSpec::start_process("port", || {
        start_process(|mut me: Probe<()>, ack: Ack<u16>| async move {
            ack.ready(8080);
            me.recv().await.map(drop)
        })
    });
    let (port, number) = supervisor.start_child(with_more).await.unwrap();
    assert_eq!((port.process_ref().is_alive(), number), (true, 8080));

    diary.plan("ward", [Begin::Ignore, Begin::Stop(Reason::term("no")), Begin::Panic, Begin::FactoryPanic]);
    let mut refused = Vec::new();
    for _ in 0..4 {
        refused.push(supervisor.start_child(diary.ward("ward")).await.unwrap_err());
    }
    let reason = |refused: &StartChildError| match refused {
        StartChildError::Failed {
            error: StartError::Failed { reason, .. } | StartError::Panicked { reason }, ..
        } => reason.to_string(),
        other => other.to_string(),
    };
    assert_eq!(
        refused.iter().map(reason).collect::<Vec<_>>(),
        ["the child ward chose not to run", "no", "panicked: ward cannot begin", "panicked: no ward can be made"]
    );
    assert_eq!(counts(&supervisor).await, (2, 2));
}

// also: SUP-061
#[tokio::test]
async fn sup_049_a_child_is_started_with_the_same_at_every_start() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    let (other, first) = (diary.ward("other"), diary.ward("first"));
    let reference = first.reference();
    let other = supervisor.start_child(other).await.unwrap();
    let first = supervisor.start_child(first).await.unwrap();
    first.kill();
    first.ended().await;
    assert_eq!(reference.waiting().call(Ping).await, Ok("first"));
    assert_ne!(reference.current().unwrap(), first);
    assert!(other.is_alive());
    assert_eq!(diary.read(), ["start other", "start first", "start first"]);
    assert_eq!(counts(&supervisor).await, (2, 2));
}

#[tokio::test]
async fn sup_073_what_a_temporary_child_was_started_from_is_not_kept() {
    let supervisor = supervisor().await;
    for _ in 0..2 {
        let large = Arc::new([0_u8; 4096]);
        let taken = Arc::clone(&large);
        let spec = ChildSpec::process("large", move |mut me: Probe<()>| {
            let size = taken.len();
            async move { if size == 4096 { me.recv().await.map(drop) } else { Ok(()) } }
        });
        let child = supervisor.start_child(spec.restart(Restart::Temporary)).await.unwrap();
        assert_eq!(Arc::strong_count(&large), 1, "the supervisor keeps it");
        child.process_ref().kill();
        child.process_ref().ended().await;
    }
    assert_eq!(counts(&supervisor).await, (0, 0));
}

#[tokio::test]
async fn no_more_children_than_allowed_are_started_and_one_that_restarts_keeps_its_place() {
    let diary = Diary::new();
    let supervisor = DynamicSupervisor::new().max_children(2).max_restarts(u32::MAX).start().await.unwrap();
    let ward = supervisor.start_child(diary.ward("ward")).await.unwrap();
    supervisor.start_child(idler()).await.unwrap();
    let refused = supervisor.start_child(idler()).await.unwrap_err();
    assert_eq!(refused, StartChildError::MaxChildren { id: "idler".to_owned(), max: 2 });

    diary.plan("ward", std::iter::repeat_n(Begin::Stop(Reason::term("not yet")), 10_000));
    ward.kill();
    ward.ended().await;
    assert_eq!(counts(&supervisor).await, (2, 1));
    supervisor.start_child(idler()).await.unwrap_err();
    supervisor.terminate_child(&ward).await.unwrap();
    supervisor.start_child(idler()).await.unwrap();
}

#[tokio::test]
async fn children_are_listed_in_the_order_of_their_first_start() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    let names = ["a", "b", "c", "d"];
    let mut wards = Vec::new();
    for name in names {
        wards.push(supervisor.start_child(diary.ward(name)).await.unwrap());
    }
    wards[1].kill();
    wards[1].ended().await;
    let listed = supervisor.which_children().await.unwrap();
    assert_eq!(listed.iter().map(|child| child.info.id.as_ref()).collect::<Vec<_>>(), names);
    assert!(listed.iter().all(|child| child.state.process().is_some()));
    assert_ne!(listed[1].state.process(), Some(&wards[1].process_ref()));
    // The restarted child is named by its new process.
    let restarted = listed[1].state.process().unwrap();
    assert!(supervisor.child_entry(&wards[1]).await.is_err());
    assert_eq!(supervisor.child_entry(restarted).await.unwrap().info.id, "b");
}

#[tokio::test(start_paused = true)]
async fn a_significant_child_and_no_time_to_count_restarts_in_are_refused() {
    let supervisor = supervisor().await;
    let refused = supervisor.start_child(idler().significant(true)).await.unwrap_err();
    assert_eq!(refused, StartChildError::Spec(SpecError::SignificantUnderDynamic { id: "idler".to_owned() }));
    let refused = DynamicSupervisor::new().within(Duration::ZERO).start().await.unwrap_err();
    let StartError::Failed { reason, .. } = refused else { panic!("{refused}") };
    assert_eq!(reason.downcast_ref::<SpecError>(), Some(&SpecError::ZeroPeriod));
}

#[tokio::test]
async fn a_dynamic_supervisor_is_a_child_and_has_a_name_like_any_other() {
    let node = Node::new();
    let spec = ChildSpec::supervisor("rooms", || DynamicSupervisor::new().start_link().name("rooms"));
    assert_eq!((spec.info().kind, spec.info().shutdown), (ChildKind::Supervisor, Shutdown::Infinity));
    let top = Supervisor::one_for_one().child(spec).start().on(&node).await.unwrap();
    let named = Named::<genserver::dynamic_supervisor::DynamicSupervisorServer>::on(&node, "rooms");
    let rooms = DynamicSupervisor::from(named.resolve().unwrap());
    assert_eq!(rooms.process_ref(), process(&top, "rooms").await);
    let child = rooms.start_child(idler()).await.unwrap();
    top.stop().await.unwrap();
    assert_eq!(child.ended().await, Reason::Shutdown);
    assert!(rooms.start_child(idler()).await.is_err_and(|error| matches!(error, StartChildError::Supervisor(_))));
}

#[tokio::test]
async fn a_child_that_ends_before_it_is_watched_is_not_missed() {
    let supervisor = supervisor().await;
    for reason in [Reason::Normal, Reason::term("boom")] {
        let ends = ChildSpec::process("ends", move |_me: Probe<()>| {
            let reason = reason.clone();
            async move { Err(reason) }
        });
        let child = supervisor.start_child(ends.restart(Restart::Temporary)).await.unwrap();
        child.process_ref().ended().await;
        assert_eq!(counts(&supervisor).await, (0, 0));
    }
    let diary = Diary::new();
    let ward = supervisor.start_child(diary.ward("ward").restart(Restart::Transient)).await.unwrap();
    ward.cast(Tell::Stop(Reason::Normal)).unwrap();
    ward.ended().await;
    assert_eq!(counts(&supervisor).await, (0, 0));
}
