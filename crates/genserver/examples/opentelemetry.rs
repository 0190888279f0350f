//! OpenTelemetry: the trace of a request that goes from server to server, as an exporter gets it.
//!
//! ```text
//! $ cargo run -p genserver --example opentelemetry --features tracing
//! order
//!   handle_call of shop
//!     handle_call of stock
//! linked: handle_cast of journal
//! ```
//!
//! The callback of a call is a child of the code that called. Nobody waits for the callback of a cast, so that is a trace of its own,
//! with a link to the code that cast. The program adds the layer of `tracing-opentelemetry` to its subscriber, and the servers
//! need not be told. This exporter keeps the spans and prints them; one for OTLP takes its place in `with_simple_exporter`, or in
//! `with_batch_exporter`.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef, start};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::{Instrument as _, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

/// Takes orders: asks the stock for each, and lets the journal know.
struct Shop {
    stock: ServerRef<Stock>,
    journal: ServerRef<Journal>,
}

/// How many are wanted, and whether they were there.
type Order = (u32, Caller<bool>);

impl GenServer for Shop {
    type Args = (ServerRef<Stock>, ServerRef<Journal>);
    type Call = Order;
    type Cast = Never;
    type Info = Never;

    async fn init((stock, journal): Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { stock, journal })
    }

    async fn handle_call(&mut self, (wanted, caller): Order, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let taken = self.stock.call(|caller| (wanted, caller)).await?;
        self.journal.cast(wanted)?;
        Next::reply(caller, taken)
    }
}

/// What is left.
struct Stock(u32);

impl GenServer for Stock {
    type Args = u32;
    type Call = Order;
    type Cast = Never;
    type Info = Never;

    async fn init(left: u32, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(left))
    }

    async fn handle_call(&mut self, (wanted, caller): Order, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let left = self.0.checked_sub(wanted);
        self.0 = left.unwrap_or(self.0);
        Next::reply(caller, left.is_some())
    }
}

/// What was ordered.
struct Journal(Vec<u32>);

impl GenServer for Journal {
    type Args = ();
    type Call = Never;
    type Cast = u32;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(Vec::new()))
    }

    async fn handle_cast(&mut self, wanted: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.push(wanted);
        Next::wait()
    }
}

/// Keeps what it is to export.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
        Ok(())
    }
}

impl Kept {
    /// The trace of the span of this name, and what is linked to it.
    fn render(&self, name: &str) -> String {
        let spans = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut text = String::new();
        let Some(root) = spans.iter().find(|span| span.name == name) else { return text };
        add(&mut text, 0, root, &spans);
        let trace = root.span_context.trace_id();
        let is_linked = |span: &&SpanData| span.links.iter().any(|link| link.span_context.trace_id() == trace);
        for span in spans.iter().filter(is_linked) {
            text.extend(["linked: ", &title(span), "\n"]);
        }
        text
    }
}

/// Adds a span and those under it.
fn add(text: &mut String, depth: usize, span: &SpanData, all: &[SpanData]) {
    text.extend([&" ".repeat(depth), &title(span), "\n"]);
    for child in all.iter().filter(|child| child.parent_span_id == span.span_context.span_id()) {
        add(text, depth + 2, child, all);
    }
}

/// What a span is about: a callback and the name of its process, or whatever the program called it.
fn title(span: &SpanData) -> String {
    match span.attributes.iter().find(|attribute| attribute.key.as_str() == "process") {
        Some(process) => format!("{} of {}", span.name, process.value.as_str().split(' ').next().unwrap_or_default()),
        None => span.name.to_string(),
    }
}

/// Places an order, and returns its trace.
async fn session() -> Result<String, Box<dyn Error>> {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;

    let stock = start::<Stock>(10).name("stock").await?;
    let journal = start::<Journal>(()).name("journal").await?;
    let shop = start::<Shop>((stock, journal.clone())).name("shop").await?;
    let taken = shop.call(|caller| (3, caller)).into_future().instrument(info_span!("order")).await?;
    assert!(taken);
    // Everything before the stop has been handled when it returns.
    journal.stop().await?;
    Ok(kept.render("order"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    stdout().write_all(session().await?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that the page shows.
    fn shown() -> String {
        let page = include_str!("opentelemetry.rs").lines().skip_while(|line| !line.contains("$ cargo run"));
        let lines = page.skip(1).map_while(|line| line.strip_prefix("//! ").filter(|line| *line != "```"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    #[tokio::test]
    async fn a_trace_goes_through_a_call_and_is_linked_to_a_cast() {
        assert_eq!(session().await.expect("it starts"), shown());
    }
}
