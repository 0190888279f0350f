//! Memory is released after a burst of messages, of waiting calls and of waiting senders.
//!
//! The only test of its program: it counts what the whole program holds.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::alloc::System;

use futures::future::join_all;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef, Status, start};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::sync::oneshot;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes the program holds.
fn held() -> isize {
    let stats = COUNTED.stats();
    isize::try_from(stats.bytes_allocated).unwrap() - isize::try_from(stats.bytes_deallocated).unwrap()
}

struct Sink;

enum Cast {
    Park(oneshot::Receiver<()>),
    Hibernate,
    Ballast(#[expect(dead_code, reason = "it only has a size")] [u8; 64]),
}

impl GenServer for Sink {
    type Args = ();
    type Call = Caller<()>;
    type Cast = Cast;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Sink)
    }

    async fn handle_call(&mut self, call: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(call, ())
    }

    async fn handle_cast(&mut self, cast: Cast, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Cast::Park(until) => drop(until.await),
            Cast::Hibernate => return Next::hibernate(),
            Cast::Ballast(_) => {}
        }
        Next::wait()
    }
}

async fn synced(server: &ServerRef<Sink>) {
    server.call(|caller| caller).await.unwrap();
}

/// As many casts as fit, waiting behind one that is parked.
async fn burst(server: &ServerRef<Sink>) -> isize {
    let (go, until) = oneshot::channel();
    server.cast(Cast::Park(until)).unwrap();
    while server.cast(Cast::Ballast([0; 64])).is_ok() {}
    let most = held();
    let waiting = join_all((0..500).map(|_| server.cast_wait(Cast::Ballast([0; 64]))));
    let calls = join_all((0..500).map(|_| synced(server)));
    let release = async {
        tokio::task::yield_now().await;
        go.send(()).unwrap();
    };
    futures::join!(waiting, calls, release);
    synced(server).await;
    most
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "what a thread keeps goes when the thread ends, so there have to be some"
)]
async fn a_drained_mailbox_gives_its_memory_back() {
    let server = start::<Sink>(()).await.unwrap();
    synced(&server).await;
    let before = held();
    for _ in 0..3 {
        let most = burst(&server).await;
        assert!(most - before > 4_000_000, "the burst was none: {most}");
        let left = held() - before;
        assert!(left < 200_000, "{left} bytes are left of {most}");
    }
    assert_eq!(server.info().mailbox, 0);
    // Two in a row, so that the queue and the batch have both grown.
    for _ in 0..2 {
        for _ in 0..60_000 {
            let _ = server.cast(Cast::Ballast([0; 64]));
        }
        tokio::task::yield_now().await;
    }
    synced(&server).await;
    synced(&server).await;
    let left = held() - before;
    assert!(left < 200_000, "{left} bytes are left");

    // Requests that wait at the same time: the server has a list of their slots.
    let (go, until) = oneshot::channel();
    server.cast(Cast::Park(until)).unwrap();
    let requests: Vec<_> = (0..10_000).map(|_| server.send_request(|caller| caller)).collect();
    go.send(()).unwrap();
    for request in requests {
        request.await.unwrap();
    }
    let left = held() - before;
    assert!(left < 100_000, "{left} bytes are left of the requests");

    // What is kept for the next messages, in the queue and in the batch, goes when there are to be none for a while.
    for _ in 0..2 {
        for _ in 0..100 {
            server.cast(Cast::Ballast([0; 64])).unwrap();
        }
        tokio::task::yield_now().await;
    }
    synced(&server).await;
    let kept = held();
    server.cast(Cast::Hibernate).unwrap();
    while server.info().status != Status::Hibernated {
        tokio::task::yield_now().await;
    }
    let given_back = kept - held();
    assert!(
        given_back > 2 * 100 * 64,
        "{given_back} bytes are given back, and not those of the queue and of the batch"
    );

    // Each thread keeps a slot for its next call, which is in the list of the server that it called. It goes with its thread.
    let before = held();
    let called = server.clone();
    let threads = tokio::task::spawn_blocking(move || {
        for _ in 0..2_000 {
            let server = called.clone();
            std::thread::spawn(move || futures::executor::block_on(synced(&server))).join().unwrap();
        }
    });
    threads.await.unwrap();
    let left = held() - before;
    assert!(left < 32_000, "{left} bytes are left of 2,000 threads that have ended");
}
