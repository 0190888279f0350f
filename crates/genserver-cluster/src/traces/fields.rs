//! What the header of a request says of its trace.

/// What the header of a request says of its trace.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct TraceFields<'a> {
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) tracestate: Option<&'a str>,
}
