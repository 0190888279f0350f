//! The reports of supervisors: which there are, who gets them, and their text.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::wards::{self, Begin, Diary, Tell, deaf, end, kill, ms, process, settled, states, ward};
use genserver::report::{Level, Limits, Report, Reports, Supervised, SupervisorEvent};
use genserver::supervisor::{Restart, Shutdown, SpecError, Supervisor, SupervisorSpec};
use genserver::{Node, Reason, StartError};

/// The reports of supervisors that have arrived.
fn supervised(reports: &mut Reports) -> Vec<Supervised> {
    let all = std::iter::from_fn(|| reports.try_next());
    all.filter_map(|report| if let Report::Supervised(report) = report { Some(report) } else { None }).collect()
}

/// A short form of those reports.
fn shortly(reports: &mut Reports) -> Vec<String> {
    let line = |report: Supervised| {
        let reason = report.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{:?} {}{reason}", report.event, report.child.id)
    };
    supervised(reports).into_iter().map(line).collect()
}

async fn start(node: &Node, spec: SupervisorSpec) -> Supervisor {
    spec.start().on(node).name("family").await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_with_children_is_reported() {
    let (node, diary) = (Node::new(), Diary::new());
    let mut reports = node.reports();
    let child = diary.ward("child").restart(Restart::Transient);
    let supervisor = start(&node, Supervisor::one_for_one().max_restarts(2).child(child)).await;
    assert!(shortly(&mut reports).is_empty(), "that a child starts is not wrong");

    let pid = process(&supervisor, "child").await.pid();
    end(&supervisor, "child", Tell::Stop(Reason::term("boom"))).await;
    states(&supervisor).await;
    let report = supervised(&mut reports).pop().unwrap();
    assert_eq!((report.process.pid, report.process.name.as_deref()), (supervisor.pid(), Some("family")));
    assert_eq!((report.event, report.reason), (SupervisorEvent::ChildTerminated, Some(Reason::term("boom"))));
    assert_eq!((report.child.pid, report.child.id.as_str()), (Some(pid), "child"));
    assert!(report.child.runs.ends_with("Ward"));
    assert_eq!((report.child.restart.as_str(), report.child.shutdown.as_str()), ("transient", "within 5s"));
    assert_eq!((report.child.kind.as_str(), report.child.significant), ("worker", false));

    diary.plan("child", [Begin::Stop(Reason::term("no")), Begin::Stop(Reason::term("no"))]);
    kill(&supervisor, "child").await;
    supervisor.process_ref().ended().await;
    let reports = supervised(&mut reports);
    let events: Vec<_> = reports.iter().map(|report| report.event).collect();
    assert_eq!(
        events,
        [SupervisorEvent::ChildTerminated, SupervisorEvent::StartError, SupervisorEvent::Shutdown],
        "the kill, the restart that failed, and the one that was too many"
    );
    assert_eq!(reports[0].reason, Some(Reason::Killed));
    assert!(matches!(
        reports[1].reason.as_ref().unwrap().downcast_ref::<StartError>(),
        Some(StartError::Failed { reason, .. }) if *reason == Reason::term("no")
    ));
    assert_eq!(reports[1].child.pid, None);
    assert_eq!(reports[2].reason, Some(Reason::term("reached_max_restart_intensity")));
}

#[tokio::test]
async fn a_permanent_child_that_ends_in_order_is_reported_and_others_are_not() {
    let (node, diary) = (Node::new(), Diary::new());
    let mut reports = node.reports();
    let restarts =
        [("permanent", Restart::Permanent), ("transient", Restart::Transient), ("temporary", Restart::Temporary)];
    let children = restarts.map(|(name, restart)| diary.ward(name).restart(restart));
    let supervisor = start(&node, Supervisor::one_for_one().children(children)).await;
    for (name, _) in restarts {
        end(&supervisor, name, Tell::Stop(Reason::Normal)).await;
    }
    states(&supervisor).await;
    assert_eq!(shortly(&mut reports), ["ChildTerminated permanent: normal"]);

    // A temporary child is reported too, if its end was abnormal.
    supervisor.start_child(diary.ward("temporary").restart(Restart::Temporary)).await.unwrap();
    end(&supervisor, "temporary", Tell::Stop(Reason::term("boom"))).await;
    states(&supervisor).await;
    assert_eq!(shortly(&mut reports), ["ChildTerminated temporary: boom"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_end_as_it_is_told_is_reported() {
    let (node, diary) = (Node::new(), Diary::new());
    let mut reports = node.reports();
    let spec = Supervisor::one_for_one()
        .child(deaf("deaf").shutdown(Shutdown::After(ms(100))))
        .child(diary.ward("obedient"))
        .child(diary.ward("killed").shutdown(Shutdown::BrutalKill))
        .child(diary.ward("broken"));
    let supervisor = start(&node, spec).await;
    let deaf = process(&supervisor, "deaf").await.pid();
    ward(&supervisor, "broken").await.cast(Tell::Break).unwrap();
    supervisor.stop().await.unwrap();
    let reports = supervised(&mut reports);
    let seen: Vec<_> = reports.iter().map(|report| (report.event, report.child.id.as_str())).collect();
    assert_eq!(seen, [(SupervisorEvent::ShutdownError, "broken"), (SupervisorEvent::ShutdownError, "deaf")]);
    assert!(matches!(reports[0].reason, Some(Reason::Panic(_))));
    assert_eq!((&reports[1].reason, reports[1].child.pid), (&Some(Reason::Killed), Some(deaf)));
}

#[tokio::test]
async fn a_child_that_does_not_start_at_boot_is_reported() {
    let (node, diary) = (Node::new(), Diary::new());
    let mut reports = node.reports();
    diary.plan("second", [Begin::FactoryPanic]);
    let spec = Supervisor::one_for_one().child(diary.ward("first")).child(diary.ward("second"));
    spec.start().on(&node).await.unwrap_err();
    assert_eq!(
        shortly(&mut reports),
        [
            "StartError second: there is nothing to start, because the function that makes the start panicked: no second can be made"
        ]
    );
    // That is not a crash: the supervisor ends with a shutdown.
    assert!(reports.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_spec_that_makes_no_sense_is_a_crash_of_its_supervisor() {
    let node = Node::new();
    let mut reports = node.reports();
    Supervisor::one_for_one().within(ms(0)).start().on(&node).await.unwrap_err();
    let Some(Report::Crashed(report)) = reports.try_next() else { panic!("a crash") };
    assert!(report.in_init);
    assert_eq!(report.reason.downcast_ref::<SpecError>(), Some(&SpecError::ZeroPeriod));
}

#[tokio::test(start_paused = true)]
async fn sup_070_a_start_on_request_makes_no_progress_report() {
    let (node, diary) = (Node::new(), Diary::new());
    let (mut info, mut debug) = (node.reports_from(Level::Info), node.reports_from(Level::Debug));
    diary.plan("first", [Begin::Run, Begin::Stop(Reason::term("no"))]);
    let supervisor = start(&node, Supervisor::one_for_one().child(diary.ward("first"))).await;
    assert_eq!(shortly(&mut info), ["Progress first"]);

    supervisor.start_child(diary.ward("second")).await.unwrap();
    supervisor.terminate_child("second").await.unwrap();
    supervisor.restart_child("second").await.unwrap();
    assert!(shortly(&mut info).is_empty());
    assert_eq!(shortly(&mut debug), ["Progress first", "ProgressOnRequest second", "ProgressOnRequest second"]);

    kill(&supervisor, "first").await;
    settled(&supervisor).await;
    let told = shortly(&mut info);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!((told[0].as_str(), told[2].as_str()), ("ChildTerminated first: killed", "Progress first"));
    assert!(told[1].starts_with("StartError first: init of process"), "{}", told[1]);
}

// also: SUP-086
#[tokio::test]
async fn sup_085_reports_are_text_within_limits() {
    let (node, diary) = (Node::new(), Diary::new());
    let mut reports = node.reports_from(Level::Info);
    let supervisor = start(&node, Supervisor::one_for_one().child(diary.ward("child"))).await;
    let pid = process(&supervisor, "child").await.pid();
    let progress = reports.try_next().unwrap();
    let runs = std::any::type_name::<wards::Ward>();
    assert_eq!(
        progress.to_string(),
        format!(
            "Supervisor family {} started a child\n  child: child\n  pid: {pid}\n  runs: {runs}\n  spec: permanent, worker, shut \
             down within 5s",
            supervisor.pid()
        )
    );
    assert_eq!((progress.level(), progress.reason()), (Level::Info, None));
    assert_eq!(progress.process().pid, supervisor.pid());

    end(&supervisor, "child", Tell::Stop(Reason::term("a very long story"))).await;
    states(&supervisor).await;
    let lost =
        std::iter::from_fn(|| reports.try_next()).find(|report| matches!(report, Report::Supervised(_))).unwrap();
    let short = lost.render(&Limits { chars: Some(6), single_line: true, ..Limits::NONE });
    assert!(
        short.starts_with(&format!("Supervisor family {} lost a child; child: child; ", supervisor.pid())),
        "{short}"
    );
    assert!(short.ends_with("reason: a very..."), "{short}");
}

#[tokio::test]
async fn a_subscriber_gets_only_the_levels_it_asked_for() {
    let (node, diary) = (Node::new(), Diary::new());
    let mut errors = node.reports_from(Level::Error);
    let curious = node.reports_from(Level::Debug);
    drop(curious);
    let supervisor = start(&node, Supervisor::one_for_one().child(diary.ward("child"))).await;
    supervisor.stop().await.unwrap();
    assert!(errors.try_next().is_none());
    assert!(Level::Error < Level::Warning && Level::Warning < Level::Info && Level::Info < Level::Debug);
}
