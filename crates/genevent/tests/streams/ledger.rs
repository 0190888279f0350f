//! What each consumer receives, and what it is told that it lost, is what was sent, whatever the others do: on random sequences
//! of offers and takes, of joining and leaving.
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
    /// One of the consumers asks so many times.
    Take(usize, u8),
    /// Another consumer, with this policy and capacity.
    Join(LagPolicy, usize),
    /// One of them is dropped.
    Leave(usize),
    /// One of them is cancelled, and asks no more than it has to.
    Cancel(usize),
}

fn terms() -> impl Strategy<Value = (LagPolicy, usize)> {
    let lag = select(vec![LagPolicy::DropOldest, LagPolicy::Wait, LagPolicy::End]);
    (lag, select(vec![1_usize, 2, 3, 31, 32, 33, 63, 64, 65, 100]))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1..5_u8).prop_map(Op::Notify),
        2 => (50..140_u8).prop_map(Op::Notify),
        2 => Just(Op::Ack),
        2 => Just(Op::Sync),
        4 => Just(Op::SyncInHaste),
        8 => (any::<usize>(), 1..6_u8).prop_map(|(who, times)| Op::Take(who, times)),
        4 => (any::<usize>(), 20..140_u8).prop_map(|(who, times)| Op::Take(who, times)),
        1 => terms().prop_map(|(lag, capacity)| Op::Join(lag, capacity)),
        1 => any::<usize>().prop_map(Op::Leave),
        1 => any::<usize>().prop_map(Op::Cancel),
    ]
}

/// An event with its number. How many there are can be counted.
#[derive(Clone, Debug, PartialEq)]
struct Event(u64, Arc<()>);

/// What a consumer knows.
struct Ledger {
    lag: LagPolicy,
    capacity: usize,
    /// The number of the last event that was received, or counted as lost.
    seen: u64,
    lost: u64,
    is_cancelled: bool,
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
            None => {
                assert!(self.is_over || self.is_cancelled, "only the end is the end");
                self.is_over = true;
            }
        }
    }
}

struct Consumer {
    stream: EventStream<Event>,
    ledger: Ledger,
}

impl Consumer {
    /// Asks once. Returns whether there was something.
    fn take(&mut self) -> bool {
        let was_over = self.ledger.is_over;
        let Some(item) = self.stream.next().now_or_never() else { return false };
        self.ledger.note(item);
        !was_over
    }
}

struct World {
    manager: Manager<Event>,
    consumers: Vec<Consumer>,
    sent: u64,
    senders: Vec<JoinHandle<()>>,
    alive: Arc<()>,
}

/// The clock moves when everybody waits.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

impl World {
    async fn new(terms: &[(LagPolicy, usize)]) -> Self {
        let manager = Manager::start().await.unwrap();
        let (consumers, senders) = (Vec::new(), Vec::new());
        let mut world = Self { manager, consumers, sent: 0, senders, alive: Arc::new(()) };
        for (lag, capacity) in terms {
            world.join(*lag, *capacity).await;
        }
        world
    }

    /// Only while the manager waits for nobody: it answers at once.
    async fn join(&mut self, lag: LagPolicy, capacity: usize) {
        let mut stream = self.manager.stream().buffer(capacity).lag(lag);
        if timeout(Duration::from_micros(1), stream.subscribe()).await.is_ok_and(|joined| joined.is_ok()) {
            let seen = self.sent;
            let ledger = Ledger { lag, capacity, seen, lost: 0, is_cancelled: false, is_over: false };
            self.consumers.push(Consumer { stream, ledger });
        }
    }

    fn event(&mut self) -> Event {
        self.sent += 1;
        Event(self.sent, Arc::clone(&self.alive))
    }

    async fn step(&mut self, op: Op) {
        let manager = self.manager.clone();
        let among = self.consumers.len();
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
            Op::Join(lag, capacity) => self.join(lag, capacity).await,
            _ if among == 0 => {}
            Op::Take(who, times) => {
                for _ in 0..times {
                    if !self.consumers[who % among].take() {
                        break;
                    }
                }
            }
            Op::Leave(who) => drop(self.consumers.remove(who % among)),
            Op::Cancel(who) => {
                let Consumer { stream, ledger } = &mut self.consumers[who % among];
                if let Some(canceller) = stream.canceller() {
                    canceller.cancel();
                    ledger.is_cancelled = true;
                }
            }
        }
        settle().await;
    }

    /// An event is kept once for all consumers. One is being delivered, and may have its copy in hand.
    fn check_bound(&self) {
        let alive = Arc::strong_count(&self.alive) - 1;
        let waiting = self.manager.server().info().mailbox;
        let ledgers = || self.consumers.iter().map(|consumer| &consumer.ledger);
        // The buffers of those that still take events overlap, but for what they have in hand. Those of the others may lie
        // anywhere.
        let may_be_over = |ledger: &Ledger| ledger.is_cancelled || ledger.lag == LagPolicy::End;
        let overlapping = ledgers().filter(|it| !may_be_over(it)).map(|it| it.capacity).max().unwrap_or(0);
        let others: usize = ledgers().filter(|it| may_be_over(it)).map(|it| it.capacity).sum();
        let in_hand = 31 * ledgers().filter(|it| it.capacity >= 64).count();
        assert!(
            alive <= waiting + overlapping + others + in_hand + 2,
            "{alive} events live, and {waiting} of them wait"
        );
    }

    /// The consumers ask until there is nothing more: nobody waits for anything then.
    async fn drain(mut self) {
        // To ask in vain is to be done with the last event, and that may let the manager go on.
        let mut in_vain = 0;
        while in_vain < 3 {
            in_vain += 1;
            for consumer in &mut self.consumers {
                while consumer.take() {
                    in_vain = 0;
                }
            }
            settle().await;
        }
        for Consumer { stream, ledger } in &self.consumers {
            if !ledger.is_over && !ledger.is_cancelled {
                assert_eq!(ledger.seen, self.sent, "what was received and what was lost is what was sent");
            }
            assert_eq!(ledger.lost, stream.lost());
        }
        for sender in self.senders {
            timeout(Duration::from_secs(1), sender).await.expect("nobody waits for what cannot come").unwrap();
        }
        assert_eq!(Arc::strong_count(&self.alive), 1);
    }
}

fn check(terms: &[(LagPolicy, usize)], ops: &[Op]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(terms).await;
        for op in ops {
            world.step(*op).await;
            world.check_bound();
        }
        world.drain().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_received_and_what_is_lost_is_what_was_sent(
        terms in vec(terms(), 1..4),
        ops in vec(op(), 1..40),
    ) {
        check(&terms, &ops);
    }
}

/// The same without a pause between them: a sender and three consumers race on two threads.
#[test]
fn the_count_is_exact_while_they_race() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let policies = [LagPolicy::DropOldest, LagPolicy::Wait, LagPolicy::End];
    for lag in policies {
        for capacity in [1, 2, 3, 64, 65] {
            runtime.block_on(async {
                let terms = [(lag, capacity), (LagPolicy::Wait, 33), (LagPolicy::DropOldest, 2)];
                let mut world = World::new(&terms).await;
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
                let consumers = world.consumers.drain(..).map(|Consumer { mut stream, mut ledger }| {
                    tokio::spawn(async move {
                        while let Some(item) = stream.next().await {
                            ledger.note(Some(item));
                        }
                        assert!(ledger.is_over || ledger.seen == events, "{lag:?} {capacity}: {}", ledger.seen);
                        assert_eq!(ledger.lost, stream.lost());
                    })
                });
                for consumer in consumers.collect::<Vec<_>>() {
                    consumer.await.unwrap();
                }
                sender.await.unwrap();
                assert_eq!(Arc::strong_count(&world.alive), 1);
            });
        }
    }
}
