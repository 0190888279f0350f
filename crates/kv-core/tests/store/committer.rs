//! A committer that ends under load, again and again: what was answered is kept, and clients are told.
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use genserver::CallError;
use kv_core::{
    BucketName, Commit, Durability, Entry, Fence, Loaded, Storage, StorageChange, StorageError, Store, WriteError,
};
use parking_lot::Mutex;

/// Panics in some commits, before it has done them or afterwards, and so ends the committer.
#[derive(Clone, Debug, Default)]
struct Fragile(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    panics: bool,
    commits: u64,
    fences: u64,
    buckets: BTreeMap<BucketName, (Fence, BTreeMap<Bytes, Bytes>)>,
}

#[async_trait]
impl Storage for Fragile {
    fn durability(&self) -> Durability {
        Durability::Program
    }

    async fn buckets(&self, _after: Option<&BucketName>, _limit: usize) -> Result<Vec<BucketName>, StorageError> {
        Ok(Vec::new())
    }

    async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
        let mut guard = self.0.lock();
        let inside = &mut *guard;
        inside.fences += 1;
        let (fence, entries) = inside.buckets.entry(bucket.clone()).or_insert((Fence::new(0), BTreeMap::new()));
        *fence = Fence::new(inside.fences);
        let entries = entries.iter().map(|(key, value)| Entry::new(key.clone(), value.clone())).collect();
        Ok(Loaded { fence: *fence, entries })
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        tokio::task::yield_now().await;
        let mut inside = self.0.lock();
        inside.commits += 1;
        let (panics, number) = (inside.panics, inside.commits);
        assert!(!panics || number % 6 != 0, "a bug before the commit");
        let one = |commit: Commit| {
            let (fence, entries) = inside.buckets.get_mut(&commit.bucket).expect("it was loaded");
            if *fence != commit.fence {
                return Err(StorageError::not_owner("it was loaded again"));
            }
            for change in commit.changes {
                match change {
                    StorageChange::Put(entry) => drop(entries.insert(entry.key, entry.value)),
                    StorageChange::Delete(key) => drop(entries.remove(&key)),
                }
            }
            Ok(())
        };
        let results = commits.into_iter().map(one).collect();
        assert!(!panics || number % 6 != 3, "a bug after the commit");
        results
    }

    async fn remove(&self, bucket: &BucketName, _fence: Fence) -> Result<(), StorageError> {
        self.0.lock().buckets.remove(bucket);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committer_that_ends_under_load_loses_nothing_that_was_answered() {
    let storage = Fragile::default();
    let store = Store::options().storage(storage.clone()).max_restarts(10_000).start().await.unwrap();
    storage.0.lock().panics = true;
    let client = |number: usize| {
        let store = store.clone();
        async move {
            let bucket = store.create(["shopping", "travel"][number % 2]).await.unwrap();
            let key = number.to_string();
            let (mut known, mut told) = (vec![None], 0);
            for value in 0..100 {
                let value = Some(Bytes::from(value.to_string()));
                match bucket.put(key.clone(), value.clone().unwrap()).await {
                    Ok(()) => known = vec![value],
                    // Nobody knows whether it is kept.
                    Err(WriteError::Call(CallError::NoReply { .. })) => {
                        told += 1;
                        known.push(value);
                    }
                    // The bucket was loaded again before this was committed, or the next committer is not there yet.
                    Err(WriteError::Storage(_)) => {}
                    Err(other) => panic!("the bucket goes on: {other}"),
                }
                // A read may wait for a committer that ends, too.
                if let Ok(found) = bucket.get(key.clone()).await {
                    assert!(known.contains(&found), "{key}: {found:?} is not one of {known:?}");
                    known = vec![found];
                }
            }
            (bucket, key, known, told)
        }
    };
    let clients: Vec<_> = (0..8).map(|number| tokio::spawn(client(number))).collect();
    let mut all = 0;
    let mut ends = Vec::new();
    for client in clients {
        let (bucket, key, known, told) = client.await.unwrap();
        all += told;
        ends.push((bucket, key, known));
    }
    assert!(all > 0, "the committer has ended while clients waited");
    storage.0.lock().panics = false;
    for (bucket, key, known) in ends {
        let found = bucket.get(key.clone()).await.unwrap();
        assert!(known.contains(&found), "{key}: {found:?} is not one of {known:?}");
    }
    store.stop().await.unwrap();
}
