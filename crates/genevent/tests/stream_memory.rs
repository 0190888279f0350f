//! The memory of a slow consumer: no more than its buffer, and given back after a burst.
//!
//! The only test of its program: it counts what the whole program holds.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::alloc::System;

use futures::StreamExt;
use genevent::{EventStream, LagPolicy, Manager, STREAM_BUFFER_DEFAULT, StreamError};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes the program holds.
fn held() -> isize {
    let stats = COUNTED.stats();
    isize::try_from(stats.bytes_allocated).unwrap() - isize::try_from(stats.bytes_deallocated).unwrap()
}

/// An event of 128 bytes.
type Event = [u64; 16];

/// What a consumer may cost besides its events.
const BESIDES: isize = 64 * 1024;

fn bound(capacity: usize) -> isize {
    // A buffer grows by doubling, and an event in it has a note who waits for it.
    isize::try_from(2 * capacity * (size_of::<Event>() + 16)).unwrap() + BESIDES
}

/// Sends so many events, a thousand at a time. What the program held at most, more than before.
async fn flood(manager: &Manager<Event>, events: u64) -> isize {
    let before = held();
    let mut most = 0;
    for number in 0..events {
        manager.notify([number; 16]).unwrap();
        if number % 1_000 == 999 {
            // The manager takes what there is, and waits for nobody.
            manager.which_handlers().await.unwrap();
            most = most.max(held() - before);
        }
    }
    most
}

async fn drain(stream: &mut EventStream<Event>) -> (u64, u64) {
    let (mut received, mut lost) = (0, 0);
    while let Ok(item) = tokio::time::timeout(std::time::Duration::ZERO, stream.next()).await {
        match item.unwrap() {
            Ok(_) => received += 1,
            Err(StreamError::Lagged { missed }) => lost += missed,
            Err(error) => panic!("{error}"),
        }
    }
    (received, lost)
}

#[tokio::test]
async fn a_slow_consumer_keeps_to_its_bound_and_gives_it_back() {
    let manager = Manager::<Event>::start().await.unwrap();
    // What is made once is made here.
    flood(&manager, 5_000).await;

    let mut slow = manager.stream();
    slow.subscribe().await.unwrap();
    let mut short = manager.stream().buffer(8).lag(LagPolicy::End);
    short.subscribe().await.unwrap();
    let before = held();
    for _ in 0..3 {
        let most = flood(&manager, 200_000).await;
        assert!(most < bound(STREAM_BUFFER_DEFAULT), "{most} bytes");
        let (received, lost) = drain(&mut slow).await;
        assert_eq!((received, lost), (STREAM_BUFFER_DEFAULT as u64, 200_000 - STREAM_BUFFER_DEFAULT as u64));
        let left = held() - before;
        assert!(left < BESIDES, "{left} bytes are left of {most}");
    }
    assert_eq!(short.by_ref().count().await, 9, "what it held, and why it ended");
    drop((slow, short));

    // A large buffer, filled once.
    let mut large = manager.stream().buffer(60_000).lag(LagPolicy::Wait);
    large.subscribe().await.unwrap();
    let most = flood(&manager, 60_000).await;
    assert!(most > 60_000 * 128, "the burst was none: {most}");
    assert_eq!(drain(&mut large).await, (60_000, 0));
    let left = held() - before;
    assert!(left < BESIDES, "{left} bytes are left of {most}");

    // A consumer that goes away with a full buffer, though no event comes after it.
    flood(&manager, 60_000).await;
    drop(large);
    let left = held() - before;
    assert!(left < BESIDES, "{left} bytes are left");
}
