//! What a supervisor does when a child ends: which children it restarts, how often, and what happens if that fails.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "clients are plain tasks of the runtime")]

use std::sync::Arc;
use std::time::Duration;

use crate::wards::{Begin, Diary, Tell, Ward, end, kill, ms, now, pids, process, settled, sleep, states, ward};
use genserver::supervisor::{
    ChildSpec, DeleteChildError, Restart, RestartChildError, Shutdown, StartChildError, Strategy, Supervisor,
    SupervisorSpec,
};
use genserver::{Name, Node, Probe, Reason, start_link, whereis};

const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];

fn no() -> Begin {
    Begin::Stop(Reason::term("no"))
}

/// A supervisor of children with these names.
async fn family(strategy: Strategy, diary: &Diary, names: &[&'static str]) -> Supervisor {
    let spec = SupervisorSpec::new(strategy).children(names.iter().map(|name| diary.ward(name)));
    let supervisor = spec.start().await.unwrap();
    diary.read();
    supervisor
}

/// Checks what is left of the only child after it has ended with each of these reasons.
async fn check_ends(restart: Restart, expected: [&[&str]; 4]) {
    let reasons = [Reason::Normal, Reason::Shutdown, Reason::shutdown_with("x"), Reason::term("boom")];
    for (reason, expected) in reasons.into_iter().zip(expected) {
        let diary = Diary::new();
        let supervisor = Supervisor::one_for_one().child(diary.ward("child").restart(restart)).start().await.unwrap();
        assert_eq!(end(&supervisor, "child", Tell::Stop(reason.clone())).await, reason);
        assert_eq!(states(&supervisor).await, expected, "{reason}");
        supervisor.stop().await.unwrap();
    }
}

#[tokio::test]
async fn sup_050_a_permanent_child_is_started_again_whatever_its_reason() {
    check_ends(Restart::Permanent, [&["child runs"]; 4]).await;
}

#[tokio::test]
async fn sup_051_a_transient_child_is_started_again_only_if_it_did_not_end_in_order() {
    let stopped = &["child stopped"] as &[&str];
    check_ends(Restart::Transient, [stopped, stopped, stopped, &["child runs"]]).await;
}

#[tokio::test]
async fn sup_052_a_temporary_child_is_never_started_again() {
    check_ends(Restart::Temporary, [&[]; 4]).await;
}

#[tokio::test]
async fn sup_053_a_temporary_sibling_is_ended_and_forgotten() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let diary = Diary::new();
        let supervisor = family(strategy, &diary, &["child"]).await;
        supervisor.start_child(diary.ward("bystander").restart(Restart::Temporary)).await.unwrap();
        diary.read();
        kill(&supervisor, "child").await;
        assert_eq!(states(&supervisor).await, ["child runs"]);
        assert_eq!(diary.read(), ["stop bystander shutdown", "start child"]);
        assert!(supervisor.is_alive());
    }
}

#[tokio::test(start_paused = true)]
async fn sup_054_one_for_one_restarts_one_until_it_is_too_often() {
    let diary = Diary::new();
    let children = ["first", "second"].map(|name| diary.ward(name));
    let spec = Supervisor::one_for_one().max_restarts(2).within(ms(3_600_000)).children(children);
    let supervisor = spec.start().await.unwrap();
    let second = process(&supervisor, "second").await;
    for _ in 0..2 {
        kill(&supervisor, "first").await;
        assert_eq!(states(&supervisor).await, ["first runs", "second runs"]);
        assert_eq!(process(&supervisor, "second").await, second);
    }
    kill(&supervisor, "first").await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    assert_eq!(second.ended().await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn sup_055_a_restart_that_fails_again_and_again_is_too_often() {
    let diary = Diary::new();
    let spec = Supervisor::one_for_one().max_restarts(4).within(ms(3_600_000));
    let supervisor = spec.children(["first", "second"].map(|name| diary.ward(name))).start().await.unwrap();
    diary.read();
    diary.plan("first", [no(), no(), no(), no()]);
    kill(&supervisor, "first").await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    assert_eq!(
        diary.read(),
        ["fail first", "fail first", "fail first", "fail first", "stop second shutdown"],
        "each attempt counts"
    );
}

#[tokio::test(start_paused = true)]
async fn sup_056_one_for_all_restarts_all_until_it_is_too_often() {
    let diary = Diary::new();
    let spec = Supervisor::one_for_all().max_restarts(1).within(ms(3_600_000));
    let supervisor = spec.children(["a", "b", "c"].map(|name| diary.ward(name))).start().await.unwrap();
    let before = pids(&supervisor).await;
    diary.read();
    kill(&supervisor, "b").await;
    let after = pids(&supervisor).await;
    assert_eq!(diary.read(), ["stop c shutdown", "stop a shutdown", "start a", "start b", "start c"]);
    assert!(before.iter().zip(&after).all(|(before, after)| before.0 == after.0 && before.1 != after.1));
    // However many children were restarted, it counts as one restart.
    kill(&supervisor, "c").await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
    assert_eq!(diary.read(), ["stop b shutdown", "stop a shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn sup_057_one_for_all_begins_anew_if_another_does_not_start() {
    let diary = Diary::new();
    let supervisor = family(Strategy::OneForAll, &diary, &["a", "b", "c"]).await;
    diary.plan("b", [no()]);
    kill(&supervisor, "c").await;
    assert_eq!(states(&supervisor).await, ["a runs", "b restarts", "c stopped"]);
    assert_eq!(settled(&supervisor).await, ["a runs", "b runs", "c runs"]);
    assert_eq!(
        diary.read(),
        [
            ["stop b shutdown", "stop a shutdown", "start a", "fail b"],
            ["stop a shutdown", "start a", "start b", "start c"]
        ]
        .concat()
    );
}

#[tokio::test(start_paused = true)]
async fn sup_059_rest_for_one_keeps_those_before_the_one_that_does_not_start() {
    let diary = Diary::new();
    let supervisor = family(Strategy::RestForOne, &diary, &["a", "b", "c", "d"]).await;
    diary.plan("c", [no()]);
    kill(&supervisor, "b").await;
    assert_eq!(states(&supervisor).await, ["a runs", "b runs", "c restarts", "d stopped"]);
    assert_eq!(settled(&supervisor).await, ["a runs", "b runs", "c runs", "d runs"]);
    assert_eq!(
        diary.read(),
        ["stop d shutdown", "stop c shutdown", "start b", "fail c", "start c", "start d"],
        "b is kept"
    );
}

#[tokio::test(start_paused = true)]
async fn sup_060_a_joint_restart_that_fails_again_and_again_is_too_often() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let diary = Diary::new();
        let mut parent = Probe::<()>::new();
        parent.trap_exits(true);
        let spec = SupervisorSpec::new(strategy).max_restarts(4).within(ms(3_600_000));
        let spec = spec.children(["first", "second"].map(|name| diary.ward(name)));
        let supervisor = parent.scope(async { spec.start_link().await }).await.unwrap();
        let second = process(&supervisor, "second").await;
        diary.plan("first", [no(), no(), no(), no()]);
        kill(&supervisor, "first").await;
        assert_eq!(parent.expect_exit(&supervisor).await.reason, Reason::Shutdown);
        assert_eq!(second.ended().await, Reason::Shutdown);
        let fails = diary.read().iter().filter(|line| *line == "fail first").count();
        assert_eq!(fails, 4);
    }
}

#[tokio::test(start_paused = true)]
async fn sup_063_restarts_that_are_far_enough_apart_are_never_too_many() {
    let diary = Diary::new();
    let spec = Supervisor::one_for_one().max_restarts(1).within(ms(1000)).child(diary.ward("child"));
    let supervisor = spec.start().await.unwrap();
    for _ in 0..10 {
        kill(&supervisor, "child").await;
        sleep(ms(2100)).await;
        assert_eq!(states(&supervisor).await, ["child runs"]);
    }
}

/// Checks deaths at these times, in milliseconds: the last is one too many, and none before it.
async fn check_limit(max_restarts: u32, within: Duration, deaths: &[u64], is_fatal: bool) {
    let diary = Diary::new();
    let spec = Supervisor::one_for_one().max_restarts(max_restarts).within(within).child(diary.ward("child"));
    let supervisor = spec.start().await.unwrap();
    let begun = now();
    for (number, at) in deaths.iter().enumerate() {
        tokio::time::sleep_until(begun + ms(*at)).await;
        assert!(supervisor.is_alive(), "before {at} of {deaths:?}");
        kill(&supervisor, "child").await;
        let restarted = supervisor.which_children().await.is_ok();
        let is_last = number + 1 == deaths.len();
        assert_eq!(restarted, !(is_last && is_fatal), "at {at} of {deaths:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_restarts_is_exact() {
    // This many are allowed, and one more is not.
    check_limit(3, ms(5000), &[0, 0, 0], false).await;
    check_limit(3, ms(5000), &[0, 0, 0, 0], true).await;
    // The window includes its edge.
    check_limit(3, ms(5000), &[0, 1000, 2000, 5000], true).await;
    check_limit(3, ms(5000), &[0, 1000, 2000, 5001], false).await;
    // It slides.
    check_limit(3, ms(5000), &[0, 1000, 2000, 5001, 6000], true).await;
    check_limit(3, ms(5000), &[0, 1000, 2000, 5001, 6001, 7001], false).await;
    // Zero allows none.
    check_limit(0, ms(5000), &[0], true).await;
}

#[tokio::test]
async fn three_restarts_in_five_seconds_are_the_default() {
    let diary = Diary::new();
    let supervisor = family(Strategy::OneForOne, &diary, &["child"]).await;
    for _ in 0..3 {
        kill(&supervisor, "child").await;
        assert_eq!(states(&supervisor).await, ["child runs"]);
    }
    kill(&supervisor, "child").await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn sup_067_a_supervisor_that_restarts_in_vain_can_be_spoken_with() {
    for strategy in STRATEGIES {
        let diary = Diary::new();
        let spec = SupervisorSpec::new(strategy).max_restarts(u32::MAX).child(diary.ward("child"));
        let supervisor = spec.start().await.unwrap();
        diary.plan("child", std::iter::repeat_n(no(), 10_000));
        kill(&supervisor, "child").await;
        assert_eq!(states(&supervisor).await, ["child restarts"]);
        let counts = supervisor.count_children().await.unwrap();
        assert_eq!((counts.specs, counts.active), (1, 0));

        let id = || "child".to_owned();
        let present = supervisor.start_child(diary.ward("child")).await.unwrap_err();
        assert_eq!(present, StartChildError::AlreadyPresent { id: id() });
        assert_eq!(supervisor.restart_child("child").await.unwrap_err(), RestartChildError::Restarting { id: id() });
        assert_eq!(supervisor.delete_child("child").await.unwrap_err(), DeleteChildError::Restarting { id: id() });

        supervisor.terminate_child("child").await.unwrap();
        assert_eq!(states(&supervisor).await, ["child stopped"]);
        diary.read();
        sleep(ms(100)).await;
        assert_eq!(states(&supervisor).await, ["child stopped"]);
        assert!(diary.read().is_empty(), "nobody tries any more");

        // Again, but this time the supervisor is ordered to stop.
        diary.forget_plans();
        supervisor.restart_child("child").await.unwrap();
        diary.plan("child", std::iter::repeat_n(no(), 10_000));
        kill(&supervisor, "child").await;
        assert_eq!(states(&supervisor).await, ["child restarts"]);
        supervisor.stop().await.unwrap();
    }
}

#[tokio::test]
async fn sup_068_a_whole_tree_is_started_again() {
    let diary = Diary::new();
    let branch = |diary: &Diary, id: &'static str, leaves: [&'static str; 2]| {
        let diary = diary.clone();
        ChildSpec::supervisor(id, move || {
            Supervisor::one_for_one().max_restarts(0).children(leaves.map(|leaf| diary.ward(leaf))).start_link()
        })
    };
    let left = branch(&diary, "left", ["left 1", "left 2"]);
    let right = branch(&diary, "right", ["right 1", "right 2"]).restart(Restart::Transient);
    let top = Supervisor::one_for_all().child(left).child(right).start().await.unwrap();
    let sub = async |id: &str| Supervisor::from(process(&top, id).await.downcast().unwrap());

    // A supervisor that was stopped is restarted along with the others.
    top.terminate_child("right").await.unwrap();
    // A child that was started later is unknown to the restarted tree.
    let extra = sub("left").await.start_child(diary.ward("extra")).await.unwrap();
    diary.read();
    let left = sub("left").await;
    kill(&left, "left 1").await;
    left.process_ref().ended().await;
    assert!(!extra.is_alive());
    assert_eq!(states(&top).await, ["left runs", "right runs"]);
    assert_eq!(
        diary.read(),
        [
            "stop extra shutdown",
            "stop left 2 shutdown",
            "start left 1",
            "start left 2",
            "start right 1",
            "start right 2"
        ]
    );
    assert_eq!(states(&sub("left").await).await, ["left 1 runs", "left 2 runs"]);
    top.stop().await.unwrap();
}

#[tokio::test]
async fn sup_069_a_child_comes_back_under_its_name() {
    let global = Name::global("child of sup_069");
    let child = {
        let global = global.clone();
        ChildSpec::server("child", move || start_link::<Ward>(("child", Diary::new())).name(global.clone()))
    };
    let branch = ChildSpec::supervisor("branch", move || {
        let leaf = ChildSpec::server("leaf", || start_link::<Ward>(("leaf", Diary::new())).name("leaf of sup_069"));
        Supervisor::one_for_one().child(leaf).start_link().name("branch of sup_069")
    });
    let supervisor = Supervisor::one_for_one().max_restarts(100).child(child).child(branch).start().await.unwrap();
    for name in [global, Name::from("leaf of sup_069"), Name::from("branch of sup_069")] {
        for kills in [true, false] {
            let before = whereis(name.clone()).unwrap();
            if kills {
                before.kill();
            } else {
                before.stop().reason(Reason::term("boom")).await.unwrap();
            }
            before.ended().await;
            settled(&supervisor).await;
            let branch = process(&supervisor, "branch").await;
            settled(&Supervisor::from(branch.downcast().unwrap())).await;
            let after = whereis(name.clone()).unwrap();
            assert!(after.is_alive() && after != before, "{name}");
        }
    }
}

#[tokio::test]
async fn sup_071_what_a_temporary_child_was_started_with_is_not_kept() {
    let large = Arc::new([0_u8; 1000]);
    let supervisor = Supervisor::one_for_one().start().await.unwrap();
    for restart in [Restart::Temporary, Restart::Transient] {
        let taken = Arc::clone(&large);
        let spec = ChildSpec::process(format!("{restart}"), move |_me: Probe<()>| {
            assert_eq!(taken.len(), 1000);
            std::future::pending::<()>()
        });
        supervisor.start_child(spec.restart(restart)).await.unwrap();
    }
    assert_eq!(Arc::strong_count(&large), 2, "the test has one, and the transient child");
    supervisor.stop().await.unwrap();
    assert_eq!(Arc::strong_count(&large), 1);
}

#[tokio::test]
async fn a_child_that_chooses_not_to_run_when_it_is_started_again_is_stopped() {
    for strategy in STRATEGIES {
        let diary = Diary::new();
        let supervisor = family(strategy, &diary, &["child"]).await;
        diary.plan("child", [Begin::Ignore]);
        kill(&supervisor, "child").await;
        assert_eq!(states(&supervisor).await, ["child stopped"]);
    }
}

#[tokio::test]
async fn a_child_that_ends_before_anybody_could_look_is_told_by_its_own_reason() {
    // It ends with its first callback, which runs before init has returned to the supervisor.
    for (reason, expected) in [(Reason::Normal, "child stopped"), (Reason::term("boom"), "child runs")] {
        let diary = Diary::new();
        let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let spec = ChildSpec::start_process("child", {
            let (first, reason) = (Arc::clone(&first), reason.clone());
            move || {
                let ends = first.swap(false, std::sync::atomic::Ordering::SeqCst).then(|| reason.clone());
                genserver::start_process(|_me: Probe<()>, ack: genserver::Ack<()>| async move {
                    ack.ready(());
                    match ends {
                        Some(Reason::Normal) => Ok(()),
                        Some(reason) => Err(reason),
                        None => std::future::pending().await,
                    }
                })
            }
        });
        let supervisor = Supervisor::one_for_one().child(spec.restart(Restart::Transient)).start().await.unwrap();
        assert_eq!(states(&supervisor).await, [expected]);
        drop(diary);
    }
}

#[tokio::test]
async fn a_sibling_that_ends_while_it_is_being_ended_is_started_again_once() {
    let diary = Diary::new();
    let supervisor = family(Strategy::OneForAll, &diary, &["a", "b", "c"]).await;
    let children = [process(&supervisor, "a").await, process(&supervisor, "c").await];
    // Both have ended before the supervisor is told of either.
    children.iter().for_each(genserver::ProcessRef::kill);
    assert_eq!(states(&supervisor).await, ["a runs", "b runs", "c runs"]);
    assert_eq!(diary.read(), ["stop b shutdown", "start a", "start b", "start c"]);
}

#[tokio::test]
async fn a_child_that_took_too_long_to_die_still_holds_its_name_and_is_tried_again() {
    let node = Node::new();
    let stranger = node.start::<Ward>(("stranger", Diary::new())).await.unwrap();
    let spec = ChildSpec::server("child", || start_link::<Ward>(("child", Diary::new())).name("contested"));
    let supervisor = Supervisor::one_for_one().max_restarts(u32::MAX).child(spec).start().on(&node).await.unwrap();
    let child = ward(&supervisor, "child").await;
    // Another process takes the name first.
    let thief = tokio::spawn({
        let (node, child) = (node.clone(), child.clone());
        async move {
            child.ended().await;
            node.start::<Ward>(("thief", Diary::new())).name("contested").await
        }
    });
    child.kill();
    if let Ok(thief) = thief.await.unwrap() {
        assert_eq!(states(&supervisor).await, ["child restarts"]);
        thief.stop().await.unwrap();
    }
    assert_eq!(settled(&supervisor).await, ["child runs"]);
    assert!(stranger.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_slow_to_end_holds_up_the_restart_of_all() {
    let diary = Diary::new();
    let spec = Supervisor::one_for_all().child(diary.ward("quick"));
    let spec = spec.child(diary.ward("slow").shutdown(Shutdown::After(ms(2000))));
    let supervisor = spec.start().await.unwrap();
    ward(&supervisor, "slow").await.cast(Tell::Linger(ms(1500))).unwrap();
    diary.read();
    let begun = now();
    kill(&supervisor, "quick").await;
    assert_eq!(states(&supervisor).await, ["quick runs", "slow runs"]);
    assert_eq!(begun.elapsed(), ms(1500));
    assert_eq!(diary.read(), ["stop slow shutdown", "start quick", "start slow"]);
}
