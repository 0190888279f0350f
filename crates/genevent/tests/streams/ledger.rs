//! What a consumer receives, and what it is told that it lost, is what was sent: on random sequences of offers and takes.
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use genevent::{EventStream, LagPolicy, Manager, StreamError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

#[derive(Clone, Copy, Debug)]
enum Op {
    /// So many events by `notify`.
    Notify(u8),
    Ack,
    Sync,
    /// By `sync_notify_within`: the manager waits for a moment, and goes on.
    SyncInHaste,
    /// The consumer asks so many times.
    Take(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (1..5_u8).prop_map(Op::Notify),
        1 => (50..140_u8).prop_map(Op::Notify),
        1 => Just(Op::Ack),
        1 => Just(Op::Sync),
        2 => Just(Op::SyncInHaste),
        3 => (1..6_u8).prop_map(Op::Take),
        1 => (20..140_u8).prop_map(Op::Take),
    ]
}

/// An event with its number. How many there are can be counted.
#[derive(Clone, Debug, PartialEq)]
struct Event(u64, Arc<()>);

/// What the consumer knows.
struct Ledger {
    lag: LagPolicy,
    /// The number of the last event that was received, or counted as lost.
    seen: u64,
    lost: u64,
    is_over: bool,
}

impl Ledger {
    fn note(&mut self, item: Option<Result<Event, StreamError>>) {
        assert!(!self.is_over || item.is_none(), "nothing comes after the end");
        match item {
            Some(Ok(Event(number, _))) => {
                assert_eq!(number, self.seen + 1, "in order, and no gap that was not told");
                self.seen = number;
            }
            Some(Err(StreamError::Lagged { missed })) => {
                assert_eq!(self.lag, LagPolicy::DropOldest);
                assert!(missed > 0);
                self.seen += missed;
                self.lost += missed;
            }
            Some(Err(StreamError::TooSlow)) => {
                assert_eq!(self.lag, LagPolicy::End);
                self.is_over = true;
            }
            Some(Err(error)) => panic!("{error}"),
            None => assert!(self.is_over, "only the end is the end"),
        }
    }
}

struct World {
    manager: Manager<Event>,
    stream: EventStream<Event>,
    ledger: Ledger,
    sent: u64,
    senders: Vec<JoinHandle<()>>,
    alive: Arc<()>,
}

/// The clock moves when everybody waits.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

impl World {
    async fn new(lag: LagPolicy, capacity: usize) -> Self {
        let manager = Manager::start().await.unwrap();
        let mut stream = manager.stream().buffer(capacity).lag(lag);
        stream.subscribe().await.unwrap();
        let ledger = Ledger { lag, seen: 0, lost: 0, is_over: false };
        Self { manager, stream, ledger, sent: 0, senders: Vec::new(), alive: Arc::new(()) }
    }

    fn event(&mut self) -> Event {
        self.sent += 1;
        Event(self.sent, Arc::clone(&self.alive))
    }

    async fn step(&mut self, op: Op) {
        let manager = self.manager.clone();
        match op {
            Op::Notify(events) => {
                for _ in 0..events {
                    let event = self.event();
                    manager.notify(event).unwrap();
                }
            }
            Op::Ack => {
                let event = self.event();
                let sender = async move { manager.ack_notify(event).no_timeout().await.unwrap() };
                self.senders.push(tokio::spawn(sender));
            }
            Op::Sync => {
                let event = self.event();
                let sender = async move { manager.sync_notify(event).no_timeout().await.unwrap() };
                self.senders.push(tokio::spawn(sender));
            }
            Op::SyncInHaste => {
                let event = self.event();
                let sender = async move { drop(manager.sync_notify_within(event, Duration::from_micros(1)).await) };
                self.senders.push(tokio::spawn(sender));
            }
            Op::Take(times) => {
                for _ in 0..times {
                    let Some(item) = self.stream.next().now_or_never() else { break };
                    self.ledger.note(item);
                }
            }
        }
        settle().await;
    }

    /// One event is being delivered, and may have its copy in hand.
    fn check_bound(&self, capacity: usize) {
        let alive = Arc::strong_count(&self.alive) - 1;
        let waiting = self.manager.server().info().mailbox;
        assert!(alive <= waiting + capacity + 2, "{alive} events live, and {waiting} of them wait");
    }

    /// The consumer asks until there is nothing more: nobody waits for anything then.
    async fn drain(mut self) {
        while let Ok(item) = timeout(Duration::from_millis(10), self.stream.next()).await {
            let is_end = item.is_none();
            self.ledger.note(item);
            if is_end {
                break;
            }
        }
        if !self.ledger.is_over {
            assert_eq!(self.ledger.seen, self.sent, "what was received and what was lost is what was sent");
        }
        assert_eq!(self.ledger.lost, self.stream.lost());
        for sender in self.senders {
            timeout(Duration::from_secs(1), sender).await.expect("nobody waits for what cannot come").unwrap();
        }
        assert_eq!(Arc::strong_count(&self.alive), 1);
    }
}

fn check(lag: LagPolicy, capacity: usize, ops: &[Op]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(lag, capacity).await;
        for op in ops {
            world.step(*op).await;
            world.check_bound(capacity);
        }
        world.drain().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_received_and_what_is_lost_is_what_was_sent(
        lag in select(vec![LagPolicy::DropOldest, LagPolicy::Wait, LagPolicy::End]),
        capacity in select(vec![1_usize, 2, 3, 63, 64, 65]),
        ops in vec(op(), 1..40),
    ) {
        check(lag, capacity, &ops);
    }
}

/// The same without a pause between the two: they race on two threads.
#[test]
fn the_count_is_exact_while_the_two_race() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    for lag in [LagPolicy::DropOldest, LagPolicy::Wait, LagPolicy::End] {
        for capacity in [1, 2, 3, 64, 65] {
            runtime.block_on(async {
                let mut world = World::new(lag, capacity).await;
                let (manager, events) = (world.manager.clone(), 5_000);
                let alive = Arc::clone(&world.alive);
                let sender = tokio::spawn(async move {
                    for number in 1..=events {
                        let event = Event(number, Arc::clone(&alive));
                        match number % 100 {
                            0 => manager.sync_notify(event).await.unwrap(),
                            50 => manager.ack_notify(event).await.unwrap(),
                            _ => manager.notify_wait(event).await.unwrap(),
                        }
                    }
                    manager.stop().await.unwrap();
                });
                let mut rest = None;
                while let Some(item) = world.stream.next().await {
                    world.ledger.note(Some(item));
                    rest = Some(events - world.ledger.seen);
                }
                sender.await.unwrap();
                assert!(world.ledger.is_over || rest == Some(0), "{lag:?} {capacity}: {rest:?}");
                assert_eq!(world.ledger.lost, world.stream.lost());
                drop(world.stream);
                assert_eq!(Arc::strong_count(&world.alive), 1);
            });
        }
    }
}
