//! Buckets that were made or removed by half, and loads that nobody waits for any more.

use genserver_cluster::engine::model::Model;
use kv_core::StorageErrorKind;

use super::*;

fn storage(model: &Model) -> LogStorage {
    LogStorage::over(model.member("a"))
}

fn shopping() -> BucketName {
    "shopping".parse().expect("it is a name")
}

async fn load(storage: &LogStorage, creates: bool) -> Result<bool, StorageErrorKind> {
    let loaded = storage.load_bucket(&shopping(), creates, &|| true).await;
    loaded.map(|(_, is_new)| is_new).map_err(|error| error.kind())
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_was_begun_and_not_claimed_is_made_by_the_next_load() {
    let storage = storage(&Model::new());
    let names = storage.names_log();
    storage.names.add(storage.log(&names), &shopping(), Position::default()).await.unwrap();
    assert_eq!(load(&storage, false).await, Ok(true));
    assert_eq!(load(&storage, false).await, Ok(false), "it is there by now");
}

#[tokio::test(start_paused = true)]
async fn the_name_that_a_removal_has_left_makes_no_bucket_and_goes() {
    let storage = storage(&Model::new());
    let (mut turn, _, is_new) = storage.claim(&shopping(), true, &|| true).await.unwrap();
    assert!(is_new);
    // All of a removal but the last step.
    storage.log(&storage.log_name(&shopping())).remove(&mut turn).await.unwrap();
    assert!(storage.contains(&shopping()).await.unwrap());
    assert_eq!(load(&storage, false).await, Err(StorageErrorKind::NotOwner));
    assert!(!storage.contains(&shopping()).await.unwrap());
    assert_eq!(load(&storage, true).await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_not_wanted_any_more_takes_the_log_from_nobody() {
    let storage = storage(&Model::new());
    let (mut turn, ..) = storage.claim(&shopping(), true, &|| true).await.unwrap();
    let refused = storage.load_bucket(&shopping(), false, &|| false).await.unwrap_err();
    assert_eq!(refused.kind(), StorageErrorKind::NotOwner);
    storage.log(&storage.log_name(&shopping())).commit(&mut turn, Vec::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_has_ended_leaves_no_turn() {
    let storage = storage(&Model::new());
    assert_eq!(load(&storage, true).await, Ok(true));
    assert_eq!(storage.turns.lock().len(), 1);
    storage.forget(&shopping());
    assert!(storage.turns.lock().is_empty());
}
