//! Registries in which a key belongs to one process.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use genserver::registry::{Entry, RegisterUniqueError, Registry, RegistryEvent, UniqueRegistry, UpdateError};
use genserver::{AsProcess, Letter, Probe, Reason, start, sys};

use crate::puppet::{Begin, Plan, Puppet};

type Rooms = UniqueRegistry<String, u32>;

/// A registry that runs.
async fn rooms() -> Rooms {
    let rooms = Registry::unique();
    rooms.start().await.unwrap();
    rooms
}

fn probe() -> Probe<()> {
    Probe::new()
}

fn key(key: &str) -> String {
    key.to_owned()
}

/// Keys and values of entries, which is all that most cases look at.
fn pairs(entries: impl IntoIterator<Item = Entry<String, u32>>) -> Vec<(String, u32)> {
    entries.into_iter().map(|entry| (entry.key().clone(), *entry.value())).collect()
}

/// The sizes of a registry, once its keeper has handled everything sent so far.
async fn settled(registry: &Rooms, keeper: &impl AsProcess) -> String {
    // Once to have all owners monitored, and once more for the `Down`s of those that had ended by then.
    sys::get_status(keeper).await.unwrap();
    sys::get_status(keeper).await.unwrap();
    format!("{registry:?}")
}

#[tokio::test]
async fn rat_001_an_empty_registry_counts_none_and_then_what_is_registered() {
    let rooms = rooms().await;
    let alice = probe();
    assert_eq!(rooms.count(), 0);
    alice.scope(async { rooms.register(key("a"), 1) }).await.unwrap();
    alice.scope(async { rooms.register(key("b"), 2) }).await.unwrap();
    assert_eq!(rooms.count(), 2);
}

#[tokio::test]
async fn rat_002_a_key_of_ones_own_is_not_taken_twice() {
    let rooms = rooms().await;
    let alice = probe();
    rooms.of(&alice).register(key("a"), 1).unwrap();
    let refused = rooms.of(&alice).register(key("a"), 2).unwrap_err();
    assert_eq!(refused.holder(), Some(&alice.process_ref()));
    assert_eq!(refused.into_inner(), (key("a"), 2));
    assert_eq!(rooms.of(&alice).keys(), ["a"]);
    assert_eq!(rooms.of(&alice).values("a"), [1]);
}

#[tokio::test]
async fn rat_003_a_key_of_another_is_refused_and_leaves_nothing() {
    let rooms = rooms().await;
    let (alice, bob) = (probe(), probe());
    rooms.of(&alice).register(key("a"), 1).unwrap();
    let refused = rooms.of(&bob).register(key("a"), 2).unwrap_err();
    let RegisterUniqueError::AlreadyRegistered { ref holder, .. } = refused else { panic!("{refused}") };
    assert_eq!(holder.pid(), alice.pid());
    let said = format!("process {} holds the key; use that one, or choose another key", alice.pid());
    assert_eq!(refused.to_string(), said);
    assert!(rooms.of(&bob).keys().is_empty());
    assert!(bob.process_ref().info().links.is_empty());
}

#[tokio::test]
async fn rat_004_a_dead_holder_holds_nothing_even_before_its_entries_are_removed() {
    let rooms = Rooms::unique();
    let keeper = rooms.start().await.unwrap();
    let (alice, bob) = (probe(), probe());
    rooms.of(&alice).register(key("a"), 1).unwrap();
    sys::suspend(&keeper).await.unwrap();
    drop(alice);
    assert!(rooms.lookup("a").is_none());
    assert_eq!((rooms.count(), rooms.select().count()), (0, 0));
    rooms.of(&bob).register(key("a"), 2).unwrap();
    assert_eq!(rooms.whereis("a"), Some(bob.process_ref()));

    // The keeper then removes the first entry, not the second.
    sys::resume(&keeper).await.unwrap();
    assert!(settled(&rooms, &keeper).await.starts_with("Registry { entries: 1, processes: 1,"));
    assert_eq!(rooms.whereis("a"), Some(bob.process_ref()));
}

/// A number or a text: the key decides what is equal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Mixed {
    Number(u32),
    Text(&'static str),
}

#[tokio::test]
async fn rat_005_keys_are_equal_only_if_their_type_says_so() {
    let registry = Registry::unique();
    registry.start().await.unwrap();
    let alice = probe();
    registry.of(&alice).register(Mixed::Number(1), "number").unwrap();
    registry.of(&alice).register(Mixed::Text("1"), "text").unwrap();
    assert_eq!(registry.lookup(&Mixed::Number(1)).map(|entry| *entry.value()), Some("number"));
    assert_eq!(registry.lookup(&Mixed::Text("1")).map(|entry| *entry.value()), Some("text"));
}

#[tokio::test]
async fn rat_006_a_value_is_updated_by_its_owner_alone() {
    let rooms = rooms().await;
    let (alice, bob) = (probe(), probe());
    let more = |value: &u32| value + 1;
    assert_eq!(rooms.of(&alice).update_value("a", more).unwrap_err(), UpdateError::NotRegistered);
    rooms.of(&alice).register(key("a"), 1).unwrap();
    let refused = rooms.of(&bob).update_value("a", more).unwrap_err();
    assert_eq!(refused, UpdateError::NotOwned { holder: alice.process_ref() });
    assert!(refused.to_string().contains(&alice.pid().to_string()), "{refused}");

    let updated = alice.scope(async { rooms.update_value("a", more) }).await.unwrap();
    assert_eq!((*updated.new.value(), *updated.old.value()), (2, 1));
    assert_eq!(rooms.of(&alice).values("a"), [2]);
    assert_eq!(pairs(rooms.lookup("a")), [(key("a"), 2)]);
    // It is in both maps, and is removed from both.
    assert_eq!(rooms.of(&alice).keys(), ["a"]);
    assert!(rooms.of(&alice).unregister("a"));
    assert!(rooms.of(&alice).keys().is_empty());
}

#[tokio::test]
async fn rat_007_dispatch_is_for_a_key_that_somebody_holds() {
    let rooms = rooms().await;
    let alice = probe();
    assert_eq!(rooms.dispatch("a", |_| panic!("nobody holds it")), None::<()>);
    rooms.of(&alice).register(key("a"), 1).unwrap();
    let seen = rooms.dispatch("a", |entries| pairs(entries.iter().cloned())).unwrap();
    assert_eq!(seen, [(key("a"), 1)]);
}

#[tokio::test]
async fn rat_008_unregistering_succeeds_whether_or_not_the_key_is_there() {
    let rooms = rooms().await;
    let (alice, bob) = (probe(), probe());
    rooms.of(&alice).register(key("a"), 1).unwrap();
    assert!(!rooms.of(&bob).unregister("a"), "it is another's");
    assert!(!rooms.unregister("a"), "plain code holds nothing");
    assert!(alice.scope(async { rooms.unregister("a") }).await);
    assert!(!alice.scope(async { rooms.unregister("a") }).await);
    assert!(rooms.lookup("a").is_none());
    assert!(rooms.of(&alice).keys().is_empty());
}

#[tokio::test]
async fn rat_009_registering_links_nobody_and_the_keepers_end_takes_nobody_along() {
    let rooms = Rooms::unique();
    let keeper = rooms.start().await.unwrap();
    let alice = probe();
    rooms.of(&alice).register(key("a"), 1).unwrap();
    rooms.of(&alice).register(key("b"), 2).unwrap();
    assert!(alice.process_ref().info().links.is_empty());
    keeper.kill();
    assert_eq!(keeper.ended().await, Reason::Killed);
    assert!(alice.is_alive());
    assert_eq!(pairs(rooms.select()), [(key("a"), 1), (key("b"), 2)]);
}

#[tokio::test]
async fn rat_010_listeners_have_the_event_when_the_operation_returns() {
    let rooms = rooms().await;
    let mut listener = Probe::<RegistryEvent<String, u32>>::new();
    rooms.listen(listener.sender());
    let alice = probe();
    rooms.of(&alice).register(key("a"), 1).unwrap();
    rooms.of(&alice).register(key("a"), 9).unwrap_err();
    rooms.of(&alice).unregister("a");
    rooms.of(&alice).unregister("a");
    let heard: Vec<_> = listener.flush().into_iter().map(told).collect();
    let expected = [("registered", key("a"), 1, alice.pid()), ("unregistered", key("a"), 1, alice.pid())];
    assert_eq!(heard, expected);

    assert!(rooms.unlisten(&listener));
    assert!(!rooms.unlisten(&listener));
    rooms.of(&alice).register(key("a"), 1).unwrap();
    assert!(listener.flush().is_empty());
}

fn told(letter: Letter<RegistryEvent<String, u32>>) -> (&'static str, String, u32, genserver::Pid) {
    let (what, entry) = match letter {
        Letter::Message(RegistryEvent::Registered(entry)) => ("registered", entry),
        Letter::Message(RegistryEvent::Unregistered(entry)) => ("unregistered", entry),
        other => panic!("{other:?}"),
    };
    (what, entry.key().clone(), *entry.value(), entry.pid())
}

#[tokio::test]
async fn rat_011_a_crash_tells_listeners_nothing_and_leaves_nothing() {
    let rooms = rooms().await;
    let mut listener = Probe::<RegistryEvent<String, u32>>::new();
    rooms.listen(listener.sender());
    let named = start::<Puppet>(Plan::new(Begin::Run)).name(rooms.via(key("a"), 1)).await.unwrap();
    rooms.of(&named).register(key("b"), 2).unwrap();
    assert_eq!(listener.flush().len(), 2);
    named.kill();
    named.ended().await;
    assert_eq!(rooms.count(), 0);
    assert!(listener.flush().is_empty());
}

#[tokio::test]
async fn rat_016_matching_is_by_the_exact_key_and_a_function_of_the_value() {
    let rooms = rooms().await;
    let (alice, bob) = (probe(), probe());
    rooms.of(&alice).register(key("_"), 1).unwrap();
    rooms.of(&bob).register(key("$1"), 2).unwrap();
    assert_eq!(pairs(rooms.matching("_", |_| true)), [(key("_"), 1)]);
    assert_eq!(pairs(rooms.matching("_", |value| *value > 1)), []);
    assert_eq!(rooms.count_match("$1", |value| *value == 2), 1);
    assert_eq!(rooms.count_match("nobody's", |_| true), 0);

    assert_eq!(rooms.of(&alice).unregister_match("_", |value| *value > 1), 0);
    assert_eq!(rooms.of(&alice).unregister_match("$1", |_| true), 0, "it is another's");
    assert_eq!(alice.scope(async { rooms.unregister_match("_", |value| *value == 1) }).await, 1);
    assert_eq!(pairs(rooms.select()), [(key("$1"), 2)]);
}

#[tokio::test]
async fn rat_017_selecting_goes_through_all_entries_in_their_order() {
    let rooms = rooms().await;
    let (alice, bob) = (probe(), probe());
    for number in 0..100 {
        let owner = if number % 2 == 0 { &alice } else { &bob };
        rooms.of(owner).register(number.to_string(), number).unwrap();
    }
    let expected: Vec<_> = (0..100).map(|number| (number.to_string(), number)).collect();
    assert_eq!(pairs(rooms.select()), expected);
    assert_eq!(rooms.select().filter(|entry| entry.pid() == bob.pid()).count(), 50);
    assert_eq!(rooms.select().filter(|entry| *entry.value() >= 90).count(), 10);
}

#[tokio::test]
async fn rat_018_refused_registrations_leave_the_tables_as_they_were() {
    let rooms = Rooms::unique();
    let keeper = rooms.start().await.unwrap();
    let (alice, bob) = (probe(), probe());
    rooms.of(&alice).register(key("a"), 1).unwrap();
    let before = settled(&rooms, &keeper).await;
    assert!(before.starts_with("Registry { entries: 1, processes: 1,"), "{before}");
    for number in 0..1000 {
        rooms.of(&bob).register(key("a"), number).unwrap_err();
    }
    assert_eq!(settled(&rooms, &keeper).await, before);
}

/// A key whose hash is the same for all: what one partition is in OTP.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Crowded(u32);

impl std::hash::Hash for Crowded {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u32(0);
    }
}

/// The visible content of a registry after some registering, unregistering, updating and dying.
async fn seen<K: genserver::registry::Key + Clone>(make: impl Fn(u32) -> K) -> Vec<Vec<(u32, u32)>> {
    let registry = Registry::unique();
    registry.start().await.unwrap();
    let mut owners: Vec<_> = (0..10_u32).map(|_| probe()).collect();
    for number in 0..200_u32 {
        registry.of(&owners[number as usize % 10]).register(make(number), number).unwrap();
    }
    for number in (0..200).step_by(3) {
        registry.of(&owners[number as usize % 10]).unregister(&make(number));
    }
    for number in (1..200).step_by(3) {
        registry.of(&owners[number as usize % 10]).update_value(&make(number), |value| value + 1000).unwrap();
    }
    let dead = owners.remove(7);
    drop(dead);
    registry.of(&owners[0]).register(make(7), 77).unwrap();
    let all = registry.select().map(|entry| (u32::from(entry.pid() == owners[0].pid()), *entry.value())).collect();
    let each = (0..200).map(|number| (number, registry.lookup(&make(number)).map_or(0, |entry| *entry.value())));
    vec![all, each.collect(), vec![(0, u32::try_from(registry.count()).unwrap())]]
}

#[tokio::test]
async fn rat_019_what_is_seen_does_not_depend_on_where_keys_lie() {
    assert_eq!(seen(|number| number).await, seen(Crowded).await);
}

#[tokio::test]
async fn rat_020_nothing_is_left_of_processes_that_are_killed() {
    let rooms = Rooms::unique();
    let keeper = rooms.start().await.unwrap();
    let mut servers = Vec::new();
    for number in 0..100 {
        let server = start::<Puppet>(Plan::new(Begin::Run)).name(rooms.via(format!("name {number}"), 0)).await.unwrap();
        rooms.of(&server).register(format!("key {number}"), number).unwrap();
        servers.push(server);
    }
    assert!(settled(&rooms, &keeper).await.starts_with("Registry { entries: 200, processes: 100,"));
    for server in &servers {
        server.kill();
        server.ended().await;
    }
    assert_eq!(rooms.count(), 0);
    assert!(settled(&rooms, &keeper).await.starts_with("Registry { entries: 0, processes: 0,"));
}

#[tokio::test]
async fn rat_030_what_is_said_about_a_registry_is_put_read_and_deleted() {
    #[derive(Debug, PartialEq)]
    struct Motto(&'static str);

    let rooms = Rooms::unique();
    assert_eq!(rooms.meta::<Motto>(), None);
    rooms.put_meta(Motto("first"));
    rooms.clone().put_meta(Motto("second"));
    assert_eq!(rooms.meta::<Motto>().as_deref(), Some(&Motto("second")));
    assert_eq!(rooms.meta::<u32>(), None);
    assert_eq!(rooms.delete_meta::<Motto>().as_deref(), Some(&Motto("second")));
    assert_eq!(rooms.delete_meta::<Motto>(), None);
    assert_eq!(rooms.meta::<Motto>(), None);
}

#[tokio::test]
async fn nobody_registers_before_the_start_and_nobody_is_registered_from_plain_code() {
    let rooms = Rooms::unique();
    let alice = probe();
    let refused = rooms.of(&alice).register(key("a"), 1).unwrap_err();
    assert!(matches!(refused, RegisterUniqueError::NotRunning { .. }), "{refused}");
    assert_eq!(refused.to_string(), "the registry is not running; start it first");

    let keeper = rooms.start().await.unwrap();
    let refused = rooms.register(key("a"), 1).unwrap_err();
    assert!(matches!(refused, RegisterUniqueError::NoProcess { .. }), "{refused}");
    let dead = alice.process_ref();
    drop(alice);
    for refused in [rooms.of(&dead).register(key("a"), 1), rooms.of(&dead.pid()).register(key("a"), 1)] {
        assert!(matches!(refused, Err(RegisterUniqueError::NoProcess { .. })), "{refused:?}");
    }
    let again = rooms.start().await.unwrap_err();
    assert!(again.to_string().contains("the registry is running already"), "{again}");
    assert!(rooms.is_running(), "the first keeper goes on");
    keeper.stop().await.unwrap();
    assert!(!rooms.is_running());
}

#[tokio::test]
async fn a_restarted_keeper_removes_the_dead_and_monitors_the_others() {
    let rooms = Rooms::unique();
    let keeper = rooms.start().await.unwrap();
    let (alice, bob) = (probe(), probe());
    rooms.of(&alice).register(key("a"), 1).unwrap();
    rooms.of(&bob).register(key("b"), 2).unwrap();
    keeper.kill();
    keeper.ended().await;
    drop(alice);
    let keeper = rooms.start().await.unwrap();
    assert!(settled(&rooms, &keeper).await.starts_with("Registry { entries: 1, processes: 1,"));
    assert_eq!(pairs(rooms.select()), [(key("b"), 2)]);
    drop(bob);
    assert!(settled(&rooms, &keeper).await.starts_with("Registry { entries: 0, processes: 0,"));
}

#[tokio::test]
async fn a_listener_without_space_learns_how_many_events_it_missed() {
    let rooms = rooms().await;
    let alice = probe();
    let mut listener = Probe::<RegistryEvent<String, u32>>::new();
    rooms.listen(listener.sender());
    let space = listener_space(&mut listener);
    let more = 10;
    for number in 0..space + more {
        rooms.of(&alice).register(number.to_string(), 0).unwrap();
    }
    assert_eq!(listener.flush().len(), usize::try_from(space).unwrap());
    rooms.of(&alice).unregister("0");
    let letters = listener.flush();
    let [Letter::Message(RegistryEvent::Missed(missed)), Letter::Message(RegistryEvent::Unregistered(entry))] =
        &letters[..]
    else {
        panic!("{letters:?}")
    };
    assert_eq!((*missed, entry.key()), (u64::from(more), &key("0")));
}

/// How many messages fit into a probe.
fn listener_space(listener: &mut Probe<RegistryEvent<String, u32>>) -> u32 {
    let sender = listener.sender();
    let space = (0..1_000_000).take_while(|_| sender.send(RegistryEvent::Missed(0)).is_ok()).count();
    listener.flush();
    u32::try_from(space).unwrap()
}

#[tokio::test]
async fn a_listener_that_has_ended_is_forgotten() {
    let rooms = rooms().await;
    let alice = probe();
    let listener = Probe::<RegistryEvent<String, u32>>::new();
    let gone = listener.process_ref();
    rooms.listen(listener.sender());
    drop(listener);
    rooms.of(&alice).register(key("a"), 1).unwrap();
    assert!(!rooms.unlisten(&gone));
}
