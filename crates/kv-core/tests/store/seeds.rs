//! The seeds' tests of their registry, line for line, on this crate's: both ways to create and to look up.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use genevent::{Forwarder, HandlerGone, Manager};
use genserver::{AsProcess, Letter, Probe, Reason, supervised};
use kv_core::{Bucket, BucketEvent, KeyPage, Registry};

/// How a seed's `create` and `lookup` are said here.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    /// `create`, a call that is in the table before it answers, and `lookup`, which reads the table.
    Table,
    /// The seeds' own: `create_later`, a cast, and `lookup_ordered`, a call.
    Ordered,
}

const WAYS: [Way; 2] = [Way::Table, Way::Ordered];

impl Way {
    async fn create(self, registry: &Registry, name: &str) {
        match self {
            Self::Table => drop(registry.create(name).await.unwrap()),
            Self::Ordered => registry.create_later(name).unwrap(),
        }
    }

    async fn lookup(self, registry: &Registry, name: &str) -> Option<Bucket> {
        match self {
            Self::Table => registry.lookup(name),
            Self::Ordered => registry.lookup_ordered(name).await.unwrap(),
        }
    }
}

async fn registry() -> Registry {
    Registry::start(Manager::start().await.unwrap()).await.unwrap()
}

/// What arrives at a test: events, and the news that its handler has gone.
#[derive(Debug, PartialEq)]
enum Heard {
    Event(BucketEvent),
    HandlerGone(HandlerGone),
}

/// `assert_receive {:create, "shopping", ^bucket}`, or with `:exit`.
async fn assert_receive(test: &mut Probe<Heard>, wanted: impl Fn(&BucketEvent) -> bool) {
    test.expect(|letter| matches!(letter, Letter::Message(Heard::Event(event)) if wanted(event))).await;
}

/// `setup`, with `link: true` of seed 000 or `add_mon_handler` of seed 001, and the test "sends events on create and crash".
async fn sends_events_on_create_and_crash(way: Way, linked: bool) {
    let mut test = Probe::<Heard>::new();
    let manager = test.scope(async { Manager::start_link().await }).await.unwrap();
    let registry = test.scope(async { Registry::start_link(&manager).await }).await.unwrap();
    let forwarder = manager.add_handler(Forwarder::to(test.sender().recipient(Heard::Event)));
    if linked {
        forwarder.owned_by(test.sender().recipient(Heard::HandlerGone)).await.unwrap();
    } else {
        forwarder.bound_to(&test).await.unwrap();
    }

    way.create(&registry, "shopping").await;
    let bucket = way.lookup(&registry, "shopping").await.unwrap();
    assert_receive(
        &mut test,
        |event| matches!(event, BucketEvent::Created { name, bucket: of } if name == "shopping" && *of == bucket),
    )
    .await;

    bucket.stop().await.unwrap();
    assert_receive(
        &mut test,
        |event| matches!(event, BucketEvent::Exited { name, bucket: of, .. } if name == "shopping" && *of == bucket),
    )
    .await;
}

// also: GE-153
#[tokio::test]
async fn seed_000_sends_events_on_create_and_crash() {
    for way in WAYS {
        sends_events_on_create_and_crash(way, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_000_sends_events_on_two_threads_as_well() {
    for turn in 0..100 {
        sends_events_on_create_and_crash(WAYS[turn % 2], true).await;
    }
}

#[tokio::test]
async fn seed_001_sends_events_on_create_and_crash() {
    for way in WAYS {
        sends_events_on_create_and_crash(way, false).await;
    }
}

/// `test "spawns todo lists"`, with the items as the keys of a bucket.
#[tokio::test]
async fn seed_003_spawns_todo_lists() {
    for way in WAYS {
        let manager = registry().await;
        assert_eq!(way.lookup(&manager, "shopping").await, None);
        way.create(&manager, "shopping").await;

        let todo = way.lookup(&manager, "shopping").await.unwrap();
        todo.put("eggs", "").await.unwrap();
        assert_eq!(todo.keys(KeyPage::first(10)).await.unwrap(), ["eggs"]);
        // `on_exit(fn -> Todo.Manager.stop(manager) end)`
        assert_eq!(manager.stop().await, Ok(()));
    }
}

/// `test "removes todo lists on exit"`, with its `kill_with`: monitored, stopped, and waited for.
#[tokio::test(start_paused = true)]
async fn seed_003_removes_todo_lists_on_exit() {
    for way in WAYS {
        let manager = registry().await;
        way.create(&manager, "shopping").await;
        let todo = way.lookup(&manager, "shopping").await.unwrap();

        let mut test = Probe::<()>::new();
        let reference = test.monitor(&todo);
        todo.stop().await.unwrap();
        test.expect_down(reference).await;
        assert_eq!(way.lookup(&manager, "shopping").await, None);
    }
}

/// `test "spawns buckets"`, with `start_supervised!`.
// also: GE-156
#[tokio::test]
async fn seed_004_spawns_buckets() {
    for way in WAYS {
        let registry = registry().await;
        assert_eq!(way.lookup(&registry, "shopping").await, None);

        way.create(&registry, "shopping").await;
        let bucket = way.lookup(&registry, "shopping").await.unwrap();

        bucket.put("milk", "1").await.unwrap();
        assert_eq!(bucket.get("milk").await.unwrap(), Some("1".into()));
    }
}

/// `test "removes buckets on exit"`: sound as it stands, for when `stop` returns the registry has heard of the end.
// also: GE-157
async fn removes_buckets_on_exit() {
    for way in WAYS {
        let registry = registry().await;
        for _ in 0..250 {
            way.create(&registry, "shopping").await;
            let bucket = way.lookup(&registry, "shopping").await.unwrap();
            bucket.stop().await.unwrap();
            assert_eq!(way.lookup(&registry, "shopping").await, None);
        }
    }
}

#[tokio::test]
async fn seed_004_removes_buckets_on_exit() {
    removes_buckets_on_exit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_004_removes_buckets_on_exit_on_two_threads() {
    removes_buckets_on_exit().await;
}

/// Creating is done once: "ensures there is a bucket associated with the given name".
// also: GE-158
#[tokio::test]
async fn seed_004_a_second_create_keeps_the_bucket() {
    for way in WAYS {
        let registry = registry().await;
        way.create(&registry, "shopping").await;
        let bucket = way.lookup(&registry, "shopping").await;
        way.create(&registry, "shopping").await;
        assert_eq!(way.lookup(&registry, "shopping").await, bucket);
    }
}

/// The two ways are two views of one registry.
#[tokio::test]
async fn what_one_way_creates_the_other_finds() {
    let registry = registry().await;
    registry.create_later("shopping").unwrap();
    let bucket = registry.lookup_ordered("shopping").await.unwrap();
    assert_eq!(registry.lookup("shopping"), bucket);
    assert_eq!(registry.create("shopping").await.ok(), bucket);
}

/// `test/bucket_test.exs`, with the set-up that the text recommends: `start_supervised!`.
#[tokio::test]
async fn seed_004_stores_values_by_key() {
    supervised(async |test| {
        let bucket = test.start_supervised(Bucket::start_link()).await;
        assert_eq!(bucket.get("milk").await.unwrap(), None);
        bucket.put("milk", "3").await.unwrap();
        assert_eq!(bucket.get("milk").await.unwrap(), Some("3".into()));
    })
    .await;
}

/// "The proper fix is to actually not link the bucket to the registry": a crash of a bucket is news to it, and nothing worse.
#[tokio::test]
async fn seed_004_the_crash_of_a_bucket_leaves_its_registry() {
    for way in WAYS {
        let registry = registry().await;
        way.create(&registry, "shopping").await;
        let bucket = way.lookup(&registry, "shopping").await.unwrap();
        bucket.as_process().unwrap().exit(Reason::term("a bug"));
        assert_eq!(bucket.ended().await, Reason::term("a bug"));
        assert_eq!(way.lookup(&registry, "shopping").await, None);
        assert!(registry.server().unwrap().is_alive());
    }
}
