//! Without the feature `tracing`: nothing is sent, and what has come is not looked at.

use futures::future::BoxFuture;

use crate::traces::TraceFields;

/// How the traces of a member go on at others: not at all.
#[derive(Clone, Default, Debug)]
pub(crate) struct Traces(());

impl Traces {
    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    pub(crate) fn here(&self) -> SentTrace {
        SentTrace
    }

    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    pub(crate) fn serve_call(&self, _server: &str, _message: &str, _came: TraceFields<'_>) -> RequestSpan {
        RequestSpan
    }

    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    pub(crate) fn serve_cast(&self, _server: &str, _message: &str, _came: TraceFields<'_>) -> RequestSpan {
        RequestSpan
    }
}

/// The context that is sent with a request: none.
#[derive(Debug)]
pub(crate) struct SentTrace;

impl SentTrace {
    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    pub(crate) fn fields(&self) -> TraceFields<'_> {
        TraceFields::default()
    }
}

/// The span of a request that has come: none.
#[derive(Debug)]
pub(crate) struct RequestSpan;

impl RequestSpan {
    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    pub(crate) fn around<T>(self, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        work
    }
}
