//! The event manager of seed 001: what it has that seed 000 has not, `add_mon_handler`.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// The registry of seeds 000 and 001.

use futures::TryStreamExt;
use genevent::{Forwarder, Manager};
use genserver::{Letter, Probe, Reason};

use crate::registry::{Event, Registry};

/// `setup`, with `add_mon_handler`: the manager watches the test, and the test does not care what becomes of its handler.
async fn setup(test: &Probe<Event>) -> (Manager<Event>, Registry) {
    let manager = test.scope(async { Manager::start_link().await }).await.unwrap();
    let registry = Registry::start_link(test, &manager).await.unwrap();
    manager.add_handler(Forwarder::to(test.sender())).bound_to(test).await.unwrap();
    (manager, registry)
}

// also: GE-153
#[tokio::test(start_paused = true)]
async fn sends_events_on_create_and_crash() {
    let mut test = Probe::new();
    let (_manager, registry) = setup(&test).await;

    registry.create("shopping");
    let bucket = registry.lookup("shopping").await.unwrap();
    let created = Event::Create("shopping".to_owned(), bucket.pid());
    test.expect(|letter| *letter == Letter::Message(created.clone())).await;

    bucket.stop().await.unwrap();
    let exited = Event::Exit("shopping".to_owned(), bucket.pid());
    test.expect(|letter| *letter == Letter::Message(exited.clone())).await;
}

/// "If the current process dies, the event handler is automatically removed": this one traps exits, so it is dropped alone.
#[tokio::test(start_paused = true)]
async fn the_monitored_handler_goes_with_its_process_and_the_manager_stays() {
    let manager = Manager::start().await.unwrap();
    let mut shell = Probe::<()>::new();
    let (owner, reference) =
        shell.spawn_monitor(|mut owner: Probe<Event>| async move { owner.recv().await.map(drop) }).unwrap();
    manager.add_handler(Forwarder::to(owner.clone())).bound_to(&owner.process_ref()).await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    owner.exit(Reason::term("a bug"));
    assert_eq!(shell.expect_down(reference).await.reason, Reason::term("a bug"));
    assert_eq!(manager.which_handlers().await.unwrap(), []);
    assert!(manager.is_alive());
}

/// `{:hello, :world}`.
#[derive(Clone, Debug, PartialEq)]
struct Pair(&'static str, &'static str);

/// The sessions, which are those of seed 000.
#[tokio::test(start_paused = true)]
async fn the_sessions() {
    let mut shell = Probe::new();
    let manager = shell.scope(async { Manager::start_link().await }).await.unwrap();
    assert_eq!(manager.sync_notify(Pair("hello", "nobody")).await, Ok(()));
    assert!(manager.notify(Pair("world", "nobody")).is_ok());

    let forwarder = manager.add_handler(Forwarder::to(shell.sender())).await.unwrap();
    assert_eq!(manager.sync_notify(Pair("hello", "world")).await, Ok(()));
    assert_eq!(shell.flush(), [Letter::Message(Pair("hello", "world"))]);
    manager.remove_handler(&forwarder).await.unwrap();

    let mut stream = manager.stream();
    stream.subscribe().await.unwrap();
    let terminal = shell.sender();
    shell
        .spawn_link(|_: Probe<()>| async move {
            while let Ok(Some(event)) = stream.try_next().await {
                terminal.send(event).unwrap();
            }
        })
        .unwrap();
    assert!(manager.notify(Pair("hello", "stream")).is_ok());
    assert_eq!(shell.expect_message().await, Pair("hello", "stream"));
}
