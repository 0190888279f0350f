//! The chapter `OBSERVING.md`: its tables are what the code records, and nothing is missing in them.
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use genevent::{Handler, HandlerCx, Manager, React, Reaction};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Overflow, Reason, start_link};
use genserver_cluster::engine::model::Model;
use genserver_cluster::{Cluster, Clustered, Messages, Remote, TraceContext, TracePropagator};
use metrics::Unit;
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing::span::Attributes;
use tracing::{Id, Instrument as _, Span, Subscriber, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

const CHAPTER: &str = include_str!("../OBSERVING.md");

/// The rows of the table that begins with this cell, each as its cells.
fn table(first: &str) -> Vec<Vec<String>> {
    let head = format!("| {first} |");
    let lines = CHAPTER.lines().skip_while(|line| !line.starts_with(&head)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.replace('`', "").trim().to_owned()).collect())
        .collect()
}

/// A metric: kind, unit, the names of its labels.
type Metric = (String, String, BTreeSet<String>);

fn listed(cell: &str) -> BTreeSet<String> {
    cell.split(", ").map(str::to_owned).collect()
}

fn documented() -> BTreeMap<String, Metric> {
    let metric = |row: Vec<String>| {
        let [name, kind, unit, labels, _] = <[String; 5]>::try_from(row).unwrap();
        // The facade has no word for what is counted.
        let unit = if unit == "s" { unit } else { "count".to_owned() };
        (name, (kind, unit, listed(&labels)))
    };
    table("name").into_iter().map(metric).collect()
}

/// Does everything that is counted.
struct Worker;

enum Ask {
    Sleep(Caller<()>),
    Crash(Caller<()>),
}

impl GenServer for Worker {
    type Args = ();
    type Call = Ask;
    type Cast = ();
    type Info = ();

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, ask: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Sleep(caller) => {
                genserver::time::sleep(Duration::from_secs(1)).await;
                Next::reply(caller, ())
            }
            Ask::Crash(_caller) => Next::stop(Reason::term("asked to")),
        }
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }

    async fn handle_info(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::idle(Duration::from_secs(1))
    }

    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

/// Refuses odd numbers.
struct Even;

impl Handler<u32> for Even {
    type Call = Never;

    fn handle_event(&mut self, event: &u32, _cx: &mut HandlerCx<u32>) -> Reaction<u32> {
        if event % 2 == 1 { React::refuse(Reason::term("odd")) } else { React::stay() }
    }
}

/// Lets everything happen that the chapter lists.
async fn scenario() {
    let node = Node::new();
    let spec = ChildSpec::server("worker", || start_link::<Worker>(()).mailbox(2));
    let worker = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).start().on(&node).await.unwrap();
    worker.waiting().current().await.unwrap().call(Ask::Crash).await.unwrap_err();
    let server = worker.waiting().current().await.unwrap();
    for _ in 0..8 {
        server.call(Ask::Sleep).await.unwrap();
    }
    for _ in 0..3 {
        let _ = server.cast(());
    }
    server.call(Ask::Sleep).await.unwrap();
    server.send(()).unwrap();
    server.call(Ask::Sleep).await.unwrap();
    server.send(()).unwrap();
    genserver::time::sleep(Duration::from_secs(2)).await;
    let newest = node.start::<Worker>(()).mailbox(1).overflow(Overflow::DropOldest).await.unwrap();
    newest.cast(()).unwrap();
    newest.cast(()).unwrap();

    let manager = Manager::<u32>::start().await.unwrap();
    let even = manager.add_handler(Even).await.unwrap();
    manager.sync_notify(1).await.unwrap_err();
    manager.sync_notify(2).await.unwrap();
    manager.remove_handler(&even).await.unwrap();
    manager.stop().await.unwrap();
    node.update_metrics();
    supervisor.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_table_of_metrics_is_what_is_recorded() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    scenario().await;
    let mut recorded = BTreeMap::new();
    let mut moved = BTreeSet::new();
    for (key, unit, description, value) in snapshotter.snapshot().into_vec() {
        let (kind, key) = key.into_parts();
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        let unit = if unit.unwrap() == Unit::Seconds { "s" } else { "count" };
        assert!(description.is_some_and(|description| description.ends_with('.')), "{key} is described");
        let labels = key.labels().map(|label| label.key().to_owned()).collect();
        let has_moved = match value {
            DebugValue::Counter(count) => count > 0,
            DebugValue::Gauge(value) => value.into_inner() > 0.0,
            DebugValue::Histogram(values) => !values.is_empty(),
        };
        if has_moved {
            moved.insert(key.name().to_owned());
        }
        let metric: Metric = (kind.to_owned(), unit.to_owned(), labels);
        let before = recorded.insert(key.name().to_owned(), metric.clone());
        assert!(before.is_none_or(|before| before == metric), "{key}: one name has one kind of series");
        assert!(!key.name().ends_with("_total"));
    }
    assert_eq!(recorded, documented());
    let still: Vec<_> = recorded.keys().filter(|name| !moved.contains(*name)).collect();
    assert!(still.is_empty(), "not exercised here: {still:?}");
}

/// Collects the spans: name, target, level, fields.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<BTreeSet<Vec<String>>>>);

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _id: &Id, _cx: Context<'_, S>) {
        let metadata = attributes.metadata();
        let fields: Vec<&str> = metadata.fields().iter().map(|field| field.name()).collect();
        let row = [metadata.name(), metadata.target(), metadata.level().as_str(), &fields.join(", ")];
        if metadata.target().starts_with("gen") {
            self.0.lock().unwrap().insert(row.map(str::to_owned).to_vec());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_table_of_spans_is_what_is_traced() {
    let spans = Spans::default();
    let _subscribed = tracing::subscriber::set_default(Registry::default().with(spans.clone()));
    scenario().await;
    let traced: Vec<_> = spans.0.lock().unwrap().iter().cloned().collect();
    assert_eq!(traced, table("span"));
}

impl Remote<()> for Worker {
    type Reply = ();

    fn local((): (), caller: Caller<()>) -> Ask {
        Ask::Sleep(caller)
    }
}

impl Clustered for Worker {
    fn messages() -> Messages<Self> {
        Messages::new("worker", 1).call::<()>("sleep").cast::<()>("tick")
    }
}

/// All spans have one name.
struct OneName;

impl TracePropagator for OneName {
    fn inject(&self, _span: &Span) -> Option<TraceContext> {
        Some(TraceContext { traceparent: "name".to_owned(), tracestate: String::new() })
    }

    fn extract(&self, _context: TraceContext, _span: &Span) {}
}

#[tokio::test(start_paused = true)]
async fn the_table_of_spans_of_requests_is_what_is_traced() {
    let spans = Spans::default();
    let _subscribed = tracing::subscriber::set_default(Registry::default().with(spans.clone()));
    let cluster = Cluster::over(Model::new().member("a")).trace_propagator(OneName).start().await.unwrap();
    let _worker = cluster.start_named::<Worker>("worker", ()).await.unwrap();
    let worker = cluster.named::<Worker>("worker");
    let asked = async {
        worker.cast(()).await.unwrap();
        worker.call(()).await.unwrap();
    };
    asked.instrument(info_span!("request")).await;
    let spans = spans.0.lock().unwrap();
    let traced: Vec<_> = spans.iter().filter(|row| row[1] == "genserver_cluster::request").cloned().collect();
    let documented: Vec<_> = table("span of a request").into_iter().map(|row| row[..4].to_vec()).collect();
    assert_eq!(traced, documented);
}
