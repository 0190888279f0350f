//! Starts, stops and what they return.

use std::time::Duration;

use genserver::{AsProcess as _, Probe, Reason, StartError, time};
use genserver_cluster::engine::EngineError;
use genserver_cluster::{Cluster, RemoteCallError, StartNamedError};

use super::clock::{Break, Call, Clock, Nap, Tick, two};

#[tokio::test(start_paused = true)]
async fn a_server_with_a_name_is_called_from_both_members() {
    let (_model, a, b) = two().await;
    let clock = a.start_named::<Clock>("clock", true).await.unwrap();
    assert_eq!(clock.call(Call::Tick).await, Ok(1));
    assert_eq!(a.named::<Clock>("clock").call(Tick).await, Ok(2));
    assert_eq!(b.named::<Clock>("clock").call(Tick).await, Ok(3));
    // Renewed long ago, and often.
    time::sleep(Duration::from_mins(10)).await;
    assert_eq!(b.named::<Clock>("clock").call(Tick).await, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn a_name_may_be_any_text() {
    let (_model, a, b) = two().await;
    for name in ["", "a.b > *", "ünï", "x y\n"] {
        a.start_named::<Clock>(name, true).await.unwrap();
        assert_eq!(b.named::<Clock>(name).call(Tick).await, Ok(1), "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_refuses_the_second_start_on_either_member() {
    let (_model, a, b) = two().await;
    a.start_named::<Clock>("clock", true).await.unwrap();
    for cluster in [&a, &b] {
        let refused = cluster.start_named::<Clock>("clock", true).await.unwrap_err();
        assert_eq!(refused, StartNamedError::AlreadyStarted { name: "clock".into(), member: "a".into() });
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_name_is_free_when_the_stop_returns() {
    let (_model, a, b) = two().await;
    for _ in 0..3 {
        let first = a.start_named::<Clock>("clock", true).await.unwrap();
        first.stop().await.unwrap();
        assert_eq!(b.whereis("clock").await, Ok(None));
        let second = b.start_named::<Clock>("clock", true).await.unwrap();
        assert!(second.fence() > first.fence());
        assert_eq!(b.whereis("clock").await.unwrap().unwrap().member, "b");
        second.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_by_itself_gives_its_name_back_and_tells_its_caller_why() {
    let (_model, a, b) = two().await;
    let clock = a.start_named::<Clock>("clock", true).await.unwrap();
    let answer = b.named::<Clock>("clock").call(Break).await.unwrap_err();
    assert!(matches!(answer, RemoteCallError::Exit { .. }), "{answer:?}");
    assert_eq!(clock.ended().await, Reason::term("a broken wheel"));
    b.start_named::<Clock>("clock", true).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_start_says_why_and_leaves_its_name_free() {
    let (_model, a, b) = two().await;
    let error = a.start_named::<Clock>("clock", false).await.unwrap_err();
    let StartNamedError::Server(StartError::Failed { reason, .. }) = error else { panic!("{error:?}") };
    assert_eq!(reason, Reason::term("no battery"));
    b.start_named::<Clock>("clock", true).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_not_answered_fails_within_a_time_to_live_and_says_so() {
    let (model, a, _b) = two().await;
    model.cut("a");
    let began = time::now();
    let error = a.start_named::<Clock>("clock", true).await.unwrap_err();
    assert!(matches!(error, StartNamedError::Engine { .. }), "{error:?}");
    assert!(time::now() - began <= a.time_to_live() + Duration::from_secs(3));
    assert!(matches!(a.whereis("clock").await, Err(EngineError::Unanswered | EngineError::Unreachable(_))));
}

#[tokio::test(start_paused = true)]
async fn an_owner_without_the_engine_ends_its_server_in_time_and_another_takes_over() {
    let (model, a, b) = two().await;
    let clock = a.start_named::<Clock>("clock", true).await.unwrap();
    model.cut("a");
    let cut = time::now();
    assert_eq!(clock.server().ended().await, Reason::NoConnection);
    assert!(time::now() - cut < a.time_to_live(), "it ends before anybody else can have the name");
    time::sleep(a.time_to_live()).await;
    b.start_named::<Clock>("clock", true).await.unwrap();
    model.rejoin("a");
    assert_eq!(a.named::<Clock>("clock").call(Tick).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_long_keeps_its_name() {
    let (_model, a, b) = two().await;
    let clock = a.start_named::<Clock>("clock", true).await.unwrap();
    let nap = b.named::<Clock>("clock").call(Nap { secs: 300 }).timeout(Duration::from_secs(400));
    assert_eq!(nap.await, Ok(0));
    assert_eq!(b.whereis("clock").await.unwrap().unwrap().fence, clock.fence());
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_cut_off_for_a_moment_serves_again() {
    let (model, a, b) = two().await;
    model.set_answer_within(Duration::from_secs(1));
    let clock = a.start_named::<Clock>("clock", true).await.unwrap();
    for _ in 0..3 {
        model.cut("a");
        time::sleep(Duration::from_secs(4)).await;
        model.rejoin("a");
        time::sleep(Duration::from_secs(4)).await;
        assert!(b.named::<Clock>("clock").call(Tick).await.is_ok());
    }
    assert_eq!(b.whereis("clock").await.unwrap().unwrap().fence, clock.fence());
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_is_killed_leaves_neither_a_server_nor_a_name() {
    let (_model, a, b) = two().await;
    let clock = a.start_named::<Clock>("clock", true).await.unwrap();
    let keeper = clock.info().links[0].as_process().unwrap();
    keeper.kill();
    assert_eq!(clock.server().ended().await, Reason::Killed);
    time::sleep(Duration::from_secs(1)).await;
    b.start_named::<Clock>("clock", true).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stopped_member_gives_all_its_names_back_and_claims_none() {
    let (_model, a, b) = two().await;
    for name in ["one", "two", "three"] {
        a.start_named::<Clock>(name, true).await.unwrap();
    }
    let linked = Probe::<()>::new();
    let clock = linked.scope({
        let a = a.clone();
        async move { a.start_named::<Clock>("linked", true).link().await.unwrap() }
    });
    let clock = clock.await;
    a.stop().await.unwrap();
    assert!(!clock.is_alive());
    for name in ["one", "two", "three", "linked"] {
        b.start_named::<Clock>(name, true).await.unwrap();
    }
    let error = a.start_named::<Clock>("four", true).await.unwrap_err();
    assert_eq!(error, StartNamedError::NotRunning { name: "four".into() });
}

#[tokio::test(start_paused = true)]
async fn a_linked_server_ends_with_its_starter() {
    let (_model, a, b) = two().await;
    let starter = Probe::<()>::new();
    let clock = starter.scope({
        let a = a.clone();
        async move { a.start_named::<Clock>("clock", true).link().await.unwrap() }
    });
    let clock = clock.await;
    starter.process_ref().kill();
    assert_eq!(clock.ended().await, Reason::Killed);
    b.start_named::<Clock>("clock", true).await.unwrap();

    let error = a.start_named::<Clock>("other", true).link().await.unwrap_err();
    assert_eq!(error, StartNamedError::Server(StartError::NotAProcess));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_dropped_leaves_nothing_but_a_name_that_ends_by_itself() {
    let (_model, a, b) = two().await;
    drop(time::timeout(Duration::ZERO, a.start_named::<Clock>("clock", true).into_future()).await);
    time::sleep(2 * a.time_to_live()).await;
    b.start_named::<Clock>("clock", true).await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "the name space `a.b` has to have 1 to 200 characters")]
async fn a_name_space_has_no_dots() {
    let (model, _a, _b) = two().await;
    let _ = Cluster::over(model.member("c")).name_space("a.b");
}
