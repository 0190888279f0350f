//! Owners that give up while their bucket is loaded.

use std::pin::pin;

use futures::FutureExt as _;
use genserver_cluster::engine::model::{Faults, Model};
use kv_core::StorageErrorKind;

use super::*;

fn shopping() -> BucketName {
    "shopping".parse().expect("it is a name")
}

fn storage() -> OwnedStorage {
    let model = Model::new();
    // So that a load takes a while.
    model.set_faults(Faults::new().latency(std::time::Duration::from_millis(10)));
    OwnedStorage { log: Arc::new(LogStorage::over(model.member("a"))), grants: Arc::default() }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_loaded_once_for_a_grant_which_knows_whether_it_was_made() {
    let storage = storage();
    for is_new in [true, false] {
        let grant = storage.grants.give(shopping(), true);
        storage.load(&shopping()).await.unwrap();
        assert_eq!(grant.has_made(), is_new);
        assert_eq!(storage.load(&shopping()).await.unwrap_err().kind(), StorageErrorKind::NotOwner);
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_whose_owner_gives_up_is_nobodys() {
    let storage = storage();
    let grant = storage.grants.give(shopping(), true);
    let name = shopping();
    let mut loading = pin!(storage.load(&name));
    assert!(loading.as_mut().now_or_never().is_none());
    drop(grant);
    assert_eq!(loading.await.unwrap_err().kind(), StorageErrorKind::NotOwner);
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_is_dropped_late_leaves_the_next_one() {
    let storage = storage();
    let late = storage.grants.give(shopping(), true);
    let _next = storage.grants.give(shopping(), true);
    drop(late);
    storage.load(&shopping()).await.unwrap();
}
