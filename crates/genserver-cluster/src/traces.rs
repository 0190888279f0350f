//! The trace of a request on its way between machines. Without the feature `tracing` none travels.

// What travels.
mod fields;
// What a program says of its traces.
#[cfg(feature = "tracing")]
pub(crate) mod propagator;
// With the feature.
#[cfg(feature = "tracing")]
mod on;
// Without it.
#[cfg(not(feature = "tracing"))]
mod off;

pub(crate) use fields::TraceFields;
#[cfg(not(feature = "tracing"))]
pub(crate) use off::Traces;
#[cfg(feature = "tracing")]
pub(crate) use on::Traces;
