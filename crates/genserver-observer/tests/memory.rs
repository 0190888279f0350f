//! What the observer holds: little for each process while somebody looks, and nothing of it afterwards.
//!
//! The only test of its program: it counts what the whole program holds.
#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::alloc::System;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use genserver::{Cx, GenServer, Init, Never, Next, Node, Outcome, Probe, Reason};
use genserver_observer::Observer;
use http_body_util::BodyExt as _;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tower::ServiceExt as _;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PROCESSES: usize = 100_000;

/// How many bytes the program holds.
fn held() -> usize {
    let stats = COUNTED.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Ends with a reason of a million characters.
struct Verbose;

impl GenServer for Verbose {
    type Args = ();
    type Call = Never;
    type Cast = ();
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(Reason::term("a".repeat(1_000_000)))
    }
}

/// The length of what the observer answers.
async fn ask(router: &axum::Router, path: &str) -> usize {
    let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
    let request = Request::builder().uri(path).header("host", "localhost").extension(ConnectInfo(peer));
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    answer.into_body().collect().await.unwrap().to_bytes().len()
}

#[tokio::test]
async fn a_sample_takes_little_for_each_process_and_is_gone_when_nobody_looks() {
    let node = Node::new();
    let router = Observer::new(&node).router().unwrap();
    let probes: Vec<Probe<()>> = (0..PROCESSES).map(|_| Probe::on(&node)).collect();
    ask(&router, "/healthz").await;
    let before = held();
    let answer = ask(&router, "/api/summary").await;
    assert!(answer < 64 * 1024, "an answer has {answer} bytes, however many processes there are");
    let sample = held() - before;
    assert!(sample < PROCESSES * 512, "{} bytes for each process", sample / PROCESSES);
    while held() > before + 1024 * 1024 {
        tokio::task::yield_now().await;
    }
    drop(probes);

    // Reports are kept, but not all that is in them.
    let before = held();
    for _ in 0..600 {
        let verbose = node.start::<Verbose>(()).await.unwrap();
        verbose.cast(()).unwrap();
        verbose.ended().await;
        ask(&router, "/api/reports?after=1000000").await;
    }
    let reports = held().saturating_sub(before);
    assert!(reports < 500 * 16 * 1024, "500 reports take {reports} bytes");
}
