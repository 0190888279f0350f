//! What a store says of a storage that fails, and how it finds out that the storage works again.

use std::time::Duration;

use genserver::report::{CustomReport, Level, Report, Reports};
use genserver::supervisor::Supervisor;
use genserver::{Node, time};
use kv_core::{CreateError, Store, WriteError};

use crate::storage::{Shelf, store};

/// Until the store says this of its storage, for which it has some seconds.
async fn until_it_works(store: &Store, works: bool) {
    let waiting = async {
        while store.storage_error().is_none() != works {
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    time::timeout(Duration::from_secs(5), waiting).await.expect("it is so within seconds");
}

#[tokio::test(start_paused = true)]
async fn a_store_says_why_its_storage_takes_no_changes_until_one_works() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap();
    assert_eq!(store.storage_error(), None);
    shelf.fail(true);
    // A client that has the error finds it.
    let Err(WriteError::Storage(error)) = bucket.put("milk", "2").await else { panic!("it fails") };
    assert_eq!(store.storage_error(), Some(error));
    assert_eq!(bucket.get("milk").await.unwrap(), Some("1".into()));
    shelf.fail(false);
    bucket.put("milk", "3").await.unwrap();
    assert_eq!(store.storage_error(), None);
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_has_failed_is_tried_again_without_any_client() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    let bucket = store.create("shopping").await.unwrap();
    for _ in 0..2 {
        shelf.fail(true);
        bucket.put("milk", "1").await.unwrap_err();
        time::sleep(Duration::from_secs(10)).await;
        assert!(store.storage_error().is_some(), "each try has failed");
        shelf.fail(false);
        until_it_works(&store, true).await;
    }
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_cannot_be_loaded_tells_of_its_storage() {
    let shelf = Shelf::default();
    let store = store(&shelf).await;
    shelf.fail(true);
    assert!(matches!(store.create("shopping").await, Err(CreateError::NotStarted { .. })));
    until_it_works(&store, false).await;
    shelf.fail(false);
    until_it_works(&store, true).await;
    store.create("shopping").await.unwrap();
    store.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_was_loaded_again_says_nothing_of_the_storage() {
    let shelf = Shelf::default();
    let (first, second) = (store(&shelf).await, store(&shelf).await);
    let bucket = first.create("shopping").await.unwrap();
    second.create("shopping").await.unwrap();
    bucket.put("milk", "1").await.unwrap_err();
    assert_eq!(first.storage_error(), None);
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

/// The next report of a committer.
async fn told(reports: &mut Reports) -> CustomReport {
    loop {
        if let Some(Report::Custom(told)) = reports.next().await
            && told.kind == "Committer"
        {
            return told;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_failures_of_a_minute_and_their_end_are_two_reports() {
    let node = Node::new();
    let mut reports = node.reports();
    let shelf = Shelf::default();
    let (spec, store) = Store::options().storage(shelf.clone()).child_spec("store");
    let application = Supervisor::one_for_one().child(spec).start().on(&node).await.unwrap();
    let bucket = store.create("shopping").await.unwrap();
    for _ in 0..10 {
        shelf.fail(true);
        for _ in 0..10 {
            bucket.put("milk", "1").await.unwrap_err();
        }
        shelf.fail(false);
        bucket.put("milk", "1").await.unwrap();
    }
    let begun = told(&mut reports).await;
    assert_eq!(
        (begun.level, begun.what.as_ref()),
        (
            Level::Error,
            "the storage takes no changes: clients get an error, and reads go on; it is tried again each second"
        )
    );
    assert_eq!(begun.detail("why"), Some("the storage failed: the shelf broke; mend it"));
    let over = told(&mut reports).await;
    assert_eq!((over.level, over.what.as_ref()), (Level::Warning, "the storage takes changes again"));
    time::sleep(Duration::from_mins(1)).await;
    shelf.fail(true);
    bucket.put("milk", "1").await.unwrap_err();
    assert_eq!(told(&mut reports).await.level, Level::Error, "none has come between");
    application.stop().await.unwrap();
}
