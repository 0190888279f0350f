//! What comes from another member, and a subscriber that breaks. Whole traces are in `tests/traces.rs`.

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use tracing::span::{Attributes, Id};
use tracing::{Span, Subscriber, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::Traces;
use crate::traces::TraceFields;
use crate::traces::propagator::{TraceContext, TracePropagator};

/// Keeps the contexts that it is given.
#[derive(Clone, Default)]
struct Given(Arc<Mutex<Vec<TraceContext>>>);

impl TracePropagator for Given {
    fn inject(&self, _span: &Span) -> Option<TraceContext> {
        Some(TraceContext { traceparent: "p".into(), tracestate: String::new() })
    }

    fn extract(&self, context: TraceContext, span: &Span) {
        assert!(!span.is_disabled());
        self.0.lock().unwrap().push(context);
    }
}

/// What a propagator gets of these fields.
#[track_caller]
fn check(traceparent: Option<&str>, tracestate: Option<&str>, expected: Option<(&str, &str)>) {
    let given = Given::default();
    let _subscribed = tracing::subscriber::set_default(Registry::default());
    let span = Traces::new(given.clone()).serve_cast("s", "m", TraceFields { traceparent, tracestate });
    let is_in_it = span.run(|| !Span::current().is_none());
    assert_eq!(is_in_it, expected.is_some());
    let expected: Vec<_> = expected.map(|(parent, state)| (parent.to_owned(), state.to_owned())).into_iter().collect();
    let given: Vec<_> = given.0.lock().unwrap().drain(..).map(|it| (it.traceparent, it.tracestate)).collect();
    assert_eq!(given, expected);
}

#[test]
fn a_context_that_comes_is_bounded_here_as_well() {
    let text = "x".repeat(257);
    let (most, more) = (&text[1..], &text[..]);
    check(None, None, None);
    check(None, Some("a=1"), None);
    check(Some(""), Some("a=1"), None);
    check(Some(more), None, None);
    check(Some(most), None, Some((most, "")));
    check(Some(most), Some(most), Some((most, most)));
    check(Some("p"), Some(more), Some(("p", "")));
}

#[test]
fn without_a_subscriber_nothing_is_sent_and_a_request_is_carried_out() {
    let traces = Traces::new(Given::default());
    assert_eq!(traces.here().fields(), TraceFields::default());
    let span = traces.serve_call("s", "m", TraceFields { traceparent: Some("p"), tracestate: None });
    assert_eq!(span.run(|| 5), 5);
}

/// What is done to a subscriber that panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Done {
    New,
    Enter,
    Exit,
    Close,
}

/// Panics at one of them, if it is about a request.
struct Panicking(Done);

impl Panicking {
    fn check<S: Subscriber + for<'a> LookupSpan<'a>>(&self, done: Done, id: &Id, cx: &Context<'_, S>) {
        let target = cx.metadata(id).unwrap().target();
        assert!(done != self.0 || target != "genserver_cluster::request", "the subscriber panics at {done:?}");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Panicking {
    fn on_new_span(&self, _attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        self.check(Done::New, id, &cx);
    }

    fn on_enter(&self, id: &Id, cx: Context<'_, S>) {
        self.check(Done::Enter, id, &cx);
    }

    fn on_exit(&self, id: &Id, cx: Context<'_, S>) {
        self.check(Done::Exit, id, &cx);
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        self.check(Done::Close, &id, &cx);
    }
}

#[test]
fn a_subscriber_that_panics_harms_no_request() {
    for done in [Done::New, Done::Enter, Done::Exit, Done::Close] {
        let _subscribed = tracing::subscriber::set_default(Registry::default().with(Panicking(done)));
        let traces = Traces::new(Given::default());
        let sent = info_span!("request").in_scope(|| traces.here());
        assert_eq!(sent.fields(), TraceFields { traceparent: Some("p"), tracestate: None });
        let span = traces.serve_call("s", "m", sent.fields());
        assert_eq!(span.run(|| 5), 5, "{done:?}");
        assert_eq!(span.around(async { 6 }.boxed()).now_or_never(), Some(6), "{done:?}");
    }
}
