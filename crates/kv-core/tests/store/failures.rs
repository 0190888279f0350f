//! The failures of the crate's page: every part ends once, with clients at work.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use genevent::{Forwarder, LagPolicy, NotifyMode, StreamError};
use genserver::{CallError, Letter, Probe, Reason};
use kv_core::{Bucket, BucketEvent, CreateError, Store, WriteError};
use tokio::task::JoinHandle;

/// Clients that create, write, read and stop, until they are told to leave.
struct Clients {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Counted>>,
}

#[derive(Default)]
struct Shared {
    leave: AtomicBool,
    errands: AtomicU64,
}

/// What the clients met with.
#[derive(Default, Debug)]
struct Counted {
    done: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Clients {
    fn begin(store: &Store, many: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let tasks = (0..many).map(|number| tokio::spawn(work(store.clone(), number, Arc::clone(&shared)))).collect();
        Self { shared, tasks }
    }

    /// Until they have been on a few more errands, whatever came of them.
    async fn go_on(&self) {
        let before = self.shared.errands.load(Ordering::Relaxed);
        until(async || self.shared.errands.load(Ordering::Relaxed) >= before + 10).await;
    }

    /// All of them leave, and in good time: none of them hangs.
    async fn end(self) -> Counted {
        self.shared.leave.store(true, Ordering::Relaxed);
        let mut all = Counted::default();
        for task in self.tasks {
            let one = tokio::time::timeout(Duration::from_mins(1), task).await.expect("a client hangs").unwrap();
            all.done += one.done;
            for (why, times) in one.refused {
                *all.refused.entry(why).or_default() += times;
            }
        }
        all
    }
}

async fn work(store: Store, number: usize, shared: Arc<Shared>) -> Counted {
    let mut counted = Counted::default();
    let mut round = 0_u64;
    while !shared.leave.load(Ordering::Relaxed) {
        round += 1;
        match once(&store, &format!("bucket {}", (number as u64 + round) % 5), round).await {
            Ok(()) => counted.done += 1,
            Err(why) => *counted.refused.entry(why).or_default() += 1,
        }
        shared.errands.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    counted
}

/// One client's errand. Whatever is answered is right; what is not answered says why.
async fn once(store: &Store, name: &str, round: u64) -> Result<(), &'static str> {
    let bucket = store.create(name).await.map_err(|error| match error {
        CreateError::Registry { .. } => "the registry did not answer",
        CreateError::NotStarted { .. } => "the bucket was not started",
        other => panic!("{other}"),
    })?;
    // A key of its own, so that nobody else changes it.
    let key = format!("{:?} {round}", tokio::task::id());
    bucket.put(key.clone(), "1").await.map_err(gone)?;
    let found = bucket.get(key).await.map_err(|error| gone(error.into()))?;
    assert_eq!(found, Some("1".into()), "what was answered is there");
    if round.is_multiple_of(7) {
        match bucket.stop().await {
            Ok(()) => assert!(store.lookup(name) != Some(bucket), "a bucket that was stopped is not found"),
            Err(_somebody_else) => {}
        }
    }
    Ok(())
}

fn gone(error: WriteError) -> &'static str {
    match error {
        WriteError::Call(CallError::NoProc { .. } | CallError::Exit { .. }) => "the bucket is gone",
        other => panic!("{other}"),
    }
}

/// Until `is_so`, which has to be within a minute.
async fn until(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("it is so within a minute");
}

/// Whether every bucket that runs has a name, once the registry has done what it was asked.
async fn has_no_strays(store: &Store) -> bool {
    store.lookup_ordered("none").await.unwrap();
    store.buckets().await.unwrap().count_children().await.unwrap().active == store.names(None, 100).len()
}

async fn patient_store() -> Store {
    Store::options().max_restarts(1000).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buckets_killed_under_load_free_their_names_and_nobody_hangs() {
    let store = patient_store().await;
    let clients = Clients::begin(&store, 8);
    for _ in 0..200 {
        for name in store.names(None, 100) {
            store.lookup(&name).inspect(Bucket::kill);
        }
        clients.go_on().await;
    }
    let counted = clients.end().await;
    assert!(counted.done > 0, "{counted:?}");
    assert!(!counted.refused.contains_key("the registry did not answer"), "{counted:?}");
    // Nothing is left over: what is found is alive, and the supervisor has no other children.
    until(async || has_no_strays(&store).await).await;
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_killed_under_load_comes_back_with_its_names() {
    let store = patient_store().await;
    let treasure = store.create("treasure").await.unwrap();
    treasure.put("gold", "1").await.unwrap();
    let clients = Clients::begin(&store, 8);
    for _ in 0..100 {
        until(async || store.registry().server().is_some()).await;
        store.registry().server().inspect(genserver::ServerRef::kill);
        // Reading needs no registry.
        assert_eq!(store.lookup("treasure"), Some(treasure.clone()));
        assert_eq!(treasure.get("gold").await.unwrap(), Some("1".into()));
        clients.go_on().await;
    }
    let counted = clients.end().await;
    assert!(counted.done > 0, "{counted:?}");
    assert_eq!(store.create("treasure").await.unwrap(), treasure, "the new registry knows it");
    // The buckets that a registry had started and not entered when it was killed are ended by the next one.
    until(async || has_no_strays(&store).await).await;
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_ended_without_a_registry_is_told_of_by_the_next_one() {
    let mut test = Probe::new();
    let store = Store::start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    store.events().await.unwrap().add_handler(Forwarder::to(test.sender())).await.unwrap();
    let registry = store.registry().server().unwrap();
    // On one thread nothing else runs between these two.
    registry.kill();
    bucket.kill();
    let exited = |event: &BucketEvent| matches!(event, BucketEvent::Exited { bucket: of, .. } if *of == bucket);
    test.expect(|letter| matches!(letter, Letter::Message(event) if exited(event))).await;
    assert_eq!(store.lookup("shopping"), None);
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_manager_that_crashes_comes_back_without_handlers() {
    let mut test = Probe::new();
    let store = Store::start().await.unwrap();
    let first = store.events().await.unwrap();
    first.add_handler(Forwarder::to(test.sender())).await.unwrap();
    let reference = test.monitor(&first);
    let mut stream = first.stream().mode(NotifyMode::Async);
    stream.subscribe().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(BucketEvent::Created { .. }))));
    assert!(matches!(test.expect_message().await, BucketEvent::Created { .. }));

    // Its end is visible to a monitor, and at the end of a stream.
    first.process_ref().exit(Reason::term("a bug"));
    assert_eq!(test.expect_down(reference).await.reason, Reason::term("a bug"));
    assert!(matches!(stream.next().await, Some(Err(StreamError::Died { .. }))));

    let second = store.events().await.unwrap();
    assert_ne!(first, second);
    assert_eq!(second.which_handlers().await.unwrap(), []);
    assert_eq!(store.lookup("shopping"), Some(bucket), "the buckets do not notice");
    second.add_handler(Forwarder::to(test.sender())).await.unwrap();
    let other = store.create("holidays").await.unwrap();
    let BucketEvent::Created { bucket, .. } = test.expect_message().await else { panic!("nothing has ended") };
    assert_eq!(bucket, other);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_manager_killed_under_load_stops_nobody() {
    let store = patient_store().await;
    let clients = Clients::begin(&store, 8);
    for _ in 0..100 {
        store.events().await.unwrap().process_ref().kill();
        clients.go_on().await;
    }
    let counted = clients.end().await;
    assert!(counted.done > 0, "{counted:?}");
    assert!(!counted.refused.contains_key("the registry did not answer"), "{counted:?}");
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_killed_under_load_takes_its_buckets_and_the_names_are_free() {
    let store = patient_store().await;
    let clients = Clients::begin(&store, 8);
    for _ in 0..100 {
        store.buckets().await.unwrap().process_ref().kill();
        clients.go_on().await;
    }
    let counted = clients.end().await;
    assert!(counted.done > 0, "{counted:?}");
    store.buckets().await.unwrap().process_ref().kill();
    until(async || store.names(None, 100).is_empty()).await;
    assert_eq!(store.create("shopping").await.unwrap().len().await, Ok(0));
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_end_of_every_bucket_of_a_killed_supervisor_is_told() {
    let mut test = Probe::new();
    let store = Store::start().await.unwrap();
    for name in ["a", "b", "c"] {
        store.create(name).await.unwrap();
    }
    store.events().await.unwrap().add_handler(Forwarder::to(test.sender())).await.unwrap();
    store.buckets().await.unwrap().process_ref().kill();
    let mut told = Vec::new();
    while told.len() < 3 {
        let BucketEvent::Exited { name, reason, .. } = test.expect_message().await else { panic!("none is created") };
        assert_eq!(reason, Reason::Killed);
        told.push(name.to_string());
    }
    told.sort();
    assert_eq!(told, ["a", "b", "c"]);
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_failure_too_many_ends_the_store_and_its_watchers_hear_of_it() {
    let store = Store::options().max_restarts(2).start().await.unwrap();
    let mut test = Probe::<()>::new();
    let reference = test.monitor(&store);
    let bucket = store.create("shopping").await.unwrap();
    for _ in 0..3 {
        store.events().await.unwrap().process_ref().kill();
    }
    assert_eq!(test.expect_down(reference).await.reason, Reason::Shutdown);
    assert_eq!(store.lookup("shopping"), None);
    assert!(!bucket.is_alive());
    assert!(matches!(store.create("shopping").await, Err(CreateError::Registry { .. })));
    assert!(store.create_later("shopping").is_err());
    assert!(store.lookup_ordered("shopping").await.is_err());
    assert!(store.events().await.is_err());
    assert!(store.buckets().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_slows_creating_down_and_nothing_else() {
    let store = Store::start().await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    let mut stuck = store.events().await.unwrap().stream().lag(LagPolicy::DropOldest);
    stuck.subscribe().await.unwrap();
    let creating = tokio::spawn({
        let store = store.clone();
        async move { store.create("holidays").await }
    });
    // It is created and told of, and the registry waits for the consumer.
    until(async || store.lookup("holidays").is_some()).await;
    bucket.put("milk", "1").await.unwrap();
    assert_eq!(store.lookup("shopping"), Some(bucket.clone()));
    assert!(!creating.is_finished());
    assert!(creating.await.unwrap().is_err(), "the client's five seconds are over as soon as the registry's");
    store.create("holidays").await.unwrap();
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_function_that_panics_ends_its_bucket_and_no_other() {
    let store = Store::start().await.unwrap();
    let (shopping, holidays) = (store.create("shopping").await.unwrap(), store.create("holidays").await.unwrap());
    let failed = shopping.update("milk", |_| -> () { panic!("a bug") }).await;
    assert!(matches!(failed, Err(WriteError::Call(CallError::Exit { .. }))), "{failed:?}");
    assert_eq!(store.names(None, 100), ["holidays"]);
    assert_eq!(holidays.len().await, Ok(0));
    store.stop().await.unwrap();
}
