//! A one-millisecond ticker on one thread, beside a task that calls an idle server in a tight loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::interval;

use crate::subjects::{Ask, Subject, World};
use crate::workloads::now;

/// A server that starves the ticker must not keep the program for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// How late the last hundredth of the ticks is when nothing else runs: the clock's own coarseness.
pub fn alone(ticks: u32) -> Duration {
    World::OneThread.runtime().block_on(late(ticks))
}

/// How late the last hundredth of the ticks is beside a task that calls as fast as it can.
pub(crate) async fn beside_a_caller<S: Subject>(ticks: u32) -> Duration {
    let (server, keep) = S::start().await;
    let over = Arc::new(AtomicBool::new(false));
    let caller = S::spawn(call_until::<S>(server.clone(), Arc::clone(&over)));
    let ticker = S::spawn(late(ticks));

    let worst = ticker.await.expect("the ticker does not panic");
    over.store(true, Ordering::Relaxed);
    caller.await.expect("the caller does not panic");
    S::stop(server, keep).await;
    worst
}

async fn call_until<S: Subject>(server: S::Server, over: Arc<AtomicBool>) {
    let start = now();
    while !over.load(Ordering::Relaxed) && start.elapsed() < PATIENCE {
        for _ in 0..256 {
            S::call(&server, Ask::Plain).await;
        }
    }
}

async fn late(ticks: u32) -> Duration {
    let mut ticker = interval(Duration::from_millis(1));
    let mut late = Vec::new();
    for _ in 0..ticks {
        late.push(ticker.tick().await.elapsed());
    }
    late.sort_unstable();
    late[late.len() * 99 / 100]
}
