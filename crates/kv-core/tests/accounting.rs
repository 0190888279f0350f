//! What a store counts towards its limit is what the program grows by.
//!
//! The only test of its program: it counts what the whole program holds.
#![cfg(feature = "tokio")]

use std::alloc::System;
use std::time::Duration;

use async_trait::async_trait;
use kv_core::{BucketName, Commit, Durability, Fence, Loaded, Storage, StorageError, Store};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes the program holds.
fn held() -> usize {
    let stats = COUNTED.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// A storage that takes no memory.
#[derive(Debug)]
struct Forgetful;

#[async_trait]
impl Storage for Forgetful {
    fn durability(&self) -> Durability {
        Durability::Program
    }

    async fn buckets(&self, _: Option<&BucketName>, _: usize) -> Result<Vec<BucketName>, StorageError> {
        Ok(Vec::new())
    }

    async fn load(&self, _: &BucketName) -> Result<Loaded, StorageError> {
        Ok(Loaded { fence: Fence::new(0), entries: Vec::new() })
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        commits.into_iter().map(|_| Ok(())).collect()
    }

    async fn remove(&self, _: &BucketName, _: Fence) -> Result<(), StorageError> {
        Ok(())
    }
}

/// What the buckets are filled with.
struct Load {
    what: &'static str,
    buckets: usize,
    keys: usize,
    value: usize,
    expires: bool,
    is_read: bool,
    has_storage: bool,
}

const LOADS: [Load; 12] = [
    Load {
        what: "one bucket of small values",
        buckets: 1,
        keys: 20_000,
        value: 8,
        expires: false,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "the same, read",
        buckets: 1,
        keys: 20_000,
        value: 8,
        expires: false,
        is_read: true,
        has_storage: false,
    },
    Load {
        what: "a full map of small values",
        buckets: 1,
        keys: 28_000,
        value: 8,
        expires: false,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "small values that expire",
        buckets: 1,
        keys: 20_000,
        value: 8,
        expires: true,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "values of 100 bytes",
        buckets: 1,
        keys: 20_000,
        value: 100,
        expires: false,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "values of 10,000 bytes",
        buckets: 1,
        keys: 1_000,
        value: 10_000,
        expires: false,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "many empty buckets",
        buckets: 5_000,
        keys: 0,
        value: 0,
        expires: false,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "many buckets of one key",
        buckets: 5_000,
        keys: 1,
        value: 8,
        expires: false,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "many buckets of ten keys",
        buckets: 2_000,
        keys: 10,
        value: 8,
        expires: false,
        is_read: false,
        has_storage: false,
    },
    Load {
        what: "empty buckets with a storage",
        buckets: 5_000,
        keys: 0,
        value: 0,
        expires: false,
        is_read: false,
        has_storage: true,
    },
    Load {
        what: "buckets with a storage and ten keys",
        buckets: 2_000,
        keys: 10,
        value: 8,
        expires: false,
        is_read: false,
        has_storage: true,
    },
    Load {
        what: "one bucket with a storage",
        buckets: 1,
        keys: 20_000,
        value: 8,
        expires: false,
        is_read: false,
        has_storage: true,
    },
];

#[tokio::test]
async fn what_a_store_counts_is_what_the_program_grows_by_to_within_a_tenth() {
    let (mut seen, mut is_wrong) = (Vec::new(), false);
    for load in &LOADS {
        let options = if load.has_storage { Store::options().storage(Forgetful) } else { Store::options() };
        let store = options.start().await.unwrap();
        // Whatever is made once is made before.
        store.create("before").await.unwrap().remove().await.unwrap();
        store.lookup_ordered("before").await.unwrap();
        let (before, counted_before) = (held(), store.memory());
        for number in 0..load.buckets {
            let bucket = store.create(&format!("bucket {number}")).await.unwrap();
            for key in 0..load.keys {
                // In an order that is not that of the keys.
                let key = format!("key {}", key * 7919 % load.keys);
                let value = vec![0; load.value];
                if load.expires {
                    bucket.put_expiring(key.clone(), value, Duration::from_hours(1)).await.unwrap();
                } else {
                    bucket.put(key.clone(), value).await.unwrap();
                }
                if load.is_read {
                    bucket.get(key).await.unwrap();
                }
            }
        }
        let (grown, counted) = (held() - before, store.memory() - counted_before);
        let share = counted * 100 / grown;
        seen.push(format!("{}: {grown} bytes, of which {share} % are counted", load.what));
        is_wrong |= !(90..=110).contains(&share);
        store.stop().await.unwrap();
    }
    assert!(!is_wrong, "{seen:#?}");
}
