//! How dynamic supervisors and their children end: concurrently, each within its own time.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::wards::{Begin, Diary, Tell, Ward, deaf, ms, now};
use futures::future::join;
use genserver::dynamic_supervisor::{DynamicSupervisor, TerminateChildError};
use genserver::report::{Level, Report, Reports, Supervised, SupervisorEvent};
use genserver::supervisor::{ChildSpec, ChildState, Restart, Shutdown};
use genserver::{Letter, Node, Probe, Reason, ServerRef};

async fn supervisor() -> DynamicSupervisor {
    DynamicSupervisor::new().start().await.unwrap()
}

/// A child with this shutdown that takes this long to terminate.
async fn lingering(
    supervisor: &DynamicSupervisor,
    diary: &Diary,
    name: &'static str,
    lingers: u64,
    shutdown: Shutdown,
) -> ServerRef<Ward> {
    let ward = supervisor.start_child(diary.ward(name).shutdown(shutdown)).await.unwrap();
    ward.cast(Tell::Linger(ms(lingers))).unwrap();
    ward
}

/// A function that traps exits, and ends with a reason of its own when it is ordered to end.
fn willful(reason: Reason) -> ChildSpec {
    let function = move |mut me: Probe<()>| {
        let reason = reason.clone();
        async move {
            me.trap_exits(true);
            while !matches!(me.recv().await, Ok(Letter::Exit(_)) | Err(_)) {}
            Err(reason)
        }
    };
    ChildSpec::process("willful", function).untyped()
}

/// The next report that comes from a supervisor.
fn supervised(reports: &mut Reports) -> Option<Supervised> {
    std::iter::from_fn(|| reports.try_next()).find_map(|report| match report {
        Report::Supervised(report) => Some(report),
        _ => None,
    })
}

#[tokio::test(start_paused = true)]
async fn sup_025_children_end_side_by_side_and_are_killed_at_their_own_deadlines() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    let obedient = lingering(&supervisor, &diary, "obedient", 0, Shutdown::After(ms(1000))).await;
    let slow = lingering(&supervisor, &diary, "slow", 900, Shutdown::After(ms(1000))).await;
    let sleeper = lingering(&supervisor, &diary, "sleeper", 200_000, Shutdown::After(ms(1000))).await;
    let patient = lingering(&supervisor, &diary, "patient", 3000, Shutdown::Infinity).await;
    let begun = now();
    let killed = async {
        assert_eq!(sleeper.ended().await, Reason::Killed);
        assert_eq!(begun.elapsed(), ms(1000));
    };
    let (stopped, ()) = join(supervisor.stop().reason(Reason::Shutdown), killed).await;
    stopped.unwrap();
    assert_eq!(begun.elapsed(), ms(3000), "as long as the slowest takes, and no longer");
    for ward in [obedient, slow, patient] {
        assert_eq!(ward.ended().await, Reason::Shutdown);
    }
    let stops: Vec<_> = diary.read().into_iter().filter(|line| line.starts_with("stop")).collect();
    assert_eq!(stops, ["stop obedient shutdown", "stop slow shutdown", "stop patient shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn sup_026_children_that_are_killed_at_the_end_do_not_terminate() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    let brutal = lingering(&supervisor, &diary, "brutal", 0, Shutdown::BrutalKill).await;
    let other = lingering(&supervisor, &diary, "other", 0, Shutdown::BrutalKill).await;
    diary.read();
    supervisor.stop().await.unwrap();
    assert_eq!((brutal.ended().await, other.ended().await), (Reason::Killed, Reason::Killed));
    assert!(diary.read().is_empty());
}

#[tokio::test]
async fn sup_028_children_that_end_otherwise_do_not_change_how_the_supervisor_ends() {
    let node = Node::new();
    let mut reports = node.reports();
    let supervisor = DynamicSupervisor::new().start().on(&node).await.unwrap();
    let mut children = Vec::new();
    for reason in [Reason::term("odd"), Reason::Normal, Reason::shutdown_with("later")] {
        children.push((supervisor.start_child(willful(reason.clone())).await.unwrap(), reason));
    }
    tokio::task::yield_now().await;
    supervisor.stop().reason(Reason::Shutdown).await.unwrap();
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    for (child, reason) in children {
        assert_eq!(child.ended().await, reason);
        // Each was permanent, so only `shutdown` was expected of it.
        let report = supervised(&mut reports).expect("it was reported");
        assert_eq!((report.event, report.child.pid), (SupervisorEvent::ShutdownError, Some(child.pid())));
        assert_eq!(report.reason, Some(reason));
    }
    assert_eq!(supervised(&mut reports), None);
}

/// Ends a supervisor with one child: returns the child's reason, whether that is reported, and how long it took.
async fn ending(spec: ChildSpec) -> (Reason, bool, u128) {
    let node = Node::new();
    let mut reports = node.reports_from(Level::Error);
    let supervisor = DynamicSupervisor::new().start().on(&node).await.unwrap();
    let child = supervisor.start_child(spec).await.unwrap();
    tokio::task::yield_now().await;
    let begun = now();
    supervisor.stop().await.unwrap();
    let took = begun.elapsed().as_millis();
    let reason = child.ended().await;
    let reported = supervised(&mut reports).is_some();
    (reason, reported, took)
}

#[tokio::test(start_paused = true)]
async fn sup_033_every_child_ends_as_its_spec_says() {
    let quiet = || ChildSpec::process("quiet", |mut me: Probe<()>| async move { me.recv().await.map(drop) }).untyped();
    let later = || Reason::shutdown_with("later");
    let after = |millis| Shutdown::After(ms(millis));
    let cases = [
        (quiet().shutdown(Shutdown::BrutalKill), (Reason::Killed, false, 0)),
        (quiet().shutdown(Shutdown::Infinity), (Reason::Shutdown, false, 0)),
        (quiet().shutdown(after(1000)), (Reason::Shutdown, false, 0)),
        (deaf("deaf").shutdown(after(1000)), (Reason::Killed, true, 1000)),
        (deaf("deaf").shutdown(after(0)), (Reason::Killed, true, 0)),
        (willful(later()).restart(Restart::Transient), (later(), false, 0)),
        (willful(later()), (later(), true, 0)),
        (willful(Reason::Normal).restart(Restart::Temporary), (Reason::Normal, false, 0)),
        (willful(Reason::Normal), (Reason::Normal, true, 0)),
        (willful(Reason::term("boom")).restart(Restart::Temporary), (Reason::term("boom"), true, 0)),
    ];
    for (number, (spec, expected)) in cases.into_iter().enumerate() {
        assert_eq!(ending(spec).await, expected, "case {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn sup_034_a_child_is_terminated_once() {
    let diary = Diary::new();
    let supervisor = DynamicSupervisor::new().max_restarts(u32::MAX).start().await.unwrap();
    for (shutdown, lingers, took, reason) in [
        (Shutdown::BrutalKill, 200_000, 0, Reason::Killed),
        (Shutdown::After(ms(1000)), 200_000, 1000, Reason::Killed),
        (Shutdown::After(ms(1000)), 10, 10, Reason::Shutdown),
    ] {
        let ward = lingering(&supervisor, &diary, "ward", lingers, shutdown).await;
        let begun = now();
        supervisor.terminate_child(&ward).await.unwrap();
        assert_eq!(begun.elapsed(), ms(took));
        assert_eq!(ward.ended().await, reason);
        let again = supervisor.terminate_child(&ward).await.unwrap_err();
        assert_eq!(again, TerminateChildError::NotFound { id: ward.pid() });
    }
}

#[tokio::test]
async fn sup_034_a_child_that_is_being_restarted_is_terminated_for_good() {
    let diary = Diary::new();
    let supervisor = DynamicSupervisor::new().max_restarts(u32::MAX).start().await.unwrap();
    let ward = supervisor.start_child(diary.ward("ward")).await.unwrap();
    diary.plan("ward", std::iter::repeat_n(Begin::Stop(Reason::term("not yet")), 10_000));
    ward.kill();
    ward.ended().await;
    assert_eq!(supervisor.child_entry(&ward).await.unwrap().state, ChildState::Restarting);
    supervisor.terminate_child(&ward).await.unwrap();
    assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
    supervisor.terminate_child(&ward).await.unwrap_err();
    let tried = diary.read();
    tokio::task::yield_now().await;
    assert_eq!(supervisor.count_children().await.unwrap().specs, 0);
    assert!(diary.read().is_empty(), "it was tried once more, after {tried:?}");
}

#[tokio::test]
async fn a_killed_supervisor_takes_its_children_along() {
    let supervisor = supervisor().await;
    let quiet = ChildSpec::process("quiet", |mut me: Probe<()>| async move { me.recv().await.map(drop) });
    let quiet = supervisor.start_child(quiet).await.unwrap();
    let diary = Diary::new();
    let ward = supervisor.start_child(diary.ward("ward")).await.unwrap();
    supervisor.process_ref().kill();
    assert_eq!(quiet.process_ref().ended().await, Reason::Killed);
    // It traps exits, and this exit is its parent's: an order.
    assert_eq!(ward.ended().await, Reason::Killed);
    assert_eq!(diary.read(), ["start ward", "stop ward killed"]);
}

#[tokio::test]
async fn a_child_that_takes_its_link_away_ends_all_the_same() {
    let diary = Diary::new();
    let supervisor = supervisor().await;
    let mut wards = Vec::new();
    for name in ["one", "two"] {
        let ward = supervisor.start_child(diary.ward(name)).await.unwrap();
        ward.cast(Tell::Unlink(supervisor.process_ref())).unwrap();
        wards.push(ward);
    }
    supervisor.terminate_child(&wards[0]).await.unwrap();
    supervisor.stop().await.unwrap();
    for ward in wards {
        assert_eq!(ward.ended().await, Reason::Shutdown);
    }
}

#[tokio::test(start_paused = true)]
async fn exits_of_strangers_mean_nothing_and_that_of_the_parent_is_an_order() {
    let mut shell = Probe::<()>::new();
    shell.trap_exits(true);
    let supervisor = shell.scope(async { DynamicSupervisor::new().start_link().await }).await.unwrap();
    let diary = Diary::new();
    supervisor.start_child(diary.ward("ward")).await.unwrap();
    let stranger = Probe::<()>::new();
    stranger.exit(&supervisor, Reason::term("boom"));
    assert_eq!(supervisor.count_children().await.unwrap().active, 1);
    shell.exit(&supervisor, Reason::Shutdown);
    assert_eq!(shell.expect_exit(&supervisor).await.reason, Reason::Shutdown);
    assert_eq!(diary.read(), ["start ward", "stop ward shutdown"]);
}
