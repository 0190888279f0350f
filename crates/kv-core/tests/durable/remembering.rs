//! What a store in a folder remembers.

use std::time::Duration;

use kv_core::{
    BucketName, Commit, Durable, DurableMode, Entry, KeyPage, Storage, StorageChange, StorageErrorKind, Store,
};

use super::open;

#[tokio::test]
async fn what_was_answered_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let shopping = store.create("shopping").await.unwrap();
    store.create("empty").await.unwrap();
    for number in 0..100 {
        shopping.put(format!("key {number}"), format!("value {number}")).await.unwrap();
    }
    shopping.delete("key 50").await.unwrap();
    store.stop().await.unwrap();

    let store = open(folder.path()).await;
    store.lookup_ordered("shopping").await.unwrap();
    assert_eq!(store.names(None, 100), ["empty", "shopping"]);
    let shopping = store.lookup("shopping").unwrap();
    assert_eq!(shopping.len().await.unwrap(), 99);
    assert_eq!(shopping.get("key 50").await.unwrap(), None);
    assert_eq!(shopping.get("key 99").await.unwrap(), Some("value 99".into()));
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_removed_bucket_is_gone_and_the_next_of_its_name_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let shopping = store.create("shopping").await.unwrap();
    for number in 0..2_500 {
        let puts = vec![kv_core::Operation::Put(format!("key {number}").into(), "1".into())];
        shopping.apply(puts).await.unwrap();
    }
    shopping.remove().await.unwrap();
    assert_eq!(store.create("shopping").await.unwrap().len().await.unwrap(), 0);
    store.stop().await.unwrap();

    let store = open(folder.path()).await;
    let shopping = store.create("shopping").await.unwrap();
    assert_eq!(shopping.entries(KeyPage::first(9)).await.unwrap(), []);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_was_loaded_again_can_be_changed_under_its_last_fence_only() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Durable::open(folder.path()).await.unwrap();
    let bucket = BucketName::new("shopping").unwrap();
    let fences = [storage.load(&bucket).await.unwrap().fence, storage.load(&bucket).await.unwrap().fence];
    let commit = |fence, value: &'static str| {
        let changes = vec![StorageChange::Put(Entry::new("milk", value))];
        storage.commit(vec![Commit { bucket: bucket.clone(), fence, changes }])
    };
    assert_eq!(commit(fences[1], "2").await, [Ok(())]);
    let refused = commit(fences[0], "1").await.remove(0).unwrap_err();
    assert_eq!(refused.kind(), StorageErrorKind::NotOwner);
    assert_eq!(storage.remove(&bucket, fences[0]).await.unwrap_err().kind(), StorageErrorKind::NotOwner);
    assert_eq!(storage.load(&bucket).await.unwrap().entries, [Entry::new("milk", "2")]);
}

#[tokio::test]
async fn many_writers_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Durable::options(folder.path()).mode(DurableMode::Buffered).open().await.unwrap();
    let store = Store::options().storage(storage).start().await.unwrap();
    let shopping = store.create("shopping").await.unwrap();
    let puts = (0..1_000).map(|number| shopping.put(format!("key {number}"), "1"));
    futures::future::try_join_all(puts).await.unwrap();
    assert_eq!(shopping.len().await.unwrap(), 1_000);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn the_longest_time_without_a_sync_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let within = Duration::from_millis(40);
    let storage = Durable::options(folder.path()).mode(DurableMode::Every(within)).open().await.unwrap();
    let store = Store::options().storage(storage.clone()).start().await.unwrap();
    let shopping = store.create("shopping").await.unwrap();
    let mut number = 0;
    // Twice, so that one sync follows the other.
    for known in [Duration::ZERO, Duration::from_millis(1)] {
        while storage.longest_unsynced() <= known {
            number += 1;
            shopping.put("milk", number.to_string()).await.unwrap();
        }
    }
    store.stop().await.unwrap();
    println!(
        "{number} commits, each synced {:?} later at the latest; promised: {within:?}",
        storage.longest_unsynced()
    );
    drop(storage);
    let store = open(folder.path()).await;
    assert_eq!(store.create("shopping").await.unwrap().get("milk").await.unwrap(), Some(number.to_string().into()));
    store.stop().await.unwrap();
}
