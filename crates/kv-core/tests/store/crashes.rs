//! Crashes in a store whose storage keeps the entries: what ends comes back by itself, with its entries.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use genevent::Forwarder;
use genserver::supervisor::Supervisor;
use genserver::{AsProcess, Probe, Reason};
use kv_core::{BucketEvent, CreateError, Store};

use crate::storage::{Shelf, store};

async fn watched(store: &Store) -> Probe<BucketEvent> {
    let probe = Probe::new();
    store.events().await.unwrap().add_handler(Forwarder::to(probe.sender())).await.unwrap();
    probe
}

async fn exited(probe: &mut Probe<BucketEvent>) -> Reason {
    match probe.expect_message().await {
        BucketEvent::Exited { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

async fn created(probe: &mut Probe<BucketEvent>) {
    let event = probe.expect_message().await;
    assert!(matches!(event, BucketEvent::Created { .. }), "{event:?}");
}

#[tokio::test]
async fn a_bucket_that_is_killed_or_panics_runs_again_with_its_entries() {
    let store = store(&Shelf::default()).await;
    let mut bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    let mut probe = watched(&store).await;
    for panics in [false, true] {
        if panics {
            bucket.update("milk", |_| panic!("of a client's function")).await.unwrap_err();
        } else {
            bucket.kill();
        }
        let reason = exited(&mut probe).await;
        assert_eq!(matches!(reason, Reason::Panic(_)), panics, "{reason:?}");
        created(&mut probe).await;
        bucket = store.lookup("shopping").unwrap();
        assert_eq!(bucket.get("milk").await.unwrap(), Some("1".into()));
    }
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_was_asked_to_end_stays_away() {
    let store = store(&Shelf::default()).await;
    let mut probe = watched(&store).await;
    for removes in [false, true] {
        let bucket = store.create("shopping").await.unwrap();
        created(&mut probe).await;
        if removes {
            bucket.remove().await.unwrap();
        } else {
            bucket.stop().await.unwrap();
        }
        assert_eq!(exited(&mut probe).await, Reason::Normal);
        assert_eq!(store.lookup_ordered("shopping").await.unwrap(), None);
    }
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_crashed_bucket_whose_entries_cannot_be_read_leaves_its_name_free() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    let mut probe = watched(&store).await;
    shelf.fail(true);
    bucket.kill();
    exited(&mut probe).await;
    assert_eq!(store.lookup_ordered("shopping").await.unwrap(), None);
    assert!(matches!(store.create("shopping").await, Err(CreateError::NotStarted { .. })));
    shelf.fail(false);
    assert_eq!(store.create("shopping").await.unwrap().get("milk").await.unwrap(), Some("1".into()));
    store.stop().await.unwrap();
}

#[tokio::test]
async fn all_buckets_run_again_after_the_end_of_their_supervisor() {
    let store = store(&Shelf::default()).await;
    for name in ["a", "b", "c"] {
        store.create(name).await.unwrap().put("k", name).await.unwrap();
    }
    let mut probe = watched(&store).await;
    store.buckets().await.unwrap().process_ref().kill();
    for _ in 0..6 {
        probe.expect_message().await;
    }
    for name in ["a", "b", "c"] {
        assert_eq!(store.lookup(name).unwrap().get("k").await.unwrap(), Some(name.into()));
    }
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_a_child_comes_back_with_its_entries() {
    let shelf = Shelf::default();
    let (spec, store) = Store::options().storage(shelf.clone()).child_spec("store");
    assert_eq!((store.lookup("shopping"), store.as_process()), (None, None), "it has not been started");
    let application = Supervisor::one_for_one().child(spec).start().await.unwrap();
    store.create("shopping").await.unwrap().put("milk", "1").await.unwrap();
    for _ in 0..2 {
        let before = store.as_process().unwrap();
        before.kill();
        // Waits for the restart.
        store.events().await.unwrap();
        assert_ne!(store.as_process(), Some(before));
        assert_eq!(store.names(None, 100), ["shopping"]);
        assert_eq!(store.lookup("shopping").unwrap().get("milk").await.unwrap(), Some("1".into()));
        assert_eq!(store.buckets().await.unwrap().count_children().await.unwrap().active, 1);
    }
    application.stop().await.unwrap();
    assert!(matches!(store.create("shopping").await, Err(CreateError::Registry { .. })));
    assert_eq!((store.lookup("shopping"), store.as_process()), (None, None), "its supervisor has ended");
}

#[tokio::test]
async fn what_asks_a_child_store_before_it_is_started_waits_for_it() {
    let (spec, store) = Store::options().child_spec("store");
    let start = async { Supervisor::one_for_one().child(spec).start().await.unwrap() };
    // Asked first.
    let (created, application) = futures::future::join(store.create("shopping"), start).await;
    assert!(created.unwrap().is_alive());
    application.stop().await.unwrap();
}

#[tokio::test]
async fn a_child_store_whose_storage_does_not_say_what_it_keeps_does_not_start() {
    let shelf = Shelf::default();
    shelf.fail(true);
    let (spec, store) = Store::options().storage(shelf).child_spec("store");
    Supervisor::one_for_one().child(spec).start().await.unwrap_err();
    assert!(matches!(store.create("shopping").await, Err(CreateError::Registry { .. })));
}
