//! What an empty bucket costs, and that names that came and went cost nothing.
//!
//! The only tests of their program, one after the other: they count what the whole program holds.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::alloc::System;

use kv_core::Store;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes the program holds.
fn held() -> i64 {
    let stats = COUNTED.stats();
    i64::try_from(stats.bytes_allocated).unwrap() - i64::try_from(stats.bytes_deallocated).unwrap()
}

#[tokio::test]
async fn a_bucket_is_cheap_and_names_that_came_and_went_cost_nothing() {
    come_and_go(20_000).await;
}

#[tokio::test]
#[ignore = "long: cargo xtask soak"]
async fn a_million_names_that_came_and_went_cost_nothing() {
    come_and_go(1_000_000).await;
}

async fn come_and_go(many: i64) {
    let store = Store::start().await.unwrap();
    // Whatever is made once is made before.
    for turn in 0..2_000 {
        store.create(&format!("before {turn}")).await.unwrap().stop().await.unwrap();
    }
    store.lookup_ordered("none").await.unwrap();
    let before = held();

    // All at once, ...
    // Queues and maps keep some space when they are empty, the same whether few names have come and gone or many.
    let allowed = 160 * 1024;
    let mut buckets = Vec::new();
    for number in 0..many {
        buckets.push(store.create(&format!("bucket {number}")).await.unwrap());
    }
    let each = (held() - before) / many - 8;
    for some in buckets.chunks(100) {
        for bucket in some {
            bucket.stop().await.unwrap();
        }
        // The registry hears of each end, and is not to fall behind: an answer waits for all that it has heard of before.
        store.lookup_ordered("none").await.unwrap();
    }
    drop(buckets);
    let left = held() - before;
    assert!(left < allowed, "{left} bytes are left of {many} names");

    // ... and one after the other, each with another name.
    for number in 0..many {
        store.create(&format!("passing {number}")).await.unwrap().remove().await.unwrap();
    }
    store.lookup_ordered("none").await.unwrap();
    let left = held() - before;
    assert!(left < allowed, "{left} bytes are left of {many} names");
    assert!(each <= BYTES_PER_BUCKET, "an empty bucket takes {each} bytes");
    store.stop().await.unwrap();
}

/// The process, its supervisor's and its registry's notes of it, its name, and its places in two tables and in the order of the names.
/// The tables double when they are full, so it depends on the number of buckets. 40 of them are for `metrics` and `tracing` of
/// `genserver`, which the tests of the whole workspace have.
const BYTES_PER_BUCKET: i64 = 833;
