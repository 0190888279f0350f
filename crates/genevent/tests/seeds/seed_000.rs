//! The event manager of seed 000: its console sessions, and the registry that tells of its buckets.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// The registry of seeds 000 and 001.

use futures::TryStreamExt;
use genevent::{Forwarder, GoneReason, HandlerGone, Manager};
use genserver::{AsProcess, Letter, Probe, Reason};

use crate::registry::{Event, Registry};

/// ```iex
/// iex> {:ok, manager} = GenEvent.start_link
/// {:ok, #PID<0.83.0>}
/// iex> GenEvent.sync_notify(manager, :hello)
/// :ok
/// iex> GenEvent.notify(manager, :world)
/// :ok
/// ```
#[tokio::test]
async fn ge_154_a_manager_without_handlers_takes_every_event() {
    let shell = Probe::<()>::new();
    let manager = shell.scope(async { Manager::start_link().await }).await.unwrap();
    assert_eq!(manager.sync_notify("hello").await, Ok(()));
    assert!(manager.notify("world").is_ok());
    assert_eq!(manager.which_handlers().await.unwrap(), [], "and lives on");
}

/// ```iex
/// iex> GenEvent.add_handler(manager, Forwarder, self())
/// :ok
/// iex> GenEvent.sync_notify(manager, {:hello, :world})
/// :ok
/// iex> flush
/// {:hello, :world}
/// :ok
/// ```
#[tokio::test]
async fn a_forwarder_sends_every_event_to_a_process() {
    let mut shell = Probe::new();
    let manager = shell.scope(async { Manager::start_link().await }).await.unwrap();
    assert!(manager.add_handler(Forwarder::to(shell.sender())).await.is_ok());
    assert_eq!(manager.sync_notify(("hello", "world")).await, Ok(()));
    assert_eq!(shell.flush(), [Letter::Message(("hello", "world"))]);
}

/// `{:hello, :world}`.
#[derive(Clone, Debug, PartialEq)]
struct Pair(&'static str, &'static str);

/// What arrives at the test: events, and the news that its handler has gone.
#[derive(Debug, PartialEq)]
enum Heard {
    Event(Event),
    HandlerGone(HandlerGone),
}

/// `setup`, with `link: true`: the manager, the registry, and a forwarder that goes when the test does.
async fn setup(test: &Probe<Heard>) -> (Manager<Event>, Registry) {
    let manager = test.scope(async { Manager::start_link().await }).await.unwrap();
    let registry = Registry::start_link(test, &manager).await.unwrap();
    let forwarder = Forwarder::to(test.sender().recipient(Heard::Event));
    manager.add_handler(forwarder).owned_by(test.sender().recipient(Heard::HandlerGone)).await.unwrap();
    (manager, registry)
}

async fn a_bucket_comes_and_goes() {
    let mut test = Probe::new();
    let (_manager, registry) = setup(&test).await;

    registry.create("shopping");
    let bucket = registry.lookup("shopping").await.unwrap();
    let created = Event::Create("shopping".to_owned(), bucket.pid());
    test.expect(|letter| *letter == Letter::Message(Heard::Event(created.clone()))).await;

    bucket.stop().await.unwrap();
    let exited = Event::Exit("shopping".to_owned(), bucket.pid());
    test.expect(|letter| *letter == Letter::Message(Heard::Event(exited.clone()))).await;
    assert_eq!(registry.lookup("shopping").await, None);
}

#[tokio::test]
async fn ge_153_a_registry_tells_of_a_bucket_that_is_created_and_of_its_end() {
    a_bucket_comes_and_goes().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_two_threads() {
    for _ in 0..100 {
        a_bucket_comes_and_goes().await;
    }
}

/// "If the current process dies, the event handler is automatically removed."
#[tokio::test]
async fn the_forwarder_goes_with_the_test() {
    let manager = Manager::<Event>::start().await.unwrap();
    let test = Probe::new();
    let forwarder = Forwarder::to(test.sender().recipient(Heard::Event));
    manager.add_handler(forwarder).owned_by(test.sender().recipient(Heard::HandlerGone)).await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    drop(test);
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

/// And the other way round: the test is told of the end of the handler.
#[tokio::test(start_paused = true)]
async fn the_test_hears_of_the_end_of_its_forwarder() {
    let mut test = Probe::new();
    let (manager, _registry) = setup(&test).await;
    let handlers = manager.which_handlers().await.unwrap();
    manager.stop().await.unwrap();
    let Heard::HandlerGone(gone) = test.expect_message().await else { panic!("the news comes first") };
    assert_eq!((gone.handler, gone.manager, gone.why), (handlers[0].clone(), manager.pid(), GoneReason::Shutdown));
}

/// A registry that is told nothing of its end, and a manager that has none: both outlive the bucket.
#[tokio::test]
async fn a_registry_goes_on_without_its_bucket() {
    let test = Probe::new();
    let (manager, registry) = setup(&test).await;
    registry.create("shopping");
    let first = registry.lookup("shopping").await.unwrap();
    first.stop().await.unwrap();
    registry.create("shopping");
    let second = registry.lookup("shopping").await.unwrap();
    assert_ne!(first.pid(), second.pid());
    assert!(manager.is_alive());
    second.as_process().unwrap().exit(Reason::term("a bug"));
    assert_eq!(registry.0.ended().await, Reason::term("a bug"), "they are linked");
}

/// ```iex
/// iex> spawn_link fn ->
/// ...>   for x <- GenEvent.stream(manager), do: IO.inspect(x)
/// ...> end
/// iex> GenEvent.notify(manager, {:hello, :world})
/// {:hello, :world}
/// :ok
/// ```
#[tokio::test(start_paused = true)]
async fn a_linked_process_draws_the_events_as_a_stream() {
    let mut shell = Probe::new();
    let manager = shell.scope(async { Manager::start_link().await }).await.unwrap();
    let mut stream = manager.stream();
    stream.subscribe().await.unwrap();
    let terminal = shell.sender();
    let consumer = shell.spawn_link(|_: Probe<()>| async move {
        while let Ok(Some(event)) = stream.try_next().await {
            terminal.send(event).unwrap();
        }
    });
    assert!(manager.notify(Pair("hello", "world")).is_ok());
    assert_eq!(shell.expect_message().await, Pair("hello", "world"));

    // "Every time we call sync_notify or notify": by then it has been printed.
    assert_eq!(manager.sync_notify(Pair("hello", "again")).await, Ok(()));
    assert_eq!(shell.flush(), [Letter::Message(Pair("hello", "again"))]);

    // Not in the seed: the stream ends with its manager, and so does the process.
    let consumer = consumer.unwrap();
    shell.unlink(&manager);
    manager.stop().await.unwrap();
    assert_eq!(consumer.process_ref().ended().await, Reason::Normal);
}
