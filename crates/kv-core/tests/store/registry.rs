//! The promises of a registry: lookups, the order of events, and the cost of a name.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::poll_immediate;
use genevent::{Forwarder, Handler, HandlerCx, Manager, React, Reaction};
use genserver::{Never, Node, Probe, Reason};
use kv_core::{Bucket, BucketEvent, BucketName, CreateError, NAME_MAX, NameError, Registry, Store};
use parking_lot::Mutex;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_never_returns_a_bucket_that_was_closing_when_it_began() {
    let store = Store::start().await.unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut seen = 0;
                let mut last: Option<Bucket> = None;
                while !over.load(Ordering::Relaxed) {
                    let closing = last.take().filter(|bucket| !bucket.is_alive());
                    let found = store.lookup("shopping");
                    assert!(closing.is_none() || found != closing);
                    seen += u64::from(found.is_some());
                    last = found;
                }
                assert!(seen > 0, "there was something to find");
            });
        }
        futures::executor::block_on(tokio::spawn({
            let store = store.clone();
            async move {
                for turn in 0..3_000 {
                    let bucket = store.create("shopping").await.unwrap();
                    assert_eq!(store.lookup("shopping"), Some(bucket.clone()), "what was created is found");
                    if turn % 2 == 0 {
                        bucket.stop().await.unwrap();
                    } else {
                        bucket.kill();
                    }
                    assert_ne!(store.lookup("shopping"), Some(bucket), "what was ended is not");
                }
            }
        }))
        .unwrap();
        over.store(true, Ordering::Relaxed);
    });
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_create_returned_every_thread_finds() {
    let store = Store::start().await.unwrap();
    for number in 0..500 {
        let name = format!("bucket {number}");
        let bucket = store.create(&name).await.unwrap();
        let elsewhere = std::thread::scope(|threads| threads.spawn(|| store.lookup(&name)).join().unwrap());
        assert_eq!(elsewhere, Some(bucket));
    }
    store.stop().await.unwrap();
}

/// A value whose end takes as long as the test wants: it says when it begins, and is told when to go on.
struct Lingering(mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>);

impl AsRef<[u8]> for Lingering {
    fn as_ref(&self) -> &[u8] {
        b"lingering"
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        self.0.send(()).unwrap();
        self.1.get_mut().recv().unwrap();
    }
}

/// A bucket that was killed is closing for as long as its entries are dropped. The next one of its name waits for that, so the
/// events come in their order; what the registry does for other names does not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_next_bucket_of_a_name_waits_for_the_end_of_the_one_before() {
    let mut test = Probe::new();
    let store = Store::start().await.unwrap();
    let old = store.create("shopping").await.unwrap();
    store.events().await.unwrap().add_handler(Forwarder::to(test.sender())).await.unwrap();

    let (ending, is_ending) = mpsc::channel();
    let (go_on, gone_on) = mpsc::channel::<()>();
    let lingering = Bytes::from_owner(Lingering(ending, Mutex::new(gone_on)));
    old.put("milk", lingering).await.unwrap();
    let killing = std::thread::spawn({
        let old = old.clone();
        move || old.kill()
    });
    tokio::task::spawn_blocking(move || is_ending.recv().unwrap()).await.unwrap();
    assert_eq!(store.lookup("shopping"), None);

    // One that gives up, one that does not wait, and three that do.
    assert!(poll_immediate(store.create("shopping")).await.is_none());
    store.create_later("shopping").unwrap();
    let creating: Vec<_> = (0..3)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.create("shopping").await.unwrap() })
        })
        .collect();
    store.create("holidays").await.unwrap();
    assert_eq!(store.lookup_ordered("shopping").await, Ok(None));
    go_on.send(()).unwrap();
    killing.join().unwrap();

    let mut created = Vec::new();
    for task in creating {
        created.push(task.await.unwrap());
    }
    let new = store.lookup("shopping").unwrap();
    assert!(created.iter().all(|bucket| *bucket == new), "one bucket for all of them");
    let name: BucketName = "shopping".parse().unwrap();
    let mut of_the_name = Vec::new();
    while of_the_name.len() < 2 {
        let event = test.expect_message().await;
        let (BucketEvent::Created { name: of, .. } | BucketEvent::Exited { name: of, .. }) = &event else { continue };
        if *of == name {
            of_the_name.push(event);
        }
    }
    let exited = BucketEvent::Exited { name: name.clone(), bucket: old, reason: Reason::Killed };
    assert_eq!(of_the_name, [exited, BucketEvent::Created { name, bucket: new }]);
    store.stop().await.unwrap();
}

/// Looks up what it is told of.
struct Looks(Registry);

impl Handler<BucketEvent> for Looks {
    type Call = Never;

    fn handle_event(&mut self, event: &BucketEvent, _cx: &mut HandlerCx<BucketEvent>) -> Reaction<BucketEvent> {
        match event {
            BucketEvent::Created { name, bucket } => assert_eq!(self.0.lookup(name).as_ref(), Some(bucket)),
            BucketEvent::Exited { name, .. } => assert_eq!(self.0.lookup(name), None),
            _ => unreachable!("there are no others"),
        }
        React::stay()
    }
}

#[tokio::test]
async fn a_handler_finds_what_it_is_told_was_created_and_not_what_has_ended() {
    let store = Store::start().await.unwrap();
    let events = store.events().await.unwrap();
    let looks = events.add_handler(Looks(store.registry().clone())).await.unwrap();
    for _ in 0..3 {
        store.create("shopping").await.unwrap().stop().await.unwrap();
    }
    store.lookup_ordered("shopping").await.unwrap();
    // Had an assertion failed, the handler would be gone.
    assert_eq!(events.which_handlers().await.unwrap(), [looks.id()]);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_name_has_1_to_255_bytes_of_any_text() {
    let store = Store::start().await.unwrap();
    let longest = "ä".repeat(NAME_MAX / 2) + "x";
    assert_eq!(longest.len(), NAME_MAX);
    let bucket = store.create(&longest).await.unwrap();
    assert_eq!(store.lookup(&longest), Some(bucket));
    let too_long = longest.clone() + "x";
    let refused = CreateError::Name(NameError::TooLong { bytes: 256 });
    assert_eq!(store.create(&too_long).await, Err(refused));
    assert_eq!(store.create("").await, Err(CreateError::Name(NameError::Empty)));
    assert!(store.create_later(&too_long).is_err());
    assert_eq!((store.lookup(&too_long), store.lookup("")), (None, None));
    assert_eq!(store.lookup_ordered(&too_long).await, Ok(None));
    for odd in [" ", "\n", "a b", "\u{0}", "💥"] {
        store.create(odd).await.unwrap();
        assert!(store.lookup(odd).is_some());
    }
    store.stop().await.unwrap();
}

#[tokio::test]
async fn names_are_listed_in_their_order() {
    let store = Store::start().await.unwrap();
    for name in ["pears", "apples", "Zebra", "ähren", "bread"] {
        store.create(name).await.unwrap();
    }
    assert_eq!(store.names(None, 100), ["Zebra", "apples", "bread", "pears", "ähren"]);
    store.lookup("bread").unwrap().stop().await.unwrap();
    assert_eq!(store.names(None, 100), ["Zebra", "apples", "pears", "ähren"]);
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_registry_goes_on_when_its_manager_is_gone_or_stuck_and_the_latter_is_reported() {
    let node = Node::current();
    let mut reports = node.reports();
    let manager = Manager::start().await.unwrap();
    let mut stuck = manager.stream();
    stuck.subscribe().await.unwrap();
    let registry = Registry::start(&manager).await.unwrap();
    registry.create_later("shopping").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let told = std::iter::from_fn(|| reports.try_next()).map(|report| report.to_string());
    let told: Vec<_> = told.filter(|report| report.starts_with("Registry")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("did not hear that its handlers have seen the event"), "{told:?}");

    drop(stuck);
    manager.stop().await.unwrap();
    let bucket = registry.create("holidays").await.unwrap();
    assert_eq!(registry.names(None, 100), ["holidays", "shopping"]);
    bucket.stop().await.unwrap();
    assert_eq!(registry.names(None, 100), ["shopping"]);
    assert_eq!(reports.try_next().map(|report| report.to_string()), None);
}

#[tokio::test]
async fn a_registry_of_its_own_takes_its_buckets_along() {
    let registry = Registry::start(Manager::start().await.unwrap()).await.unwrap();
    let bucket = registry.create("shopping").await.unwrap();
    registry.stop().await.unwrap();
    bucket.ended().await;
    assert_eq!(registry.lookup("shopping"), None);
    assert!(registry.create("shopping").await.is_err());
}

#[tokio::test]
async fn a_linked_store_ends_with_its_starter() {
    let me = Probe::<()>::new();
    let store = me.scope(async { Store::options().start_link().await }).await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    drop(me);
    bucket.ended().await;
    assert_eq!(store.lookup("shopping"), None);
}

#[tokio::test]
async fn pages_have_all_names_in_order_and_go_on_behind_buckets_that_have_ended() {
    let store = Store::start().await.unwrap();
    for number in (0..600).rev() {
        store.create(&format!("{number:04}")).await.unwrap();
    }
    let first = store.names(None, 400);
    let rest = store.names(first.last().map(|name| &**name), 400);
    assert_eq!((first.len(), rest.len()), (400, 200));
    assert!(first.iter().chain(&rest).map(ToString::to_string).eq((0..600).map(|number| format!("{number:04}"))));
    for number in 0..300 {
        store.lookup(&format!("{number:04}")).unwrap().kill();
    }
    assert_eq!(store.names(None, 3), ["0300", "0301", "0302"]);
    store.stop().await.unwrap();
}
