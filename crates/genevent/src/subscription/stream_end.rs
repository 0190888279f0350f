//! Why a stream ends.

use genserver::Reason;

/// Why there will be no more events.
#[derive(Clone)]
pub(crate) enum StreamEnd {
    /// The manager has ended in order, or the stream was cancelled.
    Orderly,
    /// The manager was killed or has crashed.
    Died,
    /// The consumer was too slow.
    Lagged,
    /// An event's `clone` panicked.
    Uncopied(Reason),
}
