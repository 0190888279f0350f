//! Servers with names under supervisors.

use std::time::Duration;

use genserver::supervisor::Supervisor;
use genserver::{AsProcess as _, time};
use genserver_cluster::engine::model::Model;
use genserver_cluster::{Cluster, StartNamedError};

use super::clock::{Break, Clock, Tick, two};

/// Calls until somebody answers.
async fn answer(cluster: &Cluster) -> u64 {
    for _ in 0..1_000 {
        if let Ok(ticks) = cluster.named::<Clock>("clock").call(Tick).await {
            return ticks;
        }
        time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody answers");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_crashes_claims_its_name_again() {
    let (_model, a, b) = two().await;
    let supervisor = Supervisor::one_for_one().child(a.child::<Clock>("clock", || true)).start().await.unwrap();
    assert_eq!((answer(&b).await, answer(&b).await), (1, 2));
    let first = b.whereis("clock").await.unwrap().unwrap().fence;
    assert!(b.named::<Clock>("clock").call(Break).await.is_err());
    assert_eq!(answer(&b).await, 1, "it is a new one");
    assert!(b.whereis("clock").await.unwrap().unwrap().fence > first);
    supervisor.stop().await.unwrap();
    b.start_named::<Clock>("clock", true).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_member_is_a_child_and_serves_again_after_it_was_killed() {
    let model = Model::new();
    let (spec, cluster) = Cluster::over(model.member("a")).name_space("test").child_spec("cluster");
    let supervisor = Supervisor::one_for_one().child(spec).start().await.unwrap();
    let clock = cluster.start_named::<Clock>("clock", true).await.unwrap();
    cluster.as_process().unwrap().kill();
    clock.ended().await;
    let clock = cluster.start_named::<Clock>("clock", true).await.unwrap();
    supervisor.stop().await.unwrap();
    assert!(!clock.is_alive());
    let error = cluster.start_named::<Clock>("clock", true).await.unwrap_err();
    assert_eq!(error, StartNamedError::NotRunning { name: "clock".into() });
}

#[tokio::test(start_paused = true)]
async fn a_singleton_runs_once_and_is_taken_over() {
    let (model, a, b) = two().await;
    let on = |cluster: &Cluster| Supervisor::one_for_one().child(cluster.singleton::<Clock>("clock", || true)).start();
    let (of_a, of_b) = (on(&a).await.unwrap(), on(&b).await.unwrap());
    answer(&b).await;
    let owner = b.whereis("clock").await.unwrap().unwrap();
    assert_eq!(owner.member, "a");

    // It is stopped in order: another has it at once.
    of_a.stop().await.unwrap();
    let began = time::now();
    assert_eq!(answer(&b).await, 1);
    assert!(time::now() - began <= Duration::from_secs(1));
    assert_eq!(b.whereis("clock").await.unwrap().unwrap().member, "b");

    // Its machine is gone: another has it when the name has ended.
    let of_a = on(&a).await.unwrap();
    model.cut("b");
    let began = time::now();
    assert_eq!(answer(&a).await, 1);
    assert!(time::now() - began <= a.time_to_live() + Duration::from_secs(2));
    model.rejoin("b");
    time::sleep(Duration::from_mins(1)).await;
    assert_eq!(answer(&b).await, 2, "it stays where it is");
    of_a.stop().await.unwrap();
    of_b.stop().await.unwrap();
    assert_eq!(a.whereis("clock").await, Ok(None));
}
