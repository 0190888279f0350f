//! Traces over two members, as an exporter of OpenTelemetry gets them.
#![cfg(all(feature = "model", feature = "tracing"))]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
use genserver_cluster::engine::model::Model;
use genserver_cluster::{
    Cluster, ClusterOptions, Clustered, Messages, Remote, RemoteRef, TraceContext, TracePropagator,
};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanId, TraceId, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use serde::{Deserialize, Serialize};
use tracing::{Instrument as _, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// Asks another desk, if it has one.
struct Desk(Option<RemoteRef<Desk>>);

/// Is answered with how many desks were asked.
#[derive(Serialize, Deserialize)]
struct Ask;

#[derive(Serialize, Deserialize)]
struct Tell;

impl Remote<Ask> for Desk {
    type Reply = u64;

    fn local(Ask: Ask, caller: Caller<u64>) -> Caller<u64> {
        caller
    }
}

impl Clustered for Desk {
    fn messages() -> Messages<Self> {
        Messages::new("test.desk", 1).call::<Ask>("ask").cast::<Tell>("tell")
    }
}

impl GenServer for Desk {
    type Args = Option<RemoteRef<Self>>;
    type Call = Caller<u64>;
    type Cast = Tell;
    type Info = Never;

    async fn init(other: Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(other))
    }

    async fn handle_call(&mut self, caller: Caller<u64>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let asked = match &self.0 {
            Some(other) => other.call(Ask).await?,
            None => 0,
        };
        Next::reply(caller, asked + 1)
    }

    async fn handle_cast(&mut self, Tell: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

/// Keeps the spans that have closed.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Kept {
    /// Subscribes on this thread, on which the whole test runs.
    fn subscribe() -> (Self, SdkTracerProvider, tracing::subscriber::DefaultGuard) {
        let kept = Self::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscribed = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        (kept, provider, subscribed)
    }

    /// The spans, as `NAME under PARENT` or `NAME after LINKED`, once there are so many. Only those of requests and of desks.
    async fn rendered(&self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..100_000 {
            let spans: Vec<_> = self.0.lock().unwrap().iter().filter(|span| is_shown(span)).cloned().collect();
            lines = spans.iter().map(|span| line(span, &spans)).collect();
            if lines.len() >= count {
                break;
            }
            // A span closes when the last task has let go of it.
            tokio::task::yield_now().await;
        }
        lines.sort();
        lines
    }
}

/// Whether it is not of a start, or of what keeps a name.
fn is_shown(span: &SpanData) -> bool {
    let process = span.attributes.iter().find(|field| field.key.as_str() == "process");
    span.name != "init" && process.is_none_or(|process| process.value.as_str().starts_with("desk"))
}

/// A span and what it belongs to. What is related has one trace.
fn line(span: &SpanData, all: &[SpanData]) -> String {
    // The other one may not have closed yet.
    let of = |trace: TraceId, id: SpanId| {
        let context = |other: &SpanData| (other.span_context.trace_id(), other.span_context.span_id());
        all.iter().find(|other| context(other) == (trace, id)).map_or("a span that is open", |other| &other.name)
    };
    let name = &span.name;
    if span.parent_span_id != SpanId::INVALID {
        return format!("{name} under {}", of(span.span_context.trace_id(), span.parent_span_id));
    }
    match span.links.iter().next() {
        Some(link) => format!("{name} after {}", of(link.span_context.trace_id(), link.span_context.span_id())),
        None => name.to_string(),
    }
}

/// The one of the page.
#[derive(Default)]
struct OpenTelemetry(TraceContextPropagator);

impl TracePropagator for OpenTelemetry {
    fn inject(&self, span: &Span) -> Option<TraceContext> {
        let mut fields = HashMap::new();
        self.0.inject_context(&span.context(), &mut fields);
        Some(TraceContext {
            traceparent: fields.remove("traceparent")?,
            tracestate: fields.remove("tracestate").unwrap_or_default(),
        })
    }

    fn extract(&self, context: TraceContext, span: &Span) {
        let fields = HashMap::from([
            ("traceparent".to_owned(), context.traceparent),
            ("tracestate".to_owned(), context.tracestate),
        ]);
        span.set_parent(self.0.extract(&fields)).unwrap();
    }
}

/// Sends one context with everything, and keeps those that come.
#[derive(Clone, Default)]
struct Fixed {
    sent: TraceContext,
    came: Arc<Mutex<Vec<TraceContext>>>,
}

impl TracePropagator for Fixed {
    fn inject(&self, _span: &Span) -> Option<TraceContext> {
        Some(self.sent.clone())
    }

    fn extract(&self, context: TraceContext, _span: &Span) {
        self.came.lock().unwrap().push(context);
    }
}

struct Panicking;

impl TracePropagator for Panicking {
    fn inject(&self, _span: &Span) -> Option<TraceContext> {
        panic!("nothing to inject")
    }

    fn extract(&self, _context: TraceContext, _span: &Span) {
        panic!("nothing to extract")
    }
}

fn member(model: &Model, name: &'static str) -> ClusterOptions {
    Cluster::over(model.member(name)).name_space("test").member(name)
}

/// Does it in a span.
async fn within<T>(work: impl Future<Output = T>) -> T {
    work.instrument(info_span!(parent: None, "request")).await
}

#[tokio::test]
async fn a_trace_goes_over_machine_after_machine() {
    let (kept, _provider, _subscribed) = Kept::subscribe();
    let model = Model::new();
    let a = member(&model, "a").trace_propagator(OpenTelemetry::default()).start().await.unwrap();
    let b = member(&model, "b").trace_propagator(OpenTelemetry::default()).start().await.unwrap();
    let _last = b.start_named::<Desk>("desk-2", None).await.unwrap();
    let _first = a.start_named::<Desk>("desk-1", Some(a.named("desk-2"))).await.unwrap();
    let asked = within(b.named::<Desk>("desk-1").call(Ask)).await;
    assert_eq!(asked, Ok(2));
    let expected = [
        "handle_call under serve_call",
        "handle_call under serve_call",
        "request",
        "serve_call under handle_call",
        "serve_call under request",
    ];
    assert_eq!(kept.rendered(5).await, expected);
    let spans = kept.0.lock().unwrap();
    let serve = spans.iter().find(|span| span.name == "serve_call").unwrap();
    let field = |name| serve.attributes.iter().find(|field| field.key.as_str() == name).unwrap().value.to_string();
    assert_eq!((field("server"), field("message")), ("test.desk".to_owned(), "ask".to_owned()));
}

#[tokio::test]
async fn the_callback_of_a_cast_follows_from_a_span_in_the_trace_of_its_sender() {
    let (kept, _provider, _subscribed) = Kept::subscribe();
    let model = Model::new();
    let a = member(&model, "a").trace_propagator(OpenTelemetry::default()).start().await.unwrap();
    let b = member(&model, "b").trace_propagator(OpenTelemetry::default()).start().await.unwrap();
    let _desk = a.start_named::<Desk>("desk", None).await.unwrap();
    within(b.named::<Desk>("desk").cast(Tell)).await.unwrap();
    let expected = ["handle_cast after serve_cast", "request", "serve_cast under request"];
    assert_eq!(kept.rendered(3).await, expected);
}

#[tokio::test]
async fn a_request_that_was_not_sent_in_a_span_has_none() {
    let (kept, _provider, _subscribed) = Kept::subscribe();
    let model = Model::new();
    let a = member(&model, "a").trace_propagator(OpenTelemetry::default()).start().await.unwrap();
    let b = member(&model, "b").trace_propagator(OpenTelemetry::default()).start().await.unwrap();
    let _desk = a.start_named::<Desk>("desk", None).await.unwrap();
    assert_eq!(b.named::<Desk>("desk").call(Ask).await, Ok(1));
    b.named::<Desk>("desk").cast(Tell).await.unwrap();
    assert_eq!(kept.rendered(2).await, ["handle_call", "handle_cast"]);
}

#[tokio::test]
async fn a_member_without_a_propagator_answers_and_is_answered() {
    for (of_a, of_b) in [(true, false), (false, true)] {
        let (kept, _provider, _subscribed) = Kept::subscribe();
        let model = Model::new();
        let start = |name, is_traced: bool| {
            let options = member(&model, name);
            let options = if is_traced { options.trace_propagator(OpenTelemetry::default()) } else { options };
            options.start()
        };
        let (a, b) = (start("a", of_a).await.unwrap(), start("b", of_b).await.unwrap());
        let _desk = a.start_named::<Desk>("desk", None).await.unwrap();
        assert_eq!(within(b.named::<Desk>("desk").call(Ask)).await, Ok(1));
        assert_eq!(kept.rendered(2).await, ["handle_call", "request"]);
    }
}

/// What the owner gets of a context.
async fn extracted(sent: TraceContext) -> Vec<TraceContext> {
    let (kept, _provider, _subscribed) = Kept::subscribe();
    let (model, owner) = (Model::new(), Fixed::default());
    let a = member(&model, "a").trace_propagator(owner.clone()).start().await.unwrap();
    let caller = Fixed { sent, ..Fixed::default() };
    let b = member(&model, "b").trace_propagator(caller).start().await.unwrap();
    let _desk = a.start_named::<Desk>("desk", None).await.unwrap();
    assert_eq!(within(b.named::<Desk>("desk").call(Ask)).await, Ok(1));
    kept.rendered(2).await;
    std::mem::take(&mut *owner.came.lock().unwrap())
}

#[tokio::test]
async fn a_context_travels_as_it_is_or_not_at_all() {
    let context =
        |parent: usize, state: usize| TraceContext { traceparent: "p".repeat(parent), tracestate: "s".repeat(state) };
    assert_eq!(extracted(context(256, 256)).await, [context(256, 256)]);
    assert_eq!(extracted(context(1, 0)).await, [context(1, 0)]);
    assert_eq!(extracted(context(256, 257)).await, [context(256, 0)]);
    assert_eq!(extracted(context(257, 1)).await, []);
    assert_eq!(extracted(context(0, 1)).await, []);
}

#[tokio::test]
async fn a_propagator_that_panics_costs_a_request_its_trace_and_nothing_else() {
    let (kept, _provider, _subscribed) = Kept::subscribe();
    let model = Model::new();
    let a = member(&model, "a").trace_propagator(Panicking).start().await.unwrap();
    let b = member(&model, "b").trace_propagator(OpenTelemetry::default()).start().await.unwrap();
    let _of_a = a.start_named::<Desk>("desk-a", None).await.unwrap();
    let _of_b = b.start_named::<Desk>("desk-b", None).await.unwrap();
    assert_eq!(within(b.named::<Desk>("desk-a").call(Ask)).await, Ok(1));
    within(b.named::<Desk>("desk-a").cast(Tell)).await.unwrap();
    assert_eq!(within(b.named::<Desk>("desk-a").call(Ask)).await, Ok(1));
    assert_eq!(within(a.named::<Desk>("desk-b").call(Ask)).await, Ok(1));
    let lines = kept.rendered(8).await;
    assert!(lines.iter().all(|line| !line.contains("under")), "{lines:?}");
}
