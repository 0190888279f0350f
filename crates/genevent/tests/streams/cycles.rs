//! Consumers that call the manager that waits for them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::time::Duration;

use futures::{FutureExt, StreamExt, join};
use genevent::NotifyError;
use genevent::{EventStream, LagPolicy, Manager, NotifyMode};
use genserver::runtime::{Runtime, Smol, TaskFuture};
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

async fn ask(manager: &Manager<u32>, inner: Inner, event: u32) -> Result<(), NotifyError> {
    match inner {
        Inner::Notify => manager.notify(event).map_err(|error| panic!("{error}")),
        Inner::Ack => manager.ack_notify(event).await,
        Inner::Sync => manager.sync_notify(event).await,
        Inner::Which => Ok(manager.which_handlers().await.map(drop)?),
    }
}

async fn tell(manager: &Manager<u32>, mode: NotifyMode, event: u32) -> Result<(), NotifyError> {
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

type Answer = oneshot::Receiver<Result<(), NotifyError>>;

/// What a consumer does: asks once over the first event, and then consumes.
async fn consume(
    mut stream: EventStream<u32>,
    manager: Manager<u32>,
    inner: Inner,
    seen: mpsc::UnboundedSender<u32>,
    answer: oneshot::Sender<Result<(), NotifyError>>,
) {
    let first = stream.next().await.unwrap().unwrap();
    answer.send(ask(&manager, inner, 10).await).unwrap();
    seen.send(first).unwrap();
    while let Some(Ok(event)) = stream.next().await {
        seen.send(event).unwrap();
    }
}

/// How a consumer is known.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// It is a process.
    AsProcess,
    /// It is in the scope of a probe, in a plain task.
    InScope,
    /// It is in the scope of a probe that has ended.
    AfterItsProbe,
}

const KNOWN: [Known; 3] = [Known::AsProcess, Known::InScope, Known::AfterItsProbe];

impl Known {
    fn run(self, consumer: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::AsProcess => drop(spawn(|_: Probe<()>| consumer).unwrap()),
            Self::InScope => drop(tokio::spawn(in_scope(consumer))),
            Self::AfterItsProbe => drop(tokio::spawn(Probe::<()>::new().scope(consumer))),
        }
    }
}

async fn in_scope(consumer: impl Future<Output = ()>) {
    let probe = Probe::<()>::new();
    probe.scope(consumer).await;
}

/// A consumer, what it sees, and what became of the question it asked.
async fn consumer(
    manager: &Manager<u32>,
    inner: Inner,
) -> (impl Future<Output = ()> + Send + use<>, mpsc::UnboundedReceiver<u32>, Answer) {
    let ((seen, sees), (answer, answered)) = (mpsc::unbounded_channel(), oneshot::channel());
    let (stream, manager) = (stream(manager).await, manager.clone());
    (consume(stream, manager, inner, seen, answer), sees, answered)
}

async fn check(known: Known, outer: NotifyMode, inner: Inner, is_refused: bool) {
    let manager = Manager::start().await.unwrap();
    let (consumer, mut sees, answered) = consumer(&manager, inner).await;
    known.run(consumer);
    let begun = Instant::now();
    let (told, answer) = join!(tell(&manager, outer, 1), answered);
    assert_eq!(told, Ok(()), "{known:?} {outer:?} {inner:?}");
    match answer.unwrap() {
        Err(NotifyError::Manager(CallError::Cycle { cycle, .. })) => {
            assert!(is_refused, "{known:?} {outer:?} {inner:?}");
            assert_eq!(cycle[1].pid, manager.pid());
        }
        answer => assert_eq!((answer, is_refused), (Ok(()), false), "{known:?} {outer:?} {inner:?}"),
    }
    // Nobody is stuck, and no event that was taken is lost.
    assert_eq!(manager.sync_notify(2).await, Ok(()));
    assert_eq!(begun.elapsed(), ms(0), "{known:?} {outer:?} {inner:?}");
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
    assert_eq!(seen, if is_sent { vec![1, 10, 2] } else { vec![1, 2] }, "{known:?} {outer:?} {inner:?}");
}

/// There, both wait for ever. Here the consumer hears at once that it waits for who waits for it.
#[tokio::test(start_paused = true)]
async fn ge_146_a_consumer_is_refused_what_its_manager_can_never_answer() {
    for known in KNOWN {
        for outer in [NotifyMode::Async, NotifyMode::Ack, NotifyMode::Sync] {
            check(known, outer, Inner::Notify, false).await;
            check(known, outer, Inner::Ack, outer == NotifyMode::Sync).await;
            check(known, outer, Inner::Which, outer == NotifyMode::Sync).await;
            check(known, outer, Inner::Sync, true).await;
        }
    }
}

/// A synchronous event is refused a question until the consumer has asked for the next one, and not a moment longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_is_refused_only_as_long_as_the_manager_waits_for_it() {
    for known in KNOWN {
        let manager = Manager::start().await.unwrap();
        let (mut stream, asks) = (stream(&manager).await, manager.clone());
        let (done, mut is_done) = mpsc::unbounded_channel();
        known.run(async move {
            while let Some(Ok(_)) = stream.next().await {
                let during = asks.which_handlers().await;
                assert!(stream.next().now_or_never().is_none());
                let after = asks.which_handlers().await;
                let _ = done.send((during, after));
            }
        });
        for event in 0..1_000 {
            manager.sync_notify(event).await.unwrap();
            let (during, after) = is_done.recv().await.unwrap();
            assert!(matches!(during, Err(CallError::Cycle { .. })), "{known:?} {event}: {during:?}");
            assert_eq!(after.map(|handlers| handlers.len()), Ok(1), "{known:?} {event}");
        }
        manager.stop().await.unwrap();
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

/// A plain task may poll its stream beside the call: it waits until its time is up, and then everybody goes on.
#[tokio::test(start_paused = true)]
async fn a_plain_task_that_asks_over_a_synchronous_event_waits_until_its_time_is_up() {
    let manager = Manager::start().await.unwrap();
    let (consumer, mut sees, answered) = consumer(&manager, Inner::Ack).await;
    tokio::spawn(consumer);
    let begun = Instant::now();
    assert_eq!(manager.sync_notify(1).no_timeout().await, Ok(()));
    assert_eq!(begun.elapsed(), ms(5_000));
    let after = ms(5_000);
    assert!(
        matches!(answered.await.unwrap(), Err(NotifyError::Manager(CallError::Timeout { after: waited, .. })) if waited == after)
    );
    manager.stop().await.unwrap();
    assert_eq!((sees.recv().await, sees.recv().await, sees.recv().await), (Some(1), Some(10), None));
}

/// What is said about calls that are polled beside their consumer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Nothing,
    /// The calls allow cycles.
    Allowed,
    /// A scope around the consumer leaves the calls out.
    Scoped,
}

/// What became of a call that the manager begins with, and of one that waits behind it.
type Told = [Result<(), NotifyError>; 2];

/// Consumes, and tells the manager of two events meanwhile, all in one task.
async fn side_by_side(manager: Manager<u32>, mut stream: EventStream<u32>, said: Said) -> Told {
    let consume = async move {
        while let Some(Ok(_)) = stream.next().await {
            genserver::time::sleep(ms(10)).await;
        }
    };
    let tell = async {
        let (first, second) = (manager.sync_notify(1), manager.ack_notify(2));
        let told = match said {
            Said::Allowed => join!(first.allow_cycle(), second.allow_cycle()),
            Said::Nothing | Said::Scoped => join!(first, second),
        };
        manager.stop().await.unwrap();
        told.into()
    };
    if said == Said::Scoped { join!(in_scope(consume), tell).1 } else { join!(consume, tell).1 }
}

/// Consumers in tasks that this spawns: refused in a scope, and answered beside their calls.
async fn check_plain_tasks(spawn: impl Fn(TaskFuture)) {
    let manager = Manager::start().await.unwrap();
    let (consumer, _sees, answered) = consumer(&manager, Inner::Sync).await;
    spawn(Box::pin(in_scope(consumer)));
    manager.sync_notify(1).await.unwrap();
    let answer = answered.await.unwrap();
    assert!(matches!(answer, Err(NotifyError::Manager(CallError::Cycle { .. }))), "{answer:?}");

    for said in [Said::Nothing, Said::Allowed, Said::Scoped] {
        let manager = Manager::start().await.unwrap();
        let stream = stream(&manager).await;
        let (told, is_told) = oneshot::channel();
        spawn(Box::pin(async move { told.send(side_by_side(manager, stream, said).await).unwrap() }));
        assert_eq!(is_told.await.unwrap(), [Ok(()), Ok(())], "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_task_is_refused_in_a_scope_and_answered_beside_its_consumer() {
    check_plain_tasks(|task| drop(tokio::spawn(task))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_task_of_several_threads_is_refused_in_a_scope_and_answered_beside_its_consumer() {
    check_plain_tasks(|task| drop(tokio::spawn(task))).await;
}

#[test]
fn a_plain_task_of_smol_is_refused_in_a_scope_and_answered_beside_its_consumer() {
    let (runtime, helpers) = (Smol::new(), 1);
    let handle = runtime.handle();
    runtime.block_on_with_threads(helpers, check_plain_tasks(|task| handle.spawn(task)));
}

/// A process is taken to await one thing at a time.
#[tokio::test(start_paused = true)]
async fn a_process_is_refused_beside_its_consumer_unless_it_says_otherwise() {
    for said in [Said::Nothing, Said::Allowed, Said::Scoped] {
        let manager = Manager::start().await.unwrap();
        let stream = stream(&manager).await;
        let (told, is_told) = oneshot::channel();
        spawn(|_: Probe<()>| async move { told.send(side_by_side(manager, stream, said).await).unwrap() }).unwrap();
        let told = is_told.await.unwrap();
        match said {
            Said::Nothing => {
                let refused = matches!(
                    told,
                    [
                        Err(NotifyError::Manager(CallError::Cycle { .. })),
                        Err(NotifyError::Manager(CallError::Cycle { .. }))
                    ]
                );
                assert!(refused, "{told:?}");
            }
            Said::Allowed | Said::Scoped => assert_eq!(told, [Ok(()), Ok(())], "{said:?}"),
        }
    }
}

/// Only calls are checked.
#[tokio::test(start_paused = true)]
async fn a_consumer_that_stops_its_manager_or_begins_another_stream_waits_as_long_as_the_manager() {
    for stops in [false, true] {
        let manager = Manager::start().await.unwrap();
        let (mut stream, asks) = (stream(&manager).await, manager.clone());
        let (answer, answered) = oneshot::channel();
        spawn(|_: Probe<()>| async move {
            stream.next().await.unwrap().unwrap();
            let is_answered = if stops { asks.stop().await.is_ok() } else { asks.stream().subscribe().await.is_ok() };
            answer.send(is_answered).unwrap();
        })
        .unwrap();
        let told = manager.sync_notify(1).await;
        assert!(matches!(told, Err(NotifyError::Manager(CallError::Timeout { .. }))), "{told:?}");
        assert!(answered.await.unwrap(), "stops: {stops}");
    }
}
