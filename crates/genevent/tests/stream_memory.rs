//! The memory of streams: no more than the buffer of the slowest, given back after a burst, and nothing for an event.
//!
//! Each test counts what its whole program holds, so each starts the program again for itself alone. It is not enough that they
//! run one after the other: the harness allocates when a test has ended, which on a busy machine is when the next one counts.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::alloc::System;
use std::process::Command;

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

/// Runs a test in a program that runs nothing else.
fn alone(test: impl Future<Output = ()>) {
    const IS_ALONE: &str = "GENEVENT_STREAM_MEMORY_ALONE";
    if std::env::var_os(IS_ALONE).is_none() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        // The harness names the thread of a test after it. With one thread for tests, it only waits while the test runs.
        again.args(["--exact", std::thread::current().name().unwrap(), "--test-threads", "1"]).env(IS_ALONE, "");
        let ended = again.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        // A name that no test has would be a success, too.
        assert!(ended.status.success() && out.contains("1 passed"), "{}\n{out}\n{err}", ended.status);
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(test);
}

/// An event of 128 bytes.
type Event = [u64; 16];

/// What a consumer may cost besides its events: 32 KiB of the log are kept for later events.
const BESIDES: isize = 48 * 1024;

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

#[test]
fn a_slow_consumer_keeps_to_its_bound_and_gives_it_back() {
    alone(async {
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
    });
}

/// Streams of numbers that nobody polls.
async fn idle_streams(manager: &Manager<u64>, streams: usize) -> Vec<EventStream<u64>> {
    let mut idle = Vec::with_capacity(streams);
    for _ in 0..streams {
        let mut stream = manager.stream();
        stream.subscribe().await.unwrap();
        idle.push(stream);
    }
    idle
}

#[test]
fn ten_thousand_idle_streams_take_less_than_four_mebibytes() {
    alone(async {
        let manager = Manager::start().await.unwrap();
        let before = held();
        let idle = idle_streams(&manager, 10_000).await;
        let beside = isize::try_from(size_of_val(&*idle)).unwrap();
        let taken = held() - before;
        assert!(taken < 4 * 1024 * 1024, "{taken} bytes, and {beside} of them are the streams themselves");
    });
}

/// Nobody sends an event, at which the manager would notice those that are gone.
#[test]
fn streams_that_come_and_go_without_an_event_leave_no_memory() {
    alone(async {
        let manager = Manager::start().await.unwrap();
        let come_and_go = async |streams| {
            for _ in 0..streams {
                drop(idle_streams(&manager, 1).await);
            }
        };
        come_and_go(100).await;
        let before = held();
        come_and_go(10_000).await;
        let left = held() - before;
        assert!(left < 8 * 1024, "{left} bytes are left");
    });
}

/// The log holds the events once, whatever the number of streams.
#[test]
fn a_stream_with_a_full_buffer_takes_256_bytes_besides_the_log() {
    alone(async {
        let manager = Manager::start().await.unwrap();
        let first = idle_streams(&manager, 1).await;
        for event in 0..STREAM_BUFFER_DEFAULT {
            manager.notify_wait(event as u64).await.unwrap();
        }
        manager.which_handlers().await.unwrap();
        let before = held();
        let idle = idle_streams(&manager, 1_000).await;
        for event in 0..STREAM_BUFFER_DEFAULT {
            manager.notify_wait(event as u64).await.unwrap();
        }
        manager.which_handlers().await.unwrap();
        // The user's own.
        let beside = isize::try_from(size_of_val(&*idle)).unwrap();
        let each = (held() - before - beside) / 1_000;
        assert!(each <= 256, "{each} bytes");
        drop((first, idle));
    });
}

/// Each of the three ways to tell, to consumers that keep up and wait.
#[test]
fn an_event_to_streams_allocates_nothing() {
    alone(async {
        let manager = Manager::<u64>::start().await.unwrap();
        let mut consumers = Vec::new();
        for _ in 0..8 {
            let mut stream = manager.stream();
            stream.subscribe().await.unwrap();
            consumers.push(tokio::spawn(stream.count()));
        }
        for way in 0..3 {
            let mut allocations = 0;
            // What is made once is made in the first rounds.
            for _ in 0..5 {
                let before = COUNTED.stats().allocations;
                for event in 0..1_000 {
                    match way {
                        0 => manager.notify_wait(event).await.unwrap(),
                        1 => manager.ack_notify(event).await.unwrap(),
                        _ => manager.sync_notify(event).await.unwrap(),
                    }
                }
                manager.sync_notify(0).await.unwrap();
                allocations = COUNTED.stats().allocations - before;
            }
            assert!(allocations < 10, "{allocations} in a thousand events, {way}");
        }
        manager.stop().await.unwrap();
        for consumer in consumers {
            assert_eq!(consumer.await.unwrap(), 15_015);
        }
    });
}
