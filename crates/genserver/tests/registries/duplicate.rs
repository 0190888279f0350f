//! Registries in which any number of processes hold a key.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use genserver::registry::{DuplicateRegistry, Entry, Event, RegisterDuplicateError, Registry};
use genserver::{Pid, Probe, current_process};

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
            // It may use the registry, and whoever it finds.
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

#[tokio::test]
async fn matching_counting_and_listening_work_as_in_a_unique_registry() {
    let topics = topics().await;
    let alice = probe();
    let mut listener = Probe::<Event<&'static str, u32>>::new();
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
