//! Very many crashes and names leave no memory behind.
//!
//! Each test counts what its whole program holds, so they run one at a time. A short form of each runs with all other tests;
//! `cargo xtask soak` runs the long ones.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::alloc::System;
use std::time::Duration;

use genserver::agent::{Agent, AgentServer};
use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
use genserver::{CallError, Node, Reason};
use parking_lot::Mutex;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes more than before a program may hold, however long it has run.
const GROWTH_MAX: isize = 1 << 20;

/// How many bytes more of the machine's memory it may use: the allocator keeps some of what was freed.
const RESIDENT_MAX: isize = 5 << 20;

/// One test counts at a time.
static COUNTING: Mutex<()> = Mutex::new(());

/// How many bytes the program holds.
fn held() -> isize {
    let stats = COUNTED.stats();
    isize::try_from(stats.bytes_allocated).unwrap() - isize::try_from(stats.bytes_deallocated).unwrap()
}

/// How many bytes of the machine's memory the program uses; zero where the system does not say.
fn resident() -> isize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|pages| pages.split(' ').nth(1)?.parse::<isize>().ok()).unwrap_or_default() * 4096
}

/// Runs `work` on a runtime of its own, with a warm-up, and checks what is left: in the program, and on the runtime.
fn leaves_nothing_behind<F: Future<Output = ()>>(work: impl Fn(Node, u32) -> F, times: u32) {
    let _alone = COUNTING.lock();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let node = Node::new();
        // The first run leaves things for good: thread-locals, tables, the task that keeps the node's time.
        work(node.clone(), 1100).await;
        let (before, tasks, taken) = (held(), alive(), resident());
        work(node.clone(), times).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(node.process_list().is_empty());
        assert!(alive() <= tasks, "{} tasks live on, {tasks} before", alive());
        let growth = held() - before;
        assert!(growth < GROWTH_MAX, "{growth} bytes more are held after {times} times");
        let growth = resident() - taken;
        assert!(growth < RESIDENT_MAX, "{growth} bytes more are taken after {times} times");
    });
}

/// How many tasks the runtime has.
fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// The child that runs now. A child that has just ended may count as running until its supervisor is told.
async fn running(child: &ChildRef<AgentServer<Vec<u8>>, Agent<Vec<u8>>>) -> Agent<Vec<u8>> {
    loop {
        let agent = child.waiting().current().await.unwrap();
        if agent.is_alive() {
            return agent;
        }
        tokio::task::yield_now().await;
    }
}

/// A child of a supervisor ends abnormally this many times, in three ways, and is restarted each time.
async fn crashes(node: Node, times: u32) {
    let spec = ChildSpec::server("agent", || Agent::start_link(|| vec![0_u8; 64]).name("crashing"));
    let child = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).max_restarts(u32::MAX).within(Duration::from_millis(1));
    let supervisor = supervisor.start().on(&node).await.unwrap();
    for time in 0..times {
        let agent = running(&child).await;
        match time % 3 {
            0 => {
                let error = agent.get::<(), _>(|_| std::panic::resume_unwind(Box::new("oops"))).await.unwrap_err();
                assert!(matches!(error, CallError::Exit { reason: Reason::Panic(_), .. }), "{error}");
            }
            1 => agent.process_ref().exit(Reason::term("out of paper")),
            _ => agent.process_ref().kill(),
        }
        agent.process_ref().ended().await;
    }
    running(&child).await;
    assert_eq!(node.process_list().len(), 2);
    supervisor.stop().await.unwrap();
    assert_eq!(node.whereis("crashing"), None);
}

/// This many names are registered, all different, a thousand at a time, and released with their processes.
async fn names(node: Node, times: u32) {
    for batch in 0..times.div_ceil(1000) {
        let mut agents = Vec::new();
        for number in 0..1000.min(times - batch * 1000) {
            agents.push(Agent::start(|| ()).name(format!("name {batch} {number}")).on(&node).await.unwrap());
        }
        for agent in agents {
            assert_eq!(node.whereis(agent.name().unwrap().clone()), Some(agent.process_ref()));
            agent.stop().await.unwrap();
        }
    }
}

#[test]
fn crashes_leave_nothing_behind() {
    leaves_nothing_behind(crashes, 3_000);
}

#[test]
#[ignore = "long: cargo xtask soak"]
fn a_hundred_thousand_crashes_leave_nothing_behind() {
    leaves_nothing_behind(crashes, 100_000);
}

#[test]
fn names_leave_nothing_behind() {
    leaves_nothing_behind(names, 5_000);
}

#[test]
#[ignore = "long: cargo xtask soak"]
fn a_million_names_leave_nothing_behind() {
    leaves_nothing_behind(names, 1_000_000);
}
