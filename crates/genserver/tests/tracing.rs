//! Reports as events of `tracing`, callbacks as its spans, traces as its events.
#![cfg(all(feature = "tokio", feature = "tracing"))]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Reason, sys};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Records what happens, as lines.
#[derive(Clone, Default)]
struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
    last: Arc<AtomicU64>,
}

impl Notes {
    fn note(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

/// Fields as text.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("genserver") || metadata.target() == "tracing"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut text = Text(format!("{id} is {}", span.metadata().name()));
        span.record(&mut text);
        self.note(text.0);
        Id::from_u64(id)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut text);
        self.note(text.0);
    }

    fn enter(&self, span: &Id) {
        self.note(format!("in {}", span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        self.note(format!("out {}", span.into_u64()));
    }
}

struct Worker;

enum Call {
    Work(Caller<()>),
    Yield(Caller<()>),
    Crash(Caller<()>),
}

impl GenServer for Worker {
    type Args = ();
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Worker)
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Work(caller) => {
                tracing::info!("at work");
                Next::reply(caller, ())
            }
            Call::Yield(caller) => {
                tokio::task::yield_now().await;
                Next::reply(caller, ())
            }
            Call::Crash(_caller) => Next::stop(Reason::term("crashed")),
        }
    }
}

#[tokio::test]
async fn pl_015_a_traced_call_makes_two_events() {
    let worker = Node::new().start::<Worker>(()).name("worker").await.unwrap();
    let notes = Notes::default();
    let _subscribed = tracing::subscriber::set_default(notes.clone());
    sys::trace(&worker, true).await.unwrap();
    worker.call(Call::Work).await.unwrap();
    sys::trace(&worker, false).await.unwrap();
    worker.call(Call::Work).await.unwrap();
    let traced: Vec<_> = notes.take().into_iter().filter(|line| line.starts_with("INFO genserver::sys")).collect();
    let [came, went] = &traced[..] else { panic!("not two events: {traced:?}") };
    assert!(came.contains("message=worker <1> got call tracing::Call"), "{came}");
    assert!(went.contains("message=worker <1> sent a reply"), "{went}");
}

#[tokio::test]
async fn a_callback_is_a_span_of_its_own() {
    let worker = Node::new().start::<Worker>(()).name("worker").await.unwrap();
    let notes = Notes::default();
    let _subscribed = tracing::subscriber::set_default(notes.clone());
    worker.call(Call::Work).await.unwrap();
    let span = r#"1 is handle_call process="worker <1>""#;
    assert_eq!(notes.take(), [span, "in 1", "INFO tracing message=at work", "out 1"]);

    worker.call(Call::Yield).await.unwrap();
    let [_, lines @ ..] = &notes.take()[..] else { panic!("no span") };
    assert_eq!(lines, ["in 2", "out 2", "in 2", "out 2"], "entered at each poll, on any task");
}

#[tokio::test]
async fn reports_are_events() {
    let worker = Node::new().start::<Worker>(()).name("worker").await.unwrap();
    let notes = Notes::default();
    let _subscribed = tracing::subscriber::set_default(notes.clone());
    worker.call(Call::Crash).await.unwrap_err();
    let errors: Vec<_> = notes.take().into_iter().filter(|line| line.starts_with("ERROR genserver ")).collect();
    let [terminated, crashed] = &errors[..] else { panic!("not two events: {errors:?}") };
    assert!(terminated.contains("message=server terminating"), "{terminated}");
    assert!(terminated.contains(r#"process="worker <1>""#), "{terminated}");
    assert!(terminated.contains(r#"reason="crashed""#), "{terminated}");
    assert!(crashed.contains("message=process crashed"), "{crashed}");
}

#[tokio::test]
async fn a_callback_that_blocked_its_thread_is_a_warning() {
    let node = Node::new();
    // Every callback that is timed blocks for longer than that; the second is the first of them.
    node.long_schedule(Duration::ZERO);
    let worker = node.start::<Worker>(()).name("worker").await.unwrap();
    let notes = Notes::default();
    let _subscribed = tracing::subscriber::set_default(notes.clone());
    worker.call(Call::Work).await.unwrap();
    worker.call(Call::Work).await.unwrap();
    let warnings: Vec<_> = notes.take().into_iter().filter(|line| line.starts_with("WARN genserver ")).collect();
    let [blocked] = &warnings[..] else { panic!("not one event: {warnings:?}") };
    assert!(blocked.contains("message=callback blocked its thread"), "{blocked}");
    assert!(blocked.contains(r#"process="worker <1>""#), "{blocked}");
    assert!(blocked.contains(r#"callback="handle_call""#), "{blocked}");
}
