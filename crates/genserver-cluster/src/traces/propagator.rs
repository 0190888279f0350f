//! What a program says of its traces: how a span is named to another program, and how one of that program becomes a parent.

use tracing::Span;

/// Lets traces go on at other members: see [`ClusterOptions::trace_propagator`](crate::ClusterOptions::trace_propagator).
///
/// `tracing` knows the spans of one program, and has no names for them that another program would understand. A system of traces has
/// such names. These two functions translate.
///
/// A panic of either is caught. The request then goes on without a trace.
///
/// # Examples
///
/// For OpenTelemetry, with the layer of `tracing-opentelemetry` in the program's subscriber:
///
/// ```
/// use std::collections::HashMap;
///
/// use genserver_cluster::{TraceContext, TracePropagator};
/// use opentelemetry::propagation::TextMapPropagator as _;
/// use opentelemetry_sdk::propagation::TraceContextPropagator;
/// use tracing::Span;
/// use tracing_opentelemetry::OpenTelemetrySpanExt as _;
///
/// #[derive(Default)]
/// struct OpenTelemetry(TraceContextPropagator);
///
/// impl TracePropagator for OpenTelemetry {
///     fn inject(&self, span: &Span) -> Option<TraceContext> {
///         let mut fields = HashMap::new();
///         self.0.inject_context(&span.context(), &mut fields);
///         Some(TraceContext {
///             traceparent: fields.remove("traceparent")?,
///             tracestate: fields.remove("tracestate").unwrap_or_default(),
///         })
///     }
///
///     fn extract(&self, context: TraceContext, span: &Span) {
///         let fields = HashMap::from([
///             ("traceparent".to_owned(), context.traceparent),
///             ("tracestate".to_owned(), context.tracestate),
///         ]);
///         // It fails if nothing exports the span, and then there is no trace to go on.
///         let _ = span.set_parent(self.0.extract(&fields));
///     }
/// }
/// ```
pub trait TracePropagator: Send + Sync + 'static {
    /// Returns the context of a span of this program. It is sent with a call or a cast that is made in this span.
    ///
    /// Returning `None` sends nothing, and so does a [`traceparent`](TraceContext::traceparent) that is empty or too long.
    fn inject(&self, span: &Span) -> Option<TraceContext>;

    /// Makes the context the parent of `span`, in which a call or a cast from another member is about to be handed to its server.
    /// The span was not entered yet.
    ///
    /// The texts are those that came. What they say is for this function to check.
    fn extract(&self, context: TraceContext, span: &Span);
}

/// The place of a span in a trace, as W3C's [Trace Context](https://www.w3.org/TR/trace-context/) writes it. It travels in the
/// [header](crate::wire) of a call or a cast.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TraceContext {
    /// The trace and the span. If it has more than 256 bytes, there is no context.
    pub traceparent: String,
    /// What systems of traces add, or nothing. If it has more than 256 bytes, it is left out.
    pub tracestate: String,
}
