//! Registries in which any number of processes hold a key.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use genserver::registry::{DuplicateRegistry, Entry, RegisterDuplicateError, Registry, RegistryEvent};
use genserver::task::async_stream;
use genserver::{Pid, Probe, current_process, time};
use tokio::sync::Barrier;

type Topics = DuplicateRegistry<&'static str, u32>;

async fn topics() -> Topics {
    let topics = Registry::duplicate();
    topics.start().await.unwrap();
    topics
}

fn probe() -> Probe<()> {
    Probe::new()
}

fn pairs(entries: &[Entry<&'static str, u32>]) -> Vec<(Pid, u32)> {
    entries.iter().map(|entry| (entry.pid(), *entry.value())).collect()
}

#[tokio::test]
async fn rat_021_a_process_holds_a_key_as_often_as_it_registers() {
    let topics = topics().await;
    let alice = probe();
    alice.scope(async { topics.register("news", 1) }).await.unwrap();
    topics.of(&alice).register("news", 2).unwrap();
    topics.of(&alice).register("news", 2).unwrap();
    assert_eq!(topics.of(&alice).keys(), ["news", "news", "news"]);
    assert_eq!(topics.of(&alice).values("news"), [1, 2, 2]);
    assert_eq!(topics.count(), 3);
    assert!(topics.of(&alice).unregister("news"), "all of them");
    assert_eq!(topics.count(), 0);
}

#[tokio::test]
async fn rat_022_each_of_two_processes_sees_its_own_values() {
    let topics = topics().await;
    let (alice, bob) = (probe(), probe());
    topics.of(&alice).register("news", 1).unwrap();
    topics.of(&bob).register("news", 2).unwrap();
    topics.of(&bob).register("weather", 3).unwrap();
    assert_eq!(topics.of(&alice).values("news"), [1]);
    assert_eq!(topics.of(&bob).values("news"), [2]);
    assert_eq!(topics.of(&bob).keys(), ["news", "weather"]);
    assert_eq!(pairs(&topics.lookup("news")), [(alice.pid(), 1), (bob.pid(), 2)]);
    assert_eq!(topics.of(&bob).unregister_match("news", |value| *value == 1), 0);
    drop(alice);
    assert_eq!(pairs(&topics.lookup("news")), [(bob.pid(), 2)]);
    assert_eq!(topics.count(), 2);
}

#[tokio::test]
async fn rat_023_dispatch_gets_the_whole_key_in_the_callers_process() {
    let topics = topics().await;
    let (alice, bob) = (probe(), probe());
    topics.of(&alice).register("news", 1).unwrap();
    topics.of(&bob).register("weather", 9).unwrap();
    topics.of(&bob).register("news", 2).unwrap();
    let mut calls = 0;
    let dispatched = alice.scope(async {
        topics.dispatch("news", |entries| {
            calls += 1;
            // It may use the registry, and the processes that it finds.
            assert_eq!(topics.lookup("news").len(), 2);
            (pairs(entries), current_process())
        })
    });
    let (seen, process) = dispatched.await.unwrap();
    assert_eq!(seen, [(alice.pid(), 1), (bob.pid(), 2)]);
    assert_eq!(process, Some(alice.process_ref()));
    assert_eq!(calls, 1);
    assert_eq!(topics.dispatch("sports", |_| panic!("nobody holds it")), None::<()>);
}

const CROWD: usize = 8;

#[tokio::test(start_paused = true)]
async fn rat_024_a_task_for_each_entry_runs_outside_the_caller_and_beside_the_others() {
    let topics = topics().await;
    let crowd = [(); CROWD].map(|()| probe());
    for (number, one) in (0_u32..).zip(&crowd) {
        topics.of(one).register("news", number).unwrap();
    }
    let mut caller = probe();
    caller.trap_exits(true);
    // No function gets past it before all have come, so one after the other would never finish.
    let all_have_come = Arc::new(Barrier::new(CROWD));
    let dispatch = async_stream(topics.lookup("news"), move |entry| {
        let all_have_come = Arc::clone(&all_have_come);
        async move {
            all_have_come.wait().await;
            assert_ne!(*entry.value(), 3, "the third fails");
            (entry.pid(), current_process().expect("a task is a process").pid())
        }
    })
    .max_concurrency(NonZeroUsize::new(CROWD).unwrap());
    let done = caller.scope(time::timeout(Duration::from_mins(1), dispatch.collect::<Vec<_>>())).await.unwrap();

    let reached: Vec<(Pid, Pid)> = done.iter().filter_map(|one| one.as_ref().ok().copied()).collect();
    let others: Vec<Pid> = crowd.iter().map(Probe::pid).filter(|pid| *pid != crowd[3].pid()).collect();
    assert_eq!(reached.iter().map(|(holder, _)| *holder).collect::<Vec<_>>(), others, "each once, and in order");
    let tasks: BTreeSet<Pid> = reached.iter().map(|(_, task)| *task).collect();
    assert_eq!(tasks.len(), CROWD - 1, "each in a task of its own");
    assert!(!tasks.contains(&caller.pid()));
    assert!(done[3].is_err(), "what fails is told in its place");
    assert_eq!(caller.flush(), [], "and no exit comes besides");
}

#[tokio::test]
async fn matching_counting_and_listening_work_as_in_a_unique_registry() {
    let topics = topics().await;
    let alice = probe();
    let mut listener = Probe::<RegistryEvent<&'static str, u32>>::new();
    topics.listen(listener.sender());
    for number in 1..=4 {
        topics.of(&alice).register("numbers", number).unwrap();
    }
    assert_eq!(topics.count_match("numbers", |number| *number > 2), 2);
    assert_eq!(pairs(&topics.matching("numbers", |number| *number > 3)), [(alice.pid(), 4)]);
    assert_eq!(topics.of(&alice).unregister_match("numbers", |number| number % 2 == 0), 2);
    assert_eq!(topics.of(&alice).values("numbers"), [1, 3]);
    assert_eq!(listener.flush().len(), 6);
}

#[tokio::test]
async fn nobody_registers_before_the_start_or_from_plain_code() {
    let topics = Topics::duplicate();
    let alice = probe();
    let refused = topics.of(&alice).register("news", 1).unwrap_err();
    assert!(matches!(refused, RegisterDuplicateError::NotRunning { .. }), "{refused}");
    topics.start().await.unwrap();
    let refused = topics.register("news", 1).unwrap_err();
    assert!(matches!(refused, RegisterDuplicateError::NoProcess { .. }), "{refused}");
    assert_eq!(refused.into_inner(), ("news", 1));
}
