//! A million names cost nothing once they are released, although they come from outside.
//!
//! The only test of its program: it counts what the whole program holds.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::alloc::System;

use genserver::registry::UniqueRegistry;
use genserver::{AsProcess, Cx, GenServer, Init, Never, Node, Probe, sys};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes the program holds.
fn held() -> isize {
    let stats = COUNTED.stats();
    isize::try_from(stats.bytes_allocated).unwrap() - isize::try_from(stats.bytes_deallocated).unwrap()
}

/// Once to have all owners monitored, and once more for the `Down`s of those that had ended by then.
async fn settle(keeper: &impl AsProcess) {
    sys::get_status(keeper).await.unwrap();
    sys::get_status(keeper).await.unwrap();
}

struct Quiet;

impl GenServer for Quiet {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }
}

/// How many names there are, and how many of them at a time.
const NAMES: u32 = 1_000_000;
const AT_ONCE: u32 = 50_000;

#[tokio::test]
async fn a_million_names_leave_the_memory_as_it_was() {
    let node = Node::new();
    let registry = UniqueRegistry::<String>::unique();
    let keeper = registry.start().on(&node).await.unwrap();
    let probe = Probe::<()>::on(&node);
    // Everything that is allocated once is allocated here.
    registry.of(&probe).register("warm".to_owned(), ()).unwrap();
    registry.of(&probe).unregister("warm");
    settle(&keeper).await;
    let before = held();

    // One process that registers and releases.
    for first in (0..NAMES).step_by(AT_ONCE as usize) {
        for name in first..first + AT_ONCE {
            registry.of(&probe).register(format!("user {name}"), ()).unwrap();
        }
        for name in first..first + AT_ONCE {
            assert!(registry.of(&probe).unregister(format!("user {name}").as_str()));
        }
    }
    let left = held() - before;
    assert!(left < 50_000, "{left} bytes are left of the names of one process");

    // Many processes that end with theirs.
    for _ in 0..2 {
        let mut servers = Vec::new();
        for name in 0..AT_ONCE {
            servers.push(node.start::<Quiet>(()).name(registry.via(format!("room {name}"), ())).await.unwrap());
        }
        let most = held() - before;
        assert!(most > 10_000_000, "{most} bytes are too few for {AT_ONCE} processes");
        for server in &servers {
            server.kill();
        }
        drop(servers);
        settle(&keeper).await;
        assert_eq!(registry.count(), 0);
        let left = held() - before;
        assert!(left < 200_000, "{left} bytes are left of {most}");
    }
}
