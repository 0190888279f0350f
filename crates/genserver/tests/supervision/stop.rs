//! How supervisors end: the order of their children, how long that may take, and what happens to children when a
//! supervisor cannot end them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "clients are plain tasks of the runtime")]

use std::time::Duration;

use crate::wards::{self, Diary, Tell, deaf, kill, ms, now, pids, process, sleep, states, ward};
use futures::future::join;
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{ChildSpec, ChildState, Restart, Shutdown, Supervisor, SupervisorSpec};
use genserver::{Letter, Node, Probe, ProcessRef, Reason, StopError};

/// A function that traps exits, and ends with a reason of its own when it is ordered to end.
fn willful(id: &'static str, reason: Reason) -> ChildSpec {
    let function = move |mut me: Probe<()>| {
        let reason = reason.clone();
        async move {
            me.trap_exits(true);
            while !matches!(me.recv().await, Ok(Letter::Exit(_)) | Err(_)) {}
            Err(reason)
        }
    };
    ChildSpec::process(id, function).untyped()
}

#[tokio::test(start_paused = true)]
async fn sup_023_children_with_all_the_time_in_the_world_end_in_order() {
    let diary = Diary::new();
    let inner = diary.clone();
    let branch =
        ChildSpec::supervisor("branch", move || Supervisor::one_for_one().child(inner.ward("leaf")).start_link());
    let spec = Supervisor::one_for_one().child(branch).child(diary.ward("worker").shutdown(Shutdown::Infinity));
    let supervisor = spec.start().await.unwrap();
    let branch = process(&supervisor, "branch").await;
    let worker = ward(&supervisor, "worker").await;
    worker.cast(Tell::Linger(ms(100_000))).unwrap();
    diary.read();

    let begun = now();
    supervisor.stop().reason(Reason::Shutdown).await.unwrap();
    assert_eq!(begun.elapsed(), ms(100_000));
    assert_eq!(diary.read(), ["stop worker shutdown", "stop leaf shutdown"]);
    assert_eq!(branch.ended().await, Reason::Shutdown);
    assert_eq!(worker.ended().await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn sup_024_a_child_that_does_not_end_in_time_is_killed_on_time() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one()
        .child(diary.ward("obedient").shutdown(Shutdown::After(ms(1000))))
        .child(diary.ward("slow").shutdown(Shutdown::After(ms(1000))))
        .start()
        .await
        .unwrap();
    let (obedient, slow) = (ward(&supervisor, "obedient").await, ward(&supervisor, "slow").await);
    slow.cast(Tell::Linger(ms(200_000))).unwrap();
    let begun = now();
    supervisor.stop().await.unwrap();
    assert_eq!(begun.elapsed(), ms(1000));
    assert_eq!(slow.ended().await, Reason::Killed);
    assert_eq!(obedient.ended().await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_hears_nothing_is_killed_at_its_deadline() {
    for limit in [ms(0), ms(1), ms(1500), ms(5000)] {
        let child = deaf("deaf").shutdown(Shutdown::After(limit));
        let supervisor = Supervisor::one_for_one().child(child).start().await.unwrap();
        let child = process(&supervisor, "deaf").await;
        tokio::task::yield_now().await;
        let begun = now();
        supervisor.terminate_child("deaf").await.unwrap();
        assert_eq!(begun.elapsed(), limit);
        assert_eq!(child.ended().await, Reason::Killed);
    }
}

#[tokio::test]
async fn sup_026_brutal_kill_asks_nobody() {
    let diary = Diary::new();
    let children = ["first", "second"].map(|name| diary.ward(name).shutdown(Shutdown::BrutalKill));
    let supervisor = Supervisor::one_for_one().children(children).start().await.unwrap();
    let (first, second) = (ward(&supervisor, "first").await, ward(&supervisor, "second").await);
    diary.read();
    supervisor.stop().await.unwrap();
    assert_eq!(first.ended().await, Reason::Killed);
    assert_eq!(second.ended().await, Reason::Killed);
    assert!(diary.read().is_empty(), "terminate was not run");
}

#[tokio::test(start_paused = true)]
async fn sup_029_children_end_one_after_the_other_the_last_first() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one().children(["a", "b"].map(|name| diary.ward(name))).start().await.unwrap();
    // It takes its time, and the other still has to wait.
    ward(&supervisor, "b").await.cast(Tell::Linger(ms(1000))).unwrap();
    diary.read();
    let a = ward(&supervisor, "a").await;
    let stopping = tokio::spawn(supervisor.stop());
    sleep(ms(999)).await;
    assert!(a.is_alive());
    assert!(diary.read().is_empty());
    stopping.await.unwrap().unwrap();
    assert_eq!(diary.read(), ["stop b shutdown", "stop a shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn sup_091_of_two_that_stop_a_supervisor_the_second_hears_with_what_it_ended() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one().child(diary.ward("slow")).start().await.unwrap();
    ward(&supervisor, "slow").await.cast(Tell::Linger(ms(1000))).unwrap();
    let stops = join(supervisor.stop(), async {
        sleep(ms(10)).await;
        supervisor.stop().await
    });
    let (first, second) = stops.await;
    assert_eq!(first, Ok(()));
    assert!(matches!(&second, Err(StopError::Exit { reason: Reason::Normal, .. })), "{second:?}");

    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    let slow = supervisor.start_child(diary.ward("slow")).await.unwrap();
    slow.cast(Tell::Linger(ms(1000))).unwrap();
    let stops = join(supervisor.stop().reason(Reason::Shutdown), async {
        sleep(ms(10)).await;
        supervisor.stop().reason(Reason::Shutdown).await
    });
    let (first, second) = stops.await;
    assert_eq!(first, Ok(()));
    assert!(matches!(&second, Err(StopError::Exit { reason: Reason::Shutdown, .. })), "{second:?}");
}

#[tokio::test]
async fn sup_031_order_goes_by_the_start_and_not_by_the_ids() {
    let diary = Diary::new();
    let names = ["third", "1", "zero", "b", "a"];
    let supervisor = Supervisor::rest_for_one().children(names.map(|name| diary.ward(name))).start().await.unwrap();
    assert_eq!(diary.read(), names.map(|name| format!("start {name}")));

    kill(&supervisor, "zero").await;
    states(&supervisor).await;
    assert_eq!(diary.read(), ["stop a shutdown", "stop b shutdown", "start zero", "start b", "start a"]);

    supervisor.stop().await.unwrap();
    let mut reverse = names.map(|name| format!("stop {name} shutdown"));
    reverse.reverse();
    assert_eq!(diary.read(), reverse);
}

#[tokio::test(start_paused = true)]
async fn sup_032_a_child_that_took_its_link_away_is_ended_all_the_same() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one().child(diary.ward("loner")).start().await.unwrap();
    let loner = ward(&supervisor, "loner").await;
    loner.cast(Tell::Unlink(supervisor.process_ref())).unwrap();
    supervisor.terminate_child("loner").await.unwrap();
    assert_eq!(loner.ended().await, Reason::Shutdown);
}

#[tokio::test]
async fn a_child_that_took_its_link_away_is_missed_when_it_ends() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one().child(diary.ward("loner")).start().await.unwrap();
    let loner = ward(&supervisor, "loner").await;
    loner.cast(Tell::Unlink(supervisor.process_ref())).unwrap();
    loner.cast(Tell::Stop(Reason::term("alone"))).unwrap();
    loner.ended().await;
    assert_ne!(ward(&supervisor, "loner").await, loner);
}

#[tokio::test]
async fn a_child_may_end_with_any_reason_when_it_is_told_to_end() {
    let reasons = [Reason::Normal, Reason::shutdown_with("done"), Reason::term("boom")];
    for reason in reasons {
        let child = willful("child", reason.clone());
        let supervisor = Supervisor::one_for_one().child(child).start().await.unwrap();
        let child = process(&supervisor, "child").await;
        tokio::task::yield_now().await;
        supervisor.stop().reason(Reason::Shutdown).await.unwrap();
        assert_eq!(child.ended().await, reason);
    }
}

#[tokio::test]
async fn a_panic_of_one_child_does_not_keep_the_others_from_ending() {
    let diary = Diary::new();
    let children = ["first", "second", "third"].map(|name| diary.ward(name));
    let supervisor = Supervisor::one_for_one().children(children).start().await.unwrap();
    ward(&supervisor, "second").await.cast(Tell::Break).unwrap();
    diary.read();
    supervisor.stop().await.unwrap();
    assert_eq!(diary.read(), ["stop third shutdown", "stop second shutdown", "stop first shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn the_exit_of_its_parent_is_an_order_to_end_in_order() {
    let diary = Diary::new();
    let mut parent = Probe::<()>::new();
    let spec = Supervisor::one_for_one().child(diary.ward("first")).child(diary.ward("second"));
    let supervisor = parent.scope(async { spec.start_link().await }).await.unwrap();
    diary.read();
    parent.trap_exits(true);
    parent.exit(&supervisor, Reason::term("enough"));
    assert_eq!(parent.expect_exit(&supervisor).await.reason, Reason::term("enough"));
    assert_eq!(diary.read(), ["stop second shutdown", "stop first shutdown"]);
}

#[tokio::test]
async fn an_exit_of_anybody_else_is_ignored() {
    let diary = Diary::new();
    let supervisor = Supervisor::one_for_one().child(diary.ward("child")).start().await.unwrap();
    let before = pids(&supervisor).await;
    let mut stranger = Probe::<()>::new();
    stranger.exit(&supervisor, Reason::term("go away"));
    stranger.link(&supervisor).unwrap();
    drop(stranger);
    // A forged exit of a child does not count as its end.
    process(&supervisor, "child").await;
    let child = ward(&supervisor, "child").await;
    let mut messenger = Probe::<()>::new();
    messenger.trap_exits(true);
    assert_eq!(pids(&supervisor).await, before);
    assert!(child.is_alive());
}

#[tokio::test]
async fn the_children_of_a_supervisor_that_is_killed_go_with_it() {
    let diary = Diary::new();
    let node = Node::new();
    let untrapping = ChildSpec::process("function", |_me: Probe<()>| std::future::pending::<()>());
    let spec = Supervisor::one_for_one().child(diary.ward("server")).child(untrapping);
    let supervisor = spec.start().on(&node).await.unwrap();
    let server = ward(&supervisor, "server").await;
    let function = process(&supervisor, "function").await;
    diary.read();
    supervisor.process_ref().kill();
    assert_eq!(function.ended().await, Reason::Killed);
    assert_eq!(server.ended().await, Reason::Killed);
    assert_eq!(diary.read(), ["stop server killed"], "it traps exits, and this one is its parent's");
    assert!(node.process_list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_in_a_node_that_is_shut_down_ends_its_children_in_order() {
    let diary = Diary::new();
    let node = Node::new();
    let spec = Supervisor::one_for_one().child(diary.ward("first")).child(diary.ward("second"));
    spec.start().on(&node).await.unwrap();
    diary.read();
    node.shutdown(ms(5000)).await;
    let mut lines = diary.read();
    lines.sort();
    assert_eq!(lines, ["stop first shutdown", "stop second shutdown"]);
    assert!(node.process_list().is_empty());
}

/// The random numbers of one run of the next test, to be printed when it fails.
struct Draw(u64);

impl Draw {
    /// A number below `below`.
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below
    }

    /// A few milliseconds.
    fn delay(&mut self, below: usize) -> Duration {
        ms(self.next(below) as u64)
    }
}

/// Starts are in order and ends in reverse, whatever is killed while the supervisor starts, restarts and ends.
async fn check_order(seed: u64) {
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];
    let mut draw = Draw(seed);
    let diary = Diary::new();
    diary.tell_ends();
    let strategies = [Supervisor::one_for_all, Supervisor::rest_for_one];
    let strategy: fn() -> SupervisorSpec = strategies[draw.next(2)];
    let children = NAMES.map(|name| diary.ward(name));
    for name in NAMES {
        let delays = [draw.delay(3), draw.delay(3), draw.delay(3)];
        diary.plan(name, delays.map(wards::Begin::Sleep));
    }
    // A node of its own, in which any process may be killed.
    let node = Node::new();
    let start = tokio::spawn(strategy().max_restarts(1000).children(children).start().on(&node).into_future());
    // Any child that has recorded its start may be killed, even while its siblings are being started or ended.
    for _ in 0..draw.next(6) {
        sleep(draw.delay(4)).await;
        let victims: Vec<ProcessRef> = victims(&node);
        if !victims.is_empty() {
            victims[draw.next(victims.len())].kill();
        }
    }
    // A child that is killed in its init at boot did not start.
    if let Ok(supervisor) = start.await.unwrap() {
        if draw.next(2) == 0 {
            sleep(draw.delay(10)).await;
        }
        supervisor.stop().await.unwrap();
    }

    let mut running: Vec<&str> = Vec::new();
    let lines = diary.read();
    for line in &lines {
        let (what, name) = line.split_once(' ').unwrap();
        let name = name.split(' ').next().unwrap();
        let last = running.last().copied();
        match what {
            "start" => {
                assert!(last.is_none_or(|last| last < name), "seed {seed}: {line} in {lines:#?}");
                running.push(name);
            }
            "stop" => assert_eq!(last, Some(name), "seed {seed}: {line} in {lines:#?}"),
            _ => running.retain(|other| *other != name),
        }
    }
    assert!(running.is_empty(), "seed {seed}: {running:?} in {lines:#?}");
}

/// The wards that exist.
fn victims(node: &Node) -> Vec<ProcessRef> {
    let wards = node.process_list().into_iter().filter(|info| info.server.ends_with("Ward"));
    wards.filter_map(|info| genserver::AsProcess::as_process(&info.pid)).collect()
}

#[tokio::test(start_paused = true)]
async fn order_is_kept_whatever_is_killed_on_the_way() {
    for seed in 0..2000 {
        check_order(seed).await;
    }
}

#[tokio::test]
async fn what_a_supervisor_has_after_it_was_told_to_end_is_nothing() {
    let diary = Diary::new();
    let spec = diary.ward("child").restart(Restart::Permanent);
    let child = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).start().await.unwrap();
    assert!(matches!(supervisor.child_entry("child").await.unwrap().state, ChildState::Running(_)));
    supervisor.stop().await.unwrap();
    assert_eq!(
        child.current().unwrap_err().to_string(),
        "the child child is gone for good; start another one if it is needed"
    );
    assert!(supervisor.which_children().await.is_err());
}
