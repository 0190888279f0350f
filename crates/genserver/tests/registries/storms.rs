//! Many threads that register, release, die and look up at once.
#![expect(clippy::disallowed_methods, reason = "several tasks contend on purpose")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use genserver::registry::{RegistryEvent, UniqueRegistry};
use genserver::{AsProcess, Cx, GenServer, Init, Never, Probe, StartError, start, sys};

const KEYS: usize = 8;
const TASKS: usize = 8;
const ROUNDS: usize = 400;

/// The sizes of a registry, once its keeper has handled everything sent so far.
async fn sizes(registry: &impl std::fmt::Debug, keeper: &impl AsProcess) -> String {
    // Once to have all owners monitored, and once more for the `Down`s of those that had ended by then.
    sys::get_status(keeper).await.unwrap();
    sys::get_status(keeper).await.unwrap();
    format!("{registry:?}")
}

const EMPTY: &str = "Registry { entries: 0, processes: 0, locks: 0,";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_never_has_two_holders_and_nothing_is_left_in_the_end() {
    let registry = UniqueRegistry::<usize, usize>::unique();
    let keeper = registry.start().await.unwrap();
    let mut listener = Probe::<RegistryEvent<usize, usize>>::new();
    registry.listen(listener.sender());
    let inside: Arc<[AtomicUsize; KEYS]> = Arc::default();
    let tasks = (0..TASKS).map(|task| {
        let (registry, inside) = (registry.clone(), Arc::clone(&inside));
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let probe = Probe::<()>::new();
                let key = (task + round) % KEYS;
                if registry.of(&probe).register(key, round).is_ok() {
                    assert_eq!(inside[key].fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                    registry.of(&probe).update_value(&key, |value| value + 1).unwrap();
                    assert_eq!(registry.whereis(&key), Some(probe.process_ref()));
                    tokio::task::yield_now().await;
                    inside[key].fetch_sub(1, Ordering::SeqCst);
                    if round % 2 == 0 {
                        assert!(registry.of(&probe).unregister(&key));
                    }
                }
                // This releases the other half of the keys.
                drop(probe);
                assert!(registry.lookup(&key).is_none_or(|entry| *entry.value() <= ROUNDS));
                listener_reads(&registry);
            }
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
    assert_eq!(registry.count(), 0);
    let sizes = sizes(&registry, &keeper).await;
    assert!(sizes.starts_with(EMPTY), "{sizes}");
    assert!(!listener.flush().is_empty());
}

/// Reads all of it, while others write.
fn listener_reads(registry: &UniqueRegistry<usize, usize>) {
    assert!(registry.select().count() <= KEYS);
    assert!(registry.count() <= KEYS);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_race_for_a_name_start_once_and_the_next_start_finds_it_free() {
    let registry = UniqueRegistry::<String>::unique();
    let keeper = registry.start().await.unwrap();
    let started = Arc::new(AtomicUsize::new(0));
    let tasks = (0..TASKS).map(|_| {
        let (registry, started) = (registry.clone(), Arc::clone(&started));
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                match start::<Quiet>(()).name(registry.via("the one".to_owned(), ())).await {
                    Ok(server) => {
                        assert_eq!(started.fetch_add(1, Ordering::SeqCst), 0, "two are started");
                        started.fetch_sub(1, Ordering::SeqCst);
                        server.kill();
                        server.ended().await;
                    }
                    Err(StartError::AlreadyStarted { .. }) => tokio::task::yield_now().await,
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
    let sizes = sizes(&registry, &keeper).await;
    assert!(sizes.starts_with(EMPTY), "{sizes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keepers_that_are_killed_under_way_lose_nobody() {
    let registry = UniqueRegistry::<usize>::unique();
    let first = registry.start().await.unwrap();
    let registering = {
        let registry = registry.clone();
        tokio::spawn(async move {
            let mut probes = Vec::new();
            while probes.len() < ROUNDS {
                let probe = Probe::<()>::new();
                match registry.of(&probe).register(probes.len(), ()) {
                    Ok(()) => probes.push(probe),
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            probes
        })
    };
    let mut keeper = first;
    while !registering.is_finished() {
        keeper.kill();
        keeper.ended().await;
        keeper = registry.start().await.unwrap();
        tokio::task::yield_now().await;
    }
    let probes = registering.await.unwrap();
    assert_eq!(registry.count(), ROUNDS);
    drop(probes);
    assert_eq!(registry.count(), 0);
    let sizes = sizes(&registry, &keeper).await;
    assert!(sizes.starts_with(EMPTY), "{sizes}");
}
