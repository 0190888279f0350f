//! The trace of a request on its way between machines. Without the feature `tracing` none travels.

// What a program says of its traces.
#[cfg(feature = "tracing")]
pub(crate) mod propagator;
// With the feature.
#[cfg(feature = "tracing")]
mod on;
// Without it.
#[cfg(not(feature = "tracing"))]
mod off;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::Traces;
#[cfg(feature = "tracing")]
pub(crate) use on::Traces;

/// What the header of a request says of its trace.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct TraceFields<'a> {
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) tracestate: Option<&'a str>,
}
