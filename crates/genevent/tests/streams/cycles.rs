//! Consumers that call the manager that waits for them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use genevent::{EventStream, LagPolicy, Manager, NotifyMode};
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, Probe, ServerRef, spawn, start};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What a consumer asks while it works on an event.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Inner {
    Notify,
    Ack,
    Sync,
    Which,
}

async fn ask(manager: &Manager<u32>, inner: Inner, event: u32) -> Result<(), CallError> {
    match inner {
        Inner::Notify => manager.notify(event).map_err(|error| panic!("{error}")),
        Inner::Ack => manager.ack_notify(event).await,
        Inner::Sync => manager.sync_notify(event).await,
        Inner::Which => manager.which_handlers().await.map(drop),
    }
}

async fn tell(manager: &Manager<u32>, mode: NotifyMode, event: u32) -> Result<(), CallError> {
    match mode {
        NotifyMode::Async => ask(manager, Inner::Notify, event).await,
        NotifyMode::Ack => ask(manager, Inner::Ack, event).await,
        NotifyMode::Sync => ask(manager, Inner::Sync, event).await,
    }
}

async fn stream(manager: &Manager<u32>) -> EventStream<u32> {
    let mut stream = manager.stream();
    stream.subscribe().await.unwrap();
    stream
}

type Answer = oneshot::Receiver<Result<(), CallError>>;

/// What a consumer does: asks once over the first event, and then consumes.
async fn consume(
    mut stream: EventStream<u32>,
    manager: Manager<u32>,
    inner: Inner,
    seen: mpsc::UnboundedSender<u32>,
    answer: oneshot::Sender<Result<(), CallError>>,
) {
    let first = stream.next().await.unwrap().unwrap();
    answer.send(ask(&manager, inner, 10).await).unwrap();
    seen.send(first).unwrap();
    while let Some(Ok(event)) = stream.next().await {
        seen.send(event).unwrap();
    }
}

/// A process that consumes, what it sees, and what became of the question it asked.
async fn consumer(manager: &Manager<u32>, inner: Inner) -> (mpsc::UnboundedReceiver<u32>, Answer) {
    let ((seen, sees), (answer, answered)) = (mpsc::unbounded_channel(), oneshot::channel());
    let (stream, manager) = (stream(manager).await, manager.clone());
    spawn(|_: Probe<()>| consume(stream, manager, inner, seen, answer)).unwrap();
    (sees, answered)
}

async fn check(outer: NotifyMode, inner: Inner, is_refused: bool) {
    let manager = Manager::start().await.unwrap();
    let (mut sees, answered) = consumer(&manager, inner).await;
    let begun = Instant::now();
    let (told, answer) = futures::join!(tell(&manager, outer, 1), answered);
    assert_eq!(told, Ok(()), "{outer:?} {inner:?}");
    match answer.unwrap() {
        Err(CallError::Cycle { cycle, .. }) => {
            assert!(is_refused, "{outer:?} {inner:?}");
            assert_eq!(cycle[1].pid, manager.pid());
        }
        answer => assert_eq!((answer, is_refused), (Ok(()), false), "{outer:?} {inner:?}"),
    }
    // Nobody is stuck, and no event that was taken is lost.
    assert_eq!(manager.sync_notify(2).await, Ok(()));
    assert_eq!(begun.elapsed(), ms(0), "{outer:?} {inner:?}");
    manager.stop().await.unwrap();
    let mut seen = Vec::new();
    while let Some(event) = sees.recv().await {
        seen.push(event);
    }
    let is_sent = match inner {
        Inner::Notify => true,
        Inner::Ack => !is_refused,
        // Over an event that nobody waits for, the manager has taken it, and only then waits for the consumer.
        Inner::Sync => outer != NotifyMode::Sync,
        Inner::Which => false,
    };
    assert_eq!(seen, if is_sent { vec![1, 10, 2] } else { vec![1, 2] }, "{outer:?} {inner:?}");
}

/// There, both wait for ever. Here the consumer hears at once that it waits for who waits for it.
#[tokio::test(start_paused = true)]
async fn ge_146_a_consumer_is_refused_what_its_manager_can_never_answer() {
    for outer in [NotifyMode::Async, NotifyMode::Ack, NotifyMode::Sync] {
        check(outer, Inner::Notify, false).await;
        check(outer, Inner::Ack, outer == NotifyMode::Sync).await;
        check(outer, Inner::Which, outer == NotifyMode::Sync).await;
        check(outer, Inner::Sync, true).await;
    }
}

/// A synchronous event is refused a question until the consumer has asked for the next one, and not a moment longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_is_refused_only_as_long_as_the_manager_waits_for_it() {
    let manager = Manager::start().await.unwrap();
    let (mut stream, asks) = (stream(&manager).await, manager.clone());
    let (done, mut is_done) = mpsc::unbounded_channel();
    spawn(|_: Probe<()>| async move {
        while let Some(Ok(_)) = stream.next().await {
            let during = asks.which_handlers().await;
            assert!(stream.next().now_or_never().is_none());
            let after = asks.which_handlers().await;
            let _ = done.send((during, after));
        }
    })
    .unwrap();
    for event in 0..2_000 {
        manager.sync_notify(event).await.unwrap();
        let (during, after) = is_done.recv().await.unwrap();
        assert!(matches!(during, Err(CallError::Cycle { .. })), "{event}: {during:?}");
        assert_eq!(after.map(|handlers| handlers.len()), Ok(1), "{event}");
    }
}

/// Asks a manager for its handlers, for others.
struct Between(Manager<u32>);

impl GenServer for Between {
    type Args = Manager<u32>;
    type Call = Caller<Result<usize, CallError>>;
    type Cast = Never;
    type Info = Never;

    async fn init(manager: Manager<u32>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(manager))
    }

    async fn handle_call(&mut self, caller: Self::Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0.which_handlers().await.map(|handlers| handlers.len()))
    }
}

#[tokio::test(start_paused = true)]
async fn the_cycle_is_seen_through_another_server() {
    let manager = Manager::start().await.unwrap();
    let between: ServerRef<Between> = start::<Between>(manager.clone()).await.unwrap();
    let mut stream = stream(&manager).await;
    let (answer, answered) = oneshot::channel();
    spawn(|_: Probe<()>| async move {
        stream.next().await.unwrap().unwrap();
        let _ = answer.send(between.call(|caller| caller).await.and_then(|answer| answer));
        while stream.next().await.is_some() {}
    })
    .unwrap();
    let begun = Instant::now();
    manager.sync_notify(1).await.unwrap();
    assert!(matches!(answered.await.unwrap(), Err(CallError::Cycle { .. })));
    assert_eq!(begun.elapsed(), ms(0));
}

/// The manager waits for space in the consumer's buffer.
#[tokio::test(start_paused = true)]
async fn a_consumer_without_space_is_refused_as_well() {
    let manager = Manager::start().await.unwrap();
    let mut stream = manager.stream().buffer(1).lag(LagPolicy::Wait);
    stream.subscribe().await.unwrap();
    let asks = manager.clone();
    let (answer, answered) = oneshot::channel();
    spawn(|_: Probe<()>| async move {
        let mut taken = vec![stream.next().await.unwrap().unwrap()];
        sleep(ms(10)).await;
        answer.send(asks.which_handlers().await.map(drop)).unwrap();
        while let Some(event) = stream.next().await {
            taken.push(event.unwrap());
        }
        assert_eq!(taken, [1, 2, 3, 4]);
    })
    .unwrap();
    for event in 1..=4 {
        manager.notify(event).unwrap();
    }
    assert!(matches!(answered.await.unwrap(), Err(CallError::Cycle { .. })));
    manager.stop().await.unwrap();
}

/// A plain task is not a process, so nobody knows who asks: it waits until its time is up, and then everybody goes on.
#[tokio::test(start_paused = true)]
async fn a_plain_task_that_asks_over_a_synchronous_event_waits_until_its_time_is_up() {
    let manager = Manager::start().await.unwrap();
    let (stream, asks) = (stream(&manager).await, manager.clone());
    let ((seen, mut sees), (answer, answered)) = (mpsc::unbounded_channel(), oneshot::channel());
    tokio::spawn(consume(stream, asks, Inner::Ack, seen, answer));
    let begun = Instant::now();
    assert_eq!(manager.sync_notify(1).no_timeout().await, Ok(()));
    assert_eq!(begun.elapsed(), ms(5_000));
    let after = ms(5_000);
    assert!(matches!(answered.await.unwrap(), Err(CallError::Timeout { after: waited, .. }) if waited == after));
    manager.stop().await.unwrap();
    assert_eq!((sees.recv().await, sees.recv().await, sees.recv().await), (Some(1), Some(10), None));
}
