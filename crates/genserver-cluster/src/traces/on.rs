//! With the feature `tracing`: the context of the caller's span is sent, and one that has come is the parent of a span.
//!
//! # Rules
//!
//! - T1: The propagator and the subscriber are foreign code. A panic of theirs ends nothing but the trace of one request.
//! - T2: A request has a span only if it came with a context, and this member has a propagator.
//! - T3: A `traceparent` of more than [`FIELD_MAX`] bytes leaves no context, and a `tracestate` of more is left out: on the way out, and on
//!   the way in.
//! - T4: The span of a call lasts until its answer is there, that of a cast until the server has the message.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use genserver::Reason;
use tracing::span::Entered;
use tracing::{Span, info_span};

use crate::traces::TraceFields;
use crate::traces::propagator::{TraceContext, TracePropagator};

/// How long each field of a context may be, in bytes.
const FIELD_MAX: usize = 256;

/// How the traces of a member go on at others, and theirs here.
#[derive(Clone, Default)]
pub(crate) struct Traces(Option<Arc<dyn TracePropagator>>);

impl Traces {
    pub(crate) fn new(propagator: impl TracePropagator) -> Self {
        Self(Some(Arc::new(propagator)))
    }

    /// The context of the code that runs here.
    pub(crate) fn here(&self) -> SentTrace {
        let Some(propagator) = &self.0 else { return SentTrace(None) };
        // By T1.
        SentTrace(caught(|| {
            let span = Span::current();
            if span.is_none() { None } else { propagator.inject(&span) }
        }))
    }

    /// The span of a call that has come with these fields.
    pub(crate) fn serve_call(&self, server: &str, message: &str, came: TraceFields<'_>) -> RequestSpan {
        self.serve(
            came,
            || info_span!(target: "genserver_cluster::request", parent: None, "serve_call", server, message),
        )
    }

    /// The span of a cast that has come with these fields.
    pub(crate) fn serve_cast(&self, server: &str, message: &str, came: TraceFields<'_>) -> RequestSpan {
        self.serve(
            came,
            || info_span!(target: "genserver_cluster::request", parent: None, "serve_cast", server, message),
        )
    }

    fn serve(&self, came: TraceFields<'_>, make: impl FnOnce() -> Span) -> RequestSpan {
        // By T2 and T3.
        let (Some(propagator), Some(traceparent)) = (&self.0, bounded(came.traceparent)) else {
            return RequestSpan(Told(None));
        };
        let tracestate = bounded(came.tracestate).unwrap_or_default().to_owned();
        let context = TraceContext { traceparent: traceparent.to_owned(), tracestate };
        // By T1.
        RequestSpan(Told(caught(|| {
            let span = Told(Some(make()).filter(|span| !span.is_disabled()));
            propagator.extract(context, span.0.as_ref()?);
            span.take()
        })))
    }
}

/// By T3.
fn bounded(field: Option<&str>) -> Option<&str> {
    field.filter(|field| (1..=FIELD_MAX).contains(&field.len()))
}

/// Runs foreign code: nothing comes of it if it panics.
fn caught<T>(run: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        drop(Reason::caught(payload));
        None
    })
}

/// The context that is sent with a request, if there is any.
#[derive(Debug)]
pub(crate) struct SentTrace(Option<TraceContext>);

impl SentTrace {
    /// What goes into the header.
    pub(crate) fn fields(&self) -> TraceFields<'_> {
        let Some(context) = &self.0 else { return TraceFields::default() };
        let traceparent = bounded(Some(&context.traceparent));
        let tracestate = bounded(Some(&context.tracestate)).filter(|_| traceparent.is_some());
        TraceFields { traceparent, tracestate }
    }
}

/// What tells the subscriber when it is dropped, if there is any: a span, or that it is entered.
#[derive(Debug)]
struct Told<T>(Option<T>);

impl<T> Told<T> {
    fn take(mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Drop for Told<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            caught(|| {
                drop(value);
                Some(())
            });
        }
    }
}

/// The span of a request that has come, if it has one.
#[derive(Debug)]
pub(crate) struct RequestSpan(Told<Span>);

impl RequestSpan {
    /// Runs code in the span.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Polls a future in the span, which lasts until the future is dropped.
    pub(crate) fn around<T: 'static>(self, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        match self.0.0 {
            Some(_) => InSpan { work, span: self }.boxed(),
            None => work,
        }
    }

    fn enter(&self) -> Told<Entered<'_>> {
        Told(self.0.0.as_ref().and_then(|span| caught(|| Some(span.enter()))))
    }
}

/// A future with the span in which it is polled.
struct InSpan<T> {
    // Dropped first.
    work: BoxFuture<'static, T>,
    span: RequestSpan,
}

impl<T> Future for InSpan<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        let _entered = this.span.enter();
        this.work.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests;
