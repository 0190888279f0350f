//! Groups on the model of an engine, in which nothing goes wrong but what a test asks for.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use genserver::{AsProcess as _, Node, Probe, time};
use genserver_cluster::engine::model::Model;
use genserver_cluster::{Cluster, GroupEvent, GroupMonitor, JoinError, MembersError, RemoteCallError, StandInError};

use super::worker::{Clerk, Who, Worker, answers, roll_call, worker};

/// Long enough for anything that is to happen at once.
const MOMENT: Duration = Duration::from_millis(100);

async fn two() -> (Model, Cluster, Cluster) {
    let model = Model::new();
    let a = Cluster::over(model.member("a")).name_space("test").member("a").start().await.unwrap();
    let b = Cluster::over(model.member("b")).name_space("test").member("b").start().await.unwrap();
    // Both have seen all.
    for cluster in [&a, &b] {
        assert!(roll_call(cluster).await.is_empty());
    }
    time::sleep(MOMENT).await;
    (model, a, b)
}

/// What was told until now, by the addresses of the processes.
fn told(monitor: &mut GroupMonitor<Worker>) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(event) = monitor.next().now_or_never().flatten() {
        told.push(match event {
            GroupEvent::Joined(worker) => format!("joined {}", worker.name()),
            GroupEvent::Left(worker) => format!("left {}", worker.name()),
        });
    }
    told
}

#[tokio::test(start_paused = true)]
async fn servers_of_all_members_are_in_a_group_and_are_called_from_each() {
    let (_model, a, b) = two().await;
    let (one, two, three) = (worker("one").await, worker("two").await, worker("three").await);
    a.join("workers", &one).await.unwrap();
    a.join("workers", &two).await.unwrap();
    b.join("workers", &three).await.unwrap();
    assert_eq!(a.local_group_members::<Worker>("workers").len(), 2, "at once");
    time::sleep(MOMENT).await;
    for cluster in [&a, &b] {
        assert_eq!(roll_call(cluster).await, ["one", "three", "two"]);
    }
    assert_eq!(answers(&b.local_group_members("workers")).await, ["three"]);
    assert!(a.group_members::<Worker>("others").await.unwrap().is_empty());
    // Written long ago, and renewed.
    time::sleep(Duration::from_hours(1)).await;
    assert_eq!(roll_call(&b).await, ["one", "three", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_is_in_a_group_as_often_as_it_has_joined_and_leaves_as_often() {
    let (_model, a, b) = two().await;
    let one = worker("one").await;
    assert!(!a.leave("workers", &one), "it was not in it");
    for _ in 0..3 {
        a.join("workers", &one).await.unwrap();
    }
    a.join("others", &one).await.unwrap();
    for left in [2, 1, 0] {
        time::sleep(MOMENT).await;
        assert_eq!(roll_call(&b).await.len(), left + 1);
        assert!(a.leave("workers", &one));
        assert_eq!(a.local_group_members::<Worker>("workers").len(), left);
    }
    assert!(!a.leave("workers", &one));
    time::sleep(MOMENT).await;
    assert!(roll_call(&b).await.is_empty());
    assert_eq!(b.group_members::<Worker>("others").await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_has_left_and_calls_to_it_find_nobody() {
    let (_model, a, b) = two().await;
    let one = worker("one").await;
    a.join("workers", &one).await.unwrap();
    time::sleep(MOMENT).await;
    let seen = b.group_members::<Worker>("workers").await.unwrap().remove(0);
    one.stop().await.unwrap();
    assert!(a.local_group_members::<Worker>("workers").is_empty());
    time::sleep(MOMENT).await;
    assert!(roll_call(&b).await.is_empty());
    let answer = seen.call(Who).await.unwrap_err();
    assert!(matches!(answer, RemoteCallError::NoProc { .. }), "{answer:?}");
    let ended = a.join("workers", &one).await.unwrap_err();
    assert_eq!(ended, JoinError::NoProc { group: "workers".into() });
}

#[tokio::test(start_paused = true)]
async fn a_reference_from_a_group_is_good_after_its_server_has_left() {
    let (_model, a, b) = two().await;
    let one = worker("one").await;
    a.join("workers", &one).await.unwrap();
    time::sleep(MOMENT).await;
    let seen = b.group_members::<Worker>("workers").await.unwrap().remove(0);
    assert!(a.leave("workers", &one));
    assert_eq!(seen.call(Who).await.unwrap(), "one");
    let unnamed = seen.stand_in().await.unwrap_err();
    assert_eq!(unnamed, StandInError::Unnamed { name: "a/1".into() });
}

#[tokio::test(start_paused = true)]
async fn servers_with_other_messages_are_not_among_those_of_a_group() {
    let (_model, a, b) = two().await;
    let (one, clerk) = (worker("one").await, genserver::start::<Clerk>(()).await.unwrap());
    a.join("workers", &one).await.unwrap();
    a.join("workers", &clerk).await.unwrap();
    time::sleep(MOMENT).await;
    for cluster in [&a, &b] {
        assert_eq!(roll_call(cluster).await, ["one"]);
        assert_eq!(cluster.group_members::<Clerk>("workers").await.unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_monitor_tells_of_each_who_joins_and_leaves() {
    let (_model, a, b) = two().await;
    let (one, two) = (worker("one").await, worker("two").await);
    a.join("workers", &one).await.unwrap();
    time::sleep(MOMENT).await;
    let mut monitor = b.monitor_group::<Worker>("workers");
    assert_eq!(told(&mut monitor), ["joined a/1"]);
    a.join("workers", &one).await.unwrap();
    b.join("workers", &two).await.unwrap();
    time::sleep(MOMENT).await;
    assert_eq!(told(&mut monitor), ["joined b/1", "joined a/1"]);
    one.stop().await.unwrap();
    time::sleep(MOMENT).await;
    assert_eq!(told(&mut monitor), ["left a/1", "left a/1"]);
    b.leave("workers", &two);
    assert_eq!(told(&mut monitor), ["left b/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_gone_takes_its_servers_away_and_brings_them_back() {
    let (model, a, b) = two().await;
    let (one, two) = (worker("one").await, worker("two").await);
    a.join("workers", &one).await.unwrap();
    b.join("workers", &two).await.unwrap();
    time::sleep(MOMENT).await;
    let mut monitor = a.monitor_group::<Worker>("workers");
    assert_eq!(told(&mut monitor).len(), 2);
    model.cut("b");
    let cut = time::now();
    let Some(GroupEvent::Left(left)) = monitor.next().await else { panic!("it is told of nothing else") };
    assert_eq!(left.name(), "b/1");
    assert!(time::now() - cut <= a.time_to_live() + Duration::from_secs(1));
    assert_eq!(roll_call(&a).await, ["one"]);
    // The other side has its own, and says that it does not see the rest.
    assert_eq!(b.local_group_members::<Worker>("workers").len(), 1);
    let unseen = b.group_members::<Worker>("workers").await.unwrap_err();
    assert!(matches!(unseen, MembersError::Engine { .. }), "{unseen:?}");
    model.rejoin("b");
    let Some(GroupEvent::Joined(joined)) = monitor.next().await else { panic!("it is told of nothing else") };
    assert_eq!(joined.name(), "b/1");
    time::sleep(Duration::from_mins(1)).await;
    for cluster in [&a, &b] {
        assert_eq!(roll_call(cluster).await, ["one", "two"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_member_takes_its_servers_away_at_once() {
    let (_model, a, b) = two().await;
    let one = worker("one").await;
    b.join("workers", &one).await.unwrap();
    time::sleep(MOMENT).await;
    assert_eq!(roll_call(&a).await, ["one"]);
    b.stop().await.unwrap();
    time::sleep(MOMENT).await;
    assert!(roll_call(&a).await.is_empty());
    assert!(b.local_group_members::<Worker>("workers").is_empty());
    let refused = b.join("workers", &one).await.unwrap_err();
    assert_eq!(refused, JoinError::NotRunning { group: "workers".into() });
}

#[tokio::test(start_paused = true)]
async fn what_was_joined_without_the_engine_is_seen_when_it_is_back() {
    let (model, a, b) = two().await;
    model.cut("a");
    time::sleep(Duration::from_mins(1)).await;
    let one = worker("one").await;
    a.join("workers", &one).await.unwrap();
    assert_eq!(a.local_group_members::<Worker>("workers").len(), 1);
    model.rejoin("a");
    time::sleep(Duration::from_mins(1)).await;
    assert_eq!(roll_call(&b).await, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_servers_join_at_once() {
    let (_model, a, b) = two().await;
    let mut workers = Vec::new();
    for number in 0..1_000 {
        let worker = worker(&number.to_string()).await;
        a.join("workers", &worker).await.unwrap();
        workers.push(worker);
    }
    time::sleep(MOMENT).await;
    let seen = b.group_members::<Worker>("workers").await.unwrap();
    assert_eq!(seen.len(), 1_000);
    assert_eq!(seen[999].call(Who).await.unwrap(), "999");
    workers.clear();
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_joins_do_not_fit_says_so() {
    let (_model, a, b) = two().await;
    let one = worker("one").await;
    let full = loop {
        if let Err(full) = a.join("x".repeat(200), &one).await {
            break full;
        }
    };
    assert!(matches!(full, JoinError::Full { bound: 524_288, .. }), "{full:?}");
    time::sleep(MOMENT).await;
    assert!(b.group_members::<Worker>(&"x".repeat(200)).await.unwrap().len() > 1_000);
    assert!(a.leave(&"x".repeat(200), &one));
    a.join("x".repeat(200), &one).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_process_of_a_member_that_is_killed_lets_its_servers_leave() {
    let model = Model::new();
    let node = Node::new();
    let machine = Probe::<()>::on(&node);
    let a = Cluster::over(model.member("a")).name_space("test").member("a").start().await.unwrap();
    let b = machine.scope(Cluster::over(model.member("b")).name_space("test").member("b").start()).await.unwrap();
    let one = worker("one").await;
    b.join("workers", &one).await.unwrap();
    assert!(roll_call(&a).await.len() <= 1);
    time::sleep(MOMENT).await;
    assert_eq!(roll_call(&a).await, ["one"]);
    b.as_process().unwrap().kill();
    time::sleep(MOMENT).await;
    assert!(roll_call(&a).await.is_empty());
    assert!(b.local_group_members::<Worker>("workers").is_empty());
}
