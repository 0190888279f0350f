//! Metrics: what is counted, under which names, and when.
#![cfg(all(feature = "tokio", feature = "metrics"))]

use std::any::type_name;
use std::collections::BTreeMap;
use std::time::Duration;

use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Caller, Cx, GenServer, Init, Next, Node, Outcome, Overflow, Reason, spawn, start_link};
use metrics::{Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// What a recorder has, by name and the labels other than the server's type, of one type of server.
#[derive(Debug)]
struct Seen(BTreeMap<String, Vec<f64>>);

impl Seen {
    /// What has come since the last look.
    fn of(server: &str, snapshotter: &Snapshotter) -> Self {
        let mut seen = BTreeMap::new();
        for (key, _, _, value) in snapshotter.snapshot().into_vec() {
            let (_, key) = key.into_parts();
            if !key.labels().any(|label| label.key() == "server" && label.value() == server) {
                continue;
            }
            let others = key.labels().filter(|label| label.key() != "server");
            let name = others.fold(key.name().to_owned(), |name, label| format!("{name} {}", label.value()));
            seen.insert(name, numbers(value));
        }
        Self(seen)
    }

    fn values(&self, name: &str) -> &[f64] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value of a counter or a gauge; zero if it has not been registered.
    fn number(&self, name: &str) -> f64 {
        self.values(name).iter().sum()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a test counts to some hundreds")]
fn numbers(value: DebugValue) -> Vec<f64> {
    match value {
        DebugValue::Counter(count) => vec![count as f64],
        DebugValue::Gauge(value) => vec![value.into_inner()],
        DebugValue::Histogram(values) => values.into_iter().map(f64::from).collect(),
    }
}

#[track_caller]
fn equals(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9, "{left} is not {right}");
}

/// Does what it is asked, and each test has a type of its own: the program's counters are shared by all tests of a process.
struct Worker<const TEST: u8>;

enum Ask {
    Nothing(Caller<()>),
    Sleep(Duration, Caller<()>),
    Crash(Caller<()>),
    Panic(Caller<()>),
}

impl<const TEST: u8> GenServer for Worker<TEST> {
    type Args = ();
    type Call = Ask;
    type Cast = u32;
    type Info = ();

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Nothing(caller) => Next::reply(caller, ()),
            Ask::Sleep(time, caller) => {
                genserver::time::sleep(time).await;
                Next::reply(caller, ())
            }
            Ask::Crash(_caller) => Next::stop(Reason::term(format!("asked {} to", cx.pid()))),
            Ask::Panic(_caller) => panic!("asked to"),
        }
    }

    async fn handle_cast(&mut self, _number: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }

    async fn handle_info(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

/// A recorder for this thread, on which the whole test runs.
macro_rules! recorder {
    ($snapshotter:ident) => {
        let recorder = DebuggingRecorder::new();
        let $snapshotter = recorder.snapshotter();
        let _installed = ::metrics::set_default_local_recorder(&recorder);
    };
}

#[tokio::test]
async fn messages_are_counted_by_kind_when_the_counters_are_brought_up_to_date() {
    recorder!(snapshotter);
    let node = Node::new();
    let server = node.start::<Worker<1>>(()).await.unwrap();
    for number in 0..300 {
        server.cast(number).unwrap();
    }
    server.send(()).unwrap();
    for _ in 0..100 {
        server.call(Ask::Nothing).await.unwrap();
    }
    node.update_metrics();
    let seen = Seen::of(type_name::<Worker<1>>(), &snapshotter);
    equals(seen.number("genserver.messages.handled handle_call"), 100.0);
    equals(seen.number("genserver.messages.handled handle_cast"), 300.0);
    equals(seen.number("genserver.messages.handled handle_info"), 1.0);
    node.update_metrics();
    let seen = Seen::of(type_name::<Worker<1>>(), &snapshotter);
    equals(seen.number("genserver.messages.handled handle_call"), 0.0);
}

#[tokio::test]
async fn messages_are_counted_now_and_then_and_at_the_end_by_themselves() {
    recorder!(snapshotter);
    let server = Node::new().start::<Worker<2>>(()).await.unwrap();
    for _ in 0..1_000 {
        server.call(Ask::Nothing).await.unwrap();
    }
    let by_itself = Seen::of(type_name::<Worker<2>>(), &snapshotter).number("genserver.messages.handled handle_call");
    assert!((900.0..=1_000.0).contains(&by_itself), "{by_itself}");
    server.stop().await.unwrap();
    let at_the_end = Seen::of(type_name::<Worker<2>>(), &snapshotter).number("genserver.messages.handled handle_call");
    equals(by_itself + at_the_end, 1_000.0);
}

#[tokio::test]
async fn live_processes_ends_and_restarts_are_counted() {
    recorder!(snapshotter);
    let node = Node::new();
    let look = || Seen::of(type_name::<Worker<3>>(), &snapshotter);
    let first = node.start::<Worker<3>>(()).await.unwrap();
    let second = node.start::<Worker<3>>(()).await.unwrap();
    equals(look().number("genserver.process.count"), 2.0);
    second.kill();
    second.call(Ask::Nothing).await.unwrap_err();
    first.call(Ask::Panic).await.unwrap_err();
    let seen = look();
    equals(seen.number("genserver.process.count"), 0.0);
    equals(seen.number("genserver.exits killed"), 1.0);
    equals(seen.number("genserver.exits panic"), 1.0);

    let spec = ChildSpec::server("worker", || start_link::<Worker<3>>(()));
    let worker = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).start().on(&node).await.unwrap();
    for _ in 0..2 {
        worker.waiting().current().await.unwrap().call(Ask::Crash).await.unwrap_err();
    }
    worker.waiting().current().await.unwrap();
    let seen = look();
    equals(seen.number("genserver.restarts"), 2.0);
    equals(seen.number("genserver.exits term"), 2.0);
    equals(seen.number("genserver.process.count"), 1.0);
    supervisor.stop().await.unwrap();
    equals(look().number("genserver.exits shutdown"), 1.0);
    equals(look().number("genserver.process.count"), 0.0);
}

#[tokio::test]
async fn functions_that_run_as_processes_are_counted_together() {
    recorder!(snapshotter);
    let process = spawn(|_me: genserver::Probe<()>| async {}).unwrap();
    equals(Seen::of("genserver::Probe", &snapshotter).number("genserver.process.count"), 1.0);
    process.process_ref().ended().await;
    let seen = Seen::of("genserver::Probe", &snapshotter);
    equals(seen.number("genserver.process.count"), 0.0);
    equals(seen.number("genserver.exits normal"), 1.0);
}

#[tokio::test]
async fn what_a_full_mailbox_refuses_or_drops_is_counted_also_while_the_server_is_stuck() {
    recorder!(snapshotter);
    let node = Node::new();
    let server = node.start::<Worker<5>>(()).mailbox(2).await.unwrap();
    let newest = node.start::<Worker<5>>(()).mailbox(2).overflow(Overflow::DropOldest).await.unwrap();
    for number in 0..102 {
        let _ = server.cast(number);
        newest.cast(number).unwrap();
    }
    let seen = Seen::of(type_name::<Worker<5>>(), &snapshotter);
    equals(seen.number("genserver.messages.refused"), 65.0);
    equals(seen.number("genserver.messages.dropped"), 65.0);
    node.update_metrics();
    let seen = Seen::of(type_name::<Worker<5>>(), &snapshotter);
    equals(seen.number("genserver.messages.refused"), 35.0);
    equals(seen.number("genserver.messages.dropped"), 35.0);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_callback_is_taken_with_its_awaits_on_the_clock_of_the_runtime() {
    for inline in [true, false] {
        recorder!(snapshotter);
        let server = Node::new().start::<Worker<6>>(()).inline(inline).await.unwrap();
        for _ in 0..64 {
            server.call(|caller| Ask::Sleep(Duration::from_secs(3), caller)).await.unwrap();
        }
        let seen = Seen::of(type_name::<Worker<6>>(), &snapshotter);
        let durations = seen.values("genserver.callback.duration handle_call");
        assert!((3..=10).contains(&durations.len()), "{durations:?}");
        assert!(durations.iter().all(|duration| (duration - 3.0).abs() < 0.01), "{durations:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_of_a_queued_message_is_sampled() {
    recorder!(snapshotter);
    let server = Node::new().start::<Worker<7>>(()).await.unwrap();
    let busy = server.clone();
    let asked = spawn(move |_me: genserver::Probe<()>| async move {
        let _ = busy.call(|caller| Ask::Sleep(Duration::from_secs(4), caller)).await;
    });
    genserver::time::sleep(Duration::from_secs(1)).await;
    for number in 0..300 {
        server.cast(number).unwrap();
    }
    asked.unwrap().process_ref().ended().await;
    server.call(Ask::Nothing).await.unwrap();
    let seen = Seen::of(type_name::<Worker<7>>(), &snapshotter);
    assert_eq!(seen.values("genserver.mailbox.size"), [0.0, 256.0], "{seen:?}");
    let waits = seen.values("genserver.mailbox.time");
    assert!(waits.len() == 2 && waits.iter().all(|wait| (wait - 3.0).abs() < 0.01), "{waits:?}");
}

#[tokio::test]
async fn a_timed_message_that_is_dropped_or_held_back_is_treated_as_any_other() {
    recorder!(snapshotter);
    let server = Node::new().start::<Worker<8>>(()).mailbox(1).overflow(Overflow::DropOldest).await.unwrap();
    server.cast(1).unwrap();
    server.cast(2).unwrap();
    assert_eq!(server.info().dropped, 1, "the first was timed, and dropped");
    let held = Node::new().start::<Worker<8>>(()).await.unwrap();
    genserver::sys::suspend(&held).await.unwrap();
    held.cast(1).unwrap();
    assert_eq!((held.info().handled, held.info().mailbox), (0, 1));
    genserver::sys::resume(&held).await.unwrap();
    held.call(Ask::Nothing).await.unwrap();
    assert_eq!((held.info().handled, held.info().mailbox), (2, 0));
    let seen = Seen::of(type_name::<Worker<8>>(), &snapshotter);
    assert_eq!(seen.values("genserver.mailbox.size"), [0.0]);
}

#[tokio::test]
async fn a_recorder_that_comes_late_gets_what_comes_from_then_on() {
    let node = Node::new();
    let server = node.start::<Worker<9>>(()).await.unwrap();
    server.call(Ask::Nothing).await.unwrap();
    node.update_metrics();
    recorder!(snapshotter);
    server.call(Ask::Nothing).await.unwrap();
    node.update_metrics();
    let seen = Seen::of(type_name::<Worker<9>>(), &snapshotter);
    equals(seen.number("genserver.messages.handled handle_call"), 1.0);
    equals(seen.number("genserver.process.count"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_callback_ends_before_the_next_message() {
    recorder!(snapshotter);
    let server = Node::new().start::<Worker<10>>(()).inline(false).await.unwrap();
    let sleep = || server.call(|caller| Ask::Sleep(Duration::from_secs(3), caller)).no_timeout();
    for answer in futures::future::join_all((0..64).map(|_| sleep().into_future())).await {
        answer.unwrap();
    }
    let seen = Seen::of(type_name::<Worker<10>>(), &snapshotter);
    let durations = seen.values("genserver.callback.duration handle_call");
    assert!(!durations.is_empty(), "{seen:?}");
    assert!(durations.iter().all(|duration| (duration - 3.0).abs() < 0.01), "{durations:?}");
}

/// Panics whatever it is told.
struct Broken;

impl Recorder for Broken {
    fn describe_counter(&self, _key: KeyName, _unit: Option<Unit>, _description: SharedString) {
        panic!("a recorder that is broken");
    }

    fn describe_gauge(&self, _key: KeyName, _unit: Option<Unit>, _description: SharedString) {
        panic!("a recorder that is broken");
    }

    fn describe_histogram(&self, _key: KeyName, _unit: Option<Unit>, _description: SharedString) {
        panic!("a recorder that is broken");
    }

    fn register_counter(&self, _key: &Key, _metadata: &Metadata<'_>) -> metrics::Counter {
        panic!("a recorder that is broken");
    }

    fn register_gauge(&self, _key: &Key, _metadata: &Metadata<'_>) -> metrics::Gauge {
        panic!("a recorder that is broken");
    }

    fn register_histogram(&self, _key: &Key, _metadata: &Metadata<'_>) -> metrics::Histogram {
        panic!("a recorder that is broken");
    }
}

#[tokio::test]
async fn a_recorder_that_panics_harms_no_process() {
    let _installed = metrics::set_default_local_recorder(&Broken);
    let node = Node::new();
    for inline in [true, false] {
        let server = node.start::<Worker<11>>(()).mailbox(1).inline(inline).await.unwrap();
        for number in 0..300 {
            server.call(Ask::Nothing).await.unwrap();
            server.cast(number).unwrap();
            assert!(server.cast(number).unwrap_err().is_full());
        }
        node.update_metrics();
        server.stop().await.unwrap();
    }
    spawn(|_me: genserver::Probe<()>| async {}).unwrap().process_ref().ended().await;
}
