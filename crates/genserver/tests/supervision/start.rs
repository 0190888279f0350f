//! How supervisors start: from what, in which order, and what a failed start leaves behind.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::time::Duration;

use crate::puppet::{self, Heard, Phonebook, Plan, Puppet};
use crate::wards::{self, Begin, Diary, Ping, Ward, deaf, ms, states, ward};
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{
    AutoShutdown, ChildKind, ChildSpec, FailedToStartChild, Restart, RestartChildError, Shutdown, SpecError,
    StartChildError, Supervisor, SupervisorSpec,
};
use genserver::{
    Callback, Letter, Name, NameRegistry, Node, Probe, ProcessRef, Reason, StartError, Status, start_link,
};

/// The child that a failed start blames.
#[track_caller]
fn blamed(error: &StartError) -> &FailedToStartChild {
    let StartError::Failed { reason, .. } = error else { panic!("{error}") };
    assert!(matches!(reason, Reason::ShutdownWith(_)), "{reason}");
    reason.downcast_ref().unwrap()
}

/// The error in a spec that a failed start reports.
#[track_caller]
fn wrong(error: &StartError) -> &SpecError {
    let StartError::Failed { reason, .. } = error else { panic!("{error}") };
    reason.downcast_ref().unwrap()
}

#[tokio::test(start_paused = true)]
async fn sup_001_a_supervisor_without_children_starts_and_stops() {
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let supervisor = starter.scope(async { Supervisor::one_for_one().start_link().await }).await.unwrap();
    assert!(states(&supervisor).await.is_empty());
    starter.exit(&supervisor, Reason::Shutdown);
    assert_eq!(starter.expect_exit(&supervisor).await.reason, Reason::Shutdown);
}

#[tokio::test]
async fn sup_002_a_supervisor_may_choose_not_to_run() {
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let start = Supervisor::start_with(|| None).link();
    let error = starter.scope(start).await.unwrap_err();
    assert!(matches!(error, StartError::Ignored { .. }), "{error}");
    assert!(starter.flush().is_empty());
}

#[tokio::test]
async fn sup_003_a_child_that_chooses_not_to_run_stays_as_stopped() {
    let diary = Diary::new();
    diary.plan("shy", [Begin::Ignore, Begin::Ignore]);
    let supervisor =
        Supervisor::one_for_one().child(diary.ward("shy")).child(diary.ward("bold")).start().await.unwrap();
    assert_eq!(diary.read(), ["ignore shy", "start bold"]);
    assert_eq!(states(&supervisor).await, ["shy stopped", "bold runs"]);
    let counts = supervisor.count_children().await.unwrap();
    assert_eq!((counts.specs, counts.active), (2, 1));

    let ignored = supervisor.restart_child("shy").await.unwrap_err();
    assert_eq!(ignored, RestartChildError::Ignored { id: "shy".to_owned() });
    supervisor.restart_child("shy").await.unwrap();
    assert_eq!(states(&supervisor).await, ["shy runs", "bold runs"]);
}

#[tokio::test]
async fn sup_004_a_temporary_child_that_chooses_not_to_run_is_forgotten() {
    let diary = Diary::new();
    diary.plan("shy", [Begin::Ignore]);
    let shy = diary.ward("shy").restart(Restart::Temporary);
    let supervisor = Supervisor::one_for_one().child(shy).start().await.unwrap();
    assert!(states(&supervisor).await.is_empty());
}

#[tokio::test]
async fn sup_005_the_same_when_it_is_started_later() {
    let diary = Diary::new();
    diary.plan("shy", [Begin::Ignore, Begin::Ignore]);
    let supervisor = Supervisor::one_for_one().start().await.unwrap();
    let shy = || diary.ward("shy");
    let ignored = StartChildError::Ignored { id: "shy".to_owned() };
    assert_eq!(supervisor.start_child(shy().restart(Restart::Temporary)).await.unwrap_err(), ignored);
    assert!(states(&supervisor).await.is_empty());
    assert_eq!(supervisor.start_child(shy()).await.unwrap_err(), ignored);
    assert_eq!(states(&supervisor).await, ["shy stopped"]);
}

#[tokio::test]
async fn sup_008_a_panic_in_its_init_fails_the_start_of_a_supervisor() {
    let error = Supervisor::start_with(|| panic!("no plan")).await.unwrap_err();
    assert!(
        matches!(&error, StartError::Failed { reason, .. } if reason.to_string() == "panicked: no plan"),
        "{error}"
    );
}

#[tokio::test]
async fn sup_009_a_child_that_does_not_start_later_is_not_kept() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one().start().await.unwrap();
    for begin in [Begin::Stop(Reason::term("no")), Begin::Panic, Begin::FactoryPanic] {
        diary.plan("child", [begin.clone()]);
        let failed = supervisor.start_child(diary.ward("child")).await.unwrap_err();
        let StartChildError::Failed { id, error } = &failed else { panic!("{failed}") };
        assert_eq!(id, "child");
        match begin {
            Begin::Stop(said) => assert!(matches!(error, StartError::Failed { reason, .. } if *reason == said)),
            Begin::Panic => assert!(matches!(error, StartError::Failed { reason: Reason::Panic(_), .. })),
            _ => assert!(matches!(error, StartError::Panicked { reason: Reason::Panic(_) })),
        }
        assert!(states(&supervisor).await.is_empty());
    }
    assert_eq!(supervisor.start_child(diary.ward("child")).await.unwrap().call(Ping).await, Ok("child"));
}

#[tokio::test]
async fn sup_010_a_child_that_does_not_restart_on_request_stays_as_stopped() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one().child(diary.ward("child")).start().await.unwrap();
    supervisor.terminate_child("child").await.unwrap();
    diary.plan("child", [Begin::Stop(Reason::term("no"))]);
    let failed = supervisor.restart_child("child").await.unwrap_err();
    assert!(matches!(failed, RestartChildError::Failed { error: StartError::Failed { .. }, .. }), "{failed}");
    assert_eq!(states(&supervisor).await, ["child stopped"]);
    supervisor.restart_child("child").await.unwrap();
    assert_eq!(states(&supervisor).await, ["child runs"]);
}

// also: SUP-019
#[test]
fn sup_012_a_spec_has_defaults_that_go_by_what_it_starts() {
    let diary = Diary::new();
    let server = diary.ward("server");
    assert_eq!((server.info().restart, server.info().significant), (Restart::Permanent, false));
    assert_eq!((server.info().shutdown, server.info().kind), (Shutdown::After(ms(5000)), ChildKind::Worker));
    assert!(server.info().runs.ends_with("Ward"));

    let function = ChildSpec::process("function", |_me: Probe<()>| async {});
    assert_eq!((function.info().shutdown, function.info().kind), (Shutdown::After(ms(5000)), ChildKind::Worker));

    let supervisor = ChildSpec::supervisor("supervisor", || Supervisor::one_for_one().start_link());
    assert_eq!(supervisor.info().restart, Restart::Permanent);
    assert_eq!((supervisor.info().shutdown, supervisor.info().kind), (Shutdown::Infinity, ChildKind::Supervisor));
    let impatient = supervisor.shutdown(Shutdown::After(ms(100)));
    assert_eq!((impatient.info().shutdown, impatient.info().kind), (Shutdown::After(ms(100)), ChildKind::Supervisor));
}

/// Checks what a supervisor reports about a spec, and that it reports the same for a child that is started later.
async fn check_child(spec: fn(&Diary) -> ChildSpec, auto_shutdown: AutoShutdown, expected: SpecError, text: &str) {
    let diary = Diary::new();
    let children = Supervisor::one_for_one().auto_shutdown(auto_shutdown).child(diary.ward("other"));
    let error = children.child(spec(&diary)).start().await.unwrap_err();
    assert_eq!(wrong(&error), &expected);
    assert!(diary.read().is_empty(), "nothing was started");
    assert_eq!(expected.to_string(), text);

    let supervisor = Supervisor::one_for_one().auto_shutdown(auto_shutdown).start().await.unwrap();
    assert_eq!(supervisor.start_child(spec(&diary)).await.unwrap_err(), StartChildError::Spec(expected));
    assert!(diary.read().is_empty(), "nothing was started");
}

#[tokio::test]
async fn sup_015_a_spec_of_a_child_that_makes_no_sense_is_refused() {
    check_child(
        |diary| diary.ward("").untyped(),
        AutoShutdown::Never,
        SpecError::EmptyId { runs: std::any::type_name::<Ward>() },
        &format!(
            "a child that runs {} has an empty id; give it one that is unique within its supervisor",
            std::any::type_name::<Ward>()
        ),
    )
    .await;
    check_child(
        |diary| diary.ward("child").significant(true).untyped(),
        AutoShutdown::AnySignificant,
        SpecError::PermanentSignificant { id: "child".to_owned() },
        "the child child is significant and permanent, but a permanent child never ends for good; make it transient or \
         temporary",
    )
    .await;
    check_child(
        |diary| diary.ward("child").significant(true).restart(Restart::Transient).untyped(),
        AutoShutdown::Never,
        SpecError::SignificantWithoutAutoShutdown { id: "child".to_owned() },
        "the child child is significant, but its supervisor never ends by itself; choose another `auto_shutdown`, or make \
         the child not significant",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn sup_015_every_other_spec_of_a_child_is_taken() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        for shutdown in [Shutdown::BrutalKill, Shutdown::After(Duration::ZERO), Shutdown::default(), Shutdown::Infinity]
        {
            for kind in [ChildKind::Worker, ChildKind::Supervisor] {
                for significant in [false, restart != Restart::Permanent] {
                    let child = deaf("child").restart(restart).shutdown(shutdown).kind(kind).significant(significant);
                    let spec = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AllSignificant).child(child);
                    let supervisor = spec.start().await.unwrap();
                    supervisor.process_ref().kill();
                }
            }
        }
    }
}

#[tokio::test]
async fn sup_014_two_children_with_one_id_are_refused() {
    let diary = Diary::new();
    let spec = Supervisor::one_for_one().child(diary.ward("twin")).child(diary.ward("other")).child(diary.ward("twin"));
    let error = spec.start().await.unwrap_err();
    assert_eq!(wrong(&error), &SpecError::DuplicateId { id: "twin".to_owned() });
    assert_eq!(
        wrong(&error).to_string(),
        "two children have the id twin, which has to be unique within a supervisor: give one of them another"
    );
    assert!(diary.read().is_empty());
}

#[tokio::test(start_paused = true)]
async fn sup_016_restarts_within_no_time_are_refused() {
    let error = Supervisor::one_for_one().within(Duration::ZERO).start().await.unwrap_err();
    assert_eq!(wrong(&error), &SpecError::ZeroPeriod);
    assert_eq!(
        error.to_string().split_once("failed: ").unwrap().1,
        "the time for restarts is zero, so there could never be too many; set `within` to a longer time"
    );
    Supervisor::one_for_one().max_restarts(0).within(Duration::MAX).start().await.unwrap();
}

#[tokio::test]
async fn sup_020_a_supervisor_starts_under_every_form_of_name() {
    let node = Node::new();
    let book = Arc::new(Phonebook::default());
    let via = Name::via(Arc::clone(&book) as Arc<dyn NameRegistry>, "family");
    for name in [Name::from("family"), Name::global("family of sup_020"), via] {
        let supervisor = Supervisor::one_for_one().start().on(&node).name(name.clone()).await.unwrap();
        assert_eq!(supervisor.name(), Some(&name));
        assert_eq!(node.whereis(name.clone()), Some(supervisor.process_ref()));
        let again = Supervisor::one_for_all().start().on(&node).name(name.clone()).await.unwrap_err();
        assert!(matches!(again, StartError::AlreadyStarted { pid, .. } if pid == supervisor.pid()));
        supervisor.stop().await.unwrap();
        assert_eq!(node.whereis(name), None);
    }
    let unlinked = Supervisor::one_for_one().start_link().await.unwrap_err();
    assert_eq!(unlinked, StartError::NotAProcess);
}

#[tokio::test]
async fn sup_021_a_child_that_does_not_start_ends_those_before_it() {
    let diary = Diary::new();
    diary.plan("third", [Begin::Stop(Reason::term("nope"))]);
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let spec = Supervisor::one_for_one();
    let spec = ["first", "second", "third", "fourth"].into_iter().fold(spec, |spec, name| spec.child(diary.ward(name)));
    let error = starter.scope(async { spec.start_link().name("unborn").await }).await.unwrap_err();
    let failed = blamed(&error);
    assert_eq!(failed.id, "third");
    assert!(matches!(&failed.error, StartError::Failed { reason, .. } if *reason == Reason::term("nope")));
    let text = error.to_string();
    assert!(text.contains("failed: shutdown: the child third did not start: init of process"), "{text}");
    assert_eq!(
        diary.read(),
        ["start first", "start second", "fail third", "stop second shutdown", "stop first shutdown"]
    );
    assert!(starter.flush().is_empty());
    assert_eq!(genserver::whereis("unborn"), None);
}

#[tokio::test]
async fn sup_022_the_reason_of_a_failed_start_leads_down_the_tree() {
    let diary = Diary::new();
    diary.plan("leaf", [Begin::Panic]);
    let inner = ChildSpec::supervisor("branch", {
        let diary = diary.clone();
        move || Supervisor::one_for_one().child(diary.ward("leaf")).start_link()
    });
    let error = Supervisor::one_for_one().child(inner).start().await.unwrap_err();
    let branch = blamed(&error);
    assert_eq!(branch.id, "branch");
    let leaf = blamed(&branch.error);
    assert_eq!(leaf.id, "leaf");
    assert!(
        matches!(&leaf.error, StartError::Failed { reason, .. } if reason.to_string() == "panicked: leaf cannot begin")
    );
}

#[tokio::test]
async fn a_child_whose_factory_panics_is_one_that_does_not_start() {
    let diary = Diary::new();
    diary.plan("child", [Begin::FactoryPanic]);
    let error = Supervisor::one_for_one().child(diary.ward("child")).start().await.unwrap_err();
    let failed = blamed(&error);
    assert!(
        matches!(&failed.error, StartError::Panicked { reason } if reason.to_string() == "panicked: no child can be made")
    );
}

#[tokio::test(start_paused = true)]
async fn children_start_one_after_the_other_in_order() {
    let diary = Diary::new();
    diary.plan("slow", [Begin::Sleep(ms(20))]);
    let spec = Supervisor::one_for_one().child(diary.ward("slow")).child(diary.ward("quick"));
    let supervisor = spec.start().await.unwrap();
    assert_eq!(diary.read(), ["start slow", "start quick"]);
    assert_eq!(states(&supervisor).await, ["slow runs", "quick runs"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_takes_too_long_leaves_no_child_behind_that_has_finished_init() {
    let diary = Diary::new();
    diary.plan("slow", [Begin::Sleep(ms(10_000))]);
    let node = Node::new();
    let spec = Supervisor::one_for_one().child(diary.ward("quick")).child(diary.ward("slow"));
    let error = spec.start().on(&node).timeout(ms(100)).await.unwrap_err();
    assert!(matches!(error, StartError::Timeout { .. }), "{error}");
    wards::sleep(ms(1)).await;
    // A ward traps exits, so the link that brings `killed` waits for its init.
    let left: Vec<_> = node.process_list().iter().map(|process| process.status).collect();
    assert_eq!(left, [Status::Awaiting(Callback::Init)]);
    wards::sleep(ms(10_000)).await;
    assert!(node.process_list().is_empty(), "{:?}", node.process_list());
}

#[tokio::test]
async fn a_supervisor_and_its_children_live_in_the_node_it_was_started_in() {
    let node = Node::new();
    let spec = ChildSpec::server("child", || start_link::<Ward>(("child", Diary::new())).name("only here"));
    let supervisor = Supervisor::one_for_one().child(spec).start().on(&node).await.unwrap();
    let child = ward(&supervisor, "child").await;
    assert_eq!(node.whereis("only here"), Some(child.process_ref()));
    assert_eq!(genserver::whereis("only here"), None);
    assert_eq!(child.info().parent, Some(supervisor.pid()));
}

/// The defaults that the page prints.
#[test]
fn the_defaults_are_elixirs() {
    let shown = format!("{:?}", SupervisorSpec::new(genserver::supervisor::Strategy::OneForOne));
    assert!(shown.contains("max_restarts: 3, within: 5s") && shown.contains("auto_shutdown: Never"), "{shown}");
}

/// The ways in which a supervisor starts a child whose init is slow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Starts {
    AtBoot,
    OnRequest,
    Again,
    Dynamically,
}

fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    genserver::spawn(|_: Probe<()>| work).unwrap();
}

/// Makes a supervisor start a child whose init takes a second; both are named after the way. Returns the child.
async fn in_init(starts: Starts, traps: bool, node: &Node, probe: &mut Probe<Heard>) -> ProcessRef {
    let teller = probe.sender();
    let mut lives = 0;
    let slow = ChildSpec::server("slow", move || {
        lives += 1;
        let at_once = starts == Starts::Again && lives == 1;
        let begin = if at_once { puppet::Begin::Run } else { puppet::Begin::Sleep(ms(1000)) };
        let mut plan = Plan::new(begin).told(teller.clone());
        plan.traps = traps;
        start_link::<Puppet>(plan).name("slow")
    });
    let spec = Supervisor::one_for_one();
    match starts {
        Starts::AtBoot => {
            let start = spec.child(slow).start().on(node).name("supervisor");
            in_background(async move { drop(start.await) });
        }
        Starts::OnRequest => {
            let supervisor = spec.start().on(node).name("supervisor").await.unwrap();
            in_background(async move { drop(supervisor.start_child(slow).await) });
        }
        Starts::Again => {
            drop(spec.child(slow).start().on(node).name("supervisor").await.unwrap());
            let Heard::Born(first) = probe.expect_message().await else { panic!("nothing comes before init") };
            first.kill();
            probe.expect(|letter| *letter == Letter::Message(Heard::Dropped)).await;
        }
        Starts::Dynamically => {
            let supervisor = DynamicSupervisor::new().start().on(node).name("supervisor").await.unwrap();
            in_background(async move { drop(supervisor.start_child(slow).await) });
        }
    }
    let Heard::Born(child) = probe.expect_message().await else { panic!("nothing comes before init") };
    child
}

#[tokio::test(start_paused = true)]
async fn sup_090_a_supervisor_that_is_killed_during_the_init_of_a_child_leaves_it_to_the_link() {
    for starts in [Starts::AtBoot, Starts::OnRequest, Starts::Again, Starts::Dynamically] {
        for traps in [false, true] {
            let node = Node::new();
            let mut probe = Probe::<Heard>::on(&node);
            let child = in_init(starts, traps, &node, &mut probe).await;
            wards::sleep(ms(100)).await;
            let supervisor = node.whereis("supervisor").unwrap();
            supervisor.kill();
            assert_eq!(supervisor.ended().await, Reason::Killed);
            wards::sleep(ms(500)).await;
            assert_eq!(child.is_alive(), traps, "{starts:?}: only who traps exits finishes init");
            assert_eq!(child.ended().await, Reason::Killed, "{starts:?}");
            let terminated = Letter::Message(Heard::Terminate(Reason::Killed));
            let ended = Letter::Message(Heard::Dropped);
            let expected = if traps { vec![terminated, ended] } else { vec![ended] };
            assert_eq!(probe.flush(), expected, "{starts:?}");
            assert_eq!(node.whereis("slow"), None);
        }
    }
}
