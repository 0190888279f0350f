//! How long an event is on its way to each consumer, when the sender waits for all of them before it sends the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use genevent::{LagPolicy, Manager};
use tokio::sync::broadcast;
use tokio::task::{JoinSet, yield_now};

use crate::workloads::now;

/// What the consumers are told by, besides the events: when it began, and how many deliveries there have been.
#[derive(Clone)]
struct Clock {
    start: Instant,
    delivered: Arc<AtomicU64>,
}

impl Clock {
    fn new() -> Self {
        Self { start: now(), delivered: Arc::default() }
    }

    /// An event: when it was sent.
    fn event(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).expect("a round is short")
    }

    /// Notes how long each event was on its way.
    async fn consume(self, events: impl Stream<Item = u64>, many: u64) -> Vec<u32> {
        let mut laps = Vec::with_capacity(usize::try_from(many).expect("a round is short"));
        let mut events = Box::pin(events);
        while let Some(sent) = events.next().await {
            laps.push(u32::try_from(self.event().saturating_sub(sent)).unwrap_or(u32::MAX));
            self.delivered.fetch_add(1, Ordering::Relaxed);
        }
        laps
    }

    /// Waits until there have been so many deliveries.
    async fn until(&self, deliveries: u64) {
        while self.delivered.load(Ordering::Relaxed) < deliveries {
            yield_now().await;
        }
    }
}

async fn all(mut tasks: JoinSet<Vec<u32>>) -> Vec<u32> {
    let mut laps = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        laps.extend(ended.expect("a consumer does not panic"));
    }
    laps
}

/// By a broadcast channel of Tokio.
///
/// # Panics
///
/// If every receiver has ended.
pub async fn by_broadcast(consumers: u64, many: u64) -> Vec<u32> {
    let (clock, mut tasks) = (Clock::new(), JoinSet::new());
    let (sender, _) = broadcast::channel(1024);
    for _ in 0..consumers {
        let receiver = sender.subscribe();
        let events = futures::stream::unfold(receiver, |mut receiver| async move {
            let event = receiver.recv().await.ok()?;
            Some((event, receiver))
        });
        tasks.spawn(clock.clone().consume(events, many));
    }
    for sent in 1..=many {
        sender.send(clock.event()).expect("somebody receives");
        clock.until(sent * consumers).await;
    }
    drop(sender);
    all(tasks).await
}

/// By the streams of a manager.
///
/// # Panics
///
/// If the manager ends.
pub async fn by_streams(consumers: u64, many: u64) -> Vec<u32> {
    let (clock, mut tasks) = (Clock::new(), JoinSet::new());
    let manager = Manager::<u64>::start().await.expect("the manager starts");
    for _ in 0..consumers {
        let mut events = manager.stream().lag(LagPolicy::Wait);
        events.subscribe().await.expect("the manager runs");
        tasks.spawn(clock.clone().consume(events.map(|event| event.expect("nothing is dropped")), many));
    }
    for sent in 1..=many {
        manager.notify_wait(clock.event()).await.expect("the manager runs");
        clock.until(sent * consumers).await;
    }
    manager.stop().await.expect("the manager runs");
    all(tasks).await
}

/// How long all of them take, with the look at the clock for each.
pub async fn whole<F: Future<Output = Vec<u32>>>(
    deliver: impl Fn(u64, u64) -> F,
    consumers: u64,
    many: u64,
) -> Duration {
    let start = now();
    drop(deliver(consumers, many).await);
    start.elapsed()
}
